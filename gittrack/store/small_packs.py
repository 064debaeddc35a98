"""Many small contents as one file: ten thousand of them cost one write, and not ten thousand inodes.

A pack holds the contents one after the other, then its table: their BLAKE3 digests (32 bytes each), their
sizes (32 bits each, big-endian), how many there are (32 bits) and a mark. It is named by the digest of all of
that, so a folder that is stored again is there already. Like other content it is on the disk before a commit
names it, see `gittrack.store.settling`.
"""

from __future__ import annotations

import contextlib
import os
import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from gittrack.store.digests import digest_bytes
from gittrack.store.disk import READ_ONLY, datasync, renew, temporary_file, write_whole
from gittrack.store.settling import PACK, forget_loss, is_doubtful, mark_unsettled

if TYPE_CHECKING:
    from collections.abc import Container, Mapping
    from pathlib import Path

    from gittrack.store.layout import Layout

MARK = b"gtsmall1"
DIGEST_BYTES = 32
SIZE_BYTES = 4
TAIL = struct.Struct(">I8s")
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
SALVAGED = "salvaged-"
"""Begins the name of a damaged pack whose whole contents were taken out of it."""


def write_pack(layout: Layout, contents: Mapping[bytes, bytes], mtime: float | None = None) -> None:
    """Keep contents under their raw digests in one file, all of them or none; those there count as new again.

    Args:
        layout: Where.
        contents: Digest → content.
        mtime: When they were stored, for those that were stored before and must be on the disk at once.

    Raises:
        OSError: The disk is full, or failed.
    """
    sizes = struct.pack(f">{len(contents)}I", *map(len, contents.values()))
    data = b"".join([*contents.values(), *contents, sizes, TAIL.pack(len(contents), MARK)])
    name = digest_bytes(data)
    path = layout.small / name
    if _is_here(layout, path) and (mtime is not None or renew(path)):
        return
    layout.small.mkdir(parents=True, exist_ok=True)
    with temporary_file(layout.temporary) as temporary:
        descriptor = os.open(temporary, CREATE, 0o444)
        try:
            write_whole(descriptor, data)
            if mtime is not None:
                datasync(descriptor)
        finally:
            os.close(descriptor)
        if mtime is None:
            mark_unsettled(layout, PACK + name)
        else:
            os.utime(temporary, (mtime, mtime))
        temporary.replace(path)
        forget_loss(layout, PACK + name)


def list_packs(layout: Layout) -> dict[str, int]:
    """Return the packs there are: name → when its contents were last stored, ns.

    Raises:
        OSError: They cannot be listed.
    """
    packs = {}
    with contextlib.suppress(FileNotFoundError), os.scandir(layout.small) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                packs[entry.name] = entry.stat().st_mtime_ns
    return packs


def read_table(path: Path) -> list[tuple[bytes, int, int]]:
    """Return the raw digest, place and size of every content in a pack; none if the file is torn.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(end - TAIL.size, 0))
        tail = file.read(TAIL.size)
        count, mark = TAIL.unpack(tail) if len(tail) == TAIL.size else (0, b"")
        start = end - TAIL.size - count * (DIGEST_BYTES + SIZE_BYTES)
        if mark != MARK or start < 0:
            return []
        file.seek(start)
        table = file.read(count * (DIGEST_BYTES + SIZE_BYTES))
    middle = count * DIGEST_BYTES
    sizes = struct.unpack(f">{count}I", table[middle:])
    if sum(sizes) != start:
        return []
    digests = [table[place : place + DIGEST_BYTES] for place in range(0, middle, DIGEST_BYTES)]
    return list(zip(digests, accumulate(sizes, initial=0), sizes, strict=False))


def read_packed(path: str, start: int, size: int) -> bytes:
    """Return one content of a pack.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, READ_ONLY)
    try:
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def drop_from_pack(layout: Layout, path: Path, dropped: Container[bytes], latest: float) -> None:
    """Remove contents from a pack: the others move to a pack of their own, and this one goes.

    Args:
        layout: Where.
        path: Of the pack.
        dropped: The raw digests of what goes.
        latest: A pack that was stored again after this time stays; seconds since the epoch.

    Raises:
        OSError: The disk is full, or failed; then the pack is as before.
    """
    mtime = path.stat().st_mtime
    whole = path.read_bytes()
    kept = {
        digest: whole[start : start + size]
        for digest, start, size in read_table(path)
        if digest not in dropped
    }
    if kept:
        write_pack(layout, kept, mtime)
    with temporary_file(layout.temporary) as aside:
        path.rename(aside)
        # Somebody may just have stored all of it again.
        if aside.stat().st_mtime_ns / 1e9 > latest and not path.exists():
            aside.rename(path)


def salvage(layout: Layout) -> None:
    """Take what is whole out of packs that a power cut damaged.

    Raises:
        OSError: The disk is full, or failed.
    """
    try:
        names = [name for name in os.listdir(layout.damaged) if name.startswith(PACK)]
    except FileNotFoundError:
        return
    for name in names:
        path = layout.damaged / name
        whole = path.read_bytes()
        table = [(digest, whole[start : start + size]) for digest, start, size in read_table(path)]
        if kept := {digest: data for digest, data in table if digest_bytes(data) == digest.hex()}:
            write_pack(layout, kept)
        with contextlib.suppress(FileNotFoundError):  # all of it was whole
            path.replace(layout.damaged / f"{SALVAGED}{name}")


def _is_here(layout: Layout, path: Path) -> bool:
    """Whether a pack is here, and no power cut can have damaged it."""
    return path.exists() and not is_doubtful(layout, PACK + path.name)
