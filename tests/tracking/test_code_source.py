"""Which code a run has where its repository does not tell, or is another one."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gittrack.store.memory import MemoryStore
from gittrack.tracking.client import Client
from tests.repositories import git, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Code

SCRIPT = "import gittrack\nwith gittrack.start_run():\n    pass\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def code_of(client: Client) -> Code:
    run = client.create_run()
    client.close()
    assert run.code is not None
    return run.code


def newest(top: Path) -> Code:
    store = open_store(top)
    code = next(iter(store.list_runs())).code
    store.close()
    assert code is not None
    return code


def test_in_a_container_the_environment_says_which_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "a" * 40
    monkeypatch.setenv("GITTRACK_CODE_COMMIT", commit)
    monkeypatch.setenv("GITTRACK_CODE_BRANCH", "main")
    monkeypatch.setenv("GITTRACK_CODE_REMOTE", "https://me:secret1A@example.org/a.git?key=1")
    code = code_of(Client(store=MemoryStore()))
    assert (code.commit, code.snapshot, code.branch) == (commit, commit, "main")
    assert code.remote == "https://example.org/a.git"
    monkeypatch.setenv("GITTRACK_CODE_DIRTY", "yes")
    code = code_of(Client(store=MemoryStore()))
    assert (code.dirty, code.snapshot) == (True, None)


def test_a_commit_of_the_environment_that_is_none_is_said_and_costs_no_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITTRACK_CODE_COMMIT", "v1.0")
    code = code_of(Client(store=MemoryStore()))
    assert code.commit is None
    assert "no full commit id" in (code.reason or "")


def test_snapshots_can_be_switched_off(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITTRACK_CODE_SNAPSHOT", "off")
    (repository / "train.py").write_text("changed\n", "utf-8")
    code = code_of(Client(store=open_store(repository)))
    assert (code.dirty, code.changed, code.snapshot, code.tree) == (True, 1, None, None)
    assert code.reason == "snapshots are switched off"
    assert git(repository, "for-each-ref", "refs/gittrack/code") == ""
    git(repository, "checkout", "-q", "train.py")
    code = code_of(Client(store=open_store(repository)))
    assert code.snapshot == code.commit


def test_a_script_in_another_repository_is_told_of_and_not_taken_for_the_runs_own(
    repository: Path, tmp_path: Path
) -> None:
    other = make_repository(tmp_path / "other")
    (other / "fit.py").write_text(SCRIPT, "utf-8")
    environment = {**os.environ, "GITTRACK_REPO": str(repository)}
    subprocess.run([sys.executable, "fit.py"], cwd=other, env=environment, check=True)
    code = newest(repository)
    assert code.commit == git(other, "rev-parse", "HEAD").strip()
    assert (code.snapshot, code.entry) == (None, "fit.py")
    assert "in another repository" in (code.reason or "")


def test_a_script_in_another_work_tree_of_the_repository_is_captured_there(
    repository: Path, tmp_path: Path
) -> None:
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "-q", "-b", "side", str(linked))
    (linked / "fit.py").write_text(SCRIPT, "utf-8")
    environment = {**os.environ, "GITTRACK_REPO": str(repository)}
    subprocess.run([sys.executable, "fit.py"], cwd=linked, env=environment, check=True)
    code = newest(repository)
    assert (code.branch, code.entry, code.reason) == ("side", "fit.py", None)
    assert git(repository, "show", f"{code.snapshot}:fit.py") == SCRIPT
