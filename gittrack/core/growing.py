"""Files of metrics that grow: rows out of the bytes that are new, be they JSON lines, CSV or event files."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from gittrack.core.event_files import read_scalars
from gittrack.core.names import clean_key
from gittrack.core.recording import parse_line
from gittrack.core.values import MAX_STEP, MIN_STEP
from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.model import ParamValue

STEP_NAMES = ("step", "global_step", "_step", "iteration", "iter", "epoch")
"""Columns that say the step, the first that is there."""
TIME_NAMES = ("timestamp", "wall_time", "time", "_timestamp")
SECTIONS = frozenset({"metrics", "params", "tags"})
_FIRST_SECOND, _FIRST_MILLISECOND = 1e9, 1e12
"""Times since 2001: what is smaller is a duration."""


class Kind(StrEnum):
    """What a file of metrics is."""

    LINES = "jsonl"
    TABLE = "csv"
    EVENTS = "tfevents"


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read."""

    offset: int = 0
    """Bytes."""
    rows: int = 0

    def __str__(self) -> str:
        """Return it as a tag can hold it."""
        return f"{self.offset} {self.rows}"


@dataclass(frozen=True, slots=True)
class Row:
    """What one line or record says."""

    metrics: Mapping[str, float]
    step: int
    time: int | None = None
    """Milliseconds since the epoch, None if the file does not say it."""
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a file, and where to go on."""

    rows: list[Row]
    position: Position
    problems: list[str]


def parse_position(text: str) -> Position:
    """Return the position of a tag; the beginning if it is none."""
    offset, _, rows = text.partition(" ")
    return Position(int(offset), int(rows)) if offset.isdecimal() and rows.isdecimal() else Position()


def read_rows(
    kind: Kind, data: bytes, position: Position, *, header: bytes = b"", prefix: str = ""
) -> Reading:
    """Return the rows that ``data``, the file's bytes from ``position`` on, complete.

    Args:
        kind: What the file is.
        data: Bytes; an unfinished end is left for the next time.
        position: Where they begin.
        header: First line of a table, which is needed where ``data`` do not begin with it.
        prefix: Of the metrics' names.

    Raises:
        DamagedFileError: They are no event file.
    """
    if kind is Kind.EVENTS:
        scalars, size = read_scalars(data)
        rows = [Row({_key(prefix, one.tag): one.value}, one.step, one.time) for one in scalars]
        return Reading(rows, Position(position.offset + size, position.rows + len(rows)), [])
    complete, newline, _ = data.rpartition(b"\n")
    if not newline:
        return Reading([], position, [])
    lines = complete.split(b"\n")
    if kind is Kind.TABLE and position.offset == 0:
        header, lines = lines[0], lines[1:]
    after = replace(position, offset=position.offset + len(complete) + 1)
    read = _read_line if kind is Kind.LINES else _TableReader(header).read
    rows, problems = [], []
    number = position.rows
    for line in lines:
        if not line.strip():
            continue
        try:
            rows.append(read(line, number, prefix))
        except (UserError, ValueError, RecursionError) as error:
            problems.append(f"row {number + 1}: {getattr(error, 'message', error)}")
        number += 1
    return Reading(rows, replace(after, rows=number), problems)


class _TableReader:
    """Reads the lines of a table with a header."""

    def __init__(self, header: bytes) -> None:
        text = header.decode("utf-8-sig", "replace").rstrip("\r")
        self._delimiter = max(",;\t", key=text.count)
        self._names = next(csv.reader([text], delimiter=self._delimiter), [])

    def read(self, line: bytes, number: int, prefix: str) -> Row:
        cells = next(
            csv.reader([line.decode("utf-8", "replace").rstrip("\r")], delimiter=self._delimiter), []
        )
        return _make_row(zip(self._names, cells, strict=False), number, prefix)


def _read_line(line: bytes, number: int, prefix: str) -> Row:
    values = json.loads(line)
    if isinstance(values, dict) and SECTIONS & {
        key for key, item in values.items() if isinstance(item, dict)
    }:
        facts = parse_line(line)
        metrics = {_key(prefix, key): value for key, value in facts.metrics.items()}
        step = number if facts.step is None else facts.step
        return Row(metrics, step, facts.timestamp, facts.params, facts.tags)
    if not isinstance(values, dict):
        message = "not an object of metrics"
        raise ValueError(message)  # noqa: TRY004  (a line of the wrong kind, not a bug)
    return _make_row(values.items(), number, prefix)


def _make_row(cells: Iterable[tuple[str, Any]], number: int, prefix: str) -> Row:
    numbers = {name: value for name, cell in cells if name and (value := _number(cell)) is not None}
    step_name = next((name for name in STEP_NAMES if _is_step(numbers.get(name))), None)
    time_name = next((name for name in TIME_NAMES if numbers.get(name, 0) > _FIRST_SECOND), None)
    time = None
    if time_name is not None:
        said = numbers[time_name]
        time = round(said if said > _FIRST_MILLISECOND else said * 1000)
    step = number if step_name is None else int(numbers[step_name])
    metrics = {
        _key(prefix, name): value for name, value in numbers.items() if name not in {step_name, time_name}
    }
    return Row(metrics, step, time)


def _is_step(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value.is_integer() and MIN_STEP <= value <= MAX_STEP


def _number(cell: Any) -> float | None:  # noqa: ANN401  (of JSON or a table)
    if isinstance(cell, bool) or not isinstance(cell, (int, float, str)):
        return None
    try:
        return float(cell)
    except (ValueError, OverflowError):
        return None


def _key(prefix: str, name: str) -> str:
    return clean_key("metric", f"{prefix}{name}")
