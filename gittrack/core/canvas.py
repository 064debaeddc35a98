"""A plot drawn with the dots of braille characters, for terminals."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.core.plot import Plot

Cells: TypeAlias = "list[list[tuple[str, int | None]]]"
"""Rows of characters, each with the number of the curve it belongs to."""

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the dots in a braille character, by row and column. Source: Unicode, Braille Patterns."""
BLANK = 0x2800


def draw(plot: Plot, width: int, height: int, *, is_ascii: bool = False) -> Cells:
    """Return a plot as characters.

    Args:
        plot: Its curves must be clean.
        width: Columns.
        height: Rows.
        is_ascii: Draw stars, where there are no braille characters.
    """
    across, down = (1, 1) if is_ascii else (2, 4)
    place_x = _scale(plot.x_range, width * across, is_log=plot.is_log_x)
    place_y = _scale(plot.y_range, height * down, is_log=plot.is_log_y)
    bits = [[0] * width for _ in range(height)]
    owners: list[list[int | None]] = [[None] * width for _ in range(height)]
    for number, curve in enumerate(plot.curves):
        places = [(place_x(x), place_y(y)) for x, y in zip(curve.x, curve.y, strict=True)]
        for column, row in _connect(places) if plot.has_lines else places:
            top = height * down - 1 - row
            bits[top // down][column // across] |= DOTS[top % down][column % across]
            owners[top // down][column // across] = number
    return [
        [(_character(bit, is_ascii=is_ascii), owner) for bit, owner in zip(*rows, strict=True)]
        for rows in zip(bits, owners, strict=True)
    ]


def _character(bits: int, *, is_ascii: bool) -> str:
    if not bits:
        return " "
    return "*" if is_ascii else chr(BLANK + bits)


def _scale(ends: tuple[float, float] | None, size: int, *, is_log: bool) -> Callable[[float], int]:
    """Return the function that tells which of ``size`` dots a value falls on."""
    low, high = ends or (1.0, 1.0)
    to: Callable[[float], float] = math.log if is_log else float
    begin, end = to(low), to(high)
    # Half of each, so that no difference overflows.
    span = end / 2 - begin / 2
    if not span:
        return lambda _: size // 2
    return lambda value: min(round((to(value) / 2 - begin / 2) / span * (size - 1)), size - 1)


def _connect(places: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the dots of the lines from each place to the next."""
    if places:
        yield places[0]
    for (left, low), (right, high) in pairwise(places):
        steps = max(abs(right - left), abs(high - low))
        for step in range(1, steps + 1):
            yield left + round((right - left) * step / steps), low + round((high - low) * step / steps)
