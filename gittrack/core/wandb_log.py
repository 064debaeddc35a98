"""The records of a W&B run file, which is framed as LevelDB frames its log.

After a header of seven bytes come blocks of 32 KiB; in them fragments (checksum, length, type, data), one or
more for each record. Unlike LevelDB's, the checksums are plain CRC-32.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FILE_HEADER = b":W&B\xe1\xbe\x00"
"""Name, a magic number, and the version of the format."""
BLOCK_BYTES = 32 * 1024
_FRAGMENT = struct.Struct("<IHB")
_ZERO, _FULL, _FIRST, _MIDDLE, _LAST = range(5)


class DamagedLogError(ValueError):
    """Bytes that are no run file."""

    def __init__(self, message: str, position: int) -> None:
        """Keep the byte from which on they are none."""
        super().__init__(message)
        self.position = position


class LogReader:
    """Reads the records of one file, block by block."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Read ``blocks``: the file in pieces of `BLOCK_BYTES`, of which the last may be shorter."""
        self._blocks = blocks
        self.position = 0
        """Where the record after the last one begins, in bytes."""
        self.torn_bytes = 0
        """How many bytes at the end are part of a record that was never finished; known when all is read."""

    def __iter__(self) -> Iterator[bytes]:
        """Yield the records that are complete.

        Raises:
            DamagedLogError: The bytes are no run file from here on.
        """
        record: list[bytes] = []
        offset = 0
        for block in self._blocks:
            start = 0
            if offset == 0:
                self._check_header(block)
                start = self.position = len(FILE_HEADER)
            for kind, data, end in self._read_fragments(block, start, offset):
                if (kind in {_FULL, _FIRST}) == bool(record) or kind not in {_FULL, _FIRST, _MIDDLE, _LAST}:
                    message = "the parts of a record are not in order"
                    raise DamagedLogError(message, self.position)
                record.append(data)
                if kind in {_FULL, _LAST}:
                    yield b"".join(record)
                    record = []
                    self.position = offset + end
            offset += len(block)
        unread = offset - self.position
        self.torn_bytes = unread if record or self.torn_bytes else 0

    def _check_header(self, block: bytes) -> None:
        if block[: len(FILE_HEADER)] != FILE_HEADER:
            message = "not a run file of W&B, or of a version that is not known"
            raise DamagedLogError(message, 0)

    def _read_fragments(self, block: bytes, start: int, offset: int) -> Iterator[tuple[int, bytes, int]]:
        """Yield type, data and end of each fragment of a block."""
        while len(block) - start >= _FRAGMENT.size:
            checksum, length, kind = _FRAGMENT.unpack_from(block, start)
            end = start + _FRAGMENT.size + length
            if (checksum, length, kind) == (0, 0, _ZERO):  # room that was reserved, and never written
                return
            if end > len(block):
                if len(block) == BLOCK_BYTES:
                    message = "a part of a record goes beyond its block"
                    raise DamagedLogError(message, offset + start)
                self.torn_bytes = len(block) - start
                return
            data = block[start + _FRAGMENT.size : end]
            if zlib.crc32(data, zlib.crc32(bytes([kind]))) != checksum:
                message = "a record is not what its checksum says"
                raise DamagedLogError(message, offset + start)
            yield kind, data, end
            start = end
        if start < len(block) < BLOCK_BYTES:
            self.torn_bytes = len(block) - start
