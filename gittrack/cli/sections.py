"""Titled sections of names and values, as pages about one thing have them."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.listing import printable, shorten
from gittrack.cli.run_table import STYLES

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 50
"""Entries of a section; ``--json`` has all."""
MAX_VALUE = 200


def print_section(title: str, pairs: Mapping[str, str], *, shown: int = SHOWN) -> None:
    """Print names and values under a title, if there are any."""
    if pairs:
        print_title(title)
        print_pairs(dict(islice(pairs.items(), shown)))
        print_more(len(pairs) - shown)


def print_pairs(pairs: Mapping[str, str]) -> None:
    """Print a name and its value a line, the values aligned."""
    width = max(len(key) for key in pairs)
    for key, value in pairs.items():
        shown = shorten(printable(value), MAX_VALUE)
        label = printable(key).ljust(width)
        if sys.stdout.isatty():
            color = STYLES.get(value.partition(":")[0].upper()) if key == "status" else None
            label, shown = style(label, dim=True), style(shown, fg=color) if color else shown
        click.echo(f"{label}  {shown}".rstrip())


def print_title(title: str) -> None:
    """Print the title of a section, after an empty line."""
    click.echo(f"\n{style(title, bold=True)}")


def print_more(count: int) -> None:
    """Tell how many entries are not shown, if any."""
    if count > 0:
        click.echo(f"and {count:,} more; --json has all")


def style(text: str, **options: Any) -> str:  # noqa: ANN401  (click's)
    """Return text with terminal colours, if the output is a terminal that wants them."""
    import os

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return text
    return click.style(text, **options)
