"""Curves fit for drawing: decimated series, sparklines and points of an SVG."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.series import Series

MAX_POINTS = 2000
"""Points of one curve above which it is decimated."""

_SVG_POINTS = 60
_SVG_WIDTH = 300
_SVG_HEIGHT = 80


FULL_POINTS = 100_000
"""Points of one curve that the site holds at most, for who zooms in."""


def order_points(series: Series) -> Sequence[int]:
    """Return the points' places in the order they are drawn: by step, then time."""
    steps, times = series.steps, series.times
    if all(before < after for before, after in pairwise(steps)):
        return range(len(steps))
    return sorted(range(len(steps)), key=lambda i: (steps[i], times[i]))


def sort_points(series: Series) -> tuple[list[int], list[float]]:
    """Return steps and values in the order they are drawn."""
    order = order_points(series)
    return [series.steps[i] for i in order], [series.values[i] for i in order]


def decimate(values: Sequence[float], limit: int = MAX_POINTS) -> Sequence[int]:
    """Return the places of at most ``limit`` points that keep a curve's ends and every bucket's extremes.

    Of each bucket of neighbours the smallest and the largest value stay, and a NaN if it holds one,
    so that peaks and gaps survive.
    """
    count = len(values)
    if count <= limit:
        return range(count)
    buckets = max(1, (limit - 2) // 3)
    keep = {0, count - 1}
    for bucket in range(buckets):
        low, high = bucket * count // buckets, (bucket + 1) * count // buckets
        part = values[low:high]
        if not any(map(math.isnan, part)):
            keep.add(low + part.index(min(part)))
            keep.add(low + part.index(max(part)))
            continue
        numbers = [i for i in range(low, high) if not math.isnan(values[i])]
        keep.add(next(i for i in range(low, high) if math.isnan(values[i])))
        if numbers:
            keep.update((min(numbers, key=values.__getitem__), max(numbers, key=values.__getitem__)))
    return sorted(keep)


def encode_steps(steps: Sequence[int]) -> list[list[int]] | list[int]:
    """Return steps as runs of ``[start, delta, count]`` where that is shorter, else as they are."""
    runs: list[list[int]] = []
    for step in steps:
        if runs:
            start, delta, count = runs[-1]
            if count == 1:
                runs[-1] = [start, step - start, 2]
                continue
            if step == start + delta * count:
                runs[-1][2] = count + 1
                continue
        runs.append([step, 0, 1])
    return runs if len(runs) * 3 < len(steps) or not steps else list(steps)


def encode_times(times: Sequence[int], start: int, unit: int) -> dict[str, list[int]] | list[list[int]]:
    """Return times in ``unit`` milliseconds since ``start``: runs as of steps, or the distances ``d``."""
    ticks = [round((time - start) / unit) for time in times]
    runs = encode_steps(ticks)
    if runs and isinstance(runs[0], list):
        return runs  # the first tells what all are
    return {"d": [after - before for before, after in pairwise([0, *ticks])]}


def round_value(value: float) -> float:
    """Return a value with the six significant digits a picture can show."""
    return float(f"{value:.6g}")


def resample(values: Sequence[float], count: int) -> list[float]:
    """Return ``count`` values at even distances, ends included; fewer if there are fewer."""
    if len(values) <= count:
        return list(values)
    last = len(values) - 1
    return [values[round(i * last / (count - 1))] for i in range(count)]


def draw_svg(values: Sequence[float], most: int = _SVG_POINTS) -> list[str]:
    """Return the point lists of the polylines that draw a curve in a box of 300 by 80, cut at gaps.

    ``most`` is how many points they have together.
    """
    points = resample(values, most)
    finite = [value for value in points if math.isfinite(value)]
    if not finite:
        return []
    low, high = min(finite), max(finite)
    return draw_levels([share_of(value, low, high) if math.isfinite(value) else None for value in points])


def draw_levels(shares: Sequence[float | None]) -> list[str]:
    """Return the polylines of a curve whose values lie between 0 and 1, None for a gap."""
    width = _SVG_WIDTH / max(1, len(shares) - 1)
    lines: list[list[str]] = [[]]
    for i, share in enumerate(shares):
        if share is None:
            lines.append([])
            continue
        lines[-1].append(f"{i * width:.0f},{_SVG_HEIGHT - 4 - (_SVG_HEIGHT - 8) * share:.1f}")
    return [" ".join(line if len(line) > 1 else line * 2) for line in lines if line]


def share_of(value: float, low: float, high: float) -> float:
    """Return where ``value`` lies between two others, from 0 to 1; the middle where they are equal."""
    # Halved first: the distance between two huge floats may overflow.
    span = high / 2 - low / 2
    return 0.5 if span == 0 else (value / 2 - low / 2) / span
