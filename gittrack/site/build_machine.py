"""Writing what other programs read: feed, badge, tables, a guide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.late import last_of
from gittrack.site import exports, paths
from gittrack.site.badge import describe_badge, draw_badge
from gittrack.site.feed import write_feed
from gittrack.site.formats import format_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.site.job import Job
    from gittrack.site.records import Record


@dataclass(frozen=True, slots=True)
class FileLink:
    """A file the overview leads to."""

    path: str
    title: str


def write_machine_files(job: Job, records: Sequence[Record]) -> list[FileLink]:
    """Write them and return those worth a link; ``records`` are the new bests, newest first.

    With one new run among many, none of them changes unless the run is a new best.
    """
    contents = job.contents
    links = []
    wanted = job.options.tables
    has_tables = len(contents.runs) <= exports.MAX_RUNS if wanted is None else wanted
    if has_tables:
        job.folder.put(paths.RUNS_CSV, exports.write_csv(contents))
        job.folder.put(paths.RUNS_JSON, exports.write_json(contents))
        links += [FileLink(paths.RUNS_CSV, "runs.csv"), FileLink(paths.RUNS_JSON, "runs.json")]
    job.folder.put(paths.GUIDE, exports.write_guide(contents, has_tables=has_tables))
    key, best = contents.columns.primary, contents.find_best()
    if contents.has_feed:
        job.folder.put(paths.FEED, write_feed(contents, records))
        links.append(FileLink(paths.FEED, "Feed of new bests and alerts"))
    if key is not None:
        last = None if best is None else last_of(best.metrics, key)
        message = "none yet" if last is None else format_number(last)
        job.folder.put(paths.BADGE, draw_badge(key, message))
        job.folder.put(paths.BADGE_JSON, describe_badge(key, message))
        links.append(FileLink(paths.BADGE, "Badge"))
    return [*links, FileLink(paths.GUIDE, "llms.txt")]
