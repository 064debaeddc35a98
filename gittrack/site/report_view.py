"""What a report's page shows of each of its blocks: tables of texts, charts, or what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.grouping import Spread
from gittrack.site.formats import format_duration, format_spread, format_time, format_value
from gittrack.site.marks import Mark, assign_marks
from gittrack.site.paths import run_page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gittrack.core.report_answer import Answer, AnswerTable, Cell, Look


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One row."""

    cells: Sequence[str]
    page: str | None
    """Path of the page of the run that its first cell names."""
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table of texts."""

    title: str
    heads: Sequence[tuple[str, bool]]
    """Title, and whether the column is one of numbers."""
    lines: Sequence[ShownLine]


def show_tables(answer: Answer, shown: Collection[str], root: str) -> list[ShownTable]:
    """Return the tables of a block; ``shown`` are the ids of runs that have a page."""
    marks = assign_marks([run.run_id for run in answer.runs]) if answer.block.kind == "curves" else {}
    return [_show(table, shown, root, marks) for table in answer.tables]


def show_cell(cell: Cell, look: Look) -> str:
    """Return a value as pages show it; nothing where there is none."""
    if cell is None:
        return ""
    if isinstance(cell, Spread):
        return format_spread(cell.mean, cell.std)
    if look == "time" and isinstance(cell, int):
        return format_time(cell)
    if look == "duration" and isinstance(cell, (int, float)):
        return format_duration(cell)
    return format_value(cell)


def _show(table: AnswerTable, shown: Collection[str], root: str, marks: dict[str, Mark]) -> ShownTable:
    lines = []
    for line in table.lines:
        run = line.run
        page = root + run_page(run.run_id) if run is not None and run.run_id in shown else None
        cells = [show_cell(cell, head.look) for cell, head in zip(line.cells, table.heads, strict=True)]
        if run is not None:
            cells[0] = run.name or run.run_id
        lines.append(ShownLine(cells, page, marks.get(run.run_id) if run is not None else None))
    return ShownTable(table.title, [(head.title, head.look == "number") for head in table.heads], lines)
