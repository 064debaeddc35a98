"""Content here: one copy, whole or not there, found again without being read again."""

from __future__ import annotations

import errno
import os
import resource
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import InvalidValueError, StoreError
from gittrack.store import blobs
from gittrack.store.copying import COPY_BYTES, share_blocks
from gittrack.store.digests import digest_bytes, digest_file
from gittrack.store.layout import Layout

if TYPE_CHECKING:
    from pathlib import Path

LARGE = blobs.KNOWN_BYTES + 5


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "gittrack")


def old_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    time.sleep(0.01)
    return path


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file count as changed a moment ago: the time of a change of an inode cannot be set."""
    monkeypatch.setattr(blobs, "RACY_S", -60.0)


def read(layout: Layout, digest: str) -> bytes:
    file = blobs.open_blob(layout, digest)
    assert file is not None
    with file:
        return file.read()


@pytest.mark.parametrize("size", [0, 1, 70_000, LARGE])
def test_what_is_stored_is_read_back_and_read_only(layout: Layout, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    source = tmp_path / "source"
    source.write_bytes(data)
    digest, stored = blobs.store_file(layout, source)
    assert (digest, stored) == (digest_bytes(data), size)
    assert read(layout, digest) == data
    assert layout.blob(digest).stat().st_mode & 0o222 == 0
    blobs.verify_blob(layout, digest)
    assert list(layout.temporary.iterdir()) == []


def test_a_file_that_did_not_change_is_not_read_again(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    source = old_file(tmp_path / "source", os.urandom(LARGE))
    first = blobs.store_file(layout, source)
    source.chmod(0o000)
    if os.geteuid() != 0:  # who may read everything proves nothing here
        with pytest.raises(StoreError):
            source.read_bytes()
    source.chmod(0o644)
    blobs.store_file(layout, source)
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "digest_file", lambda _: pytest.fail("it was read"))
        assert blobs.store_file(layout, source) == first
    blobs.remove_blob(layout, first[0])
    assert blobs.store_file(layout, source) == first
    assert blobs.has_blob(layout, first[0])


def test_a_file_that_changed_is_read_again_even_with_its_old_time(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(monkeypatch)
    source = old_file(tmp_path / "source", os.urandom(LARGE))
    first, _ = blobs.store_file(layout, source)
    second, _ = blobs.store_file(layout, old_file(source, os.urandom(LARGE)))
    assert first != second
    assert second == digest_file(source)


def test_a_file_that_just_changed_is_not_trusted(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(LARGE))
    blobs.store_file(layout, source)
    assert not layout.known.exists()


def test_a_file_that_changes_while_it_is_read_is_stored_as_something_it_was(
    layout: Layout, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(LARGE))
    stop = threading.Event()

    def scribble() -> None:
        with source.open("r+b") as file:
            while not stop.is_set():
                file.seek(0)
                file.write(os.urandom(4096))

    writer = threading.Thread(target=scribble)
    writer.start()
    try:
        stored = [blobs.store_file(layout, source) for _ in range(5)]
    finally:
        stop.set()
        writer.join()
    for digest, size in stored:
        assert size == LARGE
        blobs.verify_blob(layout, digest)


@pytest.mark.timeout(900)  # nothing is copied, but 20 GB are hashed
def test_a_sparse_file_of_20_gb_takes_neither_room_nor_memory(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "sparse"
    with source.open("wb") as file:
        file.seek(7 << 30)
        file.write(b"something")
        file.truncate(20 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    digest, size = blobs.store_file(layout, source)
    assert size == 20 << 30
    about = layout.blob(digest).stat()
    assert (about.st_size, about.st_blocks * 512 < 64 << 20) == (size, True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    with layout.blob(digest).open("rb") as stored:
        stored.seek(7 << 30)
        assert stored.read(9) == b"something"


def test_progress_counts_every_byte_however_a_file_is_stored(layout: Layout, tmp_path: Path) -> None:
    for size in (0, 70_000, COPY_BYTES * 2 + 5):
        source = tmp_path / f"{size}"
        source.write_bytes(os.urandom(size))
        heard: list[int] = []
        digest, _ = blobs.store_file(layout, source, progress=heard.append)
        assert sum(heard) == size
        assert digest_file(layout.blob(digest)) == digest == digest_bytes(source.read_bytes())


def test_a_link_that_is_asked_for_costs_no_room_and_makes_the_source_read_only(
    layout: Layout, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(70_000))
    digest, _ = blobs.store_file(layout, source, link=True)
    assert digest == digest_bytes(source.read_bytes())
    with source.open("rb") as file, (tmp_path / "copy").open("wb") as copy:
        if not share_blocks(file.fileno(), copy.fileno()):  # where blocks are shared there is no need of it
            assert source.samefile(layout.blob(digest))
            assert source.stat().st_mode & 0o222 == 0
    assert list(layout.temporary.iterdir()) == []


def test_a_link_to_what_is_stored_already_leaves_the_source_alone(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(70_000))
    blobs.store_bytes(layout, source.read_bytes())
    blobs.store_file(layout, source, link=True)
    assert source.stat().st_nlink == 1
    assert source.stat().st_mode & 0o200
    assert list(layout.temporary.iterdir()) == []


def test_a_link_that_cannot_be_is_a_copy(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    source = tmp_path / "source"
    source.write_bytes(os.urandom(70_000))
    monkeypatch.setattr(os, "link", refuse)
    digest, _ = blobs.store_file(layout, source, link=True)
    assert read(layout, digest) == source.read_bytes()
    assert source.stat().st_mode & 0o200
    assert not source.samefile(layout.blob(digest))


def test_what_is_no_file_is_refused(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(InvalidValueError):
        blobs.store_file(layout, tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidValueError):
        blobs.store_file(layout, tmp_path / "pipe")
    with pytest.raises(StoreError):
        blobs.store_file(layout, tmp_path / "vanished")
    assert not layout.objects.exists()


def test_many_who_store_the_same_at_once_leave_one_copy(layout: Layout, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(500_000))
    found: list[tuple[str, int]] = []
    writers = [
        threading.Thread(target=lambda: found.append(blobs.store_file(layout, source))) for _ in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(set(found)) == 1
    assert len(list(blobs.list_blobs(layout))) == 1
    assert list(layout.temporary.iterdir()) == []
