"""Digests of streams, short and long, of which the latter are read while they are hashed."""

from __future__ import annotations

import io
import os
import signal
import threading

import pytest

from gittrack.store.digests import (
    AHEAD_BYTES,
    LONG_PIECES,
    RunningDigest,
    digest_bytes,
    digest_each,
    digest_stream,
)

BUFFER = 1000
LONG = LONG_PIECES * BUFFER


class Pieces(io.RawIOBase):
    """A stream that gives less than it is asked for, and may fail."""

    def __init__(self, data: bytes, most: int, fails_at: int | None = None) -> None:
        self._rest = memoryview(data)
        self._most = most
        self._fails_at = fails_at
        self._given = 0

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._fails_at is not None and self._given >= self._fails_at:
            raise OSError(5, "the disk failed")
        size = min(len(buffer), len(self._rest), self._most)
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        self._given += size
        return size


@pytest.mark.parametrize(
    "size", [0, 1, BUFFER - 1, BUFFER, BUFFER + 1, LONG - 1, LONG, LONG + 1, LONG + 3 * AHEAD_BYTES + 7]
)
@pytest.mark.parametrize("most", [700, 1 << 30])
def test_the_digest_of_a_stream_is_that_of_its_bytes(size: int, most: int) -> None:
    data = os.urandom(size)
    done: list[int] = []
    assert digest_stream(Pieces(data, most), BUFFER, done.append) == digest_bytes(data)  # type: ignore[arg-type]
    assert sum(done) == size


@pytest.mark.parametrize("place", [0, LONG - BUFFER, LONG, LONG + AHEAD_BYTES, LONG + 2 * AHEAD_BYTES])
def test_a_stream_that_fails_is_not_taken_for_its_beginning(place: int) -> None:
    stream = Pieces(bytes(LONG + 4 * AHEAD_BYTES), 1 << 30, fails_at=place)
    with pytest.raises(OSError, match="the disk failed"):
        digest_stream(stream, BUFFER)  # type: ignore[arg-type]


def test_who_interrupts_leaves_no_thread_behind() -> None:
    seen: list[int] = []

    def interrupt(size: int) -> None:
        seen.append(size)
        if len(seen) > LONG_PIECES:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        digest_stream(io.BytesIO(bytes(LONG + 8 * AHEAD_BYTES)), BUFFER, interrupt)
    assert not any(thread.name.startswith("gittrack-read") for thread in threading.enumerate())


def test_each_of_many_has_the_digest_it_would_have_alone() -> None:
    contents = [os.urandom(size) for size in (0, 1, 1024, 70_000)]
    assert [digest.hex() for digest in digest_each(contents)] == list(map(digest_bytes, contents))


def test_a_forked_child_hashes_although_the_parent_has_threads_for_that() -> None:
    data = os.urandom(4 << 20)
    digest = digest_stream(io.BytesIO(data), len(data))
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # not the one of the runner
        signal.alarm(20)
        running = RunningDigest()
        running.update(data)
        is_right = digest_stream(io.BytesIO(data), len(data)) == running.finish() == digest
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
