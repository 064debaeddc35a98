"""New runs against a baseline: what a pull request did to a metric."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.columns import rank_metrics
from gittrack.core.diff import compare_metric, diff_runs
from gittrack.core.direction import is_lower_better
from gittrack.core.fields import metric_value
from gittrack.core.select import unknown_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.diff import MetricRow
    from gittrack.core.model import Run

MORE_METRICS = 2
"""Metrics shown beside the one that runs are judged by."""
MORE_PARAMS = 4


@dataclass(frozen=True, slots=True)
class News:
    """New runs, best first, and the run they are compared with."""

    runs: tuple[Run, ...]
    baseline: Run | None
    metric: str | None
    """What they are judged by; None where no run has a metric."""
    lower: bool
    """Whether less of it is better."""
    others: tuple[str, ...]
    """More metrics that are worth showing."""
    params: tuple[str, ...]
    """Params, by dotted names, in which runs differ from the baseline or from each other."""
    value: str = "last"
    directions: Mapping[str, bool] | None = None

    def has_baseline_for(self, run: Run) -> bool:
        """Whether there is a baseline other than the run itself."""
        return self.baseline is not None and self.baseline.run_id != run.run_id

    def compare(self, run: Run, metric: str) -> MetricRow:
        """Return a metric of the baseline and of a run; without a baseline, of the run alone."""
        return compare_metric(metric, [self.baseline or run, run], self.value, self.directions or {})


def make_news(
    runs: Iterable[Run],
    candidates: Iterable[Run],
    *,
    metric: str | None = None,
    baseline: Run | None = None,
    value: str = "last",
    directions: Mapping[str, bool] | None = None,
) -> News:
    """Return what new runs did.

    Args:
        runs: The new ones.
        candidates: Runs of which the best one is the baseline, if none is given.
        metric: What to judge by; the one that says most of all that the new runs have, if None.
        baseline: What to compare with.
        value: Which value stands for a metric.
        directions: Metric → whether less is better, where that is declared.

    Raises:
        RunNotFoundError: No new run has the metric that is asked for.
    """
    found = list(runs)
    ranked = rank_metrics({key for run in found for key in run.metrics})
    if metric is not None and metric not in ranked and found:
        raise unknown_metric(metric, ranked)
    metric = metric or (ranked[0] if ranked else None)
    lower = (directions or {}).get(metric or "", is_lower_better(metric or ""))
    if metric is not None:
        found = _rank(found, metric, value, lower=lower)
        having = (run for run in candidates if metric in run.metrics)
        best = [run for run in _rank(having, metric, value, lower=lower) if _is_number(run, metric, value)]
        baseline = baseline or (best[0] if best else None)
    return News(
        tuple(found),
        baseline,
        metric,
        lower,
        tuple(key for key in ranked if key != metric and not key.startswith("system/"))[:MORE_METRICS],
        tuple(_varying([*([baseline] if baseline else []), *found])[:MORE_PARAMS]),
        value,
        directions,
    )


def _rank(runs: Iterable[Run], metric: str, value: str, *, lower: bool) -> list[Run]:
    """Return runs, best first; those without a number of the metric last."""

    def place(run: Run) -> tuple[bool, float]:
        if metric not in run.metrics:
            return True, math.inf
        number = metric_value(metric, run.metrics[metric], value, lower=lower)
        return math.isnan(number), (number if lower else -number)

    return sorted(runs, key=place)


def _is_number(run: Run, metric: str, value: str) -> bool:
    return math.isfinite(metric_value(metric, run.metrics[metric], value))


def _varying(runs: Sequence[Run]) -> list[str]:
    return [row.key for row in diff_runs(runs).params if row.differs] if len(runs) > 1 else []
