"""Mappings that share their keys: a dict for each of thousands takes time and memory."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gittrack.core.plain import pack_plain, unpack_plain

if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView

Value = TypeVar("Value")
Row = TypeVar("Row", bound=Mapping[str, Any])

FLAT = frozenset((str, int, float))
"""The types of texts and numbers."""


class PlacedMapping(Mapping[str, Value], Generic[Value]):
    """A mapping whose keys are those of ``places``; a class says what their values are."""

    __slots__ = ("places",)

    places: Mapping[str, int]
    """Key → the number of its value; mappings may share it."""

    def __contains__(self, key: object) -> bool:
        """Return whether there is such a key."""
        return key in self.places

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self.places)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.places)

    def __repr__(self) -> str:
        """Return what the same dict would return."""
        return repr(self._all())

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self.places.keys()

    def values(self) -> ValuesView[Value]:
        """Return the values, in the order of the keys."""
        return self._all().values()

    def items(self) -> ItemsView[str, Value]:
        """Return keys and values."""
        return self._all().items()

    @abstractmethod
    def forget(self) -> None:
        """Let go of what was made of packed values; whoever asks again has it made again."""

    @abstractmethod
    def _all(self) -> dict[str, Value]:
        """Return the same as a dict."""


class SharedMapping(PlacedMapping[Value], Generic[Value]):
    """Packed values, and the place of each by its key; they are unpacked when somebody asks for one."""

    __slots__ = ("_cells", "is_flat", "packed")

    def __init__(self, places: Mapping[str, int], packed: bytes, *, is_flat: bool) -> None:
        """Keep values as `pack_cells` packs them, in the order of the keys in ``places``.

        ``is_flat`` is what the function of that name returns for them.
        """
        self.places = places
        self.packed = packed
        self.is_flat = is_flat
        self._cells: tuple[Value, ...] | None = None

    def __getitem__(self, key: str) -> Value:
        """Return the value of a key."""
        return self.cells[self.places[key]]

    @property
    def cells(self) -> tuple[Value, ...]:
        """The values."""
        if self._cells is None:
            self._cells = unpack_plain(self.packed)
        return self._cells

    def forget(self) -> None:
        """Let go of the unpacked values; whoever asks again has them unpacked again."""
        self._cells = None

    def _all(self) -> dict[str, Value]:
        return dict(zip(self.places, self.cells, strict=True))


def pack_cells(values: Mapping[str, object]) -> bytes:
    """Return the values of a mapping, in the order of its keys; equal ones give equal bytes.

    Raises:
        ValueError: Something in them is no plain value.
    """
    if isinstance(values, SharedMapping):
        return values.packed
    return pack_plain(tuple(values.values()))


def is_flat(values: Mapping[str, object]) -> bool:
    """Return whether all values are texts or numbers."""
    if isinstance(values, SharedMapping):
        return values.is_flat
    return FLAT.issuperset(map(type, values.values()))


def forget_values(values: Mapping[str, object]) -> None:
    """Let go of what a mapping made of its packed values, if it is one that does so."""
    if isinstance(values, PlacedMapping):
        values.forget()


def rows_alike(rows: Iterable[Row]) -> Iterable[tuple[Mapping[str, object], list[Row]]]:
    """Return mappings that share their keys together, with these; any other is on its own."""
    alike: dict[int, tuple[Mapping[str, object], list[Row]]] = {}
    for row in rows:
        keys = getattr(row, "places", row)
        # With the keys themselves, so that none take their place in memory meanwhile.
        alike.setdefault(id(keys), (keys, []))[1].append(row)
    return alike.values()


def group_alike(rows: Iterable[Mapping[str, Value]]) -> dict[tuple[str, ...], list[Iterable[Value]]]:
    """Return the values of mappings by their keys: those with the same keys in the same order together."""
    alike: dict[tuple[str, ...], list[Iterable[Value]]] = {}
    for keys, some in rows_alike(rows):
        cells = (row.cells if isinstance(row, SharedMapping) else row.values() for row in some)
        alike.setdefault(tuple(keys), []).extend(cells)
    return alike


def count_keys(rows: Iterable[Mapping[str, object]]) -> dict[str, int]:
    """Return how many of the mappings have each key."""
    counts: dict[str, int] = {}
    for keys, some in rows_alike(rows):
        for key in keys:
            counts[key] = counts.get(key, 0) + len(some)
    return counts
