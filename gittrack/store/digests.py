"""BLAKE3 digests of bytes, files, streams, and of files that are still being written."""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from io import FileIO
    from pathlib import Path
    from typing import BinaryIO

BUFFER_BYTES = 1 << 20
"""Read and hashed at once: enough for several cores, and little enough to stay in their caches."""
LONG_PIECES = 16
"""From so many buffers on a stream is long."""
AHEAD_BYTES = 4 << 20
"""Of a long stream so much is read while as much is hashed."""
BEHIND_BYTES = 128 << 10
"""The same where one core writes what another one hashes."""


class _Threads:
    most = -1
    """Of one hash: as many as there are cores (``blake3.AUTO``)."""


def ignore(_bytes: int) -> None:
    """Take no notice of progress."""


def digest_bytes(data: bytes | bytearray | memoryview) -> str:
    """Return the BLAKE3 digest of ``data`` as 64 hex digits."""
    from blake3 import blake3

    return blake3(data).hexdigest()


def digest_each(contents: Iterable[bytes]) -> list[bytes]:
    """Return the BLAKE3 digest of each of many contents, 32 bytes each."""
    from blake3 import blake3

    return [blake3(data).digest() for data in contents]


def digest_file(path: Path, progress: Callable[[int], None] = ignore) -> str:
    """Return the BLAKE3 digest of a file as 64 hex digits; memory stays flat.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        return digest_stream(file, min(path.stat().st_size + 1, BUFFER_BYTES), progress)


def digest_stream(
    file: BinaryIO | FileIO, buffer_bytes: int = BUFFER_BYTES, progress: Callable[[int], None] = ignore
) -> str:
    """Return the BLAKE3 digest of the rest of a stream as 64 hex digits; memory stays flat.

    Args:
        file: Open for reading bytes.
        buffer_bytes: To read at once.
        progress: Called with bytes as they are hashed.

    Raises:
        OSError: It cannot be read.
    """
    from blake3 import blake3

    hasher = blake3(max_threads=_Threads.most)
    for piece in _pieces(file, buffer_bytes):
        hasher.update(piece)
        progress(len(piece))
    return hasher.hexdigest()


def _pieces(file: BinaryIO | FileIO, buffer_bytes: int) -> Iterator[memoryview]:
    """Yield a stream piece by piece, each good until the next: of a long one that is read meanwhile."""
    # Not update_mmap: a mapped file counts as memory of the process, and kills it when somebody truncates it.
    buffer = memoryview(bytearray(buffer_bytes))
    for _ in range(LONG_PIECES):
        if not (size := file.readinto(buffer)):  # type: ignore[union-attr]
            return
        yield buffer[:size]
    from concurrent.futures import ThreadPoolExecutor  # most runs never need it

    buffers = [memoryview(bytearray(AHEAD_BYTES)) for _ in range(2)]
    with ThreadPoolExecutor(1, "gittrack-read") as reader:
        ahead = reader.submit(file.readinto, buffers[0])  # type: ignore[union-attr]
        while size := ahead.result():
            buffers.reverse()
            ahead = reader.submit(file.readinto, buffers[0])  # type: ignore[union-attr]
            yield buffers[1][:size]


class RunningDigest:
    """The digest of bytes that come one after the other."""

    def __init__(self) -> None:
        """Begin with none."""
        from blake3 import blake3

        self._hasher = blake3(max_threads=_Threads.most)

    def update(self, data: bytes | memoryview) -> None:
        """Add bytes."""
        self._hasher.update(data)

    def finish(self) -> str:
        """Return the digest of all so far, as 64 hex digits."""
        return self._hasher.hexdigest()


class GrowingDigest:
    """The digest of a file that is still being written: a thread hashes what is there already."""

    def __init__(self, path: Path, progress: Callable[[int], None] = ignore) -> None:
        """Begin at the start of a file.

        Args:
            path: Of the file.
            progress: Called with bytes as they are hashed, by the thread.
        """
        from blake3 import blake3

        self.size = 0
        """Bytes that are said to be there."""
        self._hasher = blake3()
        self._path = path
        self._progress = progress
        self._grown: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._follow, name="gittrack-hash", daemon=True)
        self._thread.start()

    def grow(self, size: int) -> None:
        """Say that so many more bytes are there."""
        self.size += size
        self._grown.put(size)

    def finish(self) -> str:
        """Return the digest of all that is there, as 64 hex digits.

        Raises:
            OSError: It cannot be read.
        """
        self._grown.put(0)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._hasher.hexdigest()

    def _follow(self) -> None:
        buffer = memoryview(bytearray(BEHIND_BYTES))
        try:
            with self._path.open("rb", buffering=0) as file:
                while left := self._grown.get():
                    while left and (size := file.readinto(buffer[:left])):
                        self._hasher.update(buffer[:size])
                        self._progress(size)
                        left -= size
        except Exception as error:  # noqa: BLE001  (raised again where it is waited for)
            self._failure = error


def _stay_alone_after_fork() -> None:
    # The threads that blake3 shares among all hashes stay in the parent: a child would wait for them forever.
    _Threads.most = 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stay_alone_after_fork)
