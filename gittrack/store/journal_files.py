"""Journals as files: one for each run and writer, appended with a single ``write`` a call."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import socket
import threading
import time
import weakref
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.journal import JournalContent, read_lines
from gittrack.store.disk import datasync, disk_error, disk_errors, write_whole
from gittrack.store.lock import try_flock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.store.layout import Layout

SYNC_INTERVAL_S = 2.0
"""A power cut costs at most this much of what was acknowledged."""
TURNS_PER_BEAT = 5
LOST_S = 90.0
"""A journal that nobody touched for so long is nobody's, where no lock tells: clocks of hosts may differ."""
CHUNK_BYTES = 1 << 20
OWNER = "o"
"""At the end of a journal's name: it goes on where one that answers for the run's end was checkpointed."""
OWNING_LINES = (b'["run",', b'["resume",')

_writers: weakref.WeakSet[JournalWriter] = weakref.WeakSet()
_own_paths: set[Path] = set()
"""Journals that this process writes, from just before they exist."""
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Journal:
    """One journal file and what its name tells of the writer."""

    path: Path
    run_id: str
    host: str
    pid: int
    start: str
    """When the writing process started, in the system's own count."""

    @property
    def name(self) -> str:
        """The file's name without its ending: unique among all writers."""
        return self.path.stem


@dataclass(frozen=True, slots=True)
class Sealed:
    """A journal that is complete but still held, so that nobody else folds it."""

    path: Path
    _descriptor: int

    def close(self) -> None:
        """Let go of it, once it is committed."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        _own_paths.discard(self.path)


class JournalWriter:
    """Appends lines to one journal of this process; safe to use from many threads."""

    def __init__(self, layout: Layout, run_id: str) -> None:
        """Create the journal file.

        Raises:
            StoreError: It cannot be created.
        """
        self._folder = layout.journals / run_id
        self._lock = threading.Lock()
        self.run_id = run_id
        self.is_dirty = False
        self.is_inherited = False
        """Whether a fork copied this writer into the process, which then has a journal of its own."""
        self._is_torn = False
        self._is_sealed = False
        self.path, self._descriptor = _create(self._folder)
        _writers.add(self)

    def append(self, line: bytes) -> None:
        """Write one line, newline included; when this returns, a killed process no longer loses it.

        Raises:
            StoreError: The disk is full, or failed, or the journal was closed.
        """
        with self._lock:
            self.is_dirty = True
            if self._is_torn:
                line = b"\n" + line
            try:
                written = os.write(self._descriptor, line)
            except OSError as error:
                written = self._write_after(error, line)
            if written != len(line):
                self._finish(line, written)
            self._is_torn = False

    def size(self) -> int:
        """Return how many bytes are in the file; 0 if this process has none at the moment."""
        return os.fstat(self._descriptor).st_size if self._descriptor >= 0 else 0

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        descriptor = self._descriptor  # another thread may close it at any moment
        if self.is_dirty and descriptor >= 0:
            self.is_dirty = False
            with contextlib.suppress(OSError):
                datasync(descriptor)

    def beat(self) -> None:
        """Give a sign of life, for hosts that cannot see our lock."""
        descriptor = self._descriptor
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.utime(descriptor)

    def rotate(self) -> Sealed | None:
        """Go on in a new file; return the finished one, to be folded by the caller, None if it was sealed.

        If the finished journal answers for the run's end, the new one does from its first moment on.

        Raises:
            StoreError: The new file cannot be created; then the old one stays in use.
        """
        path, descriptor = _create(self._folder, is_owner=is_owner(self.path))
        with self._lock:
            if not self._is_sealed:
                finished, self.path = self.path, path
                before, self._descriptor = self._descriptor, descriptor
                return Sealed(finished, before)
        # Another thread ended the run meanwhile: what is here belongs to it.
        path.unlink(missing_ok=True)
        Sealed(path, descriptor).close()
        return None

    def seal(self) -> Sealed:
        """Write nothing more; return the finished journal, to be folded by the caller."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            self._is_sealed = True
            _writers.discard(self)
            return Sealed(self.path, descriptor)

    def forget_after_fork(self) -> None:
        """Leave the parent's file alone: the child opens its own when it first writes."""
        self._lock = threading.Lock()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self.is_inherited = True
            self.path = Path()

    def _write_after(self, error: OSError, line: bytes) -> int:
        """Try once more in a journal of our own if the process was forked, else complain."""
        if error.errno != errno.EBADF or not self.is_inherited or self._descriptor >= 0:
            raise disk_error("log", error) from error
        self.path, self._descriptor = _create(self._folder)
        with disk_errors("log"):
            return os.write(self._descriptor, line)

    def _finish(self, line: bytes, written: int) -> None:
        """Write the rest of a line that the disk took in part; if that fails, take it back as a whole."""
        start = os.fstat(self._descriptor).st_size - written
        try:
            write_whole(self._descriptor, line[written:])
        except OSError as error:
            self._take_back(start)
            raise disk_error("log", error) from error

    def _take_back(self, start: int) -> None:
        """Cut what was written from an offset on: a line that lacks only its newline would count later."""
        try:
            os.ftruncate(self._descriptor, start)
        except OSError:
            self._is_torn = True


def is_owner(path: Path) -> bool:
    """Whether the writer of a journal started or resumed its run, and so answers for its end."""
    if path.stem.endswith(OWNER):
        return True
    try:
        with path.open("rb") as file:
            return file.read(10).startswith(OWNING_LINES)
    except OSError:
        return False


def has_successor(path: Path) -> bool:
    """Whether the writer of a journal went on in another one, which answers for the run's end instead."""
    writer = path.stem.rpartition("-")[0]
    return any(
        one.stem > path.stem and one.stem.endswith(OWNER) and one.stem.rpartition("-")[0] == writer
        for one in _children(path.parent)
    )


def _create(folder: Path, *, is_owner: bool = False) -> tuple[Path, int]:
    """Create a journal that is known to be alive from its first moment on; return it with its descriptor."""
    with disk_errors("create a journal"):
        while True:
            number = next(_numbers)
            mark = OWNER if is_owner else ""
            name = f"{_host()}-{os.getpid()}-{_start_of_own(os.getpid())}-{number:06}{mark}"
            path = folder / f"{name}.jsonl"
            _own_paths.add(path)
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            except FileNotFoundError:  # a new run, or its folder was tidied away in between
                folder.mkdir(parents=True, exist_ok=True)
                continue
            # Held as long as the process lives: tells other hosts that somebody is writing. If one of them
            # looked at the file before it was locked, it may be about to tidy it away: take another.
            if try_flock(descriptor) is not False and os.fstat(descriptor).st_nlink:
                return path, descriptor
            os.close(descriptor)


def list_journals(layout: Layout, run_id: str | None = None) -> Iterator[Journal]:
    """Yield the journals of one run, or of all."""
    folders = [layout.journals / run_id] if run_id is not None else _children(layout.journals)
    for folder in folders:
        for path in _children(folder):
            if path.suffix != ".jsonl":
                continue
            parts = path.stem.rsplit("-", 3)
            if len(parts) == 4 and parts[1].isdecimal():  # noqa: PLR2004  (host, pid, start, number)
                yield Journal(path, folder.name, parts[0], int(parts[1]), parts[2])


def is_alive(journal: Journal) -> bool:
    """Whether the process that writes ``journal`` still lives."""
    if journal.host == _host():
        if journal.pid == os.getpid():
            return journal.path in _own_paths
        # Another start is no proof of death: containers may share a host name, and no process ids.
        if _start_of(journal.pid) == journal.start:
            return True
    try:
        descriptor = os.open(journal.path, os.O_RDWR)
    except OSError:
        return False
    try:
        is_ours = try_flock(descriptor)
        age_s = time.time() - os.fstat(descriptor).st_mtime
    except OSError:
        return True
    else:
        return age_s < LOST_S if is_ours is None else not is_ours
    finally:
        os.close(descriptor)


def read_journal(path: Path, spill: Callable[[JournalContent], None] | None = None) -> JournalContent:
    """Return what a journal says; torn and damaged lines are counted and left out.

    Args:
        path: The file; one that is gone reads as empty.
        spill: Called after each piece of about a megabyte: it may take points out, so that memory stays flat.

    Raises:
        StoreError: It cannot be read.
    """
    content = JournalContent()
    rest = b""
    with disk_errors("read the journal"):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return content
        with file:
            while chunk := file.read(CHUNK_BYTES):
                rest = read_lines(content, rest + chunk)
                if spill:
                    spill(content)
    if rest.strip(b"\0"):
        content.bad_lines += 1
    return content


def remove_journal(path: Path) -> None:
    """Remove a journal that was committed, and its run's folder when that is empty."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def start_syncing() -> None:
    """Keep a daemon thread that calls `JournalWriter.sync` on every writer, every two seconds."""
    if _Sync.thread is None or not _Sync.thread.is_alive():
        _Sync.thread = threading.Thread(target=_sync_forever, name="gittrack-sync", daemon=True)
        _Sync.thread.start()


class _Sync:
    thread: threading.Thread | None = None


def _sync_forever() -> None:
    pause = threading.Event()
    for turn in itertools.count():
        pause.wait(SYNC_INTERVAL_S)
        for writer in list(_writers):
            writer.sync()
            if turn % TURNS_PER_BEAT == 0:
                writer.beat()


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


@cache
def _host() -> str:
    name = socket.gethostname().partition(".")[0]
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name) or "host"


@cache
def _start_of_own(pid: int) -> str:
    return _start_of(pid) or "0"


def _start_of(pid: int) -> str | None:
    """Return when a process started, None if it is gone or the system does not tell."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat.rpartition(b")")[2].split()
    if fields[0] in {b"Z", b"X"}:
        return None
    return fields[19].decode()


def _after_fork() -> None:
    _Sync.thread = None
    _own_paths.clear()
    for writer in list(_writers):
        writer.forget_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
