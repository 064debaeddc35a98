"""How a metric went from run to run of an experiment, as a small picture."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.late import list_lasts
from gittrack.site.curves import resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run

_POINTS = 60
_WIDTH, _HEIGHT, _MARGIN = 300, 80, 6


@dataclass(frozen=True, slots=True)
class Trend:
    """One metric of an experiment's runs in the order they were started."""

    key: str
    best: float
    dots: tuple[str, ...]
    """Each run's last value as ``x,y`` in a box of 300 by 80."""
    line: str
    """The best so far, as a polyline's points."""


def draw_trend(runs: Sequence[Run], key: str, *, is_lower: bool) -> Trend | None:
    """Return the trend of a metric over runs, oldest first; None when none has a finite value.

    ``is_lower`` says whether less is better.
    """
    lasts = list_lasts((run.metrics for run in runs), key)
    values = [value for value in lasts if value is not None and math.isfinite(value)]
    if not values:
        return None
    records = list(accumulate(values, min if is_lower else max))
    shown, line = resample(values, _POINTS), resample(records, _POINTS)
    low, high = _clip(shown, line)
    step = _WIDTH / max(1, len(shown) - 1)

    def place(i: int, value: float) -> str:
        share = 0.5 if high == low else (min(max(value, low), high) - low) / (high - low)
        return f"{i * step:.0f},{_HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * share:.1f}"

    points = [place(i, value) for i, value in enumerate(line)]
    return Trend(
        key,
        records[-1],
        tuple(place(i, value) for i, value in enumerate(shown)),
        " ".join(points if len(points) > 1 else points * 2),
    )


def _clip(shown: Sequence[float], line: Sequence[float]) -> tuple[float, float]:
    """Return the range to draw: a run that diverged would flatten all others."""
    ordered = sorted(shown)
    last = len(ordered) - 1
    low, high = ordered[round(last * 0.05)], ordered[round(last * 0.95)]
    return min(low, line[-1]), max(high, line[-1])
