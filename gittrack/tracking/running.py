"""Runs that are running, as they are now: how far, how fast, and whether they still give signs of life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.columns import rank_metrics
from gittrack.core.model import RunStatus
from gittrack.tracking.heartbeat import find_heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

SYSTEM = "system/"
RATE_MS = 60_000
"""Speed is counted over the last minute that has points."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One metric of a running run."""

    key: str
    values: Sequence[float]
    """By step, the last ones only."""
    last: float
    step: int
    per_minute: float
    """Points in a minute."""


@dataclass(frozen=True, slots=True)
class Running:
    """One running run."""

    run: Run
    curves: Sequence[Curve]
    is_lost: bool
    """Whether its host gives no sign of life any more."""
    alert: str | None
    """Its latest alert."""


def list_running(
    client: Client,
    now_ms: int,
    *,
    experiment_ids: Iterable[str] | None = None,
    keys: Sequence[str] = (),
    curves: int = 2,
    points: int = 200,
) -> list[Running]:
    """Return the runs that are running, the newest first.

    Args:
        client: Where they are.
        now_ms: The present.
        experiment_ids: Of these experiments only; of all if None.
        keys: Metrics to show; those that say most if there are none.
        curves: How many metrics of a run.
        points: How many values of each.
    """
    client.recover()
    found = [run for run in client.iter_runs(experiment_ids) if run.status is RunStatus.RUNNING]
    return [_look_at(client, run, now_ms, keys, curves, points) for run in found]


def _look_at(client: Client, run: Run, now_ms: int, keys: Sequence[str], curves: int, points: int) -> Running:
    from gittrack.core.alerts import TAG_ALERT

    own = [key for key in run.metrics if not key.startswith(SYSTEM)]
    wanted = [key for key in keys if key in run.metrics] or rank_metrics(own or run.metrics)[:curves]
    series = client.get_series(run.run_id) if wanted else {}
    beat = find_heartbeat(client, run)
    shown = []
    for key in wanted:
        one = series.get(key)
        if one is None or not one.values:
            continue
        order = sorted(range(len(one.values)), key=one.steps.__getitem__)[-points:]
        latest = max(one.times)
        recent = sum(1 for time in one.times if time > latest - RATE_MS)
        span_min = min(max(latest - min(one.times), 1000), RATE_MS) / 60_000
        summary = run.metrics[key]
        values = [one.values[place] for place in order]
        shown.append(Curve(key, values, summary.last, summary.last_step, recent / span_min))
    return Running(run, shown, beat is not None and beat.is_lost(now_ms), run.tags.get(TAG_ALERT))
