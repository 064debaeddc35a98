"""Markdown in parts, cut where that is needed to stay within what a host takes as a comment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.cli.listing import count, markdown_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.cli.listing import Listing

TABLE_HEAD = 2
"""Lines of a Markdown table before its first row."""
_RESERVED = 120
"""Bytes kept for the line that says what was left out."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines that belong together; only ``rows`` may be cut, and then ``foot`` still ends them."""

    head: Sequence[str]
    rows: Sequence[str] = ()
    foot: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """All of them."""
        return [*self.head, *self.rows, *self.foot]


def table_part(listing: Listing, head: Sequence[str] = (), foot: Sequence[str] = ()) -> Part:
    """Return a listing as a table that may lose rows, between other lines."""
    lines = markdown_lines(listing)
    return Part([*head, *lines[:TABLE_HEAD]], lines[TABLE_HEAD:], foot)


def join_parts(parts: Sequence[Part], most: int) -> str:
    """Return parts one below the other in at most ``most`` bytes; a last line says what was left out."""
    whole = "\n".join(line for part in parts for line in part.lines)
    if _size(whole) <= most:
        return whole
    room = most - _RESERVED
    lines: list[str] = []
    for number, part in enumerate(parts):
        if (needed := _size_of(part.lines)) <= room:
            lines += part.lines
            room -= needed
            continue
        room -= _size_of([*part.head, *part.foot])
        rows = _fitting(part.rows, room)
        if rows:
            lines += [*part.head, *rows, *part.foot]
        left = [count(len(part.rows) - len(rows), "row")] if rows else []
        if later := len(parts) - number - bool(rows):
            left.append(count(later, "part"))
        lines += ["", f"*Cut to {most:,} bytes: {' and '.join(left)} left out.*"]
        break
    return "\n".join(lines)


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    kept = []
    for row in rows:
        room -= _size_of([row])
        if room < 0:
            break
        kept.append(row)
    return kept


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _size_of(lines: Sequence[str]) -> int:
    return sum(_size(line) + 1 for line in lines)
