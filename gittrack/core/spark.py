"""Curves in one line of text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = "▁▂▃▄▅▆▇█"
GAP = " "
"""Stands for what is no finite number."""


def draw_spark(values: Sequence[float], width: int) -> str:
    """Return values, the oldest first, as at most ``width`` characters: of each piece its last value."""
    if not values or width < 1:
        return ""
    count = min(len(values), width)
    shown = [values[(place + 1) * len(values) // count - 1] for place in range(count)]
    finite = [value for value in shown if math.isfinite(value)]
    if not finite:
        return GAP * count
    low, high = min(finite), max(finite)
    return "".join(_level(value, low, high) for value in shown)


def _level(value: float, low: float, high: float) -> str:
    if not math.isfinite(value):
        return GAP
    if high == low:
        return LEVELS[len(LEVELS) // 2 - 1]
    # Halves first: the span of two floats may be more than a float holds.
    part = (value / 2 - low / 2) / (high / 2 - low / 2)
    return LEVELS[min(int(part * len(LEVELS)), len(LEVELS) - 1)]
