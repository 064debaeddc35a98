"""A mapping whose values are made of packed rows when somebody asks for them."""

from __future__ import annotations

from array import array
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gittrack.core.plain import pack_plain, unpack_plain
from gittrack.core.shared import PlacedMapping, rows_alike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gittrack.core.model import Artifact, MetricSummary

Value = TypeVar("Value")

_DOUBLE, _WIDTH = "d", 8
_read_double = Struct(_DOUBLE).unpack_from
_extremes = itemgetter(0, 3, 5)
"""Of a row of metrics: ``last``, ``min`` and ``max`` are its first, fourth and sixth field."""


class LateMapping(PlacedMapping[Value], Generic[Value]):
    """Packed rows by key, and the values that were made of them so far.

    Whoever lists thousands of runs looks at few of their metrics: making all would take most of the time,
    and most of the memory.
    """

    __slots__ = ("_make", "_rows", "_values", "firsts", "packed")

    def __init__(
        self,
        places: Mapping[str, int],
        packed: bytes,
        make: Callable[..., Value],
        firsts: bytes = b"",
    ) -> None:
        """Keep rows as `pack_rows` packs them.

        Args:
            places: Key → the number of its row, in the order of the rows; mappings may share it.
            packed: The rows, each the fields of a value in their order.
            make: Makes a value of the fields of a row.
            firsts: The first fields of the rows, where they are numbers, as `pack_lasts` packs them.
        """
        self.places = places
        self.packed = packed
        self.firsts = firsts
        self._make = make
        self._rows: list[tuple[Any, ...]] | None = None
        self._values: dict[str, Value] = {}

    def __getitem__(self, key: str) -> Value:
        """Return the value of a key."""
        found = self._values.get(key)
        if found is None:
            row = self.rows()[self.places[key]]
            found = self._values[key] = self._make(*row)
        return found

    def rows(self) -> list[tuple[Any, ...]]:
        """Return the rows, in the order of the keys."""
        if self._rows is None:
            self._rows = unpack_plain(self.packed)
        return self._rows

    def forget(self) -> None:
        """Let go of what was made of the packed rows; whoever asks again has it made again."""
        self._rows = None
        self._values = {}

    def _all(self) -> dict[str, Value]:
        if len(self._values) < len(self.places) or list(self._values) != list(self.places):
            self._values = {key: self[key] for key in self.places}
        return self._values


def pack_rows(values: Mapping[str, MetricSummary] | Mapping[str, Artifact]) -> bytes:
    """Return what is behind the values of a mapping, without making any; equal ones give equal bytes.

    Raises:
        ValueError: Something in them is no plain value.
    """
    if isinstance(values, LateMapping):
        return values.packed
    return pack_plain([tuple(getattr(one, name) for name in one.__slots__) for one in values.values()])


def pack_lasts(metrics: Mapping[str, MetricSummary]) -> bytes:
    """Return the last value of each metric, in the order of their keys, without making their summaries."""
    if isinstance(metrics, LateMapping):
        return metrics.firsts
    return array(_DOUBLE, [one.last for one in metrics.values()]).tobytes()


def last_of(metrics: Mapping[str, MetricSummary], key: str) -> float | None:
    """Return the last value of a metric without making its summary, None where there is no such metric."""
    if isinstance(metrics, LateMapping):
        place = metrics.places.get(key)
        return None if place is None else _read_double(metrics.firsts, place * _WIDTH)[0]
    summary = metrics.get(key)
    return None if summary is None else summary.last


def extremes_of(metrics: Mapping[str, MetricSummary], key: str) -> tuple[float, float, float] | None:
    """Return the last, the least and the greatest value of a metric without making its summary.

    None where there is no such metric.
    """
    if isinstance(metrics, LateMapping):
        place = metrics.places.get(key)
        return None if place is None else _extremes(metrics.rows()[place])
    summary = metrics.get(key)
    return None if summary is None else (summary.last, summary.min, summary.max)


def lasts_of(
    runs: Iterable[Mapping[str, MetricSummary]], keys: Iterable[str]
) -> dict[str, list[Sequence[float]]]:
    """Return the last values of some metrics in any of the ``runs``, each given by its metrics, in pieces.

    Of runs that share their keys, a column is cut out of all their values in one step.
    """
    found: dict[str, list[Sequence[float]]] = {key: [] for key in keys}
    for shared, some in rows_alike(runs):
        values = array(_DOUBLE, b"".join(map(pack_lasts, some)))
        for place, key in enumerate(shared):
            if key in found:
                found[key].append(values[place :: len(shared)])
    return found


def list_lasts(runs: Iterable[Mapping[str, MetricSummary]], key: str) -> Iterator[float | None]:
    """Yield `last_of` a metric in each of the ``runs``, given by their metrics: quicker than one by one."""
    places, place = None, None
    for metrics in runs:
        if not isinstance(metrics, LateMapping):
            yield last_of(metrics, key)
            continue
        if metrics.places is not places:
            places = metrics.places
            place = places.get(key)
        yield None if place is None else _read_double(metrics.firsts, place * _WIDTH)[0]
