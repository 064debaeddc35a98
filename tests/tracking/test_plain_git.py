"""Plain git push and pull do what they did before: after init, with the hook, and once it is gone."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.hooks import install_hook, uninstall_hook
from gittrack.tracking.sync import follow, push
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IDS = re.compile(r"[0-9a-f]{7,40}")


def nothing(client: Client) -> None:
    """Leave everything as it is."""
    del client


def record(client: Client) -> None:
    """Record a run and push it."""
    client.set_terminated(client.create_run().run_id)
    push(client)


def record_and_follow(client: Client) -> None:
    record(client)
    follow(client, "origin")


def hook(client: Client) -> None:
    record(client)
    install_hook(client)


def hook_and_gone(client: Client) -> None:
    hook(client)
    uninstall_hook(client)


def use_git(folder: Path, prepare: Callable[[Client], None]) -> tuple[list[object], dict[str, str]]:
    """Push and pull as people do; return all they see of it, and the files of Git that could have changed."""
    remote = make_repository(folder / "remote.git", "bare")
    work = make_repository(folder / "work")
    git(work, "remote", "add", "origin", str(remote))
    git(work, "push", "-q", "-u", "origin", "HEAD")
    git(folder, "clone", "-q", str(remote), "colleague")
    seen: list[object] = []

    def see(where: Path, *command: str) -> None:
        done = subprocess.run(["git", *command], cwd=where, capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr).replace(str(folder), "FOLDER")
        seen.append((command, done.returncode, IDS.sub("ID", said)))

    with closing(Client(work)) as client:
        prepare(client)
    (work / "train.py").write_text("print('mine')\n", "utf-8")
    git(work, "commit", "-q", "-a", "-m", "mine")
    see(work, "push")
    see(work, "push")
    (folder / "colleague" / "other.py").write_text("print('theirs')\n", "utf-8")
    git(folder / "colleague", "add", "other.py")
    see(folder / "colleague", "pull", "--rebase", "--no-stat")
    git(folder / "colleague", "commit", "-q", "-m", "theirs")
    see(folder / "colleague", "push")
    see(work, "fetch")
    see(work, "status", "-sb")
    see(work, "pull", "--no-stat", "--no-progress")
    see(work, "push", "--dry-run", "--porcelain")
    see(work, "remote", "-v")
    see(work, "branch", "-a", "--format=%(refname)")
    see(work, "log", "--format=%s", "--branches", "--remotes")
    see(work, "stash", "list")
    see(remote, "for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags")
    see(remote, "log", "--format=%s", "main")
    config = (work / ".git" / "config").read_text("utf-8").replace(str(folder), "FOLDER")
    hooks = sorted(path.name for path in (work / ".git" / "hooks").glob("*") if path.suffix != ".sample")
    return seen, {"config": config, "hooks": " ".join(hooks)}


@pytest.mark.parametrize("prepare", [record, record_and_follow, hook, hook_and_gone])
def test_push_and_pull_of_the_users_branch_are_as_before(
    tmp_path: Path, prepare: Callable[[Client], None]
) -> None:
    before, files_before = use_git(tmp_path / "before", nothing)
    after, files_after = use_git(tmp_path / "after", prepare)
    is_seen = {("fetch",), ("pull", "--no-stat", "--no-progress")} if prepare is record_and_follow else set()
    for one, other in zip(before, after, strict=True):
        command = one[0]  # type: ignore[index]
        if command in is_seen:  # who asked for it sees that runs come along
            assert other[1] == 0  # type: ignore[index]
        else:
            assert one == other
    if prepare in {record, hook_and_gone}:
        assert files_after == files_before


def test_the_hook_goes_where_git_looks_for_it(tmp_path: Path) -> None:
    work = make_repository(tmp_path / "work")
    git(work, "config", "core.hooksPath", "tools/hooks")
    with closing(Client(work)) as client:
        assert install_hook(client) == work / "tools" / "hooks" / "pre-push"
        assert uninstall_hook(client)
    assert list((work / "tools" / "hooks").iterdir()) == []
