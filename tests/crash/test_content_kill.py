"""Killed at any moment of storing, sending and fetching, nothing is corrupt and nothing is lost."""

from __future__ import annotations

import random
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.store import ref_lock
from gittrack.store.git_fsck import check_store
from gittrack.tracking.client import Client
from gittrack.tracking.contents import fetch_all, open_contents
from gittrack.tracking.sync import git_store, pull, push
from tests.crash.children import STALE_LOCK_S
from tests.crash.content_children import content, folder_content
from tests.crash.test_kill import Nursery
from tests.repositories import age_leftovers, check_repository, git, leftovers, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUNDS = 17
"""Of a put, a push and a get each: 51 moments."""
FIRST = 1000
"""The run that nobody disturbs."""


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ref_lock, "STALE_S", STALE_LOCK_S)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


def check_clone(repository: Path) -> dict[str, str]:
    """Return run id → name of all runs, after finding everything here whole."""
    client = Client(repository)
    client.recover()
    assert check_store(git_store(client)) == []
    runs = {run.run_id: run.name for run in client.list_runs()}
    client.close()
    return runs


def check_remote(remote: Path, tmp_path: Path) -> None:
    """Whatever the branch at the remote says to have been sent can be fetched there."""
    git(remote, "fsck", "--strict", "--full")
    if not git(remote, "for-each-ref", "refs/gittrack/runs"):
        return
    folder = tmp_path / "fresh"
    git(tmp_path, "clone", "-q", str(remote), str(folder))
    client = Client(folder)
    pull(client, "origin")
    recipes = open_contents(client).list_recipes()
    for run in client.list_runs():
        for artifact in run.artifacts.values():
            assert artifact.inline or artifact.digest in recipes
    assert fetch_all(client)[1] == []
    for run in client.list_runs():
        client.download_artifacts(run.run_id, "", tmp_path / "fresh-out" / run.name)
        check_files(tmp_path / "fresh-out" / run.name, run.name)
    client.close()
    shutil.rmtree(folder)
    shutil.rmtree(tmp_path / "fresh-out", ignore_errors=True)


def check_files(folder: Path, name: str) -> None:
    """Every file under a final name is whole."""
    number = int(name.removeprefix("run-"))
    for file in folder.rglob("*") if folder.exists() else ():
        if file.is_file() and not file.name.startswith("."):
            assert file.read_bytes() == expected(number, file.name)


def expected(number: int, name: str) -> bytes:
    """Return what the run of a number holds under the last part of a path."""
    if name == f"source-{number}-linked.bin":
        return content(number)[::-1]
    return content(number) if name == "model.bin" else folder_content(number, name)


def list_files(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


@pytest.mark.timeout(900)  # a hundred processes, each followed by a look at everything
def test_nothing_is_corrupt_or_lost_after_kills_at_any_moment(tmp_path: Path, nursery: Nursery) -> None:
    remote = make_repository(tmp_path / "remote.git", "bare")
    one = make_repository(tmp_path / "one")
    git(one, "remote", "add", "origin", str(remote))
    git(one, "push", "-q", "origin", "HEAD")
    git(tmp_path, "clone", "-q", str(remote), "two")
    two = tmp_path / "two"
    chance = random.Random(6)
    stored: dict[str, str] = {}
    longest_s: dict[str, float] = {}
    killed = 0
    for number in (FIRST, *range(ROUNDS)):
        for role, repository in (("put", one), ("send", one), ("get", two)):
            started = time.monotonic()
            child = nursery.spawn(role, repository, *([number] if role == "put" else []))
            if number == FIRST:
                assert child.wait() == 0
                longest_s[role] = time.monotonic() - started
            else:
                waited_s = chance.uniform(0, longest_s[role] * 1.1)
                time.sleep(waited_s)
                child.kill()
                was_busy = child.wait() != 0
                # The machine may have become quicker or slower: half of the moments stay within the work.
                longest_s[role] = longest_s[role] * 1.1 if was_busy else waited_s
                killed += was_busy
            if role == "put" and child.out.exists():
                stored |= {words[1]: words[2] for words in child.words()}
            runs = check_clone(repository)
            if repository == one:
                assert stored.keys() <= runs.keys()
        if number % 6 == 5:
            check_remote(remote, tmp_path)
        for folder in (tmp_path / "out").glob("*"):
            check_files(folder, folder.name)
    assert killed > ROUNDS  # most were still busy
    assert len(stored) > ROUNDS // 4  # and many had stored something
    client = Client(one)
    for run_id, seed in stored.items():
        for name in ("model.bin", f"source-{seed}-linked.bin"):
            assert client.read_artifact(run_id, name, fetch=False) == expected(int(seed), name)
    push(client, "origin")
    other = Client(two)
    pull(other, "origin")
    assert {run.run_id for run in other.list_runs()} == {run.run_id for run in client.list_runs()}
    assert fetch_all(other)[1] == []
    for name, made in (("here", client), ("there", other)):
        for run in made.list_runs():
            made.download_artifacts(run.run_id, "", tmp_path / name / run.name)
            check_files(tmp_path / name / run.name, run.name)
    assert list_files(tmp_path / "there") == list_files(tmp_path / "here") != []
    check_remote(remote, tmp_path)
    for made in (client, other):
        age_leftovers(made.folder())
        made.recover()
        made.close()
    for repository in (one, two):
        check_repository(repository)
        assert leftovers(repository) == []
        for name in ("tmp", "unsettled", "damaged"):
            folder = repository / ".git" / "gittrack" / name
            assert not folder.exists() or list(folder.iterdir()) == []
