"""Curves of a few characters: coded for the index, drawn for pages."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gittrack.site.curves import draw_levels, resample, share_of

if TYPE_CHECKING:
    from collections.abc import Sequence

SPARK_POINTS = 24
_LEVELS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-~"
_GAP = "."


def encode_spark(values: Sequence[float]) -> str:
    """Return a curve as one character a point, 64 levels from its smallest to its largest value."""
    points = resample(values, SPARK_POINTS)
    finite = [value for value in points if math.isfinite(value)]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    return "".join(
        _LEVELS[round(63 * share_of(value, low, high))] if math.isfinite(value) else _GAP for value in points
    )


def draw_spark(coded: str) -> list[str]:
    """Return a coded curve as the point lists of polylines in a box of 300 by 80."""
    shares = [None if char == _GAP else _LEVELS.index(char) / 63 for char in coded]
    return draw_levels(shares)
