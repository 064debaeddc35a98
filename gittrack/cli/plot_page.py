"""A plot in the terminal: axes, curves in colours, a legend."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import click

from gittrack.cli.listing import printable, shorten, show_number
from gittrack.cli.times import show_time
from gittrack.core.canvas import draw

if TYPE_CHECKING:
    from gittrack.core.plot import Plot

COLORS = ("blue", "red", "green", "magenta", "cyan", "yellow", "bright_blue", "bright_red")
MAX_WIDTH, MAX_HEIGHT = 100, 20
RESERVED_ROWS = 8
"""Rows of a terminal that the prompt, axis and legend take."""


def print_plot(plot: Plot, width: int | None = None, height: int | None = None) -> None:
    """Print a plot that has points; as wide and high as the terminal allows unless told."""
    columns, rows = shutil.get_terminal_size((80, 24))
    # Labels are as wide as the widest of them.
    low, high = plot.y_range or (0.0, 1.0)
    marks = {0: show_number(high), 1: show_number(low)}
    margin = max(map(len, marks.values()))
    wide = max((width or min(columns, MAX_WIDTH)) - margin - 2, 10)
    high_rows = height or max(min(rows - RESERVED_ROWS - len(plot.curves), MAX_HEIGHT), 6)
    is_ascii = "utf" not in (sys.stdout.encoding or "").lower()
    cells = draw(plot, wide, high_rows, is_ascii=is_ascii)
    click.echo(_style(printable(plot.title or plot.y_title), bold=True))
    edge = "|" if is_ascii else "│"
    for number, row in enumerate(cells):
        mark = marks[0] if number == 0 else marks[1] if number == len(cells) - 1 else ""
        drawn = "".join(_style(one, fg=_color(owner)) for one, owner in row)
        click.echo(f"{mark.rjust(margin)} {edge}{drawn}".rstrip())
    click.echo(" " * (margin + 1) + ("+" + "-" * wide if is_ascii else "└" + "─" * wide))
    click.echo(" " * (margin + 2) + _across(plot, wide))
    if len(plot.curves) > 1:
        for number, curve in enumerate(plot.curves):
            dot = "*" if is_ascii else "●"
            last = f"  {show_number(curve.y[-1])}" if curve.y and plot.has_lines else ""
            click.echo(f"{' ' * (margin + 2)}{_style(dot, fg=_color(number))} {printable(curve.name)}{last}")


def _across(plot: Plot, width: int) -> str:
    low, high = plot.x_range or (0.0, 1.0)
    if plot.x_labels:
        left, right = printable(plot.x_labels[int(low)]), printable(plot.x_labels[int(high)])
    elif plot.x_axis == "time":
        left, right = show_time(int(low)), show_time(int(high))
    else:
        left, right = show_number(low), show_number(high)
    title = shorten(printable(plot.x_title), max(width - len(left) - len(right) - 2, 1))
    return f"{left}{title.center(max(width - len(left) - len(right), 1))}{right}"


def _color(owner: int | None) -> str | None:
    return None if owner is None else COLORS[owner % len(COLORS)]


def _style(text: str, *, fg: str | None = None, bold: bool = False) -> str:
    is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if is_plain or not (fg or bold) else click.style(text, fg=fg, bold=bold)
