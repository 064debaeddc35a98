"""Columns of runs out of an open index, each read from the table that holds it."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from gittrack.core.fields import NULL
from gittrack.core.frozen import dataclass
from gittrack.store.index_query import Compiler
from gittrack.store.index_schema import Keys

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from gittrack.core.frames import Column
    from gittrack.core.model import ParamValue
    from gittrack.core.query_tree import Key
    from gittrack.core.search import RunQuery

MAX_SPREAD = 4
"""Rows of a table that are read at most for one that is wanted: all in turn, instead of each by itself."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Runs of the index whose values are wanted, and where in a column each of them goes."""

    low: int
    places: Sequence[int] | None
    """Of all runs from ``low`` on, one beyond the column for those that are not wanted; None if that were
    many: then the temporary table ``hits`` says it."""
    count: int


def read_columns(
    connection: sqlite3.Connection,
    query: RunQuery,
    runs: Sequence[int],
    keys: Sequence[Key],
    *,
    is_typed: bool = False,
) -> list[Column]:
    """Return the values of keys of runs, a column each; NaN for a metric that is.

    Args:
        connection: To the index.
        query: The search that found the runs.
        runs: Their ids in the index.
        keys: What to read.
        is_typed: Whether params shall be what was logged, not text; see `gittrack.core.frames.collect_table`.

    Raises:
        sqlite3.Error: The index cannot be read.
    """
    if not runs:
        return [[] for _ in keys]
    known = Keys(connection)
    wanted = _place(connection, runs)
    return [
        _read_column(connection, Compiler(query, known.find), key, wanted, is_typed=is_typed) for key in keys
    ]


def _place(connection: sqlite3.Connection, runs: Sequence[int]) -> _Wanted:
    low, count = min(runs), len(runs)
    span = max(runs) - low + 1
    if span <= MAX_SPREAD * count:
        places = [count] * span
        for place, run in enumerate(runs):
            places[run - low] = place
        return _Wanted(low, places, count)
    # In the order of the tables: each of their pages is read once.
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS hits (run INTEGER PRIMARY KEY, place INTEGER)")
    connection.execute("DELETE FROM temp.hits")
    connection.executemany(
        "INSERT INTO temp.hits VALUES (?, ?)", sorted(zip(runs, range(count), strict=True))
    )
    return _Wanted(low, None, count)


def _read_column(
    connection: sqlite3.Connection, compiler: Compiler, key: Key, wanted: _Wanted, *, is_typed: bool
) -> Column:
    tables, run, value, condition = compiler.column(key)
    is_literal = is_typed and key.kind == "params"
    shown = f"{value}, c.literal" if is_literal else value
    if wanted.places is None:
        statement = f"SELECT h.place, {shown} FROM temp.hits h CROSS JOIN {tables} WHERE {run} = h.run"
        places: Sequence[int] = range(wanted.count)
    else:
        bounds = f"{wanted.low} AND {wanted.low + len(wanted.places) - 1}"
        statement = f"SELECT {run} - {wanted.low}, {shown} FROM {tables} WHERE {run} BETWEEN {bounds}"
        places = wanted.places
    rows: Iterable[tuple[Any, ...]] = connection.execute(f"{statement} AND ({condition})", compiler.values)
    if is_literal:
        rows = ((row, _read_literal(text) if literal else text) for row, text, literal in rows)
    elif (key.kind, key.name) == ("code", "dirty"):
        rows = ((row, bool(cell)) for row, cell in rows)
    column: Column = [None] * (wanted.count + 1)
    for row, cell in rows:
        column[places[row]] = math.nan if cell is None else cell
    column.pop()
    return column


def _read_literal(text: str) -> ParamValue:
    """Return what Python writes as ``text``; the text of lists that it cannot read, nested hundredfold."""
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(text)
    from ast import literal_eval  # few need it

    try:
        value: ParamValue = literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return text
    return NULL if value is None else value
