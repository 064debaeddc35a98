"""What a training says beside its numbers: what a metric means, what people should look at."""

from __future__ import annotations

import os

from gittrack.fluent.active import active_run, live_run
from gittrack.fluent.current import active_experiment_id, client

WEBHOOK = "GITTRACK_ALERT_WEBHOOK"


def define_metric(key: str, direction: str | None = None, x: str | None = None) -> None:
    """Declare a metric for all runs of the active experiment.

    Args:
        key: The metric.
        direction: ``lower`` or ``higher`` is better; ``minimize`` and ``maximize`` say the same.
        x: What it is drawn over: another metric, ``step``, ``time`` or ``relative``.

    Raises:
        InvalidNameError: A name cannot be a metric's.
        InvalidValueError: The direction is none, or neither is given.
    """
    run = active_run()
    experiment_id = run.info.experiment_id if run else active_experiment_id()
    client().define_metric(experiment_id, key, direction=direction, x=x)


def alert(
    title: str,
    text: str = "",
    level: str = "INFO",
    webhook: str | None = None,
    run_id: str | None = None,
) -> None:
    """Call attention to the active run: `gittrack log`, `show` and the site show it.

    Args:
        title: One line.
        text: More, in plain text.
        level: ``INFO``, ``WARN`` or ``ERROR``.
        webhook: Where to send it too, as JSON with ``text``; ``GITTRACK_ALERT_WEBHOOK`` if None. It is kept
            nowhere.
        run_id: Of another run than the active one.

    Raises:
        InvalidValueError: The title, level or address is none.
        StoreError: The disk is full, or failed.
    """
    address = webhook or os.environ.get(WEBHOOK) or None
    client().alert(live_run(run_id).run_id, title, text, level=level, webhook=address)
