"""Many small packs into one, byte by byte: no deltas, no recompression."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from gittrack.store.disk import disk_errors, replace_file
from gittrack.store.git_pack import PackedObject, decode_index, finish_pack, install_pack
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.layout import Layout

MAX_PACKS = 16
MAX_PACK_BYTES = 64 << 20
GROWTH = 2
"""A pack joins the roll-up if it is at most this many times as large as all smaller ones together."""
HEADER_BYTES = 12


def roll_up(layout: Layout, folder: Path, hash_name: str) -> int:
    """Copy gittrack's small packs into one if there are too many; return how many were replaced.

    Only packs that gittrack wrote and below 64 MiB are touched; the new one is complete before old ones go.

    Raises:
        StoreError: The disk is full, or failed. Nothing is lost.
    """
    if len(pack_list(layout)) <= MAX_PACKS:
        return 0
    with hold(layout.root / "rollup.lock"), disk_errors("roll up packs"):
        names = [name for name in dict.fromkeys(pack_list(layout)) if pack_exists(folder, name)]
        chosen = _choose(folder, names)
        merged = _merge(folder, chosen, hash_name) if len(chosen) > 1 else None
        with hold(layout.lock):
            kept = [name for name in dict.fromkeys(pack_list(layout)) if pack_exists(folder, name)]
            # Listed until they are gone: what a kill leaves of them is known to be ours.
            rewrite_pack_list(layout, [*kept, merged] if merged else kept)
            if merged is None:
                return 0
            for name in chosen:
                if name != merged:
                    (folder / f"{name}.idx").unlink(missing_ok=True)
                    (folder / f"{name}.pack").unlink(missing_ok=True)
            rewrite_pack_list(layout, [*(name for name in kept if name not in chosen), merged])
        (folder / f"{merged}.keep").unlink(missing_ok=True)
        return len(chosen)


def _choose(folder: Path, names: list[str]) -> list[str]:
    """Return the packs to merge: from the smallest up, while the next is not far larger than all before."""
    sized = sorted(
        (size, name) for name in names if (size := (folder / f"{name}.pack").stat().st_size) < MAX_PACK_BYTES
    )
    chosen: list[str] = []
    total = 0
    for size, name in sized:
        if (len(chosen) > 1 and size > GROWTH * total) or total + size > MAX_PACK_BYTES:
            break
        chosen.append(name)
        total += size
    return chosen


def _merge(folder: Path, names: list[str], hash_name: str) -> str:
    oid_bytes = 20 if hash_name == "sha1" else 32
    parts = [b""]
    packed: list[PackedObject] = []
    seen: set[bytes] = set()
    offset = HEADER_BYTES
    for name in names:
        data = (folder / f"{name}.pack").read_bytes()
        objects = decode_index((folder / f"{name}.idx").read_bytes(), oid_bytes)
        ends = [one.offset for one in objects[1:]] + [len(data) - oid_bytes]
        for one, end in zip(objects, ends, strict=True):
            if one.oid in seen:
                continue
            seen.add(one.oid)
            entry = data[one.offset : end]
            packed.append(PackedObject(one.oid, one.crc, offset))
            parts.append(entry)
            offset += len(entry)
    parts[0] = b"PACK" + struct.pack(">II", 2, len(packed))
    pack, index, name = finish_pack(parts, packed, hash_name)
    install_pack(folder, pack, index, name)
    return name


def note_pack(layout: Layout, name: str) -> None:
    """Add a pack to the list of those that gittrack wrote.

    Raises:
        OSError: The disk is full, or failed.
    """
    descriptor = os.open(layout.packs, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, f"{name}\n".encode())
    finally:
        os.close(descriptor)


def rewrite_pack_list(layout: Layout, names: list[str]) -> None:
    """Replace the list of packs that gittrack may roll up.

    Raises:
        OSError: The disk is full, or failed.
    """
    replace_file(layout.packs, "".join(f"{name}\n" for name in names).encode())


def pack_list(layout: Layout) -> list[str]:
    """Return the packs that gittrack wrote and has not rolled up."""
    try:
        return layout.packs.read_text(encoding="ascii", errors="replace").split()
    except (FileNotFoundError, NotADirectoryError):
        return []


def pack_exists(folder: Path, name: str) -> bool:
    """Whether a pack is still there: the user's own ``git gc`` may have taken it over."""
    return (folder / f"{name}.pack").exists() and (folder / f"{name}.idx").exists()
