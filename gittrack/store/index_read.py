"""What an open index answers: the runs of a search as places, the runs there, names and ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.query_values import parse_number
from gittrack.store.index_query import Compiler
from gittrack.store.index_runs import unpack_run
from gittrack.store.index_schema import CONTAINER, INNER, Keys

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gittrack.core.model import Run
    from gittrack.core.query import Rank
    from gittrack.core.query_match import Cell, Test
    from gittrack.core.query_tree import Key
    from gittrack.core.search import RunQuery

SLICE = 500
"""Rows at the beginning of an order that are looked at before all others are."""
MAX_SLICE = 4_000
"""Rows of the largest such slice: beyond, looking at all is quicker."""
SLICE_MARGIN = 1.3
"""By how much a slice is larger than what the one before lets expect."""
MAX_SLICED = 1_000
"""Runs asked for at most, for that to be worth while."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A run that a search found."""

    run: int
    """Its id in the index."""
    places: Sequence[Cell | None]
    """Group and value of every clause of the order."""

    @property
    def rank(self) -> Rank:
        """Where it stands."""
        return tuple(
            (0, isinstance(value, str), value) if group == 0 else (group, False, 0)  # type: ignore[misc]
            for group, value in zip(self.places[::2], self.places[1::2], strict=True)
        )


def search(connection: sqlite3.Connection, query: RunQuery, *, more: int = 0) -> list[Hit]:
    """Return what a query finds, in its order, and ``more`` beyond its limit.

    Raises:
        sqlite3.Error: The index cannot be read, or the query is larger than SQLite takes.
    """
    keys = Keys(connection)
    wanted = MAX_SLICED + 1 if query.limit is None else query.limit + more
    size = max(SLICE, 2 * wanted)
    while wanted <= MAX_SLICED and size <= MAX_SLICE:
        found, is_enough = _search_slice(connection, keys, query, more, size)
        if is_enough:
            return found
        if not found:
            break
        size = max(2 * size, int(size * wanted / len(found) * SLICE_MARGIN))
    compiler = Compiler(query, keys.find)
    return _fetch(connection, compiler, compiler.statement(more=more))


def runs_of(connection: sqlite3.Connection, places: Iterable[int]) -> Iterator[Run]:
    """Yield runs by their ids in the index, in that order.

    Raises:
        sqlite3.Error: The index cannot be read.
        zlib.error: It is damaged.
    """
    query = "SELECT data FROM packed WHERE run = ?"
    for place in places:
        (data,) = connection.execute(query, (place,)).fetchone()
        yield unpack_run(data)


def list_keys(connection: sqlite3.Connection, kind: str, *, is_flat: bool = False) -> list[str]:
    """Return the names of metrics, params or tags that runs have, nested params by first or dotted names.

    Raises:
        sqlite3.Error: The index cannot be read.
    """
    rows = (
        "metrics WHERE key = k.id"
        if kind == "metrics"
        else f"cells WHERE key = k.id AND form != {CONTAINER if is_flat else INNER}"
    )
    query = f"SELECT name FROM keys k WHERE kind = ? AND EXISTS (SELECT 1 FROM {rows}) ORDER BY name"
    return [name for (name,) in connection.execute(query, (kind,))]


def list_users(connection: sqlite3.Connection, run_id: str) -> list[str]:
    """Return the ids of runs that used artifacts of a run.

    Raises:
        sqlite3.Error: The index cannot be read.
    """
    query = (
        "SELECT r.run_id FROM keys k JOIN cells c ON c.key = k.id JOIN runs r ON r.id = c.run "
        "WHERE k.kind = 'used' AND k.name = ?"
    )
    return [user for (user,) in connection.execute(query, (run_id,))]


def list_newest(connection: sqlite3.Connection, *, is_late: bool = False) -> Iterator[Run]:
    """Yield all runs, newest first, and of equal ones the one with the greatest id.

    See `unpack_run` for ``is_late``.

    Raises:
        sqlite3.Error: The index cannot be read.
        zlib.error: It is damaged.
    """
    query = "SELECT data FROM runs CROSS JOIN packed ON run = id ORDER BY start_time DESC, run_id DESC"
    for (data,) in connection.execute(query):
        yield unpack_run(data, is_late=is_late)


def list_neighbours(connection: sqlite3.Connection, run_ids: Iterable[str]) -> Iterator[str]:
    """Yield the ids of the runs before and behind each of ``run_ids``.

    Raises:
        sqlite3.Error: The index cannot be read.
    """
    before = "SELECT max(run_id) FROM runs WHERE run_id < ?1"
    query = f"SELECT ({before}), ({before.replace('max', 'min').replace('<', '>')})"
    for run_id in run_ids:
        yield from filter(None, connection.execute(query, (run_id,)).fetchone())


def _search_slice(
    connection: sqlite3.Connection, keys: Keys, query: RunQuery, more: int, size: int
) -> tuple[list[Hit], bool]:
    """Search the first rows of the order; return what is found, and whether it is what was asked for."""
    compiler = Compiler(query, keys.find, probed="s.id")
    wanted = (query.limit or 0) + more
    if not query.order:
        rows = "SELECT id FROM runs ORDER BY start_time DESC, run_id"
        if query.after is not None:
            rows = rows.replace("ORDER", f"WHERE start_time <= {compiler.bind(query.after[0][2])} ORDER")
        found = _fetch_slice(connection, compiler, rows, more, size)
        return found, len(found) >= wanted
    first = query.order[0]
    key = _sliced_key(keys, first.key)
    is_beyond = query.after is not None and query.after[0][0] != 0  # where NaN and nothing are
    if key is None or is_beyond:
        return [], False
    way, least = (" DESC", "<=") if first.is_descending else ("", ">=")
    begin = ""
    if query.after is not None:
        begin = f" AND last {least} {compiler.bind(query.after[0][2])}"
    rows = f"SELECT run AS id FROM metrics WHERE key = {key} AND last IS NOT NULL{begin} ORDER BY last{way}"
    found = _fetch_slice(connection, compiler, rows, more, size)
    if len(found) < wanted:
        return found, False
    values = {name: value for name, value in compiler.values.items() if f":{name}" in begin}
    edge = connection.execute(
        f"{rows.replace('run AS id', 'last')} LIMIT 1 OFFSET {size - 1}", values
    ).fetchone()
    # Of runs that are equal to the last one of the slice, some may be beyond it.
    return found, edge is None or found[wanted - 1].rank[0][2] != edge[0]


def _sliced_key(keys: Keys, key: Key) -> int | None:
    """Return the metric whose index has the order of a key, if there is one."""
    if key.kind != "metrics" or key.value not in {None, "last"}:
        return None
    if key.or_whole and keys.find("metrics", key.whole) is not None:
        return None
    return keys.find("metrics", key.name)


def _fetch_slice(
    connection: sqlite3.Connection, compiler: Compiler, rows: str, more: int, size: int
) -> list[Hit]:
    source = f"({rows} LIMIT {size}) s CROSS JOIN runs r ON r.id = s.id"
    return _fetch(connection, compiler, compiler.statement(source, more=more))


def _fetch(connection: sqlite3.Connection, compiler: Compiler, statement: str) -> list[Hit]:
    for name, test in compiler.tests.items():
        connection.create_function(name, 1, _null_is_false(test), deterministic=True)
    connection.create_function("number_or_text", 1, _number_or_text, deterministic=True)
    return [Hit(row[0], row[1:]) for row in connection.execute(statement, compiler.values)]


def _null_is_false(test: Test) -> Callable[[Cell | None], bool]:
    return lambda cell: cell is not None and test(cell)


def _number_or_text(text: str | None) -> Cell | None:
    return None if text is None else text if (number := parse_number(text)) is None else number
