"""What changed from one run to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.site.column_facts import Cell


@dataclass(frozen=True, slots=True)
class Change:
    """One param that two runs do not share."""

    key: str
    before: Cell | None
    after: Cell | None


def list_changes(before: Mapping[str, Cell], after: Mapping[str, Cell]) -> list[Change]:
    """Return the params that differ, in the order of the later run; those it lacks come last."""
    changed = [
        Change(key, before.get(key), cell)
        for key, cell in after.items()
        if key not in before or before[key] != cell
    ]
    return changed + [Change(key, cell, None) for key, cell in before.items() if key not in after]
