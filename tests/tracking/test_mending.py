"""Damaged content is fetched again from where it is whole; else the error says whom to ask."""

from __future__ import annotations

import os
import warnings
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ArtifactNotFoundError, CorruptDataError
from gittrack.store.git_fsck import check_store
from gittrack.store.small_blobs import add_small, remove_small
from gittrack.tracking.client import Client
from gittrack.tracking.sync import git_store, pull, push
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.layout import Layout

SIZE = 200_000


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Client]:
    remote = make_repository(tmp_path / "remote.git", "bare")
    folder = make_repository(tmp_path / "here")
    git(folder, "remote", "add", "origin", str(remote))
    with closing(Client(folder)) as client:
        yield client


def layout(client: Client) -> Layout:
    return git_store(client).layout


def log(client: Client, data: bytes) -> str:
    run = client.create_run()
    client.log_content(run.run_id, data, "model.bin")
    client.set_terminated(run.run_id)
    return run.run_id


def digest_of(client: Client, run_id: str) -> str:
    return client.get_run(run_id).artifacts["model.bin"].digest


def damage(client: Client, run_id: str) -> None:
    path = layout(client).blob(digest_of(client, run_id))
    path.chmod(0o644)
    path.write_bytes(b"x" + path.read_bytes()[1:])


def test_what_is_damaged_here_is_fetched_again_and_that_is_told(here: Client, tmp_path: Path) -> None:
    data = os.urandom(SIZE)
    run_id = log(here, data)
    push(here)
    damage(here, run_id)
    with pytest.raises(CorruptDataError):
        here.read_artifact(run_id, "model.bin", fetch=False)
    with pytest.warns(UserWarning, match=r"'model\.bin' was damaged here, and was fetched again"):
        assert here.read_artifact(run_id, "model.bin") == data
    damage(here, run_id)
    with pytest.warns(UserWarning, match="was fetched again"):
        here.download_artifacts(run_id, "", tmp_path / "out")
    assert (tmp_path / "out" / "model.bin").read_bytes() == data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert here.read_artifact(run_id, "model.bin") == data
    assert check_store(git_store(here)) == []
    assert list(layout(here).damaged.iterdir()) == []


def test_small_content_that_is_damaged_is_fetched_again_too(here: Client, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(40):
        (folder / f"{number:02}.bin").write_bytes(os.urandom(40_000))
    run = here.create_run()
    here.log_artifacts(run.run_id, folder)
    here.set_terminated(run.run_id)
    push(here)
    artifact = here.get_run(run.run_id).artifacts["39.bin"]
    assert not artifact.inline
    remove_small(layout(here), [(artifact.digest, 2.0**40)])
    add_small(layout(here), {bytes.fromhex(artifact.digest): b"something else"})
    with pytest.warns(UserWarning, match="was fetched again"):
        assert here.read_artifact(run.run_id, "39.bin") == (folder / "39.bin").read_bytes()
    assert check_store(git_store(here)) == []


def test_what_no_remote_has_says_whom_to_ask_and_keeps_what_is_left(here: Client) -> None:
    data = os.urandom(SIZE)
    run_id = log(here, data)
    damage(here, run_id)
    with pytest.raises(CorruptDataError, match="damaged, and no remote gives it") as failure:
        here.read_artifact(run_id, "model.bin")
    hint = failure.value.hint or ""
    assert f"where {here.get_run(run_id).user} made the run" in hint
    remains = layout(here).damaged / digest_of(here, run_id)
    assert str(remains) in hint
    assert remains.read_bytes() == b"x" + data[1:]
    with pytest.raises(ArtifactNotFoundError, match="damaged here"):
        here.read_artifact(run_id, "model.bin")
    with pytest.raises(CorruptDataError, match="was damaged"):
        here.read_artifact(run_id, "model.bin", fetch=False)
    [problem] = check_store(git_store(here))
    assert str(remains) in problem.message
    log(here, data)
    assert here.read_artifact(run_id, "model.bin") == data
    assert check_store(git_store(here)) == []


def test_what_another_clone_has_whole_comes_once_it_is_pushed_there(here: Client, tmp_path: Path) -> None:
    data = os.urandom(SIZE)
    run_id = log(here, data)
    push(here)
    git(tmp_path, "clone", "-q", str(tmp_path / "remote.git"), "there")
    with closing(Client(tmp_path / "there")) as there:
        pull(there)
        assert there.read_artifact(run_id, "model.bin") == data
        damage(there, run_id)
        with pytest.warns(UserWarning, match="was fetched again"):
            assert there.read_artifact(run_id, "model.bin") == data


def test_damaged_content_is_not_sent_and_keeps_nothing_else_from_being_sent(here: Client) -> None:
    bad, good = log(here, os.urandom(SIZE)), log(here, os.urandom(SIZE))
    damage(here, bad)
    with pytest.raises(CorruptDataError, match="was not sent") as failure:
        push(here)
    assert "push again" in (failure.value.hint or "")
    assert push(here).sent == 2
    layout(here).blob(digest_of(here, good)).unlink()
    here.read_artifact(good, "model.bin")
    with pytest.raises(ArtifactNotFoundError, match="never sent"):
        here.read_artifact(bad, "model.bin")
