"""What tells runs apart in a picture: colour, dash and letter, as `colours.js` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site.paths import bucket_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_COLOURS = 10
_DASHES = 4
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Mark:
    """Of one run among others."""

    colour: int
    dash: int
    letter: str


def assign_marks(run_ids: Sequence[str]) -> dict[str, Mark]:
    """Return a mark for each run: the colour its id asks for, or the next one free."""
    taken = [0] * _COLOURS
    marks = {}
    for position, run_id in enumerate(run_ids):
        least = min(taken)
        place = bucket_of(run_id, _COLOURS)
        while taken[place] > least:
            place = (place + 1) % _COLOURS
        marks[run_id] = Mark(place, taken[place] % _DASHES, _letter_of(position))
        taken[place] += 1
    return marks


def _letter_of(position: int) -> str:
    turns, place = divmod(position, len(_LETTERS))
    return f"{_LETTERS[turns - 1] if turns else ''}{_LETTERS[place]}"
