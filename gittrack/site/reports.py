"""Reports of a repository: where they are, what runs they are about, what they lead to."""

from __future__ import annotations

import hashlib
import re
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Protocol

from gittrack.core.direction import declared_directions
from gittrack.core.frozen import dataclass
from gittrack.core.query_setting import Setting
from gittrack.core.report import Report, parse_report
from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Experiment, Run
    from gittrack.core.report_answer import Basis

FOLDER = "reports"
"""Where reports are in a repository."""
SUFFIX = ".md"
_FOREIGN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//|#")
_PLAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")


class Files(Protocol):
    """Files of a repository: committed, as those of a `Source`, or as they are on disk."""

    def list_committed(self, folder: str) -> list[str]:
        """Return the paths of the files right in a folder, sorted."""

    def read_committed(self, path: str) -> bytes | None:
        """Return the content of a file, None if there is none."""


@dataclass(frozen=True, slots=True)
class ReportFile:
    """One report as it is in the repository."""

    path: str
    source: str
    report: Report
    problem: UserError | None = None
    """What is wrong with its head."""

    @property
    def slug(self) -> str:
        """Name of its page, safe on every file system."""
        return slug_of(self.path)

    @property
    def title(self) -> str:
        """What it is called in lists."""
        return self.report.title or self.path.rpartition("/")[2].removesuffix(SUFFIX)


def list_reports(files: Files) -> tuple[ReportFile, ...]:
    """Return the reports in `FOLDER`, by their paths."""
    found = []
    for path in files.list_committed(FOLDER):
        content = files.read_committed(path) if path.endswith(SUFFIX) else None
        if content is not None:
            found.append(read_report(path, content))
    return tuple(found)


def read_report(path: str, content: bytes) -> ReportFile:
    """Return the report in a file; what is wrong with its head is part of it."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    try:
        return ReportFile(path, text, parse_report(text))
    except UserError as error:
        return ReportFile(path, text, Report(None, None, text, 1), error)


def slug_of(path: str) -> str:
    """Return the name of a report's page."""
    stem = path.rpartition("/")[2].removesuffix(SUFFIX)
    if _PLAIN.fullmatch(stem):
        return stem
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:60]
    return f"{plain or 'report'}-{hashlib.sha256(path.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def is_foreign(address: str) -> bool:
    """Return whether an address leads out of the repository, or to a place in its own page."""
    return _FOREIGN.match(address) is not None


def resolve(report: str, address: str) -> str | None:
    """Return the path in the repository that a relative address in a report means, None if it means none."""
    if is_foreign(address) or address.startswith("/"):
        return None
    path = normpath(join(dirname(report), address.partition("#")[0].partition("?")[0]))
    return None if path.startswith("..") or path == "." else path


def make_basis(runs: Sequence[Run], experiments: Sequence[Experiment]) -> Basis:
    """Return what blocks are asked of; ages count from the newest thing that happened in any of the runs."""
    from gittrack.core.report_answer import Basis  # few builds need it

    latest = max((max(run.start_time, run.end_time or 0) for run in runs), default=0)
    directions = {one.experiment_id: declared_directions(one.tags) for one in experiments}
    return Basis(runs, Setting(latest, {one.experiment_id: one.name for one in experiments}, directions))
