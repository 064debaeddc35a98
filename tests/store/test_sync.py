"""Clones and remotes: whatever the order of exchanges, everybody ends with everything."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.core.events import (
    Renamed,
    SideFileSet,
    TagsSet,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.journal import encode_metrics
from gittrack.core.names import derive_experiment_id
from gittrack.core.paths import run_folder
from gittrack.core.stamped import DocumentChange
from gittrack.errors import NotFoundError, RemoteError, RemoteRefusedError
from gittrack.store import ref_lock
from gittrack.store.git_commit import _commit
from gittrack.store.git_draft import begin_draft
from gittrack.store.git_fsck import check_store
from tests.exchanging import TIME, TRANSPORTS, connect, log_run, names, pull, tree
from tests.repositories import RUNS_REF, check_repository, git, make_repository, open_store
from tests.servers import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_store import GitStore
    from tests.servers import Server


@pytest.fixture(scope="module")
def daemon() -> Iterator[Server]:
    with serve("daemon") as one:
        yield one


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def remote(tmp_path: Path, daemon: Server, transport: str) -> Path:
    # Between folders dulwich asks no server, and so no hook of one.
    served = daemon.make(f"{tmp_path.name}.git")
    return served if transport == "dulwich" else make_repository(tmp_path / "remote.git", "bare")


@pytest.fixture
def clones(tmp_path: Path, remote: Path, daemon: Server, transport: str) -> list[GitStore]:
    url = daemon.url(remote) if transport == "dulwich" else str(remote)
    settings = {"gittrack.transport": transport}
    first = make_repository(tmp_path / "first")
    stores = [connect(first, url, settings)]
    git(first, "push", "-q", "origin", "HEAD")
    git(tmp_path, "clone", "-q", url, "second")
    git(tmp_path / "second", "config", "gittrack.transport", transport)
    return [*stores, open_store(tmp_path / "second")]


def test_two_histories_that_began_apart_converge(clones: list[GitStore], remote: Path) -> None:
    first, second = clones
    log_run(first, 1)
    log_run(second, 2)
    assert first.push("origin").runs == 1
    assert second.push("origin").runs == 1
    pull(first)
    assert names(first) == names(second) == ["run-1", "run-2"]
    assert tree(first) == tree(second)
    assert first.head() == second.head() == git(remote, "rev-parse", RUNS_REF).strip()
    for repository in (first.layout.root.parent, second.layout.root.parent, remote):
        check_repository(repository)


def test_clones_converge_whatever_the_order_of_exchanges(clones: list[GitStore]) -> None:
    first, second = clones
    shared = log_run(first, 1)
    first.push("origin")
    pull(second)
    first.append_events(shared, [Renamed("by first", TIME + 100)])
    second.append_events(shared, [TagsSet({"team": "second"}, TIME + 200)])
    log_run(second, 2)
    log_run(first, 3)
    second.push("origin")
    first.push("origin")
    pull(second)
    assert tree(first) == tree(second)
    found = second.find_run(shared)
    assert found is not None
    assert (found.name, dict(found.tags)) == ("by first", {"team": "second"})
    assert len(names(first)) == 3


def test_points_logged_to_one_run_in_two_clones_are_united(clones: list[GitStore]) -> None:
    first, second = clones
    shared = log_run(first, 1, points=3)
    first.push("origin")
    pull(second)
    for store, value in ((first, 10.0), (second, 20.0)):
        sink = store.open_journal(shared)
        sink.append(encode_metrics({"loss": value, f"only/{value:.0f}": 1.0}, 7, TIME + 70))
        store.end_journal(sink)
    first.push("origin")
    second.push("origin")
    pull(first)
    assert tree(first) == tree(second)
    series = first.read_series(shared)
    assert sorted(series["loss"].values[-2:]) == [10.0, 20.0]
    found = first.find_run(shared)
    assert found is not None
    assert (found.metrics["loss"].count, found.metrics["loss"].last) == (5, 20.0)
    assert {"only/10", "only/20"} <= found.metrics.keys()


def test_of_a_side_file_written_in_two_clones_the_later_one_stays_and_all_others_are_kept(
    clones: list[GitStore],
) -> None:
    first, second = clones
    shared = log_run(first, 1)
    first.append_events(
        shared, [SideFileSet("notes.md", TIME + 10, b"old"), SideFileSet("gone", TIME + 11, b"")]
    )
    first.push("origin")
    pull(second)
    first.append_events(
        shared, [SideFileSet("notes.md", TIME + 30, b"aaa"), SideFileSet("one", TIME + 31, b"1")]
    )
    second.append_events(
        shared, [SideFileSet("notes.md", TIME + 20, b"zzz"), SideFileSet("two", TIME + 21, b"2")]
    )
    second.append_events(shared, [SideFileSet("gone", TIME + 25, None)])
    first.push("origin")
    second.push("origin")
    pull(first)
    first.squash()
    first.push("origin")
    pull(second)
    for store in clones:
        assert store.list_side_files(shared) == ["notes.md", "one", "two"]
        assert store.find_side_file(shared, "notes.md") == b"aaa"
    assert tree(first) == tree(second)


def test_side_files_of_a_newer_version_are_kept_whatever_they_are_called(clones: list[GitStore]) -> None:
    first, second = clones
    shared = log_run(first, 1)
    first.push("origin")
    pull(second)
    name = "Future/x.bin"
    for store, content in ((first, b"a"), (second, b"b")):
        put_by_hand(store, shared, name, content)
    first.push("origin")
    second.push("origin")
    pull(first)
    first.append_events(shared, [Renamed("other", TIME + 50)])
    folder = "/".join(run_folder(shared))
    for store in clones[:1]:
        top = store.layout.root.parent
        assert git(top, "cat-file", "blob", f"{RUNS_REF}:{folder}/{name}") == "b"
    assert check_store(first) == []


def put_by_hand(store: GitStore, run_id: str, name: str, content: bytes) -> None:
    """Put a file into a run's folder as a program of another version would."""
    draft = begin_draft(store.objects, store.head())
    draft.put((*run_folder(run_id), *name.split("/")), content)
    _commit(store._committer, store.head(), draft)


def test_one_experiment_created_in_two_clones_is_one(clones: list[GitStore]) -> None:
    experiment_id = derive_experiment_id("vision")
    for number, store in enumerate(clones):
        store.change_experiment(experiment_id, [ExperimentChange(TIME + number, created_name="vision")])
    for store in (*clones, clones[0]):
        store.push("origin")
    found = [[one.name for one in store.list_experiments()] for store in clones]
    assert found == [["Default", "vision"], ["Default", "vision"]]
    assert tree(clones[0]) == tree(clones[1])


def test_documents_changed_in_two_clones_are_merged_field_by_field(clones: list[GitStore]) -> None:
    first, second = clones
    created = {"name": "iris", "tags.team": "a", "tags.gone": "soon"}
    first.change_documents([DocumentChange("models", "iris", TIME, created)], "model iris: created")
    first.push("origin")
    pull(second)
    first.change_documents([DocumentChange("models", "iris", TIME + 1, {"tags.team": "b"})], "tagged")
    second.change_documents([DocumentChange("models", "iris", TIME + 2, {"tags.team": "c"})], "tagged")
    second.change_documents([DocumentChange("models", "iris", TIME + 3, {"tags.gone": None})], "untagged")
    second.change_documents([DocumentChange("models", "only-here", TIME, {"name": "b"})], "another")
    first.change_documents([DocumentChange("models", "iris", TIME + 4, {"note": "seen"})], "noted")
    for store in (first, second, first):
        store.push("origin")
    assert tree(first) == tree(second)
    for store in clones:
        found = {one.document_id: one.fields for one in store.list_documents("models")}
        assert found == {
            "iris": {"name": "iris", "tags.team": "c", "note": "seen"},
            "only-here": {"name": "b"},
        }


def test_a_document_removed_in_one_clone_does_not_come_back_from_another(clones: list[GitStore]) -> None:
    first, second = clones
    first.change_documents([DocumentChange("models", "iris", TIME, {"name": "iris"})], "created")
    first.push("origin")
    pull(second)
    second.change_documents([DocumentChange("models", "iris", TIME + 1, {"tags.team": "b"})], "tagged")
    first.change_documents([DocumentChange("models", "iris", TIME + 2, removes=True)], "removed")
    first.squash()
    for store in (first, second, first):
        store.push("origin")
    assert tree(first) == tree(second)
    assert [store.list_documents("models") for store in clones] == [[], []]
    assert [check_store(store) for store in clones] == [[], []]


def test_a_push_that_is_overtaken_fetches_merges_and_goes_again(
    clones: list[GitStore], remote: Path, tmp_path: Path
) -> None:
    first, second = clones
    log_run(first, 1)
    log_run(second, 2)
    # The first time somebody pushes, the remote is moved under their feet by the other clone.
    hook = remote / "hooks" / "pre-receive"
    script = f"""\
        #!{sys.executable}
        import os, pathlib, subprocess
        mark = pathlib.Path({str(tmp_path / "overtaken")!r})
        if not mark.exists():
            mark.touch()
            for name in [name for name in os.environ if name.startswith("GIT_") and "CONFIG" not in name]:
                del os.environ[name]
            command = ["git", "push", "-q", "origin", "{RUNS_REF}"]
            subprocess.run(command, cwd={str(second.layout.root.parent)!r}, check=True)
    """
    hook.write_text(textwrap.dedent(script), "utf-8")
    hook.chmod(0o755)
    assert first.push("origin").runs == 1
    assert (tmp_path / "overtaken").exists()
    assert names(first) == ["run-1", "run-2"]
    assert git(remote, "rev-parse", RUNS_REF).strip() == first.head()


def test_a_remote_that_refuses_the_ref_is_named_with_a_way_out(clones: list[GitStore], remote: Path) -> None:
    hook = remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) exit 0;; esac\necho no custom refs >&2\nexit 1\n')
    hook.chmod(0o755)
    first, second = clones
    log_run(first, 1)
    with pytest.raises(RemoteRefusedError, match="does not accept refs/gittrack/runs") as caught:
        first.push("origin")
    assert "gittrack.remoteRef refs/heads/gittrack/runs" in str(caught.value)
    for store in clones:
        git(store.layout.root.parent, "config", "gittrack.remoteRef", "refs/heads/gittrack/runs")
    first, second = (open_store(store.layout.root.parent) for store in (first, second))
    assert first.push("origin").runs == 1
    pull(second)
    assert names(second) == ["run-1"]
    assert git(second.layout.root.parent, "for-each-ref", "refs/heads/gittrack") == ""


def test_a_remote_that_is_gone_keeps_everything_here(clones: list[GitStore], remote: Path) -> None:
    log_run(clones[0], 1)
    remote.rename(remote.with_name("elsewhere"))
    with pytest.raises((RemoteError, NotFoundError)):
        clones[0].push("origin")
    with pytest.raises((RemoteError, NotFoundError)):
        clones[0].fetch("nowhere")
    assert names(clones[0]) == ["run-1"]


def test_a_branch_that_was_deleted_at_the_remote_is_pushed_again(
    clones: list[GitStore], remote: Path
) -> None:
    first = clones[0]
    log_run(first, 1)
    first.push("origin")
    git(remote, "update-ref", "-d", RUNS_REF)
    log_run(first, 2)
    assert first.push("origin").runs == 2
    assert git(remote, "rev-parse", RUNS_REF).strip() == first.head()
    assert first.compare("origin").ahead == ()


@pytest.mark.parametrize("age_s", [0, 3600])
def test_a_lock_that_a_killed_push_left_behind_stops_no_other(
    clones: list[GitStore], monkeypatch: pytest.MonkeyPatch, age_s: int
) -> None:
    first = clones[0]
    monkeypatch.setattr(ref_lock, "STALE_S", 0.5)
    log_run(first, 1)
    first.push("origin")
    lock = first.layout.root.parent / "refs" / "gittrack-remote" / "origin" / "runs.lock"
    lock.touch()
    os.utime(lock, (time.time() - age_s, time.time() - age_s))
    log_run(clones[1], 2)
    clones[1].push("origin")
    log_run(first, 3)
    first.push("origin")
    assert not lock.exists()
    assert len(names(first)) == 3


def test_nothing_of_the_user_is_touched_by_an_exchange(clones: list[GitStore]) -> None:
    def look(store: GitStore) -> list[str]:
        folder = store.layout.root.parent
        top = folder.parent
        refs = git(top, "for-each-ref", "refs/heads", "refs/remotes", "refs/tags", "refs/stash")
        files = [(folder / name).read_text("utf-8") for name in ("HEAD", "config")]
        return [refs, *files, git(top, "status", "--porcelain"), git(top, "log", "--oneline")]

    before = [look(store) for store in clones]
    log_run(clones[0], 1)
    clones[0].push("origin")
    pull(clones[1])
    assert [look(store) for store in clones] == before
    assert not (clones[1].layout.root.parent / "FETCH_HEAD").exists()


def test_pruning_and_collecting_by_the_user_loses_nothing_unpushed(clones: list[GitStore]) -> None:
    first, second = clones
    log_run(first, 1)
    first.push("origin")
    pull(second)
    log_run(second, 2)
    top = second.layout.root.parent.parent
    for command in (
        "fetch --prune --all",
        "remote prune origin",
        "gc --prune=now --quiet",
        "repack -adq",
        "pack-refs --all",
    ):
        git(top, *command.split())
        assert names(open_store(top)) == ["run-1", "run-2"]
    second = open_store(top)
    assert second.compare("origin").ahead == (f"{2:032x}",)
    assert second.push("origin").runs == 1


def test_pushing_one_new_run_sends_what_one_run_is(
    clones: list[GitStore], remote: Path, tmp_path: Path
) -> None:
    first = clones[0]
    for number in range(100):
        log_run(first, number * 7919)
    first.push("origin")
    head = first.head()
    log_run(first, 100 * 7919, points=50)
    pack = subprocess.run(
        ["git", "pack-objects", "--revs", "--stdout", "-q"],
        cwd=first.layout.root.parent,
        input=f"{first.head()}\n^{head}\n".encode(),
        capture_output=True,
        check=True,
    ).stdout
    assert len(pack) < 30_000
    assert int.from_bytes(pack[8:12], "big") < 50
    assert first.push("origin").runs == 1
    git(tmp_path, "clone", "-q", str(remote), "third")
    third = open_store(tmp_path / "third")
    pull(third)
    assert len(names(third)) == 101


def test_a_run_removed_for_good_is_not_brought_back_by_a_stale_clone(clones: list[GitStore]) -> None:
    first, second = clones
    gone, kept = log_run(first, 1), log_run(first, 2)
    first.push("origin")
    pull(second)
    first.bury_runs([gone], TIME)
    first.push("origin")
    second.append_events(gone, [Renamed("still here", TIME + 500)])
    log_run(second, 3)
    second.push("origin")
    pull(first)
    assert names(first) == names(second) == ["run-2", "run-3"]
    assert tree(first) == tree(second)
    assert first.find_run(gone) is None
    assert first.find_run(kept) is not None


def test_what_is_logged_to_a_run_that_was_removed_for_good_does_not_revive_it(clones: list[GitStore]) -> None:
    store = clones[0]
    gone = log_run(store, 1)
    store.bury_runs([gone], TIME)
    store.append_events(gone, [Renamed("again", TIME + 500)])
    assert names(store) == []
    assert not list(store.layout.spool.iterdir())


def test_after_a_squash_a_stale_clone_keeps_its_own_runs_and_not_the_old_history(
    clones: list[GitStore], remote: Path
) -> None:
    first, second = clones
    for number in range(1, 6):
        log_run(first, number)
    first.push("origin")
    pull(second)
    log_run(second, 6)
    first.squash()
    first.push("origin")
    assert git(remote, "rev-list", "--count", RUNS_REF).strip() == "1"
    assert second.push("origin").runs == 1
    pull(first)
    assert names(first) == names(second) == [f"run-{number}" for number in range(1, 7)]
    assert first.head() == second.head()
    assert git(remote, "rev-list", "--count", RUNS_REF).strip() == "2"
    assert first.push("origin").runs == 0
    check_repository(remote)


def test_a_squash_does_not_replace_what_somebody_else_pushed_meanwhile(clones: list[GitStore]) -> None:
    first, second = clones
    log_run(first, 1)
    first.push("origin")
    pull(second)
    log_run(second, 2)
    second.push("origin")
    first.squash()
    first.push("origin")
    pull(second)
    assert names(first) == names(second) == ["run-1", "run-2"]
    assert tree(first) == tree(second)
