"""The code of runs outlives what its author does to the branch, here and in every other clone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import RemoteRefusedError
from gittrack.store.git_code import make_snapshot
from gittrack.tracking.client import Client
from tests.repositories import check_repository, git, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

CODE_REF = "refs/gittrack/code"


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "remote.git", "bare")


@pytest.fixture
def clones(tmp_path: Path, remote: Path) -> list[Path]:
    first = make_repository(tmp_path / "first")
    git(first, "remote", "add", "origin", str(remote))
    git(first, "push", "-q", "origin", "HEAD")
    git(tmp_path, "clone", "-q", str(remote), "second")
    return [first, tmp_path / "second"]


def run(top: Path, code: str) -> str:
    """Write a script and run it, as far as the repository can tell; return the commit of its code."""
    (top / "train.py").write_text(code, "utf-8")
    client = Client(store=open_store(top))
    started = client.create_run()
    client.set_terminated(started.run_id)
    client.close()
    assert started.code is not None
    assert started.code.snapshot is not None
    return started.code.snapshot


def push(top: Path) -> None:
    store = open_store(top)
    store.push("origin")
    store.close()


def fetch_code(top: Path) -> None:
    store = open_store(top)
    assert store.fetch_code("origin")
    store.close()


def script(top: Path, commit: str) -> str:
    return git(top, "show", f"{commit}:train.py")


def test_the_code_of_every_run_outlives_rebase_squash_and_deletion_of_its_branch(
    clones: list[Path], remote: Path, tmp_path: Path
) -> None:
    top = clones[0]
    git(top, "checkout", "-q", "-b", "topic")
    kept = {}
    for number in range(3):
        kept[run(top, f"dirty {number}\n")] = f"dirty {number}\n"
        git(top, "commit", "-qam", f"work {number}")
        kept[run(top, f"dirty {number}\n")] = f"dirty {number}\n"  # clean now: HEAD itself
    push(top)
    git(top, "reset", "-q", "--soft", "main")
    git(top, "commit", "-qm", "squashed")
    git(top, "checkout", "-q", "main")
    git(top, "merge", "-q", "--squash", "topic")
    git(top, "commit", "-qm", "all of it")
    git(top, "branch", "-q", "-D", "topic")
    for place in (top, remote):
        git(place, "reflog", "expire", "--expire=now", "--all")
        git(place, "gc", "-q", "--prune=now")
    git(tmp_path, "clone", "-q", str(remote), "fresh")
    fresh = tmp_path / "fresh"
    fetch_code(fresh)
    git(fresh, "gc", "-q", "--prune=now")
    assert len(kept) == 6
    for place in (top, fresh):
        for commit, content in kept.items():
            assert script(place, commit) == content
        git(
            place, "worktree", "add", "-q", "--detach", str(tmp_path / f"{place.name}-tree"), next(iter(kept))
        )
        check_repository(place)


def test_two_clones_that_both_push_keep_the_code_of_both(clones: list[Path], remote: Path) -> None:
    kept = []
    for number in range(2):
        for top in clones:
            kept.append(run(top, f"{top.name} {number}\n"))
            push(top)
    git(remote, "gc", "-q", "--prune=now")
    for commit in kept:
        assert script(remote, commit)
    parents = git(remote, "log", "--format=%T %ct", "--first-parent", CODE_REF).split("\n")
    assert {line.split()[0] for line in parents[:2]} == {git(remote, "mktree", data=b"").strip()}
    check_repository(remote)


def test_nothing_is_sent_when_the_remote_has_all_code(
    clones: list[Path], remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(clones[0], "one\n")
    push(clones[0])
    tip = git(remote, "rev-parse", CODE_REF)
    client = Client(store=open_store(clones[0]))
    client.create_experiment("more")
    client.close()
    remote.joinpath("hooks/update").write_text("#!/bin/sh\ncase $1 in */code) exit 1;; esac\n", "utf-8")
    remote.joinpath("hooks/update").chmod(0o755)
    push(clones[0])
    assert git(remote, "rev-parse", CODE_REF) == tip


def test_pushing_and_pulling_runs_brings_no_code_of_others(clones: list[Path]) -> None:
    commit = run(clones[0], "one\n")
    push(clones[0])
    store = open_store(clones[1])
    store.fetch("origin")
    store.merge("origin")
    assert list(store.list_runs())
    assert not store.objects.has(commit)
    assert store.fetch_code("origin")
    store.close()
    assert script(clones[1], commit) == "one\n"


def test_a_remote_without_code_says_so(clones: list[Path]) -> None:
    store = open_store(clones[0])
    assert not store.fetch_code("origin")
    store.close()


def test_where_a_remote_refuses_the_code_the_runs_are_sent_all_the_same(
    clones: list[Path], remote: Path
) -> None:
    remote.joinpath("hooks/update").write_text("#!/bin/sh\ncase $1 in */code) exit 1;; esac\n", "utf-8")
    remote.joinpath("hooks/update").chmod(0o755)
    run(clones[0], "one\n")
    with pytest.raises(RemoteRefusedError, match="the runs were sent, but not their code") as caught:
        push(clones[0])
    assert caught.value.hint
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/gittrack").split() == [
        "refs/gittrack/runs"
    ]


def test_a_remote_that_wants_branches_gets_the_code_as_one(clones: list[Path], remote: Path) -> None:
    for top in clones:
        git(top, "config", "gittrack.remoteRef", "refs/heads/gittrack/runs")
    commit = run(clones[0], "one\n")
    push(clones[0])
    assert git(remote, "for-each-ref", "--format=%(refname)", "refs/heads/gittrack").split() == [
        "refs/heads/gittrack/code",
        "refs/heads/gittrack/runs",
    ]
    fetch_code(clones[1])
    assert script(clones[1], commit) == "one\n"


@pytest.mark.parametrize("is_published", [True, False])
def test_a_shallow_clone_sends_its_code_whether_the_remote_knows_its_base_or_not(
    clones: list[Path], remote: Path, tmp_path: Path, is_published: bool
) -> None:
    for number in range(3):
        run(clones[0], f"work {number}\n")
        git(clones[0], "commit", "-qam", f"work {number}")
    git(clones[0], "push", "-q", "origin", "HEAD:refs/heads/main")
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{remote}", "shallow")
    top = tmp_path / "shallow"
    if not is_published:
        git(remote, "update-ref", "refs/heads/main", "main~1")
        git(remote, "reflog", "expire", "--expire=now", "--all")
        git(remote, "gc", "-q", "--prune=now")
        git(top, "update-ref", "-d", "refs/remotes/origin/main")
        git(top, "remote", "set-head", "origin", "-d")
    dirty = run(top, "in a shallow clone\n")
    git(top, "checkout", "-q", "train.py")
    clean = run(top, (top / "train.py").read_text("utf-8"))
    push(top)
    assert script(remote, dirty) == "in a shallow clone\n"
    assert script(remote, clean) == "work 2\n"
    assert int(git(remote, "rev-list", "--count", dirty)) == (5 if is_published else 1)
    check_repository(remote)


def test_a_snapshot_is_kept_once_however_many_runs_have_it(clones: list[Path]) -> None:
    first = {run(clones[0], "same\n") for _ in range(5)}
    assert len(first) == 1
    assert git(clones[0], "rev-list", "--count", "--first-parent", CODE_REF, f"^{first.pop()}").strip() == "1"


def test_processes_that_start_at_once_all_have_their_code_kept(clones: list[Path], tmp_path: Path) -> None:
    program = (
        "import pathlib, sys, gittrack; pathlib.Path(f'only{sys.argv[1]}.py').write_text(sys.argv[1]);"
        "client = gittrack.Client('.'); print(client.create_run().code.snapshot)"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(number)], cwd=clones[0], stdout=subprocess.PIPE)
        for number in range(6)
    ]
    commits = {process.communicate()[0].decode().strip() for process in started}
    assert all(process.returncode == 0 for process in started)
    git(clones[0], "gc", "-q", "--prune=now")
    for commit in commits:
        assert script(clones[0], commit)
    check_repository(clones[0])


def test_killed_between_the_pack_and_the_ref_the_code_is_kept_by_the_next_run(
    clones: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    top = clones[0]
    (top / "train.py").write_text("one\n", "utf-8")
    store = open_store(top)
    snapshot = run(top, "one\n")
    git(top, "update-ref", "-d", CODE_REF)  # as if the ref had never moved
    shutil.rmtree(top / ".git/logs/refs/gittrack")
    store.close()
    assert run(top, "one\n") == snapshot
    git(top, "gc", "-q", "--prune=now")
    assert script(top, snapshot) == "one\n"


def test_a_snapshot_of_nothing_different_is_head_itself(clones: list[Path]) -> None:
    store = open_store(clones[0])
    head = git(clones[0], "rev-parse", "HEAD").strip()
    found = make_snapshot(store.objects, head, {}, [])
    assert (found.commit, found.new) == (head, ())
    apart = make_snapshot(store.objects, head, {}, [], has_parent=False)
    assert (apart.tree, apart.commit != head) == (found.tree, True)
    store.close()
