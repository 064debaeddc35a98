"""A plot as data: what is drawn, before anything is drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Axis: TypeAlias = Literal["number", "time", "text"]


@dataclass(frozen=True, slots=True)
class Curve:
    """Points that belong together."""

    name: str
    x: list[float]
    y: list[float]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves over one pair of axes."""

    curves: tuple[Curve, ...]
    x_title: str
    y_title: str
    title: str = ""
    x_axis: Axis = "number"
    """``time``: milliseconds since the epoch; ``text``: places in ``x_labels``."""
    x_labels: tuple[str, ...] = ()
    is_log_x: bool = False
    is_log_y: bool = False
    has_lines: bool = True
    """Whether the points of a curve are connected."""

    @property
    def x_range(self) -> tuple[float, float] | None:
        """The least and the greatest x, None if there is no point."""
        return _range([value for curve in self.curves for value in curve.x])

    @property
    def y_range(self) -> tuple[float, float] | None:
        """The least and the greatest y, None if there is no point."""
        return _range([value for curve in self.curves for value in curve.y])


def clean_curve(curve: Curve, *, is_log_x: bool = False, is_log_y: bool = False) -> Curve:
    """Return a curve without the points that have no place: NaN, infinities, zero and less on a log scale."""
    kept = [
        (x, y)
        for x, y in zip(curve.x, curve.y, strict=True)
        if math.isfinite(x) and math.isfinite(y) and not (is_log_x and x <= 0) and not (is_log_y and y <= 0)
    ]
    return Curve(curve.name, [x for x, _ in kept], [y for _, y in kept])


def smooth_curve(curve: Curve, weight: float) -> Curve:
    """Return the exponential moving average of a curve, without its bias at the beginning.

    Args:
        curve: Its points in order.
        weight: Of what came before, from 0 (as it is) to below 1.
    """
    if not weight:
        return curve
    average, total, smoothed = 0.0, 0.0, []
    for value in curve.y:
        average = weight * average + (1 - weight) * value
        total = weight * total + (1 - weight)
        smoothed.append(average / total)
    return Curve(curve.name, curve.x, smoothed)


def thin_curve(curve: Curve, most: int) -> Curve:
    """Return a curve of at most about ``most`` points that keeps its peaks: extremes of stretches."""
    count = len(curve.x)
    if count <= most:
        return curve
    buckets = max(most // 2, 1)
    kept: set[int] = {0, count - 1}
    for bucket in range(buckets):
        places = range(bucket * count // buckets, (bucket + 1) * count // buckets)
        if places:
            kept.add(min(places, key=curve.y.__getitem__))
            kept.add(max(places, key=curve.y.__getitem__))
    ordered = sorted(kept)
    return Curve(curve.name, [curve.x[i] for i in ordered], [curve.y[i] for i in ordered])


def _range(values: Sequence[float]) -> tuple[float, float] | None:
    return (min(values), max(values)) if values else None
