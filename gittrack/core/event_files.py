"""Records out of TensorBoard's event files, which are read as they grow, and the scalars in them.

A file is a row of records (length, checksum, data, checksum), as TensorFlow's ``record_writer.h`` describes;
the data are the protocol buffers of ``event.proto``; what their values are, `gittrack.core.summaries` says.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from gittrack.core.protobuf import BYTES, FIXED64, VARINT, read_double, read_fields, read_messages, signed
from gittrack.core.summaries import read_number

HEADER_BYTES = 12
FOOTER_BYTES = 4
MAX_RECORD_BYTES = 1 << 30
"""No record is longer: a length beyond it is damage."""

_CRC_DELTA = 0xA282EAD8
_TIME, _STEP, _SUMMARY = 1, 2, 5
"""Fields of an event."""
_ABOUT_THE_FILE = frozenset({3, 7, 10})
"""Fields with its version, its restarts and its writer."""


@dataclass(frozen=True, slots=True)
class Event:
    """One record."""

    time: int
    """Milliseconds since the epoch."""
    step: int
    values: tuple[bytes, ...]
    """Each of a tag, undecoded: see `gittrack.core.summaries`."""
    has_more: bool = False
    """Whether there is something else in it, such as a graph."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value of one tag."""

    tag: str
    value: float
    step: int
    time: int
    """Milliseconds since the epoch."""


class DamagedFileError(ValueError):
    """Bytes that are no event file."""

    def __init__(self, message: str, position: int) -> None:
        """Keep the byte from which on they are none."""
        super().__init__(message)
        self.position = position


def read_scalars(data: bytes) -> tuple[list[Scalar], int]:
    """Return the scalars of the records that are complete, and how many bytes those take.

    Raises:
        DamagedFileError: The bytes are no event file from here on.
    """
    events, size = read_events(data)
    try:
        return [
            Scalar(*found, event.step, event.time)
            for event in events
            for found in map(read_number, event.values)
            if found is not None
        ], size
    except (ValueError, struct.error, OverflowError) as error:
        message = f"a value that cannot be read: {error}"
        raise DamagedFileError(message, 0) from error


def read_events(data: bytes) -> tuple[list[Event], int]:
    """Return the records that are complete, and how many bytes they take.

    Raises:
        DamagedFileError: The bytes are no event file from here on.
    """
    events: list[Event] = []
    position = 0
    while len(data) - position >= HEADER_BYTES:
        (length,) = struct.unpack_from("<Q", data, position)
        (checksum,) = struct.unpack_from("<I", data, position + 8)
        if length > MAX_RECORD_BYTES or checksum != _masked_crc(data[position : position + 8]):
            message = f"no record at byte {position}"
            raise DamagedFileError(message, position)
        end = position + HEADER_BYTES + length + FOOTER_BYTES
        if end > len(data):
            break
        try:
            events.append(_read_event(data[position + HEADER_BYTES : end - FOOTER_BYTES]))
        except (ValueError, struct.error, OverflowError) as error:
            message = f"no event at byte {position}: {error}"
            raise DamagedFileError(message, position) from error
        position = end
    return events, position


def _read_event(data: bytes) -> Event:
    time_s, step = 0.0, 0
    values: list[bytes] = []
    has_more = False
    for number, kind, value in read_fields(data):
        if number == _TIME and kind == FIXED64:
            time_s = read_double(value)
        elif number == _STEP and kind == VARINT:
            step = signed(value)
        elif number == _SUMMARY and kind == BYTES:
            values += read_messages(value, 1)
        else:
            has_more = has_more or number not in _ABOUT_THE_FILE
    return Event(max(round(time_s * 1000), 0), step, tuple(values), has_more)


def _masked_crc(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + _CRC_DELTA) & 0xFFFFFFFF


def _make_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)  # CRC-32C, reversed
        table.append(crc)
    return tuple(table)


_TABLE = _make_table()
