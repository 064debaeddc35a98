"""Hooks, bundles and following: off until asked for, and gone without a trace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError, RemoteError
from gittrack.tracking.bundle import apply_bundle, create_bundle
from gittrack.tracking.client import Client
from gittrack.tracking.gc import collect, find_garbage, squash_history
from gittrack.tracking.hooks import install_hook, uninstall_hook
from gittrack.tracking.sync import choose_remote, follow, git_store, look, pull, push
from tests.repositories import RUNS_REF, check_repository, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "remote.git", "bare")


@pytest.fixture
def here(tmp_path: Path, remote: Path) -> Path:
    folder = make_repository(tmp_path / "here")
    git(folder, "remote", "add", "origin", str(remote))
    return folder


def log_run(client: Client, name: str) -> str:
    run = client.create_run(run_name=name)
    client.log_metric(run.run_id, "loss", 0.5)
    client.set_terminated(run.run_id)
    return run.run_id


def wait_for_ref(repository: Path, ref: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if git(repository, "for-each-ref", ref).strip():
            return True
        time.sleep(0.05)
    return False


def test_the_hook_sends_runs_after_an_older_hook_ran_and_leaves_as_it_came(here: Path, remote: Path) -> None:
    older = here / ".git" / "hooks" / "pre-push"
    older.parent.mkdir(exist_ok=True)
    older.write_text(f"#!/bin/sh\ncat > {here / 'older-ran'}\n", "utf-8")
    older.chmod(0o755)
    text = older.read_text("utf-8")
    client = Client(here)
    log_run(client, "one")
    install_hook(client)
    install_hook(client)
    git(here, "push", "-q", "origin", "HEAD:refs/heads/main")
    assert "refs/heads/main" in (here / "older-ran").read_text("utf-8")
    assert wait_for_ref(remote, RUNS_REF)
    assert uninstall_hook(client)
    assert not uninstall_hook(client)
    assert older.read_text("utf-8") == text
    assert sorted(path.name for path in older.parent.glob("pre-push*")) in (
        ["pre-push"],
        ["pre-push", "pre-push.sample"],
    )


def test_an_older_hook_that_refuses_still_refuses(here: Path, remote: Path) -> None:
    older = here / ".git" / "hooks" / "pre-push"
    older.parent.mkdir(exist_ok=True)
    older.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    older.chmod(0o755)
    install_hook(Client(here))
    with pytest.raises(AssertionError, match="failed to push"):
        git(here, "push", "-q", "origin", "HEAD:refs/heads/main")
    assert git(remote, "for-each-ref") == ""


def test_the_users_push_succeeds_even_when_ours_cannot(here: Path, remote: Path) -> None:
    client = Client(here)
    log_run(client, "one")
    hook = remote / "hooks" / "update"
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/*) exit 0;; esac\nexit 1\n', "utf-8")
    hook.chmod(0o755)
    install_hook(client)
    git(here, "push", "-q", "origin", "HEAD:refs/heads/main")
    assert git(remote, "for-each-ref", "--format=%(refname)").split() == ["refs/heads/main"]


def test_a_bundle_carries_runs_to_a_machine_without_a_network(here: Path, tmp_path: Path) -> None:
    client = Client(here)
    log_run(client, "one")
    elsewhere = Client(make_repository(tmp_path / "elsewhere"))
    log_run(elsewhere, "two")
    file = tmp_path / "runs.bundle"
    assert create_bundle(client, file) == 1
    assert apply_bundle(elsewhere, file).received == 1
    assert apply_bundle(elsewhere, file).received == 0
    assert sorted(run.name for run in elsewhere.list_runs()) == ["one", "two"]
    check_repository(tmp_path / "elsewhere")


def test_what_is_no_bundle_is_refused_and_changes_nothing(here: Path, tmp_path: Path) -> None:
    client = Client(here)
    with pytest.raises(NotFoundError, match="no runs to carry"):
        create_bundle(client, tmp_path / "runs.bundle")
    with pytest.raises(NotFoundError, match="no bundle at"):
        apply_bundle(client, tmp_path / "missing")
    (tmp_path / "garbage").write_bytes(b"no bundle")
    with pytest.raises((RemoteError, NotFoundError)):
        apply_bundle(client, tmp_path / "garbage")
    assert client.head() is None


def test_following_adds_one_glob_refspec_and_no_fetch_fails_for_it(here: Path, remote: Path) -> None:
    client = Client(here)
    before = (here / ".git" / "config").read_text("utf-8")
    assert follow(client, "origin")
    assert not follow(client, "origin")
    added = (here / ".git" / "config").read_text("utf-8").replace(before, "")
    assert added.strip() == "fetch = +refs/gittrack/*:refs/gittrack-remote/origin/*"
    git(here, "fetch", "origin")  # the remote has no runs yet
    log_run(client, "one")
    push(client)
    git(here, "update-ref", "-d", "refs/gittrack-remote/origin/runs")
    git(here, "fetch", "--prune", "origin")
    assert git(here, "rev-parse", "refs/gittrack-remote/origin/runs") == git(remote, "rev-parse", RUNS_REF)
    assert [run.name for run in client.list_runs()] == ["one"]


def test_a_remote_that_does_not_exist_cannot_be_followed(here: Path) -> None:
    with pytest.raises(NotFoundError, match="no remote 'nowhere'"):
        follow(Client(here), "nowhere")


def test_the_remote_is_the_configured_one_then_origin_then_the_only_one(tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "several")
    with pytest.raises(NotFoundError, match="has no remote"):
        choose_remote(Client(folder), None)
    git(folder, "remote", "add", "a", "/nowhere")
    assert choose_remote(Client(folder), None) == "a"
    git(folder, "remote", "add", "origin", "/nowhere")
    assert choose_remote(Client(folder), None) == "origin"
    git(folder, "config", "gittrack.remote", "a")
    assert choose_remote(Client(folder), None) == "a"
    assert git_store(Client(folder)).remotes() == ["a", "origin"]


def test_looking_changes_nothing_and_says_what_an_exchange_would_do(here: Path, tmp_path: Path) -> None:
    client = Client(here)
    log_run(client, "one")
    push(client)
    git(tmp_path, "clone", "-q", str(tmp_path / "remote.git"), "other")
    other = Client(tmp_path / "other")
    log_run(other, "two")
    found = look(other)
    assert (found.sent, found.received) == (1, 1)
    assert [run.name for run in other.list_runs()] == ["two"]
    assert pull(other).received == 1
    assert push(other).sent == 1


def test_garbage_is_deleted_runs_and_content_that_only_they_refer_to(here: Path, tmp_path: Path) -> None:
    client = Client(here)
    kept, gone = log_run(client, "kept"), log_run(client, "gone")
    shared, own = tmp_path / "shared.bin", tmp_path / "own.bin"
    shared.write_bytes(b"s" * 100_000)
    own.write_bytes(b"o" * 100_000)
    for run_id, files in ((kept, [shared]), (gone, [shared, own])):
        client.resume_run(run_id)
        for file in files:
            client.log_artifact(run_id, file)
        client.set_terminated(run_id)
    client.delete_run(gone)
    assert find_garbage(client) == find_garbage(client, grace_s=3600)
    assert not find_garbage(client).runs
    time.sleep(0.01)
    garbage = find_garbage(client, grace_s=0)
    assert ([run.name for run in garbage.runs], garbage.size) == (["gone"], 100_000)
    collect(client, garbage)
    assert client.read_artifact(kept, "shared.bin") == shared.read_bytes()
    assert [run.name for run in client.list_runs(view_type=3)] == ["kept"]
    squash_history(client)
    assert git(here, "rev-list", "--count", RUNS_REF).strip() == "1"
    assert [run.name for run in client.list_runs()] == ["kept"]
    check_repository(here)


def test_content_that_may_be_on_its_way_into_a_run_is_no_garbage(here: Path) -> None:
    client = Client(here)
    client.store.store_content(b"c" * 100_000)
    time.sleep(0.01)
    run = client.create_run()
    assert find_garbage(client, grace_s=0).content == ()
    client.set_terminated(run.run_id)
    assert find_garbage(client, grace_s=0).size == 100_000


def test_experiments_of_one_name_made_in_two_clones_end_as_one_with_the_runs_of_both(
    here: Path, remote: Path, tmp_path: Path
) -> None:
    there = make_repository(tmp_path / "there")
    git(there, "remote", "add", "origin", str(remote))
    clients = [Client(here), Client(there)]
    for number, client in enumerate(clients):
        experiment_id = client.create_experiment(
            "vision", tags={"team": f"team {number}", f"by{number}": "x"}
        )
        run = client.create_run(experiment_id, run_name=f"run {number}")
        client.set_terminated(run.run_id)
    for client in (*clients, clients[0]):
        push(client)
    for client in clients:
        (found,) = [one for one in client.list_experiments() if one.name == "vision"]
        assert {"by0", "by1", "team"} <= found.tags.keys()
        runs = client.search_runs([found.experiment_id])
        assert sorted(run.name for run in runs) == ["run 0", "run 1"]
    tips = [git_store(client).objects.read_commit(client.head() or "").tree for client in clients]
    assert tips[0] == tips[1]
