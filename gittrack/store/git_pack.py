"""Small packs of our own making: undeltified, one fast pass, two files however many objects."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from typing import TYPE_CHECKING, Literal

from gittrack.core.frozen import dataclass
from gittrack.store.disk import datasync, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Kind = Literal["commit", "tree", "blob"]

KIND_NUMBERS: dict[Kind, int] = {"commit": 1, "tree": 2, "blob": 3}
LARGE_OFFSET = 1 << 31
COMPRESSION_LEVEL = 1
SMALL_WINDOW = 1 << 12
"""Objects up to this size are compressed with a window of this size."""
SMALL_MEMORY = 5
"""What zlib calls ``memLevel``, its default being 8."""
STORED_BLOCK_BYTES = 0xFFFF
KEEP_TEXT = b"gittrack: being committed\n"
TEMPORARY_PREFIX = "gittrack_"


@dataclass(frozen=True, slots=True)
class GitObject:
    """One object with its id."""

    oid: str
    kind: Kind
    data: bytes


@dataclass(frozen=True, slots=True)
class PackedObject:
    """One object as it stands in a pack."""

    oid: bytes
    """Raw bytes of the id."""
    crc: int
    offset: int


def make_object(kind: Kind, data: bytes, hash_name: str) -> GitObject:
    """Return an object with its id by ``sha1`` or ``sha256``."""
    digest = hashlib.new(hash_name, b"%s %d\0" % (kind.encode(), len(data)), usedforsecurity=False)
    digest.update(data)
    return GitObject(digest.hexdigest(), kind, data)


def encode_pack(
    objects: Iterable[GitObject], hash_name: str, *, compress: Callable[[bytes], bytes] | None = None
) -> tuple[bytes, bytes, str]:
    """Return a pack, its index and its name (``pack-<hex>``).

    Source: git's ``gitformat-pack(5)``, versions 2 of both.
    """
    compress = compress or _deflate
    unique = {one.oid: one for one in objects}
    parts = [b"PACK" + struct.pack(">II", 2, len(unique))]
    offset = len(parts[0])
    packed = []
    for one in unique.values():
        entry = _entry_head(KIND_NUMBERS[one.kind], len(one.data)) + compress(one.data)
        packed.append(PackedObject(bytes.fromhex(one.oid), zlib.crc32(entry), offset))
        parts.append(entry)
        offset += len(entry)
    return finish_pack(parts, packed, hash_name)


def store_deflated(data: bytes) -> bytes:
    """Return ``data`` as a zlib stream that compresses nothing: weights do not shrink, and deflating is slow.

    Source: RFC 1950 and RFC 1951, 3.2.4; twice as fast as `zlib.compress` at level 0.
    """
    view = memoryview(data)
    starts = range(0, len(view), STORED_BLOCK_BYTES) if view else (0,)
    parts: list[bytes | memoryview] = [b"\x78\x01"]
    for start in starts:
        block = view[start : start + STORED_BLOCK_BYTES]
        is_last = start + STORED_BLOCK_BYTES >= len(view)
        parts.append(struct.pack("<BHH", is_last, len(block), len(block) ^ 0xFFFF))
        parts.append(block)
    parts.append(struct.pack(">I", zlib.adler32(view)))
    return b"".join(parts)


def finish_pack(parts: list[bytes], packed: list[PackedObject], hash_name: str) -> tuple[bytes, bytes, str]:
    """Return pack, index and name of entries that are already encoded, header first."""
    digest = hashlib.new(hash_name, usedforsecurity=False)
    for part in parts:
        digest.update(part)
    parts.append(digest.digest())
    return b"".join(parts), encode_index(packed, digest.digest(), hash_name), f"pack-{digest.hexdigest()}"


def encode_index(packed: list[PackedObject], pack_digest: bytes, hash_name: str) -> bytes:
    """Return the index (version 2) of a pack."""
    ordered = sorted(packed, key=lambda one: one.oid)
    fan_out, count = [0] * 256, 0
    for one in ordered:
        fan_out[one.oid[0]] += 1
    for first_byte in range(256):
        count += fan_out[first_byte]
        fan_out[first_byte] = count
    large = [one.offset for one in ordered if one.offset >= LARGE_OFFSET]
    positions = iter(range(len(large)))
    short = [LARGE_OFFSET | next(positions) if one.offset >= LARGE_OFFSET else one.offset for one in ordered]
    body = b"".join(
        (
            b"\xfftOc" + struct.pack(">I", 2),
            struct.pack(">256I", *fan_out),
            b"".join(one.oid for one in ordered),
            struct.pack(f">{len(ordered)}I", *(one.crc for one in ordered)),
            struct.pack(f">{len(ordered)}I", *short),
            struct.pack(f">{len(large)}Q", *large),
            pack_digest,
        )
    )
    return body + hashlib.new(hash_name, body, usedforsecurity=False).digest()


def decode_index(data: bytes, oid_bytes: int) -> list[PackedObject]:
    """Return the objects of an index, by offset.

    Raises:
        ValueError: It is no index of version 2.
    """
    if data[:8] != b"\xfftOc\0\0\0\2":
        message = "not a pack index of version 2"
        raise ValueError(message)
    count = struct.unpack_from(">I", data, 8 + 255 * 4)[0]
    start = 8 + 256 * 4
    crcs = start + count * oid_bytes
    offsets = crcs + count * 4
    large = offsets + count * 4
    packed = []
    for i in range(count):
        offset = struct.unpack_from(">I", data, offsets + i * 4)[0]
        if offset & LARGE_OFFSET:
            offset = struct.unpack_from(">Q", data, large + (offset & ~LARGE_OFFSET) * 8)[0]
        oid = data[start + i * oid_bytes : start + (i + 1) * oid_bytes]
        packed.append(PackedObject(oid, struct.unpack_from(">I", data, crcs + i * 4)[0], offset))
    return sorted(packed, key=lambda one: one.offset)


def install_pack(folder: Path, pack: bytes, index: bytes, name: str) -> None:
    """Put a pack where git finds it, durably, with a ``.keep`` beside it so that ``git gc`` spares it.

    The ``.keep`` is the caller's to remove once a ref reaches the objects: until then they are reachable from
    nowhere, and a ``git gc --prune=now`` at this moment would drop them.

    Raises:
        OSError: The disk is full, or failed; then nothing is left behind but what git ignores.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.keep").write_bytes(KEEP_TEXT)
    # The pack before its index: git looks for packs by their indexes.
    for suffix, data in ((".pack", pack), (".idx", index)):
        final = folder / f"{name}{suffix}"
        # Not git's own "tmp_…", which `git gc --prune=now` removes at any moment.
        temporary = folder / f"{TEMPORARY_PREFIX}{name[5:21]}_{os.getpid()}{suffix}.tmp"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o444)
            try:
                write_whole(descriptor, data)
                datasync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(final)
        except OSError:
            temporary.unlink(missing_ok=True)
            if suffix == ".pack":
                (folder / f"{name}.keep").unlink(missing_ok=True)
            raise


def _deflate(data: bytes) -> bytes:
    if len(data) > SMALL_WINDOW:
        return zlib.compress(data, COMPRESSION_LEVEL)
    # Making tables for 32 KiB takes several times as long as compressing 1 KiB with them.
    small = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, SMALL_WINDOW.bit_length() - 1, SMALL_MEMORY)
    return small.compress(data) + small.flush()


def _entry_head(kind: int, size: int) -> bytes:
    byte = (kind << 4) | (size & 0x0F)
    size >>= 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    head.append(byte)
    return bytes(head)
