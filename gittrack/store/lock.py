"""One writer at a time, across processes and hosts."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import threading
import time
from typing import TYPE_CHECKING

from gittrack.errors import LockedError, StoreError

try:
    import fcntl
except ImportError:  # Windows
    flock = None
else:
    flock = fcntl.flock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEASE_S = 30.0
"""A lease file that was not renewed for this long belongs to nobody alive."""
NO_FLOCK = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL})


def try_flock(descriptor: int) -> bool | None:
    """Take an exclusive lock on an open file: True if taken, False if held elsewhere, None if unsupported."""
    if flock is None:
        return None
    try:
        flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_FLOCK:
            return None
        raise
    return True


@contextlib.contextmanager
def hold(path: Path, *, timeout_s: float = 120.0) -> Iterator[None]:
    """Hold the lock at ``path`` for the time of a ``with`` block.

    Args:
        path: The lock file; it is created and stays.
        timeout_s: How long to wait for another holder, seconds.

    Raises:
        LockedError: Somebody else held it for ``timeout_s``.
        StoreError: The lock file cannot be opened.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        message = f"cannot open the lock {str(path)!r}: {error.strerror}"
        raise StoreError(message, hint="check that the Git directory is writable") from error
    try:
        deadline = time.monotonic() + timeout_s
        taken = try_flock(descriptor)
        pause_s = 0.001
        while taken is False:
            if time.monotonic() > deadline:
                message = f"another process has held {str(path)!r} for {timeout_s:.0f} s"
                raise LockedError(message, hint="end that process, then try again; nothing is lost")
            time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)
            pause_s = min(pause_s * 1.5, 0.05)
            taken = try_flock(descriptor)
        if taken is None:
            with _hold_lease(path.with_name(path.name + ".lease"), deadline):
                yield
        else:
            yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _hold_lease(path: Path, deadline: float) -> Iterator[None]:
    """Stand in for flock where the file system has none: an exclusively created file, renewed while held."""
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            if _age_s(path) > LEASE_S:
                _remove_stale(path)
                continue
        if time.monotonic() > deadline:
            message = f"another process holds {str(path)!r}"
            raise LockedError(message, hint="end that process, then try again; nothing is lost")
        time.sleep(random.uniform(0.01, 0.05))  # noqa: S311  (jitter, no secret)
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(path, done), name="gittrack-lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()
        path.unlink(missing_ok=True)


def _renew(path: Path, done: threading.Event) -> None:
    while not done.wait(LEASE_S / 4):
        with contextlib.suppress(OSError):
            os.utime(path)


def _remove_stale(path: Path) -> None:
    """Remove a lease that nobody renews; one that somebody took over in this moment is put back."""
    aside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    with contextlib.suppress(OSError):
        path.rename(aside)
        if _age_s(aside) <= LEASE_S:
            os.link(aside, path)
        aside.unlink()


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
