"""Where content is cut: at tensors and archive members where a file says where they are, else by content."""

from __future__ import annotations

import contextlib
import json
import zipfile
from typing import TYPE_CHECKING, BinaryIO

from gittrack.core.content import list_borders

if TYPE_CHECKING:
    from collections.abc import Iterator

MIN_CHUNK_BYTES = 256 << 10
CHUNK_BYTES = 1 << 20
MAX_CHUNK_BYTES = 4 << 20
MAX_HEADER_BYTES = 100 << 20
"""The limit of the safetensors format itself."""


def cut(file: BinaryIO, size: int) -> Iterator[memoryview]:
    """Yield the chunks of a seekable file in their order; each is valid until the next is asked for.

    The same content is always cut the same way. Chunks have 256 KiB to 4 MiB, 1 MiB on average; spans between
    borders that are shorter are one chunk.

    Raises:
        OSError: It cannot be read, or became shorter than ``size``.
    """
    if 0 < size <= MIN_CHUNK_BYTES:  # many are: neither borders nor a buffer of megabytes for them
        file.seek(0)
        yield memoryview(_Span(file, size).read())
        return
    from pyfastcdc import FastCDC

    cutter = FastCDC(
        CHUNK_BYTES, min_size=MIN_CHUNK_BYTES, max_size=MAX_CHUNK_BYTES, normalized_chunking=2, seed=0
    )
    for start, length in list_borders(find_borders(file, size), size, MIN_CHUNK_BYTES):
        file.seek(start)
        for chunk in cutter.cut_stream(_Span(file, length)):
            yield chunk.data


def find_borders(file: BinaryIO, size: int) -> list[int]:
    """Return where tensors or archive members begin, as far as the file says so; in no order."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
        file.seek(0)
        head = file.read(9)
        if head[8:9] == b"{":
            return _tensor_borders(file, int.from_bytes(head[:8], "little"), size)
        if head[:4] == b"PK\3\4":
            return _member_borders(file)
    return []


def _tensor_borders(file: BinaryIO, length: int, size: int) -> list[int]:
    """Return where the tensors of a safetensors file begin.

    Source: https://github.com/huggingface/safetensors, "Format".
    """
    start = 8 + length
    if start > min(size, MAX_HEADER_BYTES):
        return []
    file.seek(8)
    header = json.loads(file.read(length))
    return [start] + [
        start + int(about["data_offsets"][0]) for name, about in header.items() if name != "__metadata__"
    ]


def _member_borders(file: BinaryIO) -> list[int]:
    """Return where the members of a zip archive begin: checkpoints of PyTorch, arrays of NumPy."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [member.header_offset for member in archive.infolist()]
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        return []


class _Span:
    """A stretch of a file, as a stream of its own."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file = file
        self._left = length

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into a buffer; 0 at the end.

        Raises:
            OSError: The file is shorter than it was.
        """
        view = memoryview(buffer)[: self._left]
        if not view:
            return 0
        count: int = self._file.readinto(view)  # type: ignore[attr-defined]
        if not count:
            message = "the file became shorter while it was read"
            raise OSError(message)
        self._left -= count
        return count

    def read(self, size: int = -1) -> bytes:
        """Read bytes; none at the end."""
        data = bytearray(self._left if size < 0 else min(size, self._left))
        return bytes(data[: self.readinto(data)])
