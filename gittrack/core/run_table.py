"""What the columns of a table mean for runs: chosen by the user, else guessed from names and cells."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gittrack.core.direction import says_direction
from gittrack.core.growing import STEP_NAMES, TIME_NAMES
from gittrack.core.query_values import parse_number, parse_time
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_FIRST_MILLISECOND = 1e11
"""Times since 1973 in milliseconds are larger, those in seconds are not for three thousand years."""
_SHOWN = 60
_LISTED = 12
"""Columns of a role that are named."""


class Role(StrEnum):
    """What a column holds."""

    PARAM = "param"
    METRIC = "metric"
    TAG = "tag"
    RUN_ID = "run id"
    NAME = "name"
    EXPERIMENT = "experiment"
    STATUS = "status"
    START_TIME = "start time"
    END_TIME = "end time"
    DURATION = "duration in seconds"
    USER = "user"
    NOTE = "note"
    SOURCE = "source"
    PARENT = "parent"
    COMMIT = "commit"
    BRANCH = "branch"
    STEP = "step"
    TIME = "time of the point"
    KEY = "name of the metric"
    VALUE = "value of the metric"
    NOTHING = "left out"


_NAMED = {
    Role.RUN_ID: "run_id run_uuid id",
    Role.NAME: "name run_name run",
    Role.EXPERIMENT: "experiment experiment_name project",
    Role.STATUS: "status state",
    Role.START_TIME: "start_time started created created_at",
    Role.END_TIME: "end_time ended finished",
    Role.DURATION: "duration runtime",
    Role.USER: "user user_id",
    Role.NOTE: "notes note",
    Role.SOURCE: "source source_name",
    Role.PARENT: "parent",
    Role.COMMIT: "code.commit commit",
    Role.BRANCH: "code.branch branch",
    Role.NOTHING: "experiment_id lifecycle_stage code.dirty",
}
_ROLES = {name: role for role, names in _NAMED.items() for name in names.split()}
_PREFIXES = {
    "params.": Role.PARAM, "param.": Role.PARAM, "config.": Role.PARAM,
    "metrics.": Role.METRIC, "metric.": Role.METRIC, "summary.": Role.METRIC,
    "tags.": Role.TAG, "tag.": Role.TAG,
}  # fmt: skip
_KEYED = {Role.PARAM, Role.METRIC, Role.TAG}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says of columns, by their names."""

    params: Sequence[str] = ()
    metrics: Sequence[str] = ()
    tags: Sequence[str] = ()
    name: str | None = None
    start_time: str | None = None
    step: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what its columns mean."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    roles: Mapping[str, Role]
    """By column."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """What a column's param, metric or tag is called, where that is not the column's name."""

    @property
    def has_steps(self) -> bool:
        """Whether a row is a step of a run; else it is a run."""
        return Role.STEP in self.roles.values()

    def cells(self, row: Sequence[str], role: Role) -> Iterator[tuple[str, str]]:
        """Yield the key and text of each cell of a role that is not empty."""
        for column, cell in zip(self.header, row, strict=False):
            if self.roles[column] is role and cell.strip():
                yield self.keys.get(column, column), cell

    def cell(self, row: Sequence[str], role: Role) -> str | None:
        """Return the first cell of a role that is not empty."""
        return next((text.strip() for _, text in self.cells(row, role)), None)

    def describe(self) -> str:
        """Return in one line what the columns mean."""
        by_role: dict[Role, list[str]] = {}
        for column in self.header:
            by_role.setdefault(self.roles[column], []).append(self.keys.get(column, column))
        parts = [f"{role.value} {_list(by_role[role])}" for role in Role if role in by_role]
        return f"a row is a {'step' if self.has_steps else 'run'}; " + "; ".join(parts)


def understand_table(header: Sequence[str], rows: Sequence[Sequence[str]], choice: Choice) -> Table:
    """Return a table with a role for each column.

    The columns that `gittrack export csv` writes mean what they meant there. A column with numbers is a
    metric if its name says so (loss, accuracy …), in a table of steps always; every other one is a param.

    Raises:
        InvalidValueError: Columns have the same name, or one that is chosen is not there.
    """
    _check_columns(header, choice)
    chosen = dict.fromkeys(choice.params, Role.PARAM)
    chosen |= dict.fromkeys(choice.metrics, Role.METRIC) | dict.fromkeys(choice.tags, Role.TAG)
    single = ((choice.name, Role.NAME), (choice.start_time, Role.START_TIME), (choice.step, Role.STEP))
    chosen |= {name: role for name, role in single if name is not None}
    if choice.step is None and (step := _find_step(header, rows, chosen)) is not None:
        chosen[step] = Role.STEP
    has_steps = Role.STEP in chosen.values()
    keys: dict[str, str] = {}
    roles = {}
    for index, column in enumerate(header):
        cells = [row[index] for row in rows if index < len(row) and row[index].strip()]
        role = chosen.get(column) or _find_role(column, cells, has_steps=has_steps)
        if role in chosen.values() and column not in chosen and role not in _KEYED:
            role = Role.NOTHING  # the user chose another column for it
        prefix = next((one for one in _PREFIXES if column.startswith(one)), "")
        if role in _KEYED and prefix and len(column) > len(prefix):
            keys[column] = column[len(prefix) :]
        roles[column] = role
    return Table(header, rows, roles, keys)


def parse_moment(text: str) -> int | None:
    """Return the milliseconds since 1970 of a date, or of seconds or milliseconds; None if it is none."""
    number = parse_number(text)
    if number is None:
        return parse_time(text)
    if not 0 < number < _FIRST_MILLISECOND * 1e3:
        return None
    return round(number if number > _FIRST_MILLISECOND else number * 1000)


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"


def _check_columns(header: Sequence[str], choice: Choice) -> None:
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        message = f"two columns are called {twice[:_SHOWN]!r}"
        raise InvalidValueError(message, hint="rename one")
    wanted = [*choice.params, *choice.metrics, *choice.tags, choice.name, choice.start_time, choice.step]
    missing = next((name for name in wanted if name is not None and name not in header), None)
    if missing is not None:
        message = f"no column is called {missing!r}"
        raise InvalidValueError(message, hint=f"there are {', '.join(header)[:200]}")


def _find_step(
    header: Sequence[str], rows: Sequence[Sequence[str]], chosen: Mapping[str, Role]
) -> str | None:
    """Return the column with the steps of histories; None if a row is a run."""
    simple = {_simplify(name): name for name in reversed(header) if name not in chosen}
    step = next((simple[name] for name in STEP_NAMES if name in simple), None)
    if step is None or any(_ROLES.get(name) in {Role.START_TIME, Role.STATUS} for name in simple):
        return None
    run = next(
        (simple[name] for name, role in _ROLES.items() if role is Role.RUN_ID and name in simple), None
    )
    run = run or next((simple[n] for n, role in _ROLES.items() if role is Role.NAME and n in simple), None)
    if _is_long(header):
        return step
    seen: dict[str, float] = {}
    grew = False
    for row in rows:
        cells = dict(zip(header, row, strict=False))
        number = parse_number(cells.get(step, "").strip())
        of_run = cells.get(run, "") if run else ""
        if number is None or number <= seen.get(of_run, -1):
            return None
        grew = grew or of_run in seen
        seen[of_run] = number
    return step if grew else None


def _find_role(column: str, cells: Sequence[str], *, has_steps: bool) -> Role:
    for prefix, role in _PREFIXES.items():
        if column.startswith(prefix):
            return role
    simple = _simplify(column)
    if has_steps and simple in TIME_NAMES:
        return Role.TIME
    if has_steps and simple in {"key", "metric"} and not _are_numbers(cells):
        return Role.KEY
    if has_steps and simple == "value":
        return Role.VALUE
    if simple in _ROLES:
        return _ROLES[simple]
    if not column or not cells:
        return Role.NOTHING
    is_metric = _are_numbers(cells) and (has_steps or says_direction(column))
    return Role.METRIC if is_metric else Role.PARAM


def _is_long(header: Sequence[str]) -> bool:
    """Whether each row is one point: metric's name and value are cells."""
    simple = set(map(_simplify, header))
    return "value" in simple and bool(simple & {"key", "metric"})


def _are_numbers(cells: Sequence[str]) -> bool:
    return all(parse_number(cell.strip()) is not None for cell in cells)


def _simplify(column: str) -> str:
    return re.sub(r"[\s-]+", "_", column.strip().lower())
