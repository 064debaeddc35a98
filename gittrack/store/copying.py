"""Files copied by the quickest way that the file system knows, and hashed on the way."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from typing import TYPE_CHECKING

from gittrack.store.digests import GrowingDigest, digest_file, ignore
from gittrack.store.disk import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import BinaryIO

COPY_BYTES = 8 << 20
FICLONE = 0x40049409
"""Linux's ioctl that lets two files share their blocks."""


def copy_hashed(source: BinaryIO, target: Path, progress: Callable[[int], None] = ignore) -> str:
    """Copy a whole stream into a file, and hash the copy while it grows; return its BLAKE3 digest.

    Args:
        source: At its start.
        target: Made, or made empty first.
        progress: Called with bytes as they are hashed, by any thread.

    Raises:
        OSError: Something cannot be read, or the disk is full or failed.
    """
    with target.open("wb", buffering=0) as copy:
        try:
            descriptor = source.fileno()
        except OSError:  # it is in memory
            shutil.copyfileobj(source, copy, COPY_BYTES)
            return digest_file(target, progress)
        if os.fstat(descriptor).st_size < COPY_BYTES:
            copy_descriptor(descriptor, copy.fileno())
            return digest_file(target, progress)
        growing = GrowingDigest(target, progress)
        try:
            copy_descriptor(descriptor, copy.fileno(), growing.grow)
        finally:
            digest = growing.finish()
        if growing.size == os.fstat(copy.fileno()).st_size:
            return digest
    return digest_file(target, progress)  # it took no copying, or it has holes


def link_file(source: Path, target: Path) -> bool:
    """Make ``target`` share the blocks of a file, or else be the file itself.

    Returns:
        Whether that could be: it is on the same file system, and is nobody else's.

    Raises:
        OSError: The disk is full, or failed.
    """
    with source.open("rb", buffering=0) as file, target.open("xb", buffering=0) as copy:
        if share_blocks(file.fileno(), copy.fileno()):  # as cheap, and without the danger
            return True
    target.unlink()
    try:
        os.link(source.resolve(), target)
        target.chmod(stat.S_IMODE(target.stat().st_mode))  # else it cannot be made read-only later
    except OSError:  # another file system, or another user's file
        target.unlink(missing_ok=True)
        return False
    return True


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; the copy does not exist before.

    Raises:
        OSError: It cannot be read, or the disk is full or failed.
    """
    with source.open("rb", buffering=0) as file, target.open("xb", buffering=0) as copy:
        copy_descriptor(file.fileno(), copy.fileno())


def copy_descriptor(source: int, target: int, copied: Callable[[int], None] = ignore) -> None:
    """Copy all of one open file into another, which is empty.

    Args:
        source: At its start.
        target: Open for writing.
        copied: Called with bytes as they are there; not at all where that took no time.

    Raises:
        OSError: The disk is full, or failed.
    """
    if share_blocks(source, target) or _copy_sparse(source, target):
        return
    while True:
        try:
            size = os.copy_file_range(source, target, COPY_BYTES)
        except (OSError, AttributeError):
            break
        if size == 0 and os.fstat(target).st_size == 0:
            break  # some file systems copy nothing and say nothing
        if size == 0:
            return
        copied(size)
    os.lseek(source, os.fstat(target).st_size, os.SEEK_SET)
    os.lseek(target, 0, os.SEEK_END)
    while chunk := os.read(source, COPY_BYTES):
        write_whole(target, chunk)
        copied(len(chunk))


def share_blocks(source: int, target: int) -> bool:
    """Let an empty file share the blocks of another one (a reflink); return whether the file system can."""
    try:
        import fcntl

        fcntl.ioctl(target, FICLONE, source)
    except (OSError, ImportError):
        return False
    return True


def _copy_sparse(source: int, target: int) -> bool:
    """Copy a file with holes, leaving them out; return whether it has any and the system knows where."""
    about = os.fstat(source)
    if not stat.S_ISREG(about.st_mode) or about.st_blocks * 512 >= about.st_size:
        return False
    try:
        start = _seek_data(source, 0, about.st_size)
        while start < about.st_size:
            end = os.lseek(source, start, os.SEEK_HOLE)
            for place in range(start, end, COPY_BYTES):
                data = os.pread(source, min(COPY_BYTES, end - place), place)
                os.lseek(target, place, os.SEEK_SET)
                write_whole(target, data)
            start = _seek_data(source, end, about.st_size)
    except (OSError, AttributeError):
        os.ftruncate(target, 0)
        return False
    os.ftruncate(target, about.st_size)
    return True


def _seek_data(descriptor: int, start: int, size: int) -> int:
    """Return where the next data of a file begins, its size if there is none."""
    try:
        return os.lseek(descriptor, start, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return size
        raise
