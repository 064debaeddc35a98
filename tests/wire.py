"""Protocol buffers, event files and W&B's run files, written field by field."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from gittrack.core.event_files import _masked_crc
from gittrack.core.wandb_log import BLOCK_BYTES, FILE_HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def field(number: int, kind: int, value: bytes) -> bytes:
    return varint(number << 3 | kind) + value


def message(number: int, *parts: bytes) -> bytes:
    """Return a field that holds bytes: text, or fields one after the other."""
    content = b"".join(parts)
    return field(number, 2, varint(len(content)) + content)


def event_record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", _masked_crc(length)) + data + struct.pack("<I", _masked_crc(data))


def event(tag: str, value: float, step: int, time_s: float = 1.5) -> bytes:
    number = message(1, tag.encode()) + field(2, 5, struct.pack("<f", value))
    return value_event(number, step, time_s)


def value_event(value: bytes, step: int = 0, time_s: float = 1.5) -> bytes:
    """Return a record of an event file with one value, given as its fields."""
    time = field(1, 1, struct.pack("<d", time_s))
    return event_record(time + field(2, 0, varint(step)) + message(5, message(1, value)))


def wandb_log(records: Iterable[bytes]) -> bytes:
    """Return a run file of W&B."""
    written = bytearray(FILE_HEADER)
    for record in records:
        rest, is_first = record, True
        while is_first or rest:
            room = BLOCK_BYTES - len(written) % BLOCK_BYTES
            if room < 7:
                written += bytes(room)
                room = BLOCK_BYTES
            part, rest = rest[: room - 7], rest[room - 7 :]
            kind = {(True, False): 1, (True, True): 2, (False, True): 3, (False, False): 4}[
                is_first, bool(rest)
            ]
            checksum = zlib.crc32(part, zlib.crc32(bytes([kind])))
            written += struct.pack("<IHB", checksum, len(part), kind) + part
            is_first = False
    return bytes(written)
