"""Histories of metrics as columns, and their canonical JSON.

A history is a set of points; `normalize` puts it into the one order that equal sets share
(time, step, value), without duplicates. Metrics logged together share their step and time columns.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from itertools import accumulate, islice
from operator import ge
from typing import TYPE_CHECKING, Any

from gittrack.core.jsonform import decode, decode_float, encode_compact, encode_floats
from gittrack.core.model import MetricSummary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SEGMENT_POINTS = 65_536
"""Points in one segment of a long history, about."""
SHORT_FLOAT_LENGTH = 12
"""Floats longer than this are worth a look whether they came from 32 bits."""


@dataclass(slots=True)
class Series:
    """The points of one metric as three columns of equal length."""

    steps: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    """Milliseconds since the epoch."""
    values: list[float] = field(default_factory=list)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self.values)


class SeriesBuilder:
    """Points on their way into columns: rows of metrics logged together stay together."""

    def __init__(self) -> None:
        """Start without points."""
        self.count = 0
        self._groups: dict[tuple[str, ...], tuple[list[int], list[int], list[tuple[float, ...]]]] = {}

    def add(self, keys: tuple[str, ...], values: tuple[float, ...], step: int, time: int) -> None:
        """Add one value for each key at one step and time.

        Raises:
            ValueError: A key is text that UTF-8 cannot hold.
            AttributeError: A key is no text.
        """
        group = self._groups.get(keys)
        if group is None:
            for key in keys:
                key.encode()
            group = self._groups[keys] = ([], [], [])
        group[0].append(step)
        group[1].append(time)
        group[2].append(values)
        self.count += len(keys)

    def take(self) -> dict[str, Series]:
        """Return all points as normalized series, and start again without any."""
        taken: dict[str, Series] = {}
        for keys, (steps, times, rows) in self._groups.items():
            for key, column in zip(keys, zip(*rows, strict=True), strict=True):
                series = Series(steps, times, list(column))
                taken[key] = concatenate(taken[key], series) if key in taken else series
        self._groups = {}
        self.count = 0
        return normalize(taken)


def concatenate(first: Series, second: Series) -> Series:
    """Return the points of both, in new columns."""
    return Series(first.steps + second.steps, first.times + second.times, first.values + second.values)


def union(first: Mapping[str, Series], second: Mapping[str, Series]) -> dict[str, Series]:
    """Return the points of both without duplicates: commutative, associative, idempotent."""
    both = dict(first)
    for key, series in second.items():
        both[key] = concatenate(both[key], series) if key in both else series
    return normalize(both)


def join(parts: Iterable[Mapping[str, Series]]) -> dict[str, Series]:
    """Return the points of all parts without duplicates: `union` of many, each point looked at once."""
    columns: dict[str, list[Series]] = {}
    for part in parts:
        for key, series in part.items():
            columns.setdefault(key, []).append(series)
    joined: dict[str, Series] = {}
    for key, found in columns.items():
        if len(found) == 1:
            joined[key] = found[0]
            continue
        whole = joined[key] = Series()
        # In the order of their beginnings, segments of one writer need no sorting.
        for series in sorted(found, key=lambda one: (one.times[:1], one.steps[:1])):
            whole.steps += series.steps
            whole.times += series.times
            whole.values += series.values
    return normalize(joined)


def normalize(histories: Mapping[str, Series]) -> dict[str, Series]:
    """Return histories sorted by (time, step, value), without duplicates, keys sorted."""
    known_sorted: dict[tuple[int, int], bool] = {}
    normal = {}
    for key in sorted(histories):
        series = histories[key]
        columns = (id(series.times), id(series.steps))
        if columns not in known_sorted:
            known_sorted[columns] = _is_strictly_sorted(series)
        normal[key] = series if known_sorted[columns] else _sort(series)
    return normal


def split_histories(histories: Mapping[str, Series]) -> Iterator[dict[str, Series]]:
    """Yield normalized histories in parts of about `SEGMENT_POINTS` points: equal histories, equal parts."""
    part: dict[str, Series] = {}
    room = SEGMENT_POINTS
    for key in sorted(histories):
        series = histories[key]
        start = 0
        while start < len(series):
            end = min(len(series), start + room)
            part[key] = Series(series.steps[start:end], series.times[start:end], series.values[start:end])
            room -= end - start
            start = end
            if room == 0:
                yield part
                part, room = {}, SEGMENT_POINTS
    if part:
        yield part


def summarize(series: Series) -> MetricSummary:
    """Return the summary of a series that is normalized and has at least one point."""
    values, steps = series.values, series.steps
    total = math.fsum(values) if len(values) < 2 else sum(values)  # noqa: PLR2004
    last = _last_index(series)
    numbers = [value for value in values if not math.isnan(value)] if math.isnan(total) else values
    low = _index_of(series, min(numbers)) if numbers else last
    high = _index_of(series, max(numbers)) if numbers else last
    return MetricSummary(
        last=values[last],
        last_step=steps[last],
        last_time=series.times[last],
        min=values[low] + 0.0,  # a zero has no sign here
        min_step=steps[low],
        max=values[high] + 0.0,
        max_step=steps[high],
        count=len(values),
    )


def merge_summaries(first: MetricSummary, second: MetricSummary) -> MetricSummary:
    """Return the summary of two disjoint sets of points."""
    newer = max(first, second, key=lambda one: (one.last_step, one.last_time, _rank(one.last)))
    low = high = newer
    if not (math.isnan(first.min) and math.isnan(second.min)):
        low = min(first, second, key=lambda one: (math.isnan(one.min), one.min, one.min_step))
        high = min(first, second, key=lambda one: (math.isnan(one.max), -one.max, one.max_step))
    return MetricSummary(
        last=newer.last,
        last_step=newer.last_step,
        last_time=newer.last_time,
        min=low.min,
        min_step=low.min_step,
        max=high.max,
        max_step=high.max_step,
        count=first.count + second.count,
    )


def encode_series(histories: Mapping[str, Series]) -> bytes:
    """Return normalized histories as canonical JSON: equal histories give equal bytes.

    Series with equal step and time columns share one block. See ``store/FORMAT.md``.
    """
    blocks: dict[tuple[tuple[int, ...], tuple[int, ...]], dict[str, Series]] = {}
    seen: dict[tuple[int, int], tuple[tuple[int, ...], tuple[int, ...]]] = {}
    for key in sorted(histories):
        series = histories[key]
        identity = (id(series.steps), id(series.times))
        columns = seen.get(identity)
        if columns is None:
            columns = seen[identity] = (tuple(series.steps), tuple(series.times))
        blocks.setdefault(columns, {})[key] = series
    encoded = [_encode_block(list(steps), list(times), block) for (steps, times), block in blocks.items()]
    return b'{"blocks":[' + b",\n".join(encoded) + b"]}\n"


def decode_series(data: bytes) -> dict[str, Series]:
    """Return the histories `encode_series` wrote.

    Raises:
        ValueError: It is no such JSON.
    """
    document: Any = decode(data)
    histories: dict[str, Series] = {}
    try:
        for block in document["blocks"]:
            steps, times = decode_runs(block["steps"]), list(accumulate(block["times"]))
            narrow = set(block.get("f32", ()))
            for name, column in block["metrics"].items():
                is_plain = set(map(type, column)) == {float}
                values = column if is_plain else list(map(decode_float, column))
                if name in narrow:
                    values = array("f", values).tolist()
                if not len(values) == len(steps) == len(times):
                    message = f"columns of {name!r} differ in length"
                    raise ValueError(message)
                series = Series(steps, times, values)
                histories[name] = concatenate(histories[name], series) if name in histories else series
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a metrics document: {error!r}"
        raise ValueError(message) from error
    return histories


def encode_runs(numbers: list[int]) -> list[list[int]]:
    """Return integers as arithmetic runs ``[start, delta, count]``."""
    if not numbers:
        return []
    start, count = numbers[0], len(numbers)
    delta = numbers[1] - start if count > 1 else 0
    if numbers == ([start] * count if delta == 0 else list(range(start, start + delta * count, delta))):
        return [[start, delta, count]]
    runs: list[list[int]] = []
    for number in numbers:
        if runs:
            run = runs[-1]
            if run[2] == 1:
                run[1], run[2] = number - run[0], 2
                continue
            if number == run[0] + run[1] * run[2]:
                run[2] += 1
                continue
        runs.append([number, 0, 1])
    return runs


def decode_runs(runs: Iterable[list[int]]) -> list[int]:
    """Return the integers `encode_runs` wrote."""
    numbers: list[int] = []
    for start, delta, count in runs:
        numbers.extend([start] * count if delta == 0 else range(start, start + delta * count, delta))
    return numbers


def _encode_block(steps: list[int], times: list[int], block: Mapping[str, Series]) -> bytes:
    columns: dict[str, list[float | str]] = {}
    narrow = []
    for key, series in block.items():
        values = series.values
        if _came_from_32_bits(values):
            narrow.append(key)
            values = [float(f"{value:.9g}") for value in values]
        columns[key] = values if math.isfinite(sum(values)) else encode_floats(values)  # type: ignore[assignment]
    document: dict[str, object] = {"count": len(times)}
    if narrow:
        document["f32"] = narrow
    document["metrics"] = columns
    document["steps"] = encode_runs(steps)
    document["times"] = times[:1] + [after - before for before, after in zip(times, islice(times, 1, None))]  # noqa: B905
    return encode_compact(document)


def _came_from_32_bits(values: list[float]) -> bool:
    if all(len(repr(value)) <= SHORT_FLOAT_LENGTH for value in islice(values, 8)):
        return False
    try:
        if not all(array("f", [value])[0] == value for value in islice(values, 8)):
            return False
        return array("f", values).tolist() == values
    except OverflowError:
        return False


def _is_strictly_sorted(series: Series) -> bool:
    times, steps = series.times, series.steps
    if not any(map(ge, times, islice(times, 1, None))):
        return True
    if times != sorted(times):
        return False
    if not any(map(ge, steps, islice(steps, 1, None))):
        return True
    pairs = zip(times, steps, strict=True)
    later = zip(islice(times, 1, None), islice(steps, 1, None), strict=True)
    return not any(map(ge, pairs, later))


def _sort(series: Series) -> Series:
    points = set(zip(series.times, series.steps, map(_exact, series.values), strict=True))
    ordered = sorted(points, key=lambda point: (point[0], point[1], _rank(float(point[2]))))
    return Series([p[1] for p in ordered], [p[0] for p in ordered], [float(p[2]) for p in ordered])


def _exact(value: float) -> float | str:
    """Return what equals only itself, as a point's identity needs: NaN equals NaN, -0.0 is not 0.0."""
    return value if value and value == value else repr(value)  # noqa: PLR0124  (faster than isnan)


def _rank(value: float) -> tuple[bool, float, float]:
    """Return a key that sorts NaN below every number, and -0.0 below 0.0."""
    return (False, 0.0, 0.0) if math.isnan(value) else (True, value, math.copysign(1.0, value))


def _index_of(series: Series, value: float) -> int:
    """Return where ``value`` is; if it is in several places, the one with the lowest step."""
    first = series.values.index(value)
    if series.values.count(value) == 1:
        return first
    places = (i for i, one in enumerate(series.values) if one == value)
    return min(places, key=series.steps.__getitem__)


def _last_index(series: Series) -> int:
    steps = series.steps
    highest = max(steps)
    if steps[-1] == highest and steps.count(highest) == 1:
        return len(steps) - 1
    candidates = (i for i, step in enumerate(steps) if step == highest)
    return max(candidates, key=lambda i: (series.times[i], _rank(series.values[i])))
