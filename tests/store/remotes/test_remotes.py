"""Every kind of remote passes the same tests, each against a real server."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ArtifactNotFoundError, RemoteError
from gittrack.store.digests import ignore
from gittrack.store.remotes.interface import PartRange, make_part
from tests.store.remotes.servers import KINDS, Place, run_place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.remotes.interface import Part, Remote


@pytest.fixture(scope="module", params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with run_place(request.param, tmp_path_factory.mktemp("served")) as one:
        yield one


@pytest.fixture
def remote(place: Place, tmp_path: Path) -> Remote:
    return place.open(tmp_path)


def parts(count: int, size: int = 50_000) -> list[Part]:
    return [make_part(os.urandom(size + number)) for number in range(count)]


def sizes(*some: Part) -> dict[str, int]:
    return {part.name: part.size for part in some}


def whole(part: Part) -> PartRange:
    return PartRange(part.name, part.size, 0, part.size)


def test_what_was_put_is_read_back_in_the_order_asked_for(remote: Remote) -> None:
    first, second, third = parts(3)
    remote.put([first, second, third], ignore)
    wanted = [whole(third), PartRange(first.name, first.size, 100, 17), whole(second), whole(third)]
    assert list(remote.read(wanted)) == [third.data, first.data[100:117], second.data, third.data]


def test_parts_that_are_there_are_found_and_others_are_not(remote: Remote) -> None:
    first, second = parts(2)
    assert remote.find(sizes(first, second)) == set()
    remote.put([first], ignore)
    assert remote.find(sizes(first, second)) == {first.name}
    assert remote.find({}) == set()


def test_putting_parts_again_does_no_harm(remote: Remote) -> None:
    first, second = parts(2)
    remote.put([first], ignore)
    remote.put([first, second], ignore)
    remote.put([first, second], ignore)
    assert remote.find(sizes(first, second)) == {first.name, second.name}
    assert list(remote.read([whole(first), whole(second)])) == [first.data, second.data]


def test_a_part_that_is_not_there_is_said_to_be_missing(remote: Remote) -> None:
    first, second = parts(2)
    remote.put([first], ignore)
    with pytest.raises(ArtifactNotFoundError):
        list(remote.read([whole(first), whole(second)]))


def test_reading_nothing_asks_nobody(remote: Remote) -> None:
    assert list(remote.read([])) == []
    remote.put([], ignore)


def test_all_parts_are_listed_with_their_sizes_and_removed_ones_are_not(place: Place, remote: Remote) -> None:
    some = parts(4)
    if not place.can_list:
        with pytest.raises(RemoteError):
            list(remote.list_parts())
        with pytest.raises(RemoteError):
            remote.remove([some[0].name])
        return
    assert list(remote.list_parts()) == []
    remote.put(some, ignore)
    assert {part.name: part.size for part in remote.list_parts()} == sizes(*some)
    assert all(part.time_s > 1_600_000_000 for part in remote.list_parts())
    remote.remove([some[0].name, some[3].name, "0" * 64])
    assert {part.name for part in remote.list_parts()} == {some[1].name, some[2].name}
    assert list(remote.read([whole(some[2])])) == [some[2].data]
    remote.put([some[0]], ignore)
    assert list(remote.read([whole(some[0])])) == [some[0].data]


def test_two_writers_at_once_lose_nothing(remote: Remote) -> None:
    shared, mine, yours = parts(1), parts(5), parts(5)
    failures: list[Exception] = []

    def put(some: list[Part]) -> None:
        try:
            for part in some:
                remote.put([part], ignore)
        except Exception as error:  # noqa: BLE001  (a thread has nobody to raise to)
            failures.append(error)

    writers = [threading.Thread(target=put, args=([*shared, *some],)) for some in (mine, yours)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    everything = [*shared, *mine, *yours]
    assert remote.find(sizes(*everything)) == set(sizes(*everything))
    assert list(remote.read([whole(part) for part in everything])) == [part.data for part in everything]


def test_an_upload_that_breaks_off_leaves_nothing_that_looks_whole(remote: Remote) -> None:
    first, second = parts(2)

    def broken() -> Iterator[Part]:
        yield first
        message = "the source failed"
        raise OSError(message)

    with pytest.raises((OSError, RemoteError)):
        remote.put(broken(), ignore)
    there = remote.find(sizes(first, second))
    assert there <= {first.name}
    remote.put([first, second], ignore)
    assert list(remote.read([whole(first), whole(second)])) == [first.data, second.data]


def test_progress_counts_every_byte_that_is_new(remote: Remote) -> None:
    some = parts(3)
    heard: list[int] = []
    remote.put(some, heard.append)
    assert sum(heard) == sum(part.size for part in some)


def test_a_tiny_part_is_a_part(remote: Remote) -> None:
    tiny, other = make_part(b"x"), make_part(b"y" * 70_000)
    remote.put([tiny, other], ignore)
    assert list(remote.read([whole(tiny), whole(other)])) == [b"x", b"y" * 70_000]


def test_a_part_that_was_truncated_there_is_put_again(place: Place, remote: Remote) -> None:
    part, *_ = parts(1)
    remote.put([part], ignore)
    file = place.find_file(remote, part.name)
    if file is None:
        pytest.skip("the server keeps parts where no other hand reaches")
    file.write_bytes(part.data[:100])
    if place.kind != "lfs":  # such a server looks for names only
        assert remote.find(sizes(part)) == set()
        remote.put([part], ignore)
        assert list(remote.read([whole(part)])) == [part.data]
