"""The history of one metric in arrays: a fifth of the memory of lists, for those of a million points."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.core.jsonform import decode, decode_float
from gittrack.core.series import Series, decode_runs, normalize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(slots=True)
class PackedSeries:
    """The points of one metric as three columns of equal length."""

    steps: array[int] | range = range(0)
    times: array[int] = field(default_factory=lambda: array("q"))
    """Milliseconds since the epoch."""
    values: array[float] = field(default_factory=lambda: array("d"))
    is_rising: bool = True
    """Whether no time is less than the one before and every step is more: then the points are normalized."""

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.values)

    def unpack(self) -> Series:
        """Return the points as lists."""
        return Series(list(self.steps), self.times.tolist(), self.values.tolist())


History: TypeAlias = "Series | PackedSeries"
"""In lists where a step or time is no integer of 64 bits, else packed."""


def pack_series(series: Series) -> PackedSeries:
    """Return points packed.

    Raises:
        OverflowError: A step or time is no integer of 64 bits.
    """
    columns = array("q", series.steps), array("q", series.times), array("d", series.values)
    return PackedSeries(*columns, is_rising=False)


def decode_packed(data: bytes, key: str) -> Iterator[PackedSeries]:
    """Yield what a metrics document has of one metric: as `gittrack.core.series.decode_series` reads it.

    Raises:
        ValueError: It is no such document.
        OverflowError: A step or time is no integer of 64 bits.
    """
    document: Any = decode(data)
    try:
        for block in document["blocks"]:
            column = block["metrics"].get(key)
            if column is None:
                continue
            steps, values = _pack_steps(block["steps"]), _pack_values(column)
            if key in block.get("f32", ()):
                values = array("d", array("f", values))
            deltas = block["times"]
            times = array("q", list(accumulate(deltas)))  # of a list at once, of an iterator one by one
            if not len(values) == len(steps) == len(times):
                message = f"columns of {key!r} differ in length"
                raise ValueError(message)
            is_rising = isinstance(steps, range) and steps.step > 0 and min(deltas[1:], default=0) >= 0
            yield PackedSeries(steps, times, values, is_rising=is_rising)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a metrics document: {error!r}"
        raise ValueError(message) from error


def join_packed(parts: Iterable[PackedSeries]) -> PackedSeries:
    """Return the points of all parts in the order of time, step and value, without duplicates.

    Raises:
        OverflowError: A step or time is no integer of 64 bits.
    """
    waiting = sorted(parts, key=lambda one: (one.times[:1], list(one.steps[:1])), reverse=True)
    whole = waiting.pop() if waiting else PackedSeries()
    while waiting:
        part = waiting.pop()
        whole.is_rising = whole.is_rising and part.is_rising and _follows(part, whole)
        whole.steps = _join_steps(whole.steps, part.steps)
        whole.times += part.times
        whole.values += part.values
    return whole if whole.is_rising else pack_series(normalize({"": whole.unpack()})[""])


def _follows(part: PackedSeries, whole: PackedSeries) -> bool:
    if not (part and whole):
        return True
    return whole.times[-1] <= part.times[0] and whole.steps[-1] < part.steps[0]


def _pack_values(column: list[Any]) -> array[float]:
    try:
        return array("d", column)
    except TypeError:
        return array("d", map(decode_float, column))


def _pack_steps(runs: list[list[int]]) -> array[int] | range:
    """Return the integers `gittrack.core.series.encode_runs` wrote."""
    if len(runs) == 1:
        ((start, delta, count),) = runs
        if delta or count == 1:
            return range(start, start + (delta or 1) * count, delta or 1)
    return array("q", decode_runs(runs))


def _join_steps(first: array[int] | range, second: array[int] | range) -> array[int] | range:
    if isinstance(first, range) and isinstance(second, range) and first and second:
        is_one = len(second) == 1 or second.step == first.step
        if is_one and second[0] == first[-1] + first.step:
            return range(first.start, first.start + first.step * (len(first) + len(second)), first.step)
    joined = array("q", first)
    joined.extend(second)
    return joined
