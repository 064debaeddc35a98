"""Filling the index: all runs of a tree at first, then what differs from one tree to the next."""

from __future__ import annotations

import contextlib
import sqlite3
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from gittrack.store.index_runs import unpack_run
from gittrack.store.index_schema import (
    INDEXES,
    TABLES,
    VERSION,
    Keys,
    delete_run,
    insert_runs,
    make_rows,
    run_keys,
)
from gittrack.store.run_documents import list_folders, read_all_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from gittrack.store.git_objects import Objects
    from gittrack.store.run_documents import RunDocuments

    Progress = Callable[[int, int], None]

T = TypeVar("T")

CACHE_KIB = 16_384
"""Memory for pages while an index is built."""
INSERTED_AT_ONCE = 100
"""Runs that become rows together."""


def build(path: Path, objects: Objects, tree: str, *, journal: str, progress: Progress | None = None) -> None:
    """Make the index of a tree in a new file.

    Args:
        path: Where; if this is interrupted, what is there is of no use.
        objects: Of the repository.
        tree: Of the hidden branch.
        journal: How later changes are made safe: ``WAL`` or ``DELETE``.
        progress: Told how many runs are done, and of how many.

    Raises:
        CorruptDataError: A tree or document of the hidden branch is missing.
        sqlite3.Error: The disk is full, or failed.
    """
    # Ids begin with a time: what is asked for together, the newest runs, are neighbours then.
    folders = sorted(list_folders(objects, tree), key=itemgetter(0), reverse=True)
    total = len(folders)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{CACHE_KIB}"):
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        _run_script(connection, TABLES)
        connection.execute("INSERT INTO meta VALUES (?)", (tree,))
        keys = Keys(connection)
        done = 0
        documents = read_all_documents(objects, _take_last(folders))
        while some := list(islice(documents, INSERTED_AT_ONCE)):
            _insert(connection, keys, some)
            done += len(some)
            if progress and done < total:
                progress(done, total)
        _run_script(connection, INDEXES)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
        connection.execute(f"PRAGMA journal_mode = {journal}")
        if progress:
            progress(total, total)


def update(
    connection: sqlite3.Connection, objects: Objects, tree: str, is_current: Callable[[], bool]
) -> bool:
    """Bring an index to ``tree``, in one transaction; return whether it is the one in use.

    Raises:
        CorruptDataError: A tree or document of the hidden branch is missing.
        sqlite3.Error: Another process holds the index, or it cannot be written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not is_current():
            connection.execute("ROLLBACK")
            return False
        before = tree_of(connection)
        if before != tree:
            _bring(connection, objects, before if objects.has(before) else None, tree)
            connection.execute("UPDATE meta SET tree = ?", (tree,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return True


def tree_of(connection: sqlite3.Connection) -> str:
    """Return the tree whose runs an index holds.

    Raises:
        sqlite3.Error: The index cannot be read.
    """
    row = connection.execute("SELECT tree FROM meta").fetchone()
    if row is None:
        message = "the index says nothing of its tree"
        raise sqlite3.DatabaseError(message)
    return str(row[0])


def _bring(connection: sqlite3.Connection, objects: Objects, before: str | None, tree: str) -> None:
    if before is None:
        for table in ("keys", "runs", "metrics", "cells", "datasets", "packed", "unindexed"):
            connection.execute(f"DELETE FROM {table}")
    keys = Keys(connection)
    changed = objects.changed_runs(before, tree)
    while some := list(islice(changed, INSERTED_AT_ONCE)):
        for run_id, _, _ in some:
            _delete(connection, keys, run_id)
        folders = [(run_id, folder) for run_id, _, folder in some if folder is not None]
        _insert(connection, keys, list(read_all_documents(objects, _take_last(folders))))


def _take_last(folders: list[T]) -> Iterator[T]:
    """Yield what is in a list from its end on, and no longer hold it."""
    while folders:
        yield folders.pop()


def _insert(
    connection: sqlite3.Connection, keys: Keys, runs: Iterable[tuple[str, RunDocuments | None]]
) -> None:
    rows, unindexed = [], []
    for run_id, documents in runs:
        if documents is None:
            continue
        try:
            rows.append(make_rows(run_id, *documents))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            # Damaged, or by hands other than ours: whoever asks for it reads it from the repository.
            unindexed.append((run_id,))
    insert_runs(connection, keys, rows)
    connection.executemany("REPLACE INTO unindexed VALUES (?)", unindexed)


def _delete(connection: sqlite3.Connection, keys: Keys, run_id: str) -> None:
    connection.execute("DELETE FROM unindexed WHERE run_id = ?", (run_id,))
    query = "SELECT id, data FROM runs JOIN packed ON run = id WHERE run_id = ?"
    row: Any = connection.execute(query, (run_id,)).fetchone()
    if row is not None:
        delete_run(connection, keys, row[0], run_keys(unpack_run(row[1])))


def _run_script(connection: sqlite3.Connection, script: str) -> None:
    for statement in filter(str.strip, script.split(";")):
        connection.execute(statement)
