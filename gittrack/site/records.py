"""The runs that were the best of their experiment when they ended."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.site.gather import Contents


@dataclass(frozen=True, slots=True)
class Record:
    """One run that beat all before it."""

    run: Run
    value: float
    before: float | None
    """What the best had been, None for an experiment's first."""
    holder: Run | None
    """Whose that was."""


def find_records(contents: Contents) -> list[Record]:
    """Return the records in the primary metric, newest first."""
    key = contents.columns.primary
    if key is None:
        return []
    sign = 1 if key in contents.columns.lower else -1
    best: dict[str, Record] = {}
    found = []
    for value, run in zip(reversed(contents.lasts), reversed(contents.runs), strict=True):
        if value is None or not math.isfinite(value):
            continue
        last = best.get(run.experiment_id)
        if last is None or sign * value < sign * last.value:
            before, holder = (last.value, last.run) if last else (None, None)
            record = Record(run, value, before, holder)
            best[run.experiment_id] = record
            found.append(record)
    return found[::-1]
