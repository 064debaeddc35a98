"""The tables of the index, and how a run becomes their rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.artifact_uri import list_makers
from gittrack.core.documents import decode_manifest, decode_run
from gittrack.core.fields import flatten_params
from gittrack.core.jsonform import decode
from gittrack.core.model import Code, format_param, system_tags
from gittrack.core.query_match import as_number
from gittrack.core.query_values import MAX_INTEGER, MIN_INTEGER
from gittrack.store.index_runs import pack_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence

    from gittrack.core.model import ParamValue, Run

VERSION = 11
TABLES = """
CREATE TABLE meta (tree TEXT NOT NULL);
CREATE TABLE keys (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (kind, name));
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, run_id TEXT NOT NULL UNIQUE, start_time INTEGER NOT NULL, end_time INTEGER,
    duration REAL, name TEXT NOT NULL, experiment TEXT NOT NULL, status TEXT NOT NULL, stage TEXT NOT NULL,
    user TEXT NOT NULL, source TEXT, parent TEXT,
    commit_id TEXT, branch TEXT, dirty INTEGER, remote TEXT, entry TEXT,
    snapshot TEXT, tree TEXT, changed INTEGER, skipped INTEGER, reason TEXT
);
CREATE TABLE metrics (
    key INTEGER, run INTEGER, last REAL, min REAL, max REAL, PRIMARY KEY (key, run)
) WITHOUT ROWID;
CREATE TABLE cells (
    key INTEGER, run INTEGER, form INTEGER NOT NULL, literal INTEGER NOT NULL, value, text TEXT,
    PRIMARY KEY (key, run)
) WITHOUT ROWID;
CREATE TABLE datasets (
    run INTEGER, name TEXT, digest TEXT, context TEXT, PRIMARY KEY (run, name, digest)
) WITHOUT ROWID;
CREATE TABLE packed (run INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE unindexed (run_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
"""NaN is NULL. A cell's ``value`` is a number, or its text; ``text`` is how a number is written. Where
``literal`` is 1, the text is how Python writes what was logged, which was no text.

``unindexed`` are runs that these tables cannot hold as they are: their documents are read each time.
"""
INDEXES = """
CREATE INDEX runs_by_start ON runs (start_time, run_id);
CREATE INDEX runs_by_parent ON runs (parent) WHERE parent IS NOT NULL;
CREATE INDEX runs_by_name ON runs (name);
CREATE INDEX metrics_by_last ON metrics (key, last, run);
"""
"""Made after the first rows, which is quicker."""
PLAIN, CONTAINER, INNER = 0, 1, 2
"""Forms of a cell: as logged; a dict whose items are cells too; such an item under its dotted name."""
ROWS_AT_ONCE = 40
"""Rows of one statement: half of what inserting a row costs is the statement."""
_KEY_AND_RUN = itemgetter(0, 1)

Cell: TypeAlias = "tuple[str, str, int, int, str | int | float | None, str | None]"
"""Kind and name of a key, form, literal, value, text."""
Row: TypeAlias = "tuple[str | int | float | bytes | None, ...]"


@dataclass(slots=True)
class RunRows:
    """A run as rows, but for the ids of keys and of the run itself."""

    facts: Row
    metrics: list[tuple[str, float, float, float]] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    datasets: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Name, digest, context."""
    packed: bytes = b""
    """The run, as `pack_run` makes it."""


def make_rows(run_id: str, document: bytes, manifest: bytes | None = None) -> RunRows:
    """Return a run as rows.

    Args:
        run_id: Of the run.
        document: Its ``run.json``.
        manifest: Its ``artifacts.json``, if it has one.

    Raises:
        ValueError: It is damaged, another's, or holds something that SQLite cannot.
    """
    text = document.decode()
    run = decode_run(text)
    if manifest is not None:
        run = replace(run, artifacts=decode_manifest(decode(manifest)))  # type: ignore[arg-type]
    if run.run_id != run_id:
        message = "a run under another's id"
        raise ValueError(message)
    code = run.code or Code()
    unknown = code.dirty is None
    times = (run.start_time, run.end_time)
    if not all(_fits(time) for time in times if time is not None):
        message = "a time is no integer of 64 bits"
        raise ValueError(message)
    facts = (
        run.run_id, run.start_time, run.end_time, run.duration_s, run.name, run.experiment_id,
        run.status.value, run.lifecycle_stage.value, run.user, run.source, run.parent,
        code.commit, code.branch, None if unknown else int(bool(code.dirty)), code.remote, code.entry,
        code.snapshot, code.tree, None if unknown else code.changed, None if unknown else code.skipped,
        code.reason,
    )  # fmt: skip
    rows = RunRows(facts, packed=pack_run(run))
    rows.metrics = [(key, one.last, one.min, one.max) for key, one in run.metrics.items()]
    rows.cells = _param_cells(run)
    derived = system_tags(run) if any(key.startswith("mlflow.") for key in run.tags) else {}
    rows.cells += [("used", maker, PLAIN, 0, None, None) for maker in sorted(list_makers(run))]
    rows.cells += [
        ("tags", key, PLAIN, *_encode_cell(value)) for key, value in run.tags.items() if key not in derived
    ]
    rows.datasets = [(one.dataset.name, one.dataset.digest, one.context) for one in run.datasets.values()]
    if "\\ud" in text or "\\uD" in text:
        for row in (facts, *rows.metrics, *rows.cells, *rows.datasets):
            _check_texts(row)
    return rows


def run_keys(run: Run) -> Iterator[tuple[str, str]]:
    """Yield kind and name of every key that rows of a run may be stored under."""
    for key in run.metrics:
        yield "metrics", key
    for kind, key, *_ in _param_cells(run):
        yield kind, key
    for key in run.tags:
        yield "tags", key
    for maker in list_makers(run):
        yield "used", maker


class Keys:
    """Ids of keys; asked for once, made where they are missing."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Look up in an open index."""
        self._connection = connection
        self._ids: dict[tuple[str, str], int] = {}

    def find(self, kind: str, name: str) -> int | None:
        """Return the id of a key, None if no run ever had it."""
        found = self._ids.get((kind, name))
        if found is None:
            query = "SELECT id FROM keys WHERE kind = ? AND name = ?"
            row = self._connection.execute(query, (kind, name)).fetchone()
            if row is None:
                return None
            found = self._ids[kind, name] = int(row[0])
        return found

    def get(self, kind: str, name: str) -> int:
        """Return the id of a key, a new one if need be."""
        found = self.find(kind, name)
        if found is None:
            cursor = self._connection.execute("INSERT INTO keys (kind, name) VALUES (?, ?)", (kind, name))
            found = self._ids[kind, name] = int(cursor.lastrowid or 0)
        return found


def insert_runs(connection: sqlite3.Connection, keys: Keys, runs: Sequence[RunRows]) -> None:
    """Write runs that are not there: all together, since rows of one key are neighbours in the tables."""
    (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM runs").fetchone()
    numbered = list(enumerate(runs, last + 1))
    metrics = [
        (keys.get("metrics", key), run, last, least, greatest)
        for run, rows in numbered
        for key, last, least, greatest in rows.metrics
    ]
    cells = [(keys.get(kind, name), run, *rest) for run, rows in numbered for kind, name, *rest in rows.cells]
    for table, values in (
        ("runs", [(run, *rows.facts) for run, rows in numbered]),
        ("metrics", sorted(metrics, key=_KEY_AND_RUN)),
        ("cells", sorted(cells, key=_KEY_AND_RUN)),
        ("datasets", [(run, *one) for run, rows in numbered for one in rows.datasets]),
        ("packed", [(run, rows.packed) for run, rows in numbered]),
    ):
        _insert_rows(connection, table, values)


def _insert_rows(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    if not rows:
        return
    marks = f"({', '.join('?' * len(rows[0]))})"
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    connection.executemany(
        f"INSERT INTO {table} VALUES {', '.join([marks] * ROWS_AT_ONCE)}",
        (
            tuple(chain.from_iterable(rows[first : first + ROWS_AT_ONCE]))
            for first in range(0, whole, ROWS_AT_ONCE)
        ),
    )
    connection.executemany(f"INSERT INTO {table} VALUES {marks}", rows[whole:])


def delete_run(
    connection: sqlite3.Connection, keys: Keys, run: int, run_keys: Iterable[tuple[str, str]]
) -> None:
    """Remove a run with its rows, which are those under the given keys."""
    for kind, name in run_keys:
        key = keys.find(kind, name)
        table = "metrics" if kind == "metrics" else "cells"
        connection.execute(f"DELETE FROM {table} WHERE key = ? AND run = ?", (key, run))
    connection.execute("DELETE FROM datasets WHERE run = ?", (run,))
    connection.execute("DELETE FROM packed WHERE run = ?", (run,))
    connection.execute("DELETE FROM runs WHERE id = ?", (run,))


def _param_cells(run: Run) -> list[Cell]:
    """Return the params of a run by each name that finds them: nested ones by their dotted names too."""
    cells: list[Cell] = []
    for key, value in run.params.items():
        form = CONTAINER if value and isinstance(value, dict) else PLAIN
        cells.append(("params", key, form, *_encode_cell(value)))
    if any(cell[2] == CONTAINER for cell in cells):
        cells += [
            ("params", key, INNER, *_encode_cell(value))
            for key, value in flatten_params(run.params).items()
            if key not in run.params
        ]
    return cells


def _encode_cell(value: ParamValue) -> tuple[int, str | int | float | None, str | None]:
    """Return literal, value and text of a cell."""
    literal = 0 if isinstance(value, str) else 1
    cell = value if isinstance(value, (str, int, float)) else format_param(value)
    number = as_number(cell)
    if number is None:
        return literal, format_param(cell), None
    return literal, (None if number != number else number), format_param(cell)  # noqa: PLR0124  (NaN)


def _fits(time: object) -> bool:
    return isinstance(time, int) and MIN_INTEGER <= time <= MAX_INTEGER


def _check_texts(texts: Iterable[object]) -> None:
    """Raise if something is text that UTF-8 cannot hold: a UnicodeEncodeError, which is a ValueError."""
    for text in texts:
        if isinstance(text, str):
            text.encode()
