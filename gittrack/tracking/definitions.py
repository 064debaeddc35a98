"""What is declared of a metric: which way it is better, and what it is drawn over.

Both are tags of the experiment, so that they hold for all its runs, in every clone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.direction import (
    HIGHER_WORD,
    LOWER_WORD,
    TAG_PREFIX,
    agreed_directions,
    is_lower_better,
)
from gittrack.core.names import check_key
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.tracking.client import Client

X_AXIS_PREFIX = "gittrack.xAxis."
DIRECTIONS = {
    "lower": "lower",
    "min": "lower",
    "minimize": "lower",
    "higher": "higher",
    "max": "higher",
    "maximize": "higher",
}
"""Words people use → the two that are stored."""


def define_metric(
    client: Client, experiment_id: str, key: str, *, direction: str | None = None, x: str | None = None
) -> None:
    """Declare a metric of an experiment.

    Args:
        client: Where it is.
        experiment_id: An active experiment.
        key: The metric.
        direction: ``lower`` or ``higher`` is better; ``minimize`` and ``maximize`` say the same.
        x: What it is drawn over: another metric, ``step``, ``time`` or ``relative``.

    Raises:
        InvalidNameError: A name cannot be a metric's.
        InvalidValueError: The direction is none, or neither is given.
        ExperimentNotFoundError: There is no such experiment.
        RunStateError: It is deleted.
    """
    check_key("metric", key)
    tags: dict[str, str] = {}
    if direction is not None:
        if direction.lower() not in DIRECTIONS:
            message = f"{direction!r} is no direction of a metric"
            raise InvalidValueError(message, hint="one of 'lower' and 'higher'")
        tags[f"{TAG_PREFIX}{key}"] = DIRECTIONS[direction.lower()]
    if x is not None:
        tags[X_AXIS_PREFIX + key] = check_key("metric", x)
    if not tags:
        message = f"nothing is declared of metric {key!r}"
        raise InvalidValueError(message, hint="give direction='lower', x='epoch' or both")
    known = client.get_experiment(experiment_id).tags
    for tag, value in tags.items():
        if known.get(tag) != value:
            client.set_experiment_tag(experiment_id, tag, value)


def declared_x_axes(tags: Mapping[str, str]) -> dict[str, str]:
    """Return metric → what it is drawn over, as the tags of an experiment say."""
    return {
        key.removeprefix(X_AXIS_PREFIX): value for key, value in tags.items() if key.startswith(X_AXIS_PREFIX)
    }


def get_metric_direction(client: Client, key: str, experiment_ids: Sequence[str] | str | None = None) -> str:
    """Return ``lower`` or ``higher``: as experiments declare, if they agree, else as the metric's name tells.

    Args:
        client: Of the store.
        key: The metric.
        experiment_ids: Those that may declare it; all if None.
    """
    return LOWER_WORD if is_lower(client, key, experiment_ids) else HIGHER_WORD


def is_lower(client: Client, key: str, experiment_ids: Sequence[str] | str | None = None) -> bool:
    """Return whether less of a metric is better; see `get_metric_direction`."""
    wanted = [experiment_ids] if isinstance(experiment_ids, str) else experiment_ids
    known = client.store.list_experiments()
    declared = agreed_directions(one for one in known if wanted is None or one.experiment_id in wanted)
    return declared.get(key, is_lower_better(key))
