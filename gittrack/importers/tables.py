"""Reads tables in CSV files: a run a row, or a step a row."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from gittrack.core.model import (
    TAG_BRANCH,
    TAG_COMMIT,
    TAG_NOTE,
    TAG_PARENT,
    TAG_SOURCE_NAME,
    RunStatus,
)
from gittrack.core.names import check_run_id
from gittrack.core.query_values import parse_number
from gittrack.core.run_table import Choice, Role, Table, parse_moment, understand_table
from gittrack.core.values import parse_scalar
from gittrack.errors import CorruptDataError, InvalidNameError, InvalidValueError, NotFoundError
from gittrack.importers.foreign import Keys, Points, derive_run_id, fit_name, fit_params, write_contents
from gittrack.importers.records import FoundRun
from gittrack.importers.runs_reader import Group, PendingRun, RunsReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

STATUSES = {
    "failed": RunStatus.FAILED, "crashed": RunStatus.FAILED, "error": RunStatus.FAILED,
    "killed": RunStatus.KILLED, "running": RunStatus.RUNNING, "scheduled": RunStatus.SCHEDULED,
}  # fmt: skip
"""What is none of these has finished."""
_TAGS = {
    Role.NOTE: TAG_NOTE,
    Role.SOURCE: TAG_SOURCE_NAME,
    Role.PARENT: TAG_PARENT,
    Role.COMMIT: TAG_COMMIT,
    Role.BRANCH: TAG_BRANCH,
}


def read_tables(
    files: Sequence[Path],
    *,
    choice: Choice | None = None,
    experiment: str | None = None,
    warn: Callable[[str], None],
) -> RunsReader:
    """Return a reader of the runs in CSV files.

    A run without an id in the table is known by all that is said of it: if that changes, it is another run.

    Args:
        files: With a header each; cells are separated by comma, semicolon or tab.
        choice: What the columns mean, where that is not guessed well.
        experiment: The name of the experiment they come into; what the table says, else the file's name.
        warn: Told what the columns mean, and what is named anew or no number.

    Raises:
        NotFoundError: A file is not there.
        CorruptDataError: A file is no table.
        InvalidValueError: Columns have the same name, or one that is chosen is not there.
    """
    groups: dict[str, list[tuple[int, PendingRun]]] = {}
    for file in files:
        header, rows = _read_file(file)
        try:
            table = understand_table(header, rows, choice or Choice())
        except InvalidValueError as error:
            raise InvalidValueError(f"{str(file)!r}: {error.message}", hint=error.hint) from None
        warn(f"{file.name}: {table.describe()}")
        changed = file.stat().st_mtime_ns // 1_000_000
        for run in _split_runs(table, file.stem, changed, warn):
            name = experiment or table.cell(run.rows[0], Role.EXPERIMENT) or file.stem
            groups.setdefault(fit_name(name, "table"), []).append((run.start_time, run.pending()))
    return RunsReader(
        [
            Group(name, min(time for time, _ in runs), [one for _, one in runs])
            for name, runs in groups.items()
        ]
    )


@dataclass(frozen=True, slots=True)
class _TableRun:
    """The rows of one run."""

    table: Table
    rows: Sequence[Sequence[str]]
    attempt: int
    """How many runs in the file before it are equal to it."""
    otherwise: str
    """Its name if the table says none."""
    changed: int
    """When the file was written, in milliseconds since the epoch."""
    warn: Callable[[str], None]

    def pending(self) -> PendingRun:
        """Return it as a run that is to be read."""
        return PendingRun(self.name, partial(_read_run, self))

    @property
    def name(self) -> str:
        """What the table calls it."""
        return fit_name(self.first(Role.NAME) or self.otherwise, "run")

    @property
    def start_time(self) -> int:
        """Milliseconds since the epoch."""
        said = parse_moment(self.first(Role.START_TIME) or "")
        points = [time for row in self.rows if (time := self.time_of(row)) is not None]
        return min(points, default=self.changed) if said is None else said

    def first(self, role: Role) -> str | None:
        """Return what the first of the rows says."""
        return self.table.cell(self.rows[0], role)

    def time_of(self, row: Sequence[str]) -> int | None:
        """Return the time of the points in a row."""
        return parse_moment(self.table.cell(row, Role.TIME) or "")

    def run_id(self) -> str:
        """Return the id the table says, else one of all that it says."""
        try:
            return check_run_id(self.first(Role.RUN_ID))
        except InvalidNameError:
            said = json.dumps([list(self.table.header), [list(row) for row in self.rows]])
            return derive_run_id(None, "csv", said, str(self.attempt))


def _split_runs(table: Table, stem: str, changed: int, warn: Callable[[str], None]) -> list[_TableRun]:
    if not table.has_steps:
        seen: Counter[tuple[str, ...]] = Counter()
        runs = []
        for number, row in enumerate(table.rows, 1):
            key = tuple(row)
            runs.append(_TableRun(table, [row], seen[key], f"{stem} {number}", changed, warn))
            seen[key] += 1
        return runs
    by_run: dict[str, list[Sequence[str]]] = {}
    for row in table.rows:
        run = table.cell(row, Role.RUN_ID) or table.cell(row, Role.NAME) or ""
        by_run.setdefault(run, []).append(row)
    return [_TableRun(table, rows, 0, run or stem, changed, warn) for run, rows in by_run.items()]


def _read_run(run: _TableRun) -> FoundRun:
    table, row = run.table, run.rows[0]
    points = _read_points(run)
    params, files = fit_params(
        {key: parse_scalar(text) for key, text in table.cells(row, Role.PARAM)}, Keys("param", run.warn)
    )
    tag_key = Keys("tag", run.warn)
    tags = {tag_key(key): text for key, text in table.cells(row, Role.TAG)}
    tags |= {tag: text for role, tag in _TAGS.items() if (text := run.first(role)) is not None}
    status = STATUSES.get((run.first(Role.STATUS) or "").lower(), RunStatus.FINISHED)
    ended = _end_time(run)
    return FoundRun(
        run_id=run.run_id(),
        experiment_id="",
        name=run.name,
        start_time=run.start_time,
        end_time=ended if status.is_terminated else None,
        status=status,
        user=run.first(Role.USER) or "",
        has_own_times=ended != run.changed or not status.is_terminated,
        params=params,
        tags=tags,
        read_metrics=lambda: points,
        read_artifacts=lambda: write_contents(files),
    )


def _end_time(run: _TableRun) -> int:
    said = parse_moment(run.first(Role.END_TIME) or "")
    if said is not None:
        return said
    duration = parse_number(run.first(Role.DURATION) or "")
    if duration is not None and 0 <= duration < 1e9:  # noqa: PLR2004  (seconds)
        return run.start_time + round(duration * 1000)
    times = [time for row in run.rows if (time := run.time_of(row)) is not None]
    has_start = parse_moment(run.first(Role.START_TIME) or "") is not None
    return max(times, default=run.start_time if has_start else run.changed)


def _read_points(run: _TableRun) -> Points:
    table, points, keys = run.table, Points(), Keys("metric", run.warn)
    end_time = _end_time(run)
    for number, row in enumerate(run.rows):
        time = run.time_of(row)
        step = _read_step(table.cell(row, Role.STEP), number)
        cells = list(table.cells(row, Role.METRIC))
        key, value = table.cell(row, Role.KEY), table.cell(row, Role.VALUE)
        if value is not None:
            cells.append((key or "value", value))
        for name, text in cells:
            found = parse_number(text.strip())
            if found is None:
                run.warn(f"metric {name!r} has cells that are no numbers, such as {text[:40]!r}: left out")
            else:
                points.add(keys(name), float(found), end_time if time is None else time, step)
    return points


def _read_step(text: str | None, otherwise: int) -> int:
    number = None if text is None else parse_number(text)
    if number is None:
        return 0 if text is None else otherwise
    try:
        return int(number)
    except (ValueError, OverflowError):
        return otherwise


def _read_file(file: Path) -> tuple[list[str], list[list[str]]]:
    """Return header and rows of a CSV file."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            stream.seek(0)
            rows = [row for row in csv.reader(stream, delimiter=max(",;\t", key=first.count)) if any(row)]
    except FileNotFoundError:
        raise NotFoundError(f"no file {str(file)!r}", hint="name a CSV file with a header") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"{str(file)!r} is no table: {error}"
        raise CorruptDataError(message, hint="save it as CSV in UTF-8") from error
    if len(rows) < 2:  # noqa: PLR2004  (a header and a row)
        message = f"{str(file)!r} has no rows below a header"
        raise CorruptDataError(message, hint="the first line names the columns, every other one is a row")
    header = [name.strip() for name in rows[0]]
    long = next((number for number, row in enumerate(rows, 1) if len(row) > len(header)), None)
    if long is not None:
        message = f"{str(file)!r} has more cells in row {long} than columns"
        raise CorruptDataError(message, hint="quote cells that hold the separator")
    return header, rows[1:]
