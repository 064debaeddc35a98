"""The view model of the history page: new bests, which are there without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site.pages import share_values
from gittrack.site.paths import run_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.site.gather import Contents
    from gittrack.site.records import Record

_MAX_RECORDS = 200


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One new best."""

    start: int
    name: str
    page: str
    experiment: str
    value: float
    before: float | None
    holder: str | None
    commit: str | None


def view_history(contents: Contents, records: Sequence[Record], charts: str) -> dict[str, object]:
    """Return the values of the history's template; ``charts`` is the path of the chart templates."""
    rows = [
        RecordRow(
            start=record.run.start_time,
            name=record.run.name or record.run.run_id,
            page=run_page(record.run.run_id),
            experiment=contents.experiments[record.run.experiment_id],
            value=record.value,
            before=record.before,
            holder=(record.holder.name or record.holder.run_id) if record.holder else None,
            commit=record.run.code.commit[:10] if record.run.code and record.run.code.commit else None,
        )
        for record in records[:_MAX_RECORDS]
    ]
    primary = contents.columns.primary
    return {**share_values(contents, "history"), "charts": charts, "records": rows, "primary": primary}
