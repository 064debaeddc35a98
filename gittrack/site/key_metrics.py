"""The figures that a run's page begins with: of its leading metrics the last, the best and the way there."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site.columns import leading_keys
from gittrack.site.curves import draw_svg, sort_points

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.core.series import Series
    from gittrack.site.columns import Columns

_MOST = 6
_POINTS = 40


@dataclass(frozen=True, slots=True)
class KeyMetric:
    """One metric in figures."""

    key: str
    last: float
    best: float
    best_step: int
    delta: float | None
    """Against the run before; None where that lacks the metric, or where nothing moved."""
    is_better: bool
    lines: Sequence[str]
    """Point lists of the curve's polylines; none of a single point."""


def list_key_metrics(
    run: Run, series: Mapping[str, Series], before: Run | None, columns: Columns
) -> list[KeyMetric]:
    """Return the leading metrics, the primary one first if the run has it."""
    keys = leading_keys(list(run.metrics), columns.primary, columns.lower)[:_MOST]
    return [_describe(key, run, series, before, is_lower=key in columns.lower) for key in keys]


def _describe(
    key: str, run: Run, series: Mapping[str, Series], before: Run | None, *, is_lower: bool
) -> KeyMetric:
    summary = run.metrics[key]
    earlier = before.metrics.get(key) if before else None
    delta = summary.last - earlier.last if earlier else math.nan
    values = sort_points(series[key])[1] if key in series else []
    return KeyMetric(
        key=key,
        last=summary.last,
        best=summary.min if is_lower else summary.max,
        best_step=summary.min_step if is_lower else summary.max_step,
        delta=delta if math.isfinite(delta) and delta != 0 else None,
        is_better=(delta < 0) == is_lower,
        lines=draw_svg(values, _POINTS) if len(values) > 1 else [],
    )
