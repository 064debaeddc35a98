"""The fields of a protocol buffer, by their numbers: its wire format without its schema."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""The wire types that are in use."""
MAX_VARINT_BITS = 70


def read_fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """Yield number, wire type and value of each field: an int for `VARINT`, else bytes.

    Raises:
        ValueError: The bytes are no protocol buffer.
    """
    position, size = 0, len(data)
    while position < size:
        key, position = _read_varint(data, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _read_varint(data, position)
            yield number, kind, value
            continue
        if kind == BYTES:
            length, position = _read_varint(data, position)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            message = f"unknown wire type {kind}"
            raise ValueError(message)
        if position + length > size:
            message = "a field goes beyond its record"
            raise ValueError(message)
        yield number, kind, data[position : position + length]
        position += length


def read_messages(data: bytes, wanted: int) -> Iterator[bytes]:
    """Yield the fields ``wanted`` that are bytes: nested messages, text.

    Raises:
        ValueError: The bytes are no protocol buffer.
    """
    for number, kind, value in read_fields(data):
        if number == wanted and kind == BYTES:
            yield value


def signed(value: int) -> int:
    """Return a varint as a signed 64-bit integer."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >= 1 << 63 else value


def unzigzag(value: int) -> int:
    """Return a varint as the signed integer it is in zigzag form."""
    return (value >> 1) ^ -(value & 1)


def read_double(value: bytes) -> float:
    """Return the number of a field of 8 bytes."""
    return float(struct.unpack("<d", value)[0])


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(data) and shift < MAX_VARINT_BITS:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  (the last byte has no high bit)
            return value, position
        shift += 7
    message = "a number without an end"
    raise ValueError(message)
