"""The index: the runs of one commit in SQLite, derived, checked at every use, disposable at any time.

It answers what would otherwise take a walk over all runs. It is brought up to date by the difference of two
trees, so that a new run costs what a new run is. Where it cannot be brought up to date (somebody holds it,
the disk is read-only), it says for which runs it does not speak; where it cannot be used at all, it says so.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import CorruptDataError, LockedError, StoreError
from gittrack.store.index_build import build, tree_of, update
from gittrack.store.index_schema import VERSION
from gittrack.store.lock import hold
from gittrack.store.mounts import is_on_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gittrack.store.git_objects import Objects

    Progress = Callable[[int, int], None]

BUSY_S = 5.0
"""How long to wait for another process that writes the index."""
BUILD_PATIENCE_S = 120.0
"""How long to wait for another process that builds it."""
ATTEMPTS = 5
"""How often to begin again when the index is removed or replaced under our hands."""
CACHE_KIB = 32_768
"""Memory for pages, at most: the upper ones of every tree shall stay."""
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""What SQLite says of a file that only a new one can replace."""
OUT_OF_REACH = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM,
    }
)  # fmt: skip
"""What SQLite says of a file that can be read and not written, now or ever."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The index at one moment."""

    connection: sqlite3.Connection
    stale: frozenset[str]
    """Runs for which it does not speak: they changed since, or its tables cannot hold them."""


class Index:
    """The runs of the hidden branch, as of one of its trees."""

    def __init__(self, path: Path, objects: Objects) -> None:
        """Keep the index at ``path``; nothing is opened yet."""
        self._path = path
        self._objects = objects
        self.progress: Progress | None = None
        """Told how many runs are indexed, and of how many, while the index is built."""

    @contextlib.contextmanager
    def open(self, tree: str) -> Iterator[Snapshot | None]:
        """Open the index for reading, as close to ``tree`` as it can be; yield None if there is no way.

        Raises:
            CorruptDataError: A tree of the hidden branch is missing or damaged.
        """
        snapshot = self._take(tree)
        try:
            yield snapshot
        except (sqlite3.Error, zlib.error) as error:
            self._forget(error)
            raise
        finally:
            if snapshot is not None:
                snapshot.connection.close()

    def _take(self, tree: str) -> Snapshot | None:
        for _ in range(ATTEMPTS):
            try:
                opened = self._open_file() or self._build(tree)
                if opened is not None and (snapshot := self._read(*opened, tree)) is not None:
                    return snapshot
            except (sqlite3.Error, OSError) as error:
                if not self._forget(error):
                    return None
            except CorruptDataError:
                raise
            except StoreError:
                return None
        return None

    def _read(self, connection: sqlite3.Connection, inode: int, tree: str) -> Snapshot | None:
        """Return what an open index says, None if it is not the one at its path any more."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(contextlib.closing(connection))
            if tree_of(connection) != tree:
                try:
                    update(connection, self._objects, tree, lambda: self._inode() == inode)
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF not in OUT_OF_REACH:
                        raise
            connection.execute("BEGIN")
            held = tree_of(connection)
            if self._inode() != inode:
                return None
            stale = {str(run_id) for (run_id,) in connection.execute("SELECT run_id FROM unindexed")}
            if held != tree:
                if not self._objects.has(held):
                    message = "the index cannot be written"
                    raise LockedError(message)
                stale |= {run_id for run_id, _, _ in self._objects.changed_runs(held, tree)}
            stack.pop_all()
            return Snapshot(connection, frozenset(stale))

    def _open_file(self) -> tuple[sqlite3.Connection, int] | None:
        """Return the index and its inode, None if there is none, or one of an older version."""
        inode = self._inode()
        if inode is None:
            return None
        try:
            connection = _connect(self._path, "mode=rw")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}:
                raise
            # Nobody can write where not even the lock files of readers can be made.
            connection = _connect(self._path, "mode=ro&immutable=1")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION:
            return connection, inode
        connection.close()
        if version < VERSION:
            return None
        # Somebody uses a newer gittrack here: both shall have their own.
        self._path = self._path.with_name(f"index-{VERSION}.sqlite")
        return self._open_file()

    def _build(self, tree: str) -> tuple[sqlite3.Connection, int] | None:
        """Build the index aside and put it in its place; only one process does, the others wait."""
        folder = self._path.parent
        with hold(folder / "index.lock", timeout_s=BUILD_PATIENCE_S):
            built = self._open_file()
            if built is not None:
                return built
            aside = folder / "tmp" / f"index-{os.getpid()}-{os.urandom(4).hex()}.sqlite"
            aside.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Where several hosts may write, they cannot share the memory that a write-ahead log needs.
                journal = "DELETE" if is_on_network(folder) else "WAL"
                build(aside, self._objects, tree, journal=journal, progress=self.progress)
                _remove(self._path)
                aside.rename(self._path)
            finally:
                _remove(aside)
        return self._open_file()

    def _inode(self) -> int | None:
        try:
            return self._path.stat().st_ino
        except FileNotFoundError:
            return None

    def _forget(self, error: Exception) -> bool:
        """Remove an index that turned out to be damaged; return whether it was."""
        code = getattr(error, "sqlite_errorcode", 0)
        is_damaged = isinstance(error, zlib.error) or (code & 0xFF) in DAMAGED
        if is_damaged:
            _remove(self._path)
        return is_damaged


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # An index comes to be by a rename only: opening never makes one, so nobody ever sees an empty one.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}",
        uri=True,
        timeout=BUSY_S,
        isolation_level=None,
        check_same_thread=False,  # who reads on in another thread closes there
    )
    try:
        # Derived data: a power cut may cost it, so it need not wait for the disk.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    # The file before its log: whoever opens a log then finds the one of the file that it opened.
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            os.unlink(f"{path}{suffix}")
