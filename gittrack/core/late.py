"""A mapping whose values are made of plain rows when somebody asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterator, KeysView, ValuesView

    from gittrack.core.model import Artifact, MetricSummary

Value = TypeVar("Value")


class LateMapping(Mapping[str, Value], Generic[Value]):
    """Rows by key, and the values that were made of them so far.

    Whoever lists thousands of runs looks at few of their metrics: making all would take most of the time.
    """

    __slots__ = ("_make", "_values", "rows")

    def __init__(self, rows: dict[str, tuple[Any, ...]], make: Callable[..., Value]) -> None:
        """Keep ``rows``, each the fields of a value in their order, of which ``make`` makes it."""
        self.rows = rows
        self._make = make
        self._values: dict[str, Value] = {}

    def __getitem__(self, key: str) -> Value:
        """Return the value of a key."""
        found = self._values.get(key)
        if found is None:
            found = self._values[key] = self._make(*self.rows[key])
        return found

    def __contains__(self, key: object) -> bool:
        """Return whether there is such a key."""
        return key in self.rows

    def __iter__(self) -> Iterator[str]:
        """Yield the keys."""
        return iter(self.rows)

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self.rows)

    def __repr__(self) -> str:
        """Return what the same mapping, made at once, would return."""
        return repr(self._all())

    def keys(self) -> KeysView[str]:
        """Return the keys."""
        return self.rows.keys()

    def values(self) -> ValuesView[Value]:
        """Return the values, in the order of the keys."""
        return self._all().values()

    def items(self) -> ItemsView[str, Value]:
        """Return keys and values."""
        return self._all().items()

    def _all(self) -> dict[str, Value]:
        if len(self._values) < len(self.rows) or list(self._values) != list(self.rows):
            self._values = {key: self[key] for key in self.rows}
        return self._values


def rows_of(values: Mapping[str, MetricSummary] | Mapping[str, Artifact]) -> list[tuple[Any, ...]]:
    """Return what is behind the values of a mapping as rows, without making any."""
    if isinstance(values, LateMapping):
        return list(values.rows.values())
    return [tuple(getattr(one, name) for name in one.__slots__) for one in values.values()]
