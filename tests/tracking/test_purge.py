"""What is purged is gone here, from the history too, and comes back from nowhere; the rest is said."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ArtifactNotFoundError, RunNotFoundError, RunStateError
from gittrack.tracking.client import Client
from gittrack.tracking.purge import plan_purge, purge
from gittrack.tracking.sync import pull, push
from tests.repositories import RUNS_REF, check_repository, git, git_bytes, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = b"something that nobody shall see"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "remote.git", "bare")


@pytest.fixture
def clients(tmp_path: Path, remote: Path) -> Iterator[list[Client]]:
    made = []
    for name in ("first", "second"):
        folder = make_repository(tmp_path / name)
        git(folder, "remote", "add", "origin", str(remote))
        made.append(Client(folder))
    yield made
    for client in made:
        client.close()


def log_run(client: Client, name: str, **files: bytes) -> str:
    run_id = client.create_run(run_name=name).run_id
    client.log_metric(run_id, "loss", 0.5)
    for path, content in files.items():
        client.log_content(run_id, content, path)
    client.set_terminated(run_id)
    return run_id


def everything_reachable(repository: Path) -> bytes:
    ids = git(repository, "rev-list", "--objects", "--no-object-names", RUNS_REF)
    return git_bytes(repository, "cat-file", "--batch", data=ids.encode())


def test_a_purged_run_is_gone_from_the_history_and_no_clone_brings_it_back(
    clients: list[Client], remote: Path, tmp_path: Path
) -> None:
    first, second = clients
    gone, kept = log_run(first, "gone", note=SECRET), log_run(first, "kept")
    push(first)
    pull(second)
    second.set_tag(gone, "still", "here")
    plan = plan_purge(first, [first.get_run(gone)])
    assert any(place.startswith("origin, until `gittrack push origin`") for place in plan.remains)
    purge(first, plan)
    assert SECRET not in everything_reachable(tmp_path / "first")
    push(first)
    assert SECRET not in everything_reachable(remote)
    push(second)
    pull(first)
    for client in clients:
        assert [run.run_id for run in client.list_runs(view_type=3)] == [kept]
        with pytest.raises(RunNotFoundError):
            client.get_run(gone)
    for name in ("first", "second", "remote.git"):
        check_repository(tmp_path / name)
        assert SECRET not in everything_reachable(tmp_path / name)
    again = plan_purge(first, [first.get_run(kept)])
    assert any(place.startswith("origin") for place in again.remains)


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_purged_artifact_is_gone_and_its_run_stays(
    clients: list[Client], remote: Path, tmp_path: Path, size: int
) -> None:
    first, second = clients
    run_id = log_run(first, "one", secret=SECRET * size, other=b"other")
    push(first, with_content=False)
    pull(second)
    second.set_tag(run_id, "still", "here")
    plan = plan_purge(first, [first.get_run(run_id)], "secret")
    assert plan.size == (0 if size == 1 else len(SECRET) * size), "what is inline is no content of its own"
    purge(first, plan)
    push(first, with_content=False)
    push(second, with_content=False)
    pull(first)
    for client, name in zip(clients, ("first", "second"), strict=True):
        assert sorted(client.get_run(run_id).artifacts) == ["other"]
        assert client.read_artifact(run_id, "other") == b"other"
        assert SECRET not in everything_reachable(tmp_path / name)
        check_repository(tmp_path / name)
    with pytest.raises(ArtifactNotFoundError):
        first.read_artifact(run_id, "secret")
    assert SECRET not in everything_reachable(remote)
    assert first.get_run(run_id).tags["still"] == "here"


def test_content_that_another_run_has_too_stays(clients: list[Client]) -> None:
    client = clients[0]
    gone = log_run(client, "gone", model=SECRET * 10_000)
    kept = log_run(client, "kept", model=SECRET * 10_000)
    plan = plan_purge(client, [client.get_run(gone)])
    assert plan.content == ()
    purge(client, plan)
    assert client.read_artifact(kept, "model") == SECRET * 10_000


def test_what_is_not_there_or_still_running_cannot_be_purged(clients: list[Client]) -> None:
    client = clients[0]
    run_id = client.create_run().run_id
    with pytest.raises(RunStateError, match="is running"):
        plan_purge(client, [client.get_run(run_id)])
    client.set_terminated(run_id)
    with pytest.raises(ArtifactNotFoundError, match="has nothing at 'none'"):
        plan_purge(client, [client.get_run(run_id)], "none")
    with closing(Client(client.folder())) as other:
        assert [run.run_id for run in other.list_runs()] == [run_id]


def test_a_long_manifest_that_gets_short_again_is_read_right(clients: list[Client]) -> None:
    client = clients[0]
    run_id = log_run(
        client, "many", **{f"folder/{'x' * 100}-{number}": b"%d" % number for number in range(200)}
    )
    purge(client, plan_purge(client, [client.get_run(run_id)], "folder"))
    assert client.get_run(run_id).artifacts == {}
