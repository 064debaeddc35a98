"""Small contents in packs: found, renewed, removed, and what is left of them after a power cut."""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.errors import CorruptDataError, StoreError
from gittrack.store import blobs, settling, small_blobs, small_index
from gittrack.store.layout import Layout
from gittrack.store.settling import settle
from gittrack.store.small_blobs import list_small, remove_small
from gittrack.store.small_packs import drop_from_pack
from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "gittrack")


@pytest.fixture
def some() -> list[bytes]:
    return [b"%d" % number + os.urandom(number % 50) for number in range(300)]


def read(layout: Layout, digest: str) -> bytes | None:
    file = blobs.open_blob(layout, digest)
    if file is None:
        return None
    with file:
        return file.read()


def packs(layout: Layout) -> list[Path]:
    return sorted(layout.small.iterdir())


def overwrite(path: Path, data: bytes) -> None:
    """Change a file in place, although it is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)


def start_anew() -> None:
    """Forget the indexes of this thread, as another process knows none."""
    small_index._of_thread.__dict__.clear()


def test_many_share_a_file_and_are_content_like_any_other(layout: Layout, some: list[bytes]) -> None:
    digests = blobs.store_small(layout, some)
    assert len(packs(layout)) == 1
    assert not layout.objects.exists()
    assert [read(layout, digest) for digest in digests] == some
    assert set(blobs.list_blobs(layout)) == set(digests)
    blobs.verify_blob(layout, digests[7])
    assert not blobs.has_blob(layout, "0a" * 32)
    again = blobs.store_small(layout, [*some[:10], b"new"])
    assert again[:10] == digests[:10]
    assert len(list_small(layout)) == len(set(digests)) + 1
    assert read(layout, again[-1]) == b"new"


def test_a_folder_that_is_stored_again_takes_no_room_and_counts_as_new(
    layout: Layout, some: list[bytes]
) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    os.utime(pack, (1000, 1000))
    assert {stored for _, _, stored in list_small(layout)} == {1000.0}
    before = time.time() - 60
    assert blobs.store_small(layout, some) == digests
    assert packs(layout) == [pack]
    assert all(stored > before for _, _, stored in list_small(layout))


def test_what_is_removed_frees_its_bytes_and_nothing_else_changes(layout: Layout, some: list[bytes]) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    os.utime(pack, (1000, 1000))
    size = pack.stat().st_size
    remove_small(layout, [(digest, 1000.0) for digest in digests[:200]])
    [smaller] = packs(layout)
    assert smaller.stat().st_size < size / 2
    assert smaller.stat().st_mtime == 1000.0
    assert [read(layout, digest) for digest in digests[200:]] == some[200:]
    assert not any(blobs.has_blob(layout, digest) for digest in digests[:200])
    remove_small(layout, [(digest, 1000.0) for digest in digests])
    assert packs(layout) == []
    assert list_small(layout) == []
    assert list(layout.temporary.iterdir()) == []


def test_what_was_stored_again_meanwhile_stays(layout: Layout, some: list[bytes]) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    os.utime(pack, (1000, 1000))
    blobs.store_small(layout, [some[3], b"another folder"])
    remove_small(layout, [(digest, 1000.0) for digest in digests])
    assert read(layout, digests[3]) == some[3]
    assert not blobs.has_blob(layout, digests[4])


def test_who_stores_while_another_removes_loses_nothing(layout: Layout, some: list[bytes]) -> None:
    digests = blobs.store_small(layout, some[:20])
    for _ in range(100):
        for pack in packs(layout):
            os.utime(pack, (1000, 1000))
        old = [(digest, 1000.0) for digest in digests]
        remover = threading.Thread(target=remove_small, args=(layout, old))
        remover.start()
        blobs.store_small(layout, some[:20])
        remover.join()
        assert [read(layout, digest) for digest in digests] == some[:20]


def test_what_is_stored_again_between_the_look_and_the_removal_stays(
    layout: Layout, some: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    os.utime(pack, (1000, 1000))

    def store_before(*arguments: Any) -> None:
        blobs.store_small(layout, some)
        drop_from_pack(*arguments)

    monkeypatch.setattr(small_blobs, "drop_from_pack", store_before)
    remove_small(layout, [(digest, 1000.0) for digest in digests])
    assert [read(layout, digest) for digest in digests] == some


@pytest.mark.parametrize(
    "damage", [b"", b"this is no database, and never was" * 100], ids=["empty", "garbage"]
)
def test_an_index_that_is_damaged_is_made_anew(layout: Layout, some: list[bytes], damage: bytes) -> None:
    digests = blobs.store_small(layout, some)
    assert blobs.has_blob(layout, digests[0])
    start_anew()
    layout.small_index.write_bytes(damage)
    assert [read(layout, digest) for digest in digests] == some
    layout.small_index.unlink()
    start_anew()
    assert [read(layout, digest) for digest in digests] == some


def test_where_no_index_can_be_written_it_is_in_memory(layout: Layout, some: list[bytes]) -> None:
    digests = blobs.store_small(layout, some)
    layout.small_index.mkdir()  # as little of a file as one that may not be written, and for root too
    assert [read(layout, digest) for digest in digests] == some
    more = blobs.store_small(layout, [b"more"])
    assert read(layout, more[0]) == b"more"


def test_a_pack_that_somebody_else_removes_is_gone_and_one_that_comes_is_found(
    layout: Layout, some: list[bytes]
) -> None:
    digests = blobs.store_small(layout, some)
    assert blobs.has_blob(layout, digests[0])
    [pack] = packs(layout)
    whole = pack.read_bytes()
    pack.unlink()
    assert read(layout, digests[0]) is None
    assert not blobs.has_blob(layout, digests[0])
    pack.write_bytes(whole)
    assert read(layout, digests[0]) == some[0]


def test_one_that_is_damaged_is_found_and_can_be_put_aside(layout: Layout) -> None:
    first, second = blobs.store_small(layout, [b"a" * 4000, b"b" * 4000])
    [pack] = packs(layout)
    overwrite(pack, b"x" + pack.read_bytes()[1:])
    with pytest.raises(CorruptDataError):
        blobs.verify_blob(layout, first)
    blobs.put_aside(layout, first)
    assert not blobs.has_blob(layout, first)
    assert (layout.damaged / first).read_bytes() == b"x" + b"a" * 3999
    assert read(layout, second) == b"b" * 4000
    blobs.store_small(layout, [b"a" * 4000])
    assert read(layout, first) == b"a" * 4000


@pytest.mark.parametrize("size", [0, 5, 12, 100, -1])
def test_a_torn_pack_holds_nothing(layout: Layout, some: list[bytes], size: int) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    overwrite(pack, pack.read_bytes()[:size])
    assert list_small(layout) == []
    assert not blobs.has_blob(layout, digests[0])


def test_a_power_cut_costs_only_what_had_not_reached_the_disk(
    layout: Layout, some: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    assert [path.name for path in layout.unsettled.iterdir()] == [settling.PACK + pack.name]
    half = sum(map(len, some[:150]))
    overwrite(pack, bytes(half) + pack.read_bytes()[half:])
    monkeypatch.setattr(settling, "boot_id", lambda: "another")
    settle(layout, ())
    assert list(layout.unsettled.iterdir()) == []
    assert [read(layout, digest) for digest in digests[150:]] == some[150:]
    assert not any(blobs.has_blob(layout, digest) for digest in digests[:150])
    assert blobs.store_small(layout, some) == digests
    assert [read(layout, digest) for digest in digests] == some


def test_stored_again_after_a_power_cut_it_is_written_again(
    layout: Layout, some: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = blobs.store_small(layout, some)
    [pack] = packs(layout)
    overwrite(pack, bytes(pack.stat().st_size))
    monkeypatch.setattr(settling, "boot_id", lambda: "another")
    assert blobs.store_small(layout, some) == digests
    assert [read(layout, digest) for digest in digests] == some


def test_a_full_disk_leaves_nothing_behind(
    layout: Layout, some: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(_descriptor: int, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("gittrack.store.small_packs.write_whole", fill_up)
    with pytest.raises(StoreError, match="small artifacts") as failure:
        blobs.store_small(layout, some)
    assert "free some disk space" in (failure.value.hint or "")
    assert packs(layout) == []
    assert list(layout.temporary.iterdir()) == []


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        yield client


def test_a_folder_is_on_the_disk_before_its_run_is_committed_and_a_failing_disk_is_said(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(1200):
        (folder / f"{number}.txt").write_bytes(b"%d" % number)
    layout = Layout(tmp_path / "repo/.git/gittrack")
    run_id = client.create_run().run_id
    client.log_artifacts(run_id, folder, "data")
    [pack] = packs(layout)
    inode = pack.stat().st_ino
    synced: list[int] = []
    fails = [True]

    def sync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        if fails:
            raise OSError(fails.pop() and errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(settling, "datasync", sync)
    with pytest.raises(StoreError, match="could not be written to the disk"):
        client.set_terminated(run_id)
    assert synced == [inode]
    client.set_terminated(run_id)
    run = client.get_run(run_id)
    assert len(run.artifacts) == 1200
    assert client.read_artifact(run_id, "data/1199.txt") == b"1199"  # what the disk did not take is read back
    assert sum(not one.inline for one in run.artifacts.values()) == 1100
