"""What looks like a secret stays here, it alone, until it is allowed; nothing of it ever reaches a remote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gittrack.core.events import ArtifactLogged, TagDeleted, TagsSet
from gittrack.core.experiments import ExperimentChange
from gittrack.core.model import Artifact
from gittrack.core.names import derive_experiment_id
from gittrack.store import git_scan
from gittrack.store.digests import digest_bytes
from tests.exchanging import TIME, TRANSPORTS, connect, log_run, names, pull, tree
from tests.repositories import RUNS_REF, check_repository, git, git_bytes, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.git_store import GitStore

TOKEN = "gh" + "p_" + "Zq7Rk2Vw9Xc4Bn1Mj6Hd3Fs8Lp5Ty0Ua2Ge4"


@pytest.fixture(params=TRANSPORTS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> GitStore:
    remote = make_repository(tmp_path / "remote.git", "bare")
    return connect(make_repository(tmp_path / "here"), str(remote), {"gittrack.transport": request.param})


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return tmp_path / "remote.git"


def other_clone(tmp_path: Path) -> GitStore:
    found = connect(make_repository(tmp_path / "other"), str(tmp_path / "remote.git"))
    pull(found)
    return found


def everything_at(remote: Path) -> bytes:
    """Return the content of all objects of a repository, reachable or not."""
    return git_bytes(remote, "cat-file", "--batch", "--batch-all-objects")


def test_a_run_with_a_token_stays_here_and_all_others_go(
    store: GitStore, remote: Path, tmp_path: Path
) -> None:
    log_run(store, 1)
    held = log_run(store, 2, params={"login": {"hub": TOKEN}})
    log_run(store, 3)
    sent = store.push("origin")
    assert (sent.runs, [one.run_id for one in sent.held]) == (2, [held])
    assert [(one.where, one.rule) for one in sent.held[0].findings] == [
        ("param 'login.hub'", "a GitHub token")
    ]
    assert TOKEN not in repr(sent)
    assert names(other_clone(tmp_path)) == ["run-1", "run-3"]
    assert TOKEN.encode() not in everything_at(remote)
    assert names(store) == ["run-1", "run-2", "run-3"]
    for repository in (remote, tmp_path / "here"):
        check_repository(repository)


def test_among_many_runs_those_with_a_token_are_found_as_among_few(
    store: GitStore, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(git_scan, "READ_AT_ONCE", 3)
    content = f"export GITHUB_TOKEN={TOKEN}\n".encode()
    runs = [log_run(store, number, params={"key": TOKEN} if number == 4 else None) for number in range(8)]
    artifact = Artifact("setup.sh", digest_bytes(content), len(content), inline=True)
    store.append_events(runs[7], [ArtifactLogged(artifact, TIME + 50, content)])
    told: list[tuple[int, int]] = []
    sent = store.push("origin", progress=lambda done, total: told.append((done, total)))
    assert {one.run_id for one in sent.held} == {runs[4], runs[7]}
    assert [done for done, total in told if total == 9] == [0, 3, 6], "eight runs, and the mark of the format"
    assert TOKEN.encode() not in everything_at(remote)


def test_what_comes_after_a_held_run_goes_and_the_run_still_stays(store: GitStore, remote: Path) -> None:
    log_run(store, 1, tags={"mlflow.note.content": f"log in with\n{TOKEN}\n"})
    assert store.push("origin").runs == 0
    assert git(remote, "for-each-ref") == ""
    for number in range(2, 6):
        log_run(store, number)
        sent = store.push("origin")
        assert (sent.runs, [one.name for one in sent.held]) == (1, ["run-1"])
    assert TOKEN.encode() not in everything_at(remote)
    assert len(names(store)) == 5
    assert int(git(remote, "rev-list", "--count", RUNS_REF)) == 4


def test_an_allowed_run_goes_and_stays_allowed(store: GitStore, remote: Path, tmp_path: Path) -> None:
    run_id = log_run(store, 1, params={"token": TOKEN})
    store.allow(store.push("origin").held)
    assert TOKEN not in store.layout.allowed.read_text("utf-8")
    assert (store.push("origin").runs, store.held("origin")) == (1, [])
    store.append_events(run_id, [TagsSet({"again": TOKEN}, TIME + 50)])
    again = open_store(tmp_path / "here")
    assert (again.push("origin").runs, again.push("origin").held) == (1, ())
    assert names(other_clone(tmp_path)) == ["run-1"]
    assert TOKEN.encode() in everything_at(remote)


def test_a_token_that_was_removed_again_leaves_with_its_history(
    store: GitStore, remote: Path, tmp_path: Path
) -> None:
    run_id = log_run(store, 1)
    store.append_events(run_id, [TagsSet({"oops": TOKEN}, TIME + 50)])
    assert store.push("origin").held
    store.append_events(run_id, [TagDeleted("oops", TIME + 60)])
    log_run(store, 2)
    sent = store.push("origin")
    assert (sent.runs, sent.held) == (2, ())
    assert TOKEN.encode() not in everything_at(remote)
    assert store.head() == git(remote, "rev-parse", RUNS_REF).strip()
    assert names(other_clone(tmp_path)) == ["run-1", "run-2"]


def test_an_edit_that_brings_a_token_keeps_back_only_that_edit(
    store: GitStore, remote: Path, tmp_path: Path
) -> None:
    run_id = log_run(store, 1)
    store.push("origin")
    store.append_events(run_id, [TagsSet({"oops": TOKEN}, TIME + 50)])
    log_run(store, 2)
    assert store.push("origin").runs == 1
    other = other_clone(tmp_path)
    assert names(other) == ["run-1", "run-2"]
    found = other.find_run(run_id)
    assert found is not None
    assert found.tags == {}
    assert TOKEN.encode() not in everything_at(remote)


@pytest.mark.parametrize("place", ["in the branch", "by itself", "among small ones"])
def test_text_artifacts_are_looked_into_and_named(store: GitStore, place: str) -> None:
    content = f"export GITHUB_TOKEN={TOKEN}\n".encode()
    for number in (1, 2):
        run_id = log_run(store, number)
        if place == "by itself":
            store.store_content(content)
        elif place == "among small ones":
            store.store_small([content])
        is_inline = place == "in the branch"
        artifact = Artifact("env/setup.sh", digest_bytes(content), len(content), is_inline)
        event = ArtifactLogged(artifact, TIME + 50, content if is_inline else None)
        store.append_events(run_id, [event])
    sent = store.push("origin")
    assert [one.name for one in sent.held] == ["run-1", "run-2"], "the same content in two runs"
    assert sent.held[0].findings[0].where == "artifact 'env/setup.sh'"


def test_bytes_that_are_no_text_are_not_looked_into(store: GitStore) -> None:
    content = b"\0" + TOKEN.encode()
    run_id = log_run(store, 1)
    artifact = Artifact("model.bin", digest_bytes(content), len(content), inline=True)
    store.append_events(run_id, [ArtifactLogged(artifact, TIME + 50, content)])
    assert store.push("origin").held == ()


def test_what_the_remote_has_already_is_no_news(store: GitStore, tmp_path: Path) -> None:
    run_id = log_run(store, 1, params={"token": TOKEN})
    store.allow(store.push("origin").held)
    store.push("origin")
    other = other_clone(tmp_path)
    other.append_events(run_id, [TagsSet({"seen": "yes"}, TIME + 70)])
    assert (other.push("origin").runs, other.push("origin").held) == (1, ())


def test_an_experiment_with_a_token_stays_here_without_its_runs(store: GitStore, remote: Path) -> None:
    change = ExperimentChange(TIME, created_name="vision", set_tags={"hub": TOKEN})
    store.change_experiment(derive_experiment_id("vision"), [change])
    log_run(store, 1)
    sent = store.push("origin")
    assert (sent.runs, [one.run_id for one in sent.held]) == (1, [None])
    assert TOKEN.encode() not in everything_at(remote)


def test_what_others_log_meanwhile_is_merged_with_what_stays(store: GitStore, tmp_path: Path) -> None:
    log_run(store, 1)
    store.push("origin")
    log_run(store, 2, params={"token": TOKEN})
    other = other_clone(tmp_path)
    log_run(other, 3)
    other.push("origin")
    log_run(store, 4)
    assert (store.push("origin").runs, names(store)) == (1, ["run-1", "run-2", "run-3", "run-4"])
    pull(other)
    assert names(other) == ["run-1", "run-3", "run-4"]
    store.allow(store.held("origin"))
    store.push("origin")
    pull(other)
    assert tree(store) == tree(other)
