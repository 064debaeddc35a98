"""Content that travels: cut, packed, sent once, fetched by itself, verified, never half there."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from gittrack.core.content import Chunk, Extent, Recipe
from gittrack.core.content_settings import parse_settings
from gittrack.core.events import ArtifactLogged, FolderLogged, RunStarted, StatusChanged
from gittrack.core.model import Artifact, RunStatus
from gittrack.core.paths import content_path
from gittrack.errors import (
    ArtifactNotFoundError,
    CorruptDataError,
    NotFoundError,
    RemoteError,
    StoreError,
)
from gittrack.store import blobs
from gittrack.store.contents import Contents
from gittrack.store.digests import digest_bytes, ignore
from gittrack.store.git_fsck import check_store
from gittrack.store.git_gc import rewrite
from gittrack.store.remotes.fsspec_remote import open_fsspec_remote
from gittrack.store.remotes.git_remote import ARTIFACTS_REF
from gittrack.store.remotes.interface import make_part
from gittrack.store.sending import Sender
from tests.disks import no_room
from tests.exchanging import TIME, connect, pull
from tests.repositories import check_repository, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_draft import Draft
    from gittrack.store.git_store import GitStore
    from gittrack.store.remotes.interface import PartRange

MIB = 1 << 20


class PlugPulledError(Exception):
    """Somebody pulls the plug."""


@pytest.fixture
def clones(tmp_path: Path) -> tuple[GitStore, GitStore]:
    remote = make_repository(tmp_path / "remote.git", "bare")
    first = connect(make_repository(tmp_path / "first"), str(remote))
    second = connect(make_repository(tmp_path / "second"), str(remote))
    return first, second


def contents(store: GitStore, settings: str = "", remotes: tuple[str, ...] = ("origin",)) -> Contents:
    store.layout.temporary.mkdir(parents=True, exist_ok=True)
    return Contents(store, parse_settings(settings), remotes)


def two_places(tmp_path: Path, default: str = "one") -> str:
    return (
        f"[artifacts]\nremote = '{default}'\n"
        f"[artifacts.remotes.one]\nurl = '{(tmp_path / 'one').as_uri()}'\n"
        f"[artifacts.remotes.two]\nurl = '{(tmp_path / 'two').as_uri()}'\n"
    )


def log(store: GitStore, number: int, data: bytes) -> Artifact:
    """Log a run with one artifact."""
    kept = store.store_content(data)
    artifact = Artifact("model.bin", kept.digest, kept.size)
    run_id = f"{number:032x}"
    store.append_events(
        run_id,
        [
            RunStarted(run_id, "0", f"run-{number}", TIME),
            ArtifactLogged(artifact, TIME),
            StatusChanged(RunStatus.FINISHED, TIME, TIME),
        ],
    )
    return artifact


def send(there: Contents, *artifacts: Artifact) -> int:
    return there.send({one.digest: one.size for one in artifacts}, ignore)


def exchange(first: GitStore, second: GitStore) -> None:
    first.push("origin")
    pull(second)


def read(store: GitStore, artifact: Artifact) -> bytes:
    with store.open_content("0" * 32, artifact) as file:
        return file.read()


def test_content_of_one_clone_is_fetched_by_another_and_enters_neither_object_store(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    data = os.urandom(9 * MIB)
    artifact = log(first, 1, data)
    assert send(contents(first), artifact) == len(data)
    exchange(first, second)
    assert not second.has_content(artifact)
    assert contents(second).fetch([artifact], ignore) == 1
    assert read(second, artifact) == data
    for name in ("first", "second"):
        packs = git(tmp_path / name, "count-objects", "-v")
        assert int(packs.split("size-pack: ")[1].split()[0]) < 1000  # KiB
        assert ARTIFACTS_REF not in git(tmp_path / name, "for-each-ref")
        check_repository(tmp_path / name)
    check_repository(tmp_path / "remote.git")
    assert check_store(second) == []


def test_a_large_part_stays_in_its_pack_at_the_remote_and_small_ones_are_a_few_objects(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    """Git deflates what it takes out of a pack, which takes it longer than all the rest of a push."""
    first, second = clones
    remote = tmp_path / "remote.git"

    def count_loose() -> int:
        return int(git(remote, "count-objects").split()[0])

    small = log(first, 1, os.urandom(1000))
    send(contents(first), small)
    assert 0 < count_loose() < 20
    before = count_loose()
    large = [log(first, number, os.urandom(2 * MIB)) for number in (2, 3)]
    for one in large:
        send(contents(first), one)
    assert count_loose() == before
    assert "packs: 2\n" in git(remote, "count-objects", "-v")
    exchange(first, second)
    assert contents(second).fetch([small, *large], ignore) == 3
    check_repository(remote)


def test_one_artifact_is_fetched_without_the_others(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    small, large = log(first, 1, os.urandom(MIB)), log(first, 2, os.urandom(40 * MIB))
    send(contents(first), small, large)
    exchange(first, second)
    trace = tmp_path / "trace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_TRACE_PACKET", str(trace))
        contents(second).fetch([small], ignore)
    assert second.has_content(small)
    assert not second.has_content(large)
    assert trace.stat().st_size < 2 * MIB


def test_a_remote_may_be_a_relative_path(tmp_path: Path) -> None:
    make_repository(tmp_path / "remote.git", "bare")
    first = connect(make_repository(tmp_path / "first"), "../remote.git")
    artifact = log(first, 1, os.urandom(MIB))
    send(contents(first), artifact)
    first.push("origin")
    first.layout.blob(artifact.digest).unlink()
    assert contents(first).fetch([artifact], ignore) == 1


def test_without_a_git_program_content_stays_and_the_error_says_so(
    clones: tuple[GitStore, GitStore], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = clones
    artifact = log(first, 1, os.urandom(MIB))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        with pytest.raises(RemoteError, match="by the git program, which is not here") as failure:
            send(contents(first), artifact)
    assert "--no-artifacts" in (failure.value.hint or "")


@pytest.mark.parametrize("place", ["git", "one"])
def test_what_two_contents_share_is_sent_once(
    clones: tuple[GitStore, GitStore], tmp_path: Path, place: str
) -> None:
    first, second = clones
    settings = two_places(tmp_path, place)
    data = os.urandom(30 * MIB)
    inserted = data[: 13 * MIB + 7] + os.urandom(1000) + data[13 * MIB + 7 :]
    old = log(first, 1, data)
    assert send(contents(first, settings), old) == len(data)
    new = log(first, 2, inserted)
    assert send(contents(first, settings), new) < 6 * MIB
    same = log(first, 3, data)
    assert send(contents(first, settings), same) == 0
    exchange(first, second)
    contents(second, settings).fetch([old, new], ignore)
    assert read(second, new) == inserted


def test_many_small_contents_travel_in_few_parts(clones: tuple[GitStore, GitStore], tmp_path: Path) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    many = [log(first, number, os.urandom(70_000 + number)) for number in range(40)]
    send(contents(first, settings), *many)
    assert len([path for path in (tmp_path / "one").rglob("*") if path.is_file()]) == 1
    exchange(first, second)
    assert contents(second, settings).fetch(many, ignore) == 40
    assert {digest_bytes(read(second, one)) for one in many} == {one.digest for one in many}


def log_many(store: GitStore, contents: list[bytes]) -> list[Artifact]:
    """Log a run with many small artifacts."""
    digests = store.store_small(contents)
    many = [
        Artifact(f"{number}.bin", digest, len(data))
        for number, (digest, data) in enumerate(zip(digests, contents, strict=True))
    ]
    started, ended = RunStarted("0" * 32, "0", "many", TIME), StatusChanged(RunStatus.FINISHED, TIME, TIME)
    store.append_events("0" * 32, [started, FolderLogged(tuple(many), TIME), ended])
    return many


def read_all(store: GitStore, artifacts: list[Artifact]) -> list[bytes]:
    return [read(store, one) for one in artifacts]


@pytest.mark.parametrize("place", ["git", "one"])
def test_neighbours_in_a_part_are_fetched_in_one_go_and_share_a_file(
    clones: tuple[GitStore, GitStore], tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = clones
    settings = two_places(tmp_path, place)
    data = [os.urandom(number * 7 % 900) + b"%d" % number for number in range(400)]
    many = log_many(first, data)
    send(contents(first, settings), *many)
    exchange(first, second)
    asked: list[int] = []

    def count(there: Contents) -> Contents:
        remote = there.remote(place)
        original = type(remote).read

        def counting(self: object, wanted: list[PartRange]) -> Iterator[bytes]:
            asked.append(len(wanted))
            return original(self, wanted)  # type: ignore[arg-type]

        monkeypatch.setattr(type(remote), "read", counting)
        return there

    assert count(contents(second, settings)).fetch(many, ignore) == 400
    assert asked in ([1], [1, 1])  # ours, and what is built on it
    assert read_all(second, many) == data
    assert len(list(second.layout.small.iterdir())) == 1
    assert not second.layout.objects.exists()
    assert check_store(second) == []


def test_of_small_contents_what_came_before_an_interruption_is_kept(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    data = [os.urandom(500) for _ in range(100)]
    many = log_many(first, data)
    send(contents(first, settings), *many)
    exchange(first, second)
    arrived: list[int] = []

    def pull_the_plug(size: int) -> None:
        arrived.append(size)
        if sum(arrived) >= 40 * 500:
            raise PlugPulledError

    with pytest.raises(PlugPulledError):
        contents(second, settings).fetch(many, pull_the_plug)
    here = [one for one in many if second.has_content(one)]
    assert len(here) == 40
    assert {digest_bytes(read(second, one)) for one in here} == {one.digest for one in here}
    contents(second, settings).fetch(many, ignore)
    assert read_all(second, many) == data


def test_of_small_contents_the_damaged_one_is_named_and_never_stored(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    data = [b"%03d" % number + os.urandom(500) for number in range(100)]
    many = log_many(first, data)
    send(contents(first, settings), *many)
    exchange(first, second)
    [part] = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    whole = bytearray(part.read_bytes())
    whole[whole.index(data[60]) + 100] ^= 1
    part.chmod(0o644)
    part.write_bytes(whole)
    with pytest.raises(CorruptDataError, match=many[60].digest[:12]):
        contents(second, settings).fetch(many, ignore)
    assert not second.has_content(many[60])
    assert any(second.has_content(one) for one in many)
    with pytest.raises(CorruptDataError, match=many[60].digest[:12]):
        contents(second, settings).fetch([many[60]], ignore)
    send(contents(first, settings), *many)
    part.write_bytes(part.read_bytes()[: len(whole) // 2])
    with pytest.raises(CorruptDataError):
        contents(second, settings).fetch(many, ignore)


def test_large_content_goes_where_the_rule_says(clones: tuple[GitStore, GitStore], tmp_path: Path) -> None:
    first, _ = clones
    settings = two_places(tmp_path, "git").replace(
        "remote = 'git'", "remote = 'git'\nlarge = { from = '1 MiB', remote = 'two' }"
    )
    small, large = log(first, 1, os.urandom(100_000)), log(first, 2, os.urandom(MIB))
    there = contents(first, settings)
    assert there.find_unsent([small, large]) == {small.digest: small.size, large.digest: large.size}
    send(there, small, large)
    assert there.find_unsent([small, large]) == {}
    found = there.list_recipes()
    assert (found[small.digest].where, found[large.digest].where) == (("git",), ("two",))


def test_an_interrupted_upload_goes_on_where_it_stopped(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    artifact = log(first, 1, os.urandom(100 * MIB))
    handled = 0

    def pull_the_plug(size: int) -> None:
        nonlocal handled
        handled += size
        if handled > 80 * MIB:
            raise PlugPulledError

    with pytest.raises(PlugPulledError):
        contents(first, settings).send({artifact.digest: artifact.size}, pull_the_plug)
    assert (
        contents(first, settings).find_recipe(artifact.digest) is None
    )  # nothing points at what is not there
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert before
    send(contents(first, settings), artifact)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert before.items() <= after.items()
    exchange(first, second)
    contents(second, settings).fetch([artifact], ignore)
    assert second.has_content(artifact)


def test_what_arrived_before_an_interruption_is_not_fetched_again(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    artifact = log(first, 1, os.urandom(70 * MIB))
    send(contents(first, settings), artifact)
    exchange(first, second)
    arrived = 0

    def pull_the_plug(size: int) -> None:
        nonlocal arrived
        arrived += size
        if arrived > 40 * MIB:
            raise PlugPulledError

    with pytest.raises(PlugPulledError):
        contents(second, settings).fetch([artifact], pull_the_plug)
    assert not second.has_content(artifact)
    recipe = contents(second).find_recipe(artifact.digest)
    assert recipe is not None
    gone = next(iter(recipe.parts))
    next((tmp_path / "one").rglob(gone)).unlink()
    contents(second, settings).fetch([artifact], ignore)
    assert second.has_content(artifact)
    assert check_store(second) == []


@pytest.mark.parametrize("place", ["git", "one"])
def test_what_has_no_room_here_is_not_seen_and_comes_once_there_is_room(
    clones: tuple[GitStore, GitStore], tmp_path: Path, place: str
) -> None:
    first, second = clones
    settings = two_places(tmp_path, place)
    artifact = log(first, 1, data := os.urandom(3 * MIB))
    send(contents(first, settings), artifact)
    exchange(first, second)
    with no_room(MIB), pytest.raises((StoreError, RemoteError)) as failure:
        contents(second, settings).fetch([artifact], ignore)
    assert failure.value.hint or "large" in str(failure.value)
    assert not second.has_content(artifact)
    assert list(second.layout.objects.glob("*/*")) == []
    assert contents(second, settings).fetch([artifact], ignore) == 1
    assert read(second, artifact) == data
    assert check_store(second) == []


@pytest.mark.parametrize("place", ["git", "one"])
def test_what_has_no_room_on_its_way_out_is_not_said_to_be_sent(
    clones: tuple[GitStore, GitStore], tmp_path: Path, place: str
) -> None:
    first, second = clones
    settings = two_places(tmp_path, place)
    artifact = log(first, 1, data := os.urandom(3 * MIB))
    with no_room(MIB), pytest.raises((StoreError, RemoteError)):
        send(contents(first, settings), artifact)
    assert contents(first, settings).list_recipes() == {}
    assert send(contents(first, settings), artifact) > 0
    exchange(first, second)
    assert contents(second, settings).fetch([artifact], ignore) == 1
    assert read(second, artifact) == data


def test_damage_at_a_remote_is_named_and_never_stored(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    artifact = log(first, 1, os.urandom(3 * MIB))
    send(contents(first, settings), artifact)
    exchange(first, second)
    [part] = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    damaged = bytearray(part.read_bytes())
    damaged[2 * MIB] ^= 1
    part.chmod(0o644)
    part.write_bytes(damaged)
    with pytest.raises(CorruptDataError, match=part.name[:12]):
        contents(second, settings).fetch([artifact], ignore)
    assert not second.has_content(artifact)
    part.write_bytes(damaged[:MIB])
    with pytest.raises(CorruptDataError):
        contents(second, settings).fetch([artifact], ignore)
    part.unlink()
    with pytest.raises(ArtifactNotFoundError):
        contents(second, settings).fetch([artifact], ignore)
    send(contents(first, settings), artifact)  # who still has it repairs it
    contents(second, settings).fetch([artifact], ignore)
    assert second.has_content(artifact)


def test_what_one_remote_lost_is_fetched_from_another_that_has_it(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    artifact = log(first, 1, os.urandom(3 * MIB))
    send(contents(first, two_places(tmp_path)), artifact)
    assert send(contents(first, two_places(tmp_path, "two")), artifact) == artifact.size
    recipe = contents(first).find_recipe(artifact.digest)
    assert recipe is not None
    assert recipe.where == ("one", "two")
    exchange(first, second)
    [part] = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    part.write_bytes(b"nothing of the kind")
    contents(second, two_places(tmp_path)).fetch([artifact], ignore)
    assert second.has_content(artifact)


def test_another_git_remote_gets_the_same_parts(clones: tuple[GitStore, GitStore], tmp_path: Path) -> None:
    first, _ = clones
    data = os.urandom(20 * MIB)
    old, new = log(first, 1, data), log(first, 2, data + os.urandom(MIB))
    send(contents(first), old)
    send(contents(first), new)
    before = contents(first).list_recipes()
    backup = make_repository(tmp_path / "backup.git", "bare")
    git(tmp_path / "first", "remote", "add", "backup", str(backup))
    send(contents(first, remotes=("backup", "origin")), new, old)
    assert contents(first).list_recipes() == before
    third = connect(make_repository(tmp_path / "third"), str(backup))
    first.push("backup")
    pull(third)
    contents(third).fetch([new, old], ignore)
    assert third.has_content(new)


@pytest.mark.parametrize("shorter_first", [True, False])
def test_a_part_is_rebuilt_from_contents_that_end_apart_in_it(
    clones: tuple[GitStore, GitStore], tmp_path: Path, shorter_first: bool
) -> None:
    layout = clones[0].layout
    layout.temporary.mkdir(parents=True, exist_ok=True)
    pieces = [os.urandom(MIB) for _ in range(3)]
    part = make_part(b"".join(pieces))
    recipes = []
    for count in (1, 3) if shorter_first else (3, 1):
        digest = blobs.store_bytes(layout, b"".join(pieces[:count]))
        chunks = tuple(Chunk(MIB, digest_bytes(piece)) for piece in pieces[:count])
        recipes.append(Recipe(digest, count * MIB, (Extent(part.name, part.size, 0, chunks),)))
    remote = open_fsspec_remote("there", (tmp_path / "there").as_uri(), {})
    sender = Sender(layout, remote, {one.digest: one for one in recipes}, ignore)
    parts = list(sender.parts([one.digest for one in recipes]))
    assert parts == [part]


def test_content_that_nobody_sent_says_where_it_may_be(clones: tuple[GitStore, GitStore]) -> None:
    first, second = clones
    artifact = log(first, 1, os.urandom(MIB))
    exchange(first, second)
    with pytest.raises(ArtifactNotFoundError, match="never sent") as failure:
        contents(second).fetch([artifact], ignore)
    assert "gittrack push" in (failure.value.hint or "")


def test_a_remote_without_settings_here_is_named(clones: tuple[GitStore, GitStore], tmp_path: Path) -> None:
    first, second = clones
    artifact = log(first, 1, os.urandom(MIB))
    send(contents(first, two_places(tmp_path)), artifact)
    exchange(first, second)
    with pytest.raises(NotFoundError, match="'one'"):
        contents(second).fetch([artifact], ignore)


def test_two_clones_that_send_the_same_content_at_once_agree(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    data = os.urandom(12 * MIB)
    artifact = log(first, 1, data)
    log(second, 2, data)
    log(second, 3, os.urandom(100_000))
    senders = [threading.Thread(target=send, args=(contents(store), artifact)) for store in clones]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    exchange(first, second)
    second.push("origin")
    pull(first)
    recipes = [contents(store).list_recipes() for store in clones]
    assert recipes[0] == recipes[1]
    third = connect(make_repository(tmp_path / "third"), str(tmp_path / "remote.git"))
    pull(third)
    contents(third).fetch([artifact], ignore)
    assert read(third, artifact) == data


def test_two_who_fetch_the_same_content_at_once_fetch_it_once(
    clones: tuple[GitStore, GitStore], tmp_path: Path
) -> None:
    first, second = clones
    settings = two_places(tmp_path)
    artifact = log(first, 1, os.urandom(20 * MIB))
    send(contents(first, settings), artifact)
    exchange(first, second)
    counts: list[int] = []

    def fetch() -> None:
        contents(second, settings).fetch([artifact], ignore)
        counts.append(1)

    fetchers = [threading.Thread(target=fetch) for _ in range(4)]
    for fetcher in fetchers:
        fetcher.start()
    for fetcher in fetchers:
        fetcher.join()
    assert len(counts) == 4
    assert second.has_content(artifact)
    assert list(second.layout.partial.iterdir()) == []


def test_a_squash_keeps_recipes_and_fsck_finds_damaged_ones(clones: tuple[GitStore, GitStore]) -> None:
    first, _ = clones
    artifact = log(first, 1, os.urandom(MIB))
    send(contents(first), artifact)
    first.squash()
    assert contents(first).find_recipe(artifact.digest) is not None
    assert check_store(first) == []

    def damage(draft: Draft) -> None:
        draft.put(content_path(artifact.digest), b'{"size": 1}')

    rewrite(first.committer, damage, "damage", keep_history=True)
    [problem] = check_store(first)
    assert problem.where == "/".join(content_path(artifact.digest))
    with pytest.raises(CorruptDataError, match=artifact.digest[:12]):
        contents(first).find_recipe(artifact.digest)


def test_empty_and_sparse_content_travels(clones: tuple[GitStore, GitStore], tmp_path: Path) -> None:
    first, second = clones
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as file:
        file.truncate(300 * MIB)
    kept = first.store_content(sparse)
    empty = log(first, 1, b"")
    artifact = Artifact("zeros", kept.digest, kept.size)
    assert contents(first).send({kept.digest: kept.size, empty.digest: 0}, ignore) < 20 * MIB
    exchange(first, second)
    contents(second).fetch([artifact, empty], ignore)
    assert second.has_content(artifact)
    assert read(second, empty) == b""
