"""Folders that change: told once when things have settled, however many files were touched."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.polling import PollingObserver

from gittrack.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from watchdog.observers.api import BaseObserver

SETTLE_S = 0.5
"""Quiet for so long means that whoever writes is done."""
MOUNTS = Path("/proc/self/mounts")
NETWORK_DISKS = frozenset(
    """
    9p afs beegfs ceph cifs gcsfuse glusterfs gpfs lustre nfs nfs4 orangefs panfs s3fs smb3 smbfs sshfs
    """.split()
)
READING = frozenset({"opened", "closed_no_write"})
"""Events of somebody who only looks."""


class Changes(FileSystemEventHandler):
    """Remembers that something changed, until it is asked."""

    def __init__(self, settle_s: float) -> None:
        """Wait for ``settle_s`` seconds of quiet before telling."""
        self._settle_s = settle_s
        self._changed = threading.Event()

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note a change."""
        if event.event_type not in READING:
            self.note()

    def note(self) -> None:
        """Note a change that no folder shows."""
        self._changed.set()

    def wait(self, timeout_s: float | None = None, *, limit_s: float = math.inf) -> bool:
        """Return True once something changed and it is quiet again; False if nothing did in ``timeout_s``.

        Args:
            timeout_s: How long to wait for a change, seconds.
            limit_s: How long to wait for quiet after it: who writes all the time is never quiet.
        """
        if not self._changed.wait(timeout_s):
            return False
        deadline = time.monotonic() + limit_s
        while True:
            self._changed.clear()
            if not self._changed.wait(self._settle_s) or time.monotonic() > deadline:
                return True


@contextlib.contextmanager
def watch(
    folders: Iterable[Path], *, settle_s: float = SETTLE_S, is_polling: bool | None = None
) -> Iterator[Changes]:
    """Watch folders, with all below them, for the time of a ``with`` block.

    Where the system cannot watch (too many watches) the folders are polled, and on network disks, where it
    sees only what this machine does.

    Args:
        folders: What to watch.
        settle_s: Quiet for so long means that whoever writes is done.
        is_polling: Whether to poll; by the kind of disk if None.

    Raises:
        NotFoundError: A folder does not exist.
    """
    watched = list(folders)
    for folder in watched:
        if not folder.is_dir():
            message = f"there is no folder {str(folder)!r} to watch"
            raise NotFoundError(message, hint="create it first")
    changes = Changes(settle_s)
    if any(map(is_on_network, watched)) if is_polling is None else is_polling:
        observer: BaseObserver = _start(PollingObserver(), watched, changes)
    else:
        observer = _start_watching(watched, changes)
    try:
        yield changes
    finally:
        observer.stop()
        observer.join()


def is_on_network(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Whether a folder is on a disk that other machines write to, as far as the system says."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
        where = folder.resolve()
    except OSError:
        return False
    kinds = {}
    for line in lines:
        parts = line.split()
        if len(parts) > 2:  # noqa: PLR2004  (what, where, kind)
            kinds[parts[1].replace("\\040", " ")] = parts[2]
    nearest = next((kinds[str(one)] for one in (where, *where.parents) if str(one) in kinds), "")
    return nearest.partition(".")[2] in NETWORK_DISKS or nearest in NETWORK_DISKS


def _start_watching(folders: list[Path], changes: Changes) -> BaseObserver:
    try:
        return _start(Observer(), folders, changes)
    except OSError:
        return _start(PollingObserver(), folders, changes)


def _start(observer: BaseObserver, folders: list[Path], changes: Changes) -> BaseObserver:
    for folder in folders:
        observer.schedule(changes, str(folder), recursive=True)
    observer.start()
    return observer
