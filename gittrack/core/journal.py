"""The journal as bytes: lines in, events and columns out; a torn or foreign line is never fatal."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gittrack.core.event_lines import decode_event
from gittrack.core.jsonform import SPECIAL_FLOATS, encode_compact, encode_float
from gittrack.core.series import SeriesBuilder
from gittrack.core.values import MAX_STEP, MIN_STEP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.events import Event

BATCH_LINES = 2000
"""Lines parsed by one call of the JSON parser."""


@dataclass(slots=True)
class JournalContent:
    """What was read of a journal so far."""

    events: list[Event] = field(default_factory=list)
    points: SeriesBuilder = field(default_factory=SeriesBuilder)
    last_time: int = 0
    """Time of the latest event, ms."""
    bad_lines: int = 0
    """Lines that are torn, damaged or unknown."""


def metric_line_start(key: str) -> str:
    """Return the constant start of the lines of one metric; the line goes on ``value,step,time]``."""
    return f'["m",{json.dumps(key, ensure_ascii=False)},'


def encode_metrics(values: Mapping[str, float], step: int, time: int) -> bytes:
    """Return the line of several metrics at one step and time."""
    try:
        return encode_compact(["M", values, step, time]) + b"\n"
    except ValueError:
        exact = {key: encode_float(value) for key, value in values.items()}
        return encode_compact(["M", exact, step, time]) + b"\n"


def read_lines(content: JournalContent, data: bytes) -> bytes:
    """Add the complete lines of ``data`` to ``content``; return what is left after the last newline."""
    complete, newline, rest = data.rpartition(b"\n")
    if not newline:
        return rest
    lines = complete.split(b"\n")
    for start in range(0, len(lines), BATCH_LINES):
        _read_batch(content, lines[start : start + BATCH_LINES])
    return rest


def _read_batch(content: JournalContent, lines: list[bytes]) -> None:
    try:
        rows = json.loads(b"[" + b",".join(lines) + b"]")
    except (ValueError, RecursionError):
        rows = []
    if len(rows) != len(lines):  # damaged lines may even make sense together: read them one by one
        rows = [row for line in lines if (row := _parse(content, line)) is not None]
    for row in rows:
        _read_row(content, row)


def _parse(content: JournalContent, line: bytes) -> Any:  # noqa: ANN401  (whatever JSON holds)
    if not line.strip(b"\0 \r"):
        return None
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if row is None:
        content.bad_lines += 1
    return row


def _read_row(content: JournalContent, row: Any) -> None:  # noqa: ANN401  (whatever JSON holds)
    try:
        kind = row[0]
        if kind == "m":
            _, key, value, step, time = row
            content.points.add((key,), (_number(value),), _step(step), _time(time))
        elif kind == "M":
            _, values, step, time = row
            numbers = tuple(values.values())
            if not all(type(number) is float for number in numbers):
                numbers = tuple(map(_number, numbers))
            content.points.add(tuple(values), numbers, _step(step), _time(time))
        else:
            event = decode_event(row)
            content.events.append(event)
            time = event.time
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        content.bad_lines += 1
        return
    content.last_time = max(content.last_time, time)


def _number(value: object) -> float:
    if type(value) is float:
        return value
    if type(value) is int:
        return float(value)
    return SPECIAL_FLOATS[value]  # type: ignore[index]  # anything else is a KeyError or TypeError


def _step(value: object) -> int:
    if type(value) is not int or not MIN_STEP <= value <= MAX_STEP:
        message = f"not a step: {value!r}"
        raise ValueError(message)
    return value


def _time(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_STEP:
        message = f"not a time: {value!r}"
        raise ValueError(message)
    return value
