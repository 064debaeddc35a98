"""Where which small content is: SQLite over the tables of their packs, derived, made anew when it must be."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING

from gittrack.store.small_packs import list_packs, read_table, salvage

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from gittrack.store.layout import Layout

    _T = TypeVar("_T")

TABLES = (
    """CREATE TABLE IF NOT EXISTS packs (
        id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, mtime INTEGER NOT NULL
    )""",
    """CREATE TABLE IF NOT EXISTS small (
        digest BLOB NOT NULL, pack INTEGER NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
        PRIMARY KEY (digest, pack)
    ) WITHOUT ROWID""",
)
IN_MEMORY = ":memory:"
"""Instead of a file that cannot be written."""
PATIENCE_S = 60.0
RACY_S = 2.0
"""So soon after a folder changed it may change again without a later time."""
_of_thread = threading.local()


class SmallIndex:
    """The index of one folder of packs, for one thread."""

    def __init__(self, layout: Layout, path: str) -> None:
        """Open it.

        Args:
            layout: Where the packs are.
            path: Of the index.

        Raises:
            sqlite3.Error: It is damaged, or cannot be written.
        """
        import sqlite3  # most runs never need it

        self._layout = layout
        self._folder = str(layout.small)
        self._connection = sqlite3.connect(path, timeout=PATIENCE_S)
        self._folder_time, self._since, self._listed = 0, 0.0, 0.0

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def places(self, digest: bytes) -> list[tuple[str, int, int]]:
        """Return in which packs a content is, the newest first: path, start and size in bytes.

        Raises:
            OSError: The packs cannot be read.
            sqlite3.Error: The index is damaged, or cannot be written.
        """
        query = (
            "SELECT name, start, size FROM small JOIN packs ON id = pack WHERE digest = ? ORDER BY mtime DESC"
        )
        rows = self._connection.execute(query, (digest,)).fetchall() if self._listed else []
        if not rows and self._is_behind():
            self.refresh()
            rows = self._connection.execute(query, (digest,)).fetchall()
        return [(f"{self._folder}/{name}", start, size) for name, start, size in rows]

    def list(self) -> list[tuple[bytes, int, int]]:
        """Return digest, size in bytes and time in ns of every content that packs hold, sorted by digest.

        Raises:
            OSError: The packs cannot be read.
            sqlite3.Error: The index is damaged, or cannot be written.
        """
        self.refresh()
        query = "SELECT digest, size, max(mtime) FROM small JOIN packs ON id = pack GROUP BY digest"
        return self._connection.execute(query).fetchall()

    def refresh(self) -> None:
        """Read the tables of new packs, forget those that are gone.

        Raises:
            OSError: The packs cannot be read.
            sqlite3.Error: The index is damaged, or cannot be written.
        """
        self._listed = time.monotonic()
        salvage(self._layout)
        there = list_packs(self._layout)
        with self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            for statement in TABLES:
                connection.execute(statement)
            known = dict(connection.execute("SELECT name, mtime FROM packs"))
            for name in known.keys() - there.keys():
                connection.execute(
                    "DELETE FROM small WHERE pack = (SELECT id FROM packs WHERE name = ?)", (name,)
                )
                connection.execute("DELETE FROM packs WHERE name = ?", (name,))
            for name in known.keys() & there.keys():
                if known[name] != there[name]:
                    connection.execute("UPDATE packs SET mtime = ? WHERE name = ?", (there[name], name))
            for name in there.keys() - known.keys():
                with contextlib.suppress(FileNotFoundError):
                    self._add(name, there[name])

    def _add(self, name: str, mtime: int) -> None:
        table = read_table(self._layout.small / name)
        row = self._connection.execute("INSERT INTO packs (name, mtime) VALUES (?, ?)", (name, mtime))
        self._connection.executemany(
            "INSERT INTO small VALUES (?, ?, ?, ?)",
            sorted((digest, row.lastrowid, start, size) for digest, start, size in table),
        )

    def _is_behind(self) -> bool:
        """Whether the packs may have changed since they were last listed."""
        try:
            folder_time = os.stat(self._folder).st_mtime_ns
        except FileNotFoundError:
            folder_time = 0
        if folder_time != self._folder_time:
            self._folder_time, self._since = folder_time, time.monotonic()
        return self._listed <= self._since + RACY_S


def may_hold_any(layout: Layout) -> bool:
    """Whether there are packs, or were."""
    return (str(layout.root), os.getpid()) in _indexes() or layout.small.exists()


def ask(layout: Layout, question: Callable[[SmallIndex], _T]) -> _T:
    """Return what the index of this thread says; one that is damaged or cannot be written is made anew.

    Raises:
        OSError: The packs cannot be read.
    """
    import sqlite3

    indexes = _indexes()
    key = (str(layout.root), os.getpid())  # not one that came through a fork
    for _ in range(2):
        try:
            if key not in indexes:
                indexes[key] = SmallIndex(layout, str(layout.small_index))
            return question(indexes[key])
        except sqlite3.OperationalError:
            break
        except sqlite3.DatabaseError:
            _close(indexes, key)
            with contextlib.suppress(OSError):
                layout.small_index.unlink()
    _close(indexes, key)
    indexes[key] = SmallIndex(layout, IN_MEMORY)
    return question(indexes[key])


def _indexes() -> dict[tuple[str, int], SmallIndex]:
    """Return the indexes that this thread has open, by folder and process."""
    indexes: dict[tuple[str, int], SmallIndex] = _of_thread.__dict__.setdefault("indexes", {})
    return indexes


def _close(indexes: dict[tuple[str, int], SmallIndex], key: tuple[str, int]) -> None:
    if index := indexes.pop(key, None):
        index.close()
