"""Every listing: a table on a terminal, aligned text in a pipe, or JSON, CSV, Markdown."""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from gittrack.cli.complain import tell
from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Records: TypeAlias = "Sequence[Mapping[str, Any]]"
Exported: TypeAlias = "tuple[Sequence[str], Sequence[Sequence[Any]]]"

MAX_CELL = 40
MAX_CELL_ON_TERMINAL = 28
GAP = 2

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a listing."""

    title: str
    is_number: bool = False
    must_show: bool = False
    """Whether the column stays when the terminal is narrow."""
    wraps: bool = False
    """Whether long cells go on in the next line of a terminal."""
    show: Callable[[Any], str] = str
    """How people read a cell; None is shown as ``-``."""
    show_on_terminal: Callable[[Any], str] | None = None
    """How people read it on a terminal, if that is different, e.g. as an age."""
    style: Callable[[Any], str] | None = None
    """Colour of a cell on a terminal."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of values and how to show them."""

    columns: Sequence[Column]
    """By importance: the last ones go first when the terminal is narrow."""
    rows: Sequence[Sequence[Any]]
    records: Records | Callable[[], Records] = field(default_factory=list)
    """The same rows for ``--json``, or what makes them."""
    exported: Exported | Callable[[], Exported] | None = None
    """Titles and rows for ``--csv``, where they are others, or what makes them."""
    when_empty: str = "nothing to show"
    when_narrow: str = "--json has all"
    """What to tell if columns had to be left out."""
    max_cell: int = MAX_CELL
    """Characters shown of a cell in tables."""


def print_listing(listing: Listing, form: str | None) -> None:
    """Print a listing as ``json``, ``csv`` or ``md``, else as what the output is made for."""
    if form == "json":
        print_json(listing.records() if callable(listing.records) else listing.records)
    elif form == "csv":
        exported = listing.exported() if callable(listing.exported) else listing.exported
        titles, rows = exported or ([column.title for column in listing.columns], listing.rows)
        _print_csv(titles, rows)
    elif not listing.rows:
        tell(listing.when_empty)
    elif form == "md":
        click.echo("\n".join(markdown_lines(listing)))
    elif sys.stdout.isatty():
        _print_table(listing)
    else:
        _print_plain(listing)


def print_json(value: object) -> None:
    """Print JSON, NaN and infinities as strings."""
    click.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def printable(text: str) -> str:
    r"""Return text on one line whose control characters cannot move a cursor: they are shown as ``\x1b``."""
    if text.isprintable() and text.isascii():
        return text
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in {"Cc", "Cs"} or character in _BIDI
        else character
        for character in text
    )


def printable_lines(text: str) -> str:
    """Return text of many lines, each of them made printable."""
    return "\n".join(printable(line.expandtabs()) for line in text.splitlines())


def show_number(value: Any) -> str:  # noqa: ANN401  (any cell)
    """Return a number with four digits that count, whole numbers in full; other things as they are."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or (math.isfinite(value) and value.is_integer() and abs(value) < 1e9):  # noqa: PLR2004
        text = str(int(value))
        return text if len(text) <= 16 else f"{value:.4g}" if abs(value) < 1e300 else f"{text[:12]}…"  # noqa: PLR2004
    return f"{value:.4g}"


def shorten(text: str, width: int = MAX_CELL) -> str:
    """Return text cut to a width, with an ellipsis."""
    if display_width(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += display_width(character)
        if used >= width:
            break
        kept += character
    return f"{kept}…"


def display_width(text: str) -> int:
    """Return how many columns of a terminal text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) == "Cf"
        else 2
        if unicodedata.east_asian_width(one) in "WF"
        else 1
        for one in text
    )


def align(cells: Sequence[str], widths: Sequence[int], numbers: Sequence[bool]) -> str:
    """Return one line of aligned cells."""
    padded = []
    for cell, width, is_number in zip(cells, widths, numbers, strict=True):
        space = " " * (width - display_width(cell))
        padded.append(space + cell if is_number else cell + space)
    return (" " * GAP).join(padded).rstrip()


def _texts(listing: Listing, *, is_terminal: bool) -> list[list[str]]:
    shows = []
    for column in listing.columns:
        show = column.show_on_terminal if is_terminal and column.show_on_terminal else column.show
        is_cut = is_terminal and not column.must_show
        shows.append((show, min(listing.max_cell, MAX_CELL_ON_TERMINAL) if is_cut else listing.max_cell))
    return [
        [
            "-" if cell is None else shorten(printable(show(cell)), width)
            for (show, width), cell in zip(shows, row, strict=True)
        ]
        for row in listing.rows
    ]


def _print_plain(listing: Listing) -> None:
    texts = _texts(listing, is_terminal=False)
    titles = [shorten(printable(column.title)) for column in listing.columns]
    widths = [max(map(display_width, cells)) for cells in zip(titles, *texts, strict=True)]
    numbers = [column.is_number for column in listing.columns]
    lines = [align(row, widths, numbers) for row in [titles, *texts]]
    click.echo("\n".join(lines))


def _print_table(listing: Listing) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    texts = _texts(listing, is_terminal=True)
    titles = [shorten(printable(column.title)) for column in listing.columns]
    widths = [max(map(display_width, cells)) for cells in zip(titles, *texts, strict=True)]
    shown = _fit(listing.columns, widths, console.width)
    table = Table(
        box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold", collapse_padding=True
    )
    for index in shown:
        column = listing.columns[index]
        table.add_column(
            Text(titles[index]),
            justify="right" if column.is_number else "left",
            no_wrap=not column.wraps,
            overflow="fold" if column.wraps else "ellipsis",
        )
    for row, cells in zip(listing.rows, texts, strict=True):
        table.add_row(*[_styled(Text, listing.columns[index], row[index], cells[index]) for index in shown])
    console.print(table)
    hidden = [titles[index] for index in range(len(titles)) if index not in shown]
    if hidden:
        start, end = f"{count(len(hidden), 'more column')}: ", f" ({listing.when_narrow})"
        names = shorten(", ".join(hidden), max(console.width - len(start) - len(end), 1))
        tell(f"{start}{names}{end}")


def _styled(text: Callable[..., Any], column: Column, value: object, cell: str) -> Any:  # noqa: ANN401  (rich's Text)
    style = column.style(value) if column.style and value is not None else "dim" if value is None else ""
    return text(cell, style=style or "")


def _fit(columns: Sequence[Column], widths: Sequence[int], width: int) -> list[int]:
    """Return which columns fit into a width: those that must, then the first ones."""
    shown = {index for index, column in enumerate(columns) if column.must_show}
    used = sum(widths[index] + GAP for index in shown)
    for index in range(len(columns)):
        if index not in shown and used + widths[index] <= width:
            shown.add(index)
            used += widths[index] + GAP
    return sorted(shown)


def markdown_lines(listing: Listing) -> list[str]:
    """Return a listing as the lines of a Markdown table, of which the first two are its head."""
    rule = "|".join(" ---: " if column.is_number else " --- " for column in listing.columns)
    head = [_markdown_row([column.title for column in listing.columns]), f"|{rule}|"]
    return head + [_markdown_row(row) for row in _texts(listing, is_terminal=False)]


def _markdown_row(cells: Sequence[str]) -> str:
    escaped = (
        printable(cell).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") for cell in cells
    )
    return f"| {' | '.join(escaped)} |"


def _print_csv(titles: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    import csv

    writer = csv.writer(_Echo(), lineterminator="\n")
    writer.writerow(titles)
    writer.writerows([[_csv_cell(cell) for cell in row] for row in rows])


class _Echo:
    def write(self, text: str) -> None:
        click.echo(text, nl=False)


def _csv_cell(cell: object) -> object:
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(cell)
    return json.dumps(_plain(cell), ensure_ascii=False) if isinstance(cell, (list, dict)) else cell


def _plain(value: Any) -> Any:  # noqa: ANN401  (whatever JSON holds)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value


def count(number: int, noun: str) -> str:
    """Return a number of things in words, e.g. ``1 run`` or ``3,000 runs``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
