"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from gittrack.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

datasync = getattr(os, "fdatasync", os.fsync)
"""Flush a file's content to the disk; ``fsync`` where ``fdatasync`` is missing."""

_HINTS = {
    errno.ENOSPC: "free some disk space and try again; what was acknowledged is kept",
    errno.EDQUOT: "your disk quota is used up; free some space and try again; what was acknowledged is kept",
    errno.EFBIG: "raise the limit on file sizes (`ulimit -f`) and try again; what was acknowledged is kept",
    errno.EROFS: "the file system is read-only; use another repository: set_tracking_uri(PATH)",
    errno.EACCES: "check the permissions of the Git directory",
    errno.EPERM: "check the permissions of the Git directory",
    errno.ENAMETOOLONG: "use a shorter path: most systems take 255 bytes a name, 4096 in all",
    errno.ELOOP: "symbolic links lead round in a circle there: remove one of them",
    errno.EEXIST: "something else has that name: choose another place",
    errno.ENOTDIR: "a file is where a folder should be: choose another place",
    errno.EISDIR: "a folder is where a file should be: choose another place",
}


@contextlib.contextmanager
def disk_errors(action: str) -> Iterator[None]:
    """Translate every `OSError` of the block into a `StoreError` that names ``action``.

    Raises:
        StoreError: The block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(action, error) from error


def disk_error(action: str, error: OSError) -> StoreError:
    """Return the `StoreError` that says what failed and what to do."""
    where = f" {error.filename!r}" if error.filename else ""
    message = f"cannot {action}{where}: {error.strerror or error}"
    return StoreError(message, hint=_HINTS.get(error.errno or 0))


READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)
"""How to open a file whose bytes are read."""


def renew(path: Path) -> bool:
    """Make a file count as written now, where that is allowed; return whether it is there.

    Raises:
        OSError: The disk failed.
    """
    with contextlib.suppress(PermissionError):  # another user's, in a shared repository
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
    return path.exists()


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield a name for a file in the making, which is gone at the end if it still has that name.

    Raises:
        OSError: The disk is full, or failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data``, however many writes that takes.

    Raises:
        OSError: The disk is full, or failed.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, data: bytes, *, sync: bool = False, mode: int = 0o666) -> None:
    """Put ``data`` at ``path`` so that readers see the old content or the new, nothing between.

    Raises:
        OSError: The disk is full, or failed; then ``path`` is as before.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            write_whole(descriptor, data)
            if sync:
                datasync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
