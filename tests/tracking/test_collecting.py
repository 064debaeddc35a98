"""Room is made for what nobody needs, never of what somebody does."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from gittrack.store import blobs
from gittrack.tracking.client import Client
from gittrack.tracking.collecting import (
    collect_remote,
    expire,
    find_expired,
    find_local_copies,
    find_remote_garbage,
    remove_local_copies,
)
from gittrack.tracking.gc import collect, find_garbage
from gittrack.tracking.space import measure
from gittrack.tracking.sync import git_store, pull, push
from tests.repositories import check_repository, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE = 200_000
OLD_S = 1_000_000_000


@pytest.fixture
def here(tmp_path: Path) -> Path:
    remote = make_repository(tmp_path / "remote.git", "bare")
    folder = make_repository(tmp_path / "here")
    git(folder, "remote", "add", "origin", str(remote))
    git(folder, "push", "-q", "origin", "HEAD")
    return folder


@pytest.fixture
def client(here: Path) -> Iterator[Client]:
    made = Client(here)
    yield made
    made.close()


def log(client: Client, name: str, data: bytes, path: str = "model.bin", **metrics: float) -> str:
    run_id = client.create_run(run_name=name).run_id
    client.log_content(run_id, data, path)
    for key, value in metrics.items():
        client.log_metric(run_id, key, value)
    client.set_terminated(run_id)
    return run_id


def age(client: Client) -> None:
    """Let everything stored here look old."""
    layout = git_store(client).layout
    for digest in blobs.list_blobs(layout):
        os.utime(layout.blob(digest), (OLD_S, OLD_S))


def local(client: Client) -> set[str]:
    return set(blobs.list_blobs(git_store(client).layout))


def test_copies_that_a_remote_has_go_and_come_back_when_they_are_read(client: Client) -> None:
    sent = os.urandom(SIZE)
    run_id = log(client, "sent", sent)
    push(client)
    log(client, "unsent", os.urandom(SIZE))
    age(client)
    found = find_local_copies(client, grace_s=3600)
    assert (len(found.free), len(found.only_here)) == (1, 1)
    remove_local_copies(client, found.free)
    assert local(client) == {found.only_here[0].digest}
    assert client.read_artifact(run_id, "model.bin") == sent
    assert len(local(client)) == 2


def test_what_a_remote_lost_is_not_taken_away_here(client: Client, here: Path) -> None:
    log(client, "sent", os.urandom(SIZE))
    push(client)
    age(client)
    git(here, "push", "-q", "origin", ":refs/gittrack/artifacts")
    found = find_local_copies(client, grace_s=3600)
    assert (found.free, len(found.only_here)) == ((), 1)
    git(here, "remote", "set-url", "origin", "/nowhere")
    assert find_local_copies(client, grace_s=3600).free == ()


def test_young_copies_are_spared(client: Client) -> None:
    log(client, "sent", os.urandom(SIZE))
    push(client)
    assert find_local_copies(client, grace_s=3600).free == ()


def test_content_that_is_stored_again_is_no_garbage(client: Client) -> None:
    data = os.urandom(SIZE)
    store = git_store(client)
    store.store_content(data)
    age(client)
    garbage = find_garbage(client, grace_s=3600)
    assert [one.size for one in garbage.content] == [SIZE]
    run_id = log(client, "it", data)  # while somebody thinks about the garbage
    collect(client, garbage)
    assert client.read_artifact(run_id, "model.bin", fetch=False) == data


def test_parts_that_no_run_needs_go_from_the_remote_and_others_stay(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = os.urandom(9_000_000), os.urandom(9_000_000)
    keeper, loser = log(client, "kept", kept), log(client, "gone", gone)
    push(client)
    client.remove_artifacts(loser, "model.bin")
    client.close()
    client = Client(client.folder())
    monkeypatch.setattr("gittrack.tracking.collecting.time.time", lambda: 4_000_000_000.0)
    garbage = find_remote_garbage(client, "git", grace_s=0)
    assert (len(garbage.parts), len(garbage.recipes)) == (2, 1)
    collect_remote(client, "git", garbage)
    push(client)
    check_repository(tmp_path / "remote.git")
    git(tmp_path / "remote.git", "gc", "-q", "--prune=now")
    assert find_remote_garbage(client, "git", grace_s=0).parts == ()
    size = int(git(tmp_path / "remote.git", "count-objects", "-v").split("size-pack: ")[1].split()[0])
    assert 8700 < size < 10_000  # KiB: one of the two
    git(tmp_path, "clone", "-q", str(tmp_path / "remote.git"), "other")
    other = Client(tmp_path / "other")
    pull(other)
    assert other.read_artifact(keeper, "model.bin") == kept
    other.close()
    # Somebody who still has it logs it again: it is sent again.
    again = log(client, "again", gone)
    push(client)
    other = Client(tmp_path / "other")
    pull(other)
    assert other.read_artifact(again, "model.bin") == gone
    other.close()
    client.close()


def test_young_parts_are_spared_for_somebody_is_about_to_name_them(client: Client) -> None:
    loser = log(client, "gone", os.urandom(SIZE))
    push(client)
    client.remove_artifacts(loser, "model.bin")
    assert find_remote_garbage(client, "git", grace_s=0).parts == ()


def test_artifacts_past_their_time_are_let_go_but_for_those_that_others_need(
    client: Client, here: Path
) -> None:
    runs = {name: log(client, name, os.urandom(SIZE), acc=acc) for name, acc in
            {"best": 0.9, "used": 0.2, "registered": 0.3, "old": 0.1, "newest": 0.0}.items()}  # fmt: skip
    user = log(client, "user", b"small")
    client.remove_artifacts(user, "model.bin")
    client.use_artifact(user, f"runs:/{runs['used']}/model.bin")
    client.create_registered_model("it")
    client.create_model_version("it", f"runs:/{runs['registered']}/model.bin", runs["registered"])
    assert find_expired(client) == []
    (here / ".gittrack.toml").write_text(
        "[retention.Default]\nbest = 1\nmetric = 'acc'\nnewest = 2\n", "utf-8"
    )
    expired = find_expired(client)
    assert [run.name for run in expired] == ["old"]
    expire(client, expired)
    assert client.get_run(runs["old"]).artifacts == {}
    assert client.get_run(runs["old"]).metrics["acc"].last == 0.1
    assert find_expired(client) == []


def test_space_is_added_up_by_experiment_run_and_kind(client: Client) -> None:
    shared = os.urandom(SIZE)
    log(client, "one", shared, "a/model.PT")
    log(client, "two", shared, "b.pt")
    log(client, "three", os.urandom(100_000), "README")
    push(client)
    [experiment] = measure(client)
    assert (experiment.name, experiment.files, experiment.size) == ("Default", 3, SIZE + 100_000)
    assert (experiment.alone, experiment.here, experiment.elsewhere) == (experiment.size,) * 3
    kinds = {one.name: (one.files, one.size) for one in measure(client, "kind")}
    assert kinds == {".pt": (2, SIZE), "(no suffix)": (1, 100_000)}
    runs = {one.name.partition(" ")[2]: (one.size, one.alone) for one in measure(client, "run")}
    assert runs == {"one": (SIZE, 0), "two": (SIZE, 0), "three": (100_000, 100_000)}
    assert json.dumps(runs)


def test_what_rides_in_a_run_is_elsewhere_once_the_run_is_pushed(client: Client) -> None:
    log(client, "pushed", b"small", "a.txt")
    [before] = measure(client)
    assert (before.size, before.here, before.elsewhere) == (5, 5, 0)
    push(client)
    log(client, "later", b"another", "b.txt")
    live = client.create_run(run_name="live").run_id
    client.log_content(live, b"not yet in a commit", "c.txt")
    found = {one.name: (one.here, one.elsewhere) for one in measure(client, "kind")}
    assert found == {".txt": (5 + 7 + 19, 5)}
    # The same content counts wherever it is.
    log(client, "again", b"small", "d.txt")
    assert [one.elsewhere for one in measure(client)] == [5]
