"""Many small contents in one file: ten thousand of them cost one write, and not ten thousand inodes."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from gittrack.errors import StoreError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gittrack.store.layout import Layout

SETTINGS = (
    "PRAGMA page_size = 16384",  # of a new file: packs are long
    "PRAGMA cache_size = -32768",  # KiB: what is stored in one go is written in one go
    "BEGIN IMMEDIATE",
)
TABLES = (
    "CREATE TABLE IF NOT EXISTS packs (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    """CREATE TABLE IF NOT EXISTS small (
        digest BLOB PRIMARY KEY, pack INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
        time REAL NOT NULL) WITHOUT ROWID""",
    "DROP INDEX IF EXISTS small_by_pack",  # of former versions: nothing is looked up by it
)
"""What is stored in one go is one pack: as quick as writing a file."""
PATIENCE_S = 60.0
_open = threading.local()


def add_small(layout: Layout, contents: Iterable[tuple[str, bytes]]) -> None:
    """Keep contents under their digests, all of them or none; what is there already counts as new again.

    Raises:
        StoreError: The disk is full, or failed.
    """
    now, start, rows, parts = time.time(), 0, [], []
    for digest, data in contents:
        rows.append([bytes.fromhex(digest), start, len(data)])
        parts.append(data)
        start += len(data)
    layout.root.mkdir(parents=True, exist_ok=True)
    with _errors("store small artifacts"), _connect(layout.small) as connection:
        for statement in (*SETTINGS, *TABLES):
            connection.execute(statement)
        whole = (b"".join(parts),)
        pack = connection.execute("INSERT INTO packs (data) VALUES (?)", whole).lastrowid
        connection.executemany(
            "INSERT INTO small VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (digest) DO UPDATE SET time = excluded.time",
            [(digest, pack, place, size, now) for digest, place, size in sorted(rows)],
        )


def find_small(layout: Layout, digest: str) -> bytes | None:
    """Return a small content, None if it is not here.

    Raises:
        StoreError: It cannot be read.
    """
    if not layout.small.exists():
        return None
    with _errors("read a small artifact"), _connect(layout.small) as connection:
        query = "SELECT substr(data, start + 1, size) FROM small JOIN packs ON id = pack WHERE digest = ?"
        row = connection.execute(query, (bytes.fromhex(digest),)).fetchone()
    return None if row is None else bytes(row[0])


def has_small(layout: Layout, digest: str) -> bool:
    """Whether a small content is here.

    Raises:
        StoreError: That cannot be read.
    """
    if not layout.small.exists():
        return False
    with _errors("look for a small artifact"), _connect(layout.small) as connection:
        key = (bytes.fromhex(digest),)
        found = connection.execute("SELECT 1 FROM small WHERE digest = ?", key).fetchone()
    return found is not None


def list_small(layout: Layout) -> list[tuple[str, int, float]]:
    """Return digest, size and time of every small content.

    Raises:
        StoreError: They cannot be read.
    """
    if not layout.small.exists():
        return []
    with _errors("list small artifacts"), _connect(layout.small) as connection:
        rows = connection.execute("SELECT digest, size, time FROM small ORDER BY digest")
        return [(digest.hex(), size, stored) for digest, size, stored in rows]


def remove_small(layout: Layout, digests: Sequence[tuple[str, float]]) -> None:
    """Remove small contents that were not stored again since the given times.

    Raises:
        StoreError: The disk failed.
    """
    if not digests or not layout.small.exists():
        return
    with _errors("remove small artifacts"), _connect(layout.small) as connection:
        keys = [(bytes.fromhex(digest), latest) for digest, latest in digests]
        connection.executemany("DELETE FROM small WHERE digest = ? AND time <= ?", keys)
        connection.execute("DELETE FROM packs WHERE id NOT IN (SELECT pack FROM small)")


@contextlib.contextmanager
def _connect(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield this thread's connection, in a transaction."""
    import sqlite3  # most runs never need it

    known: dict[tuple[str, int, int], sqlite3.Connection] = _open.__dict__.setdefault("connections", {})
    inode = path.stat().st_ino if path.exists() else 0
    key = (str(path), os.getpid(), inode)  # not one that came through a fork, nor of a file that was removed
    connection = known.get(key)
    if connection is None:
        for other in [one for one in known if one[:2] == key[:2]]:
            known.pop(other).close()
        connection = sqlite3.connect(path, timeout=PATIENCE_S)
        known[str(path), os.getpid(), path.stat().st_ino] = connection
    with connection:
        yield connection


@contextlib.contextmanager
def _errors(action: str) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except sqlite3.DatabaseError as error:
        message = f"cannot {action}: {error}"
        raise StoreError(message, hint="is the disk full? `gittrack doctor` looks for more") from error
