"""A fresh clone takes in the runs of its remote before it begins its own history; never in the way."""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.sync import push
from tests.exchanging import TRANSPORTS
from tests.repositories import RUNS_REF, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path


def log_run(client: Client, name: str) -> None:
    client.set_terminated(client.create_run(run_name=name).run_id)


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """Return a remote with a branch and a run."""
    made = make_repository(tmp_path / "remote.git", "bare")
    first = make_repository(tmp_path / "first")
    git(first, "remote", "add", "origin", str(made))
    git(first, "push", "-q", "origin", "HEAD")
    with closing(Client(first)) as client:
        log_run(client, "theirs")
        push(client)
    return made


@pytest.fixture(params=TRANSPORTS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path, remote: Path) -> Path:
    folder = tmp_path / "fresh"
    git(tmp_path, "clone", "-q", "-c", f"gittrack.transport={request.param}", str(remote), folder.name)
    git(folder, "config", "gittrack.firstLook", "true")
    return folder


def test_the_first_run_of_a_fresh_clone_goes_on_with_the_history_of_the_remote(
    fresh: Path, remote: Path
) -> None:
    with closing(Client(fresh)) as client:
        assert [run.name for run in client.list_runs()] == ["theirs"]
        log_run(client, "ours")
    theirs = git(remote, "rev-parse", RUNS_REF).strip()
    assert git(fresh, "rev-parse", f"{RUNS_REF}~1").strip() == theirs
    assert git(fresh, "rev-list", "--count", RUNS_REF).strip() == "2"


def test_the_remote_is_looked_at_once(fresh: Path, remote: Path, tmp_path: Path) -> None:
    git(remote, "update-ref", "-d", RUNS_REF)
    with closing(Client(fresh)) as client:
        assert client.list_runs() == []
    with closing(Client(tmp_path / "first")) as client:
        log_run(client, "later")
        push(client)
    with closing(Client(fresh)) as client:
        assert client.list_runs() == [], "that is what `pull` is for"


def test_a_remote_that_is_gone_is_no_obstacle_and_is_looked_at_again_later(fresh: Path, remote: Path) -> None:
    away = remote.rename(remote.with_name("away.git"))
    with closing(Client(fresh)) as client:
        assert client.list_runs() == []
    mark = fresh / ".git" / "gittrack" / "looked"
    assert "cannot fetch from origin" in mark.read_text("utf-8") or "no remote" in mark.read_text("utf-8")
    away.rename(remote)
    with closing(Client(fresh)) as client:
        assert client.list_runs() == [], "not at once"
    os.utime(mark, (0, 0))
    with closing(Client(fresh)) as client:
        assert [run.name for run in client.list_runs()] == ["theirs"]


def test_a_remote_that_says_nothing_keeps_nobody_from_logging(fresh: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        git(fresh, "config", "remote.origin.url", f"git://127.0.0.1:{silent.getsockname()[1]}/none.git")
        git(fresh, "config", "gittrack.stallTimeout", "1")
        started = time.monotonic()
        with closing(Client(fresh)) as client:
            log_run(client, "ours")
            assert [run.name for run in client.list_runs()] == ["ours"]
        assert time.monotonic() - started < 60


def test_it_can_be_switched_off(fresh: Path) -> None:
    git(fresh, "config", "gittrack.firstLook", "false")
    with closing(Client(fresh)) as client:
        assert client.list_runs() == []
    assert not (fresh / ".git" / "gittrack" / "looked").exists()


def test_two_histories_that_began_apart_nevertheless_converge(fresh: Path, remote: Path) -> None:
    git(fresh, "config", "gittrack.firstLook", "false")
    with closing(Client(fresh)) as client:
        log_run(client, "ours")
        push(client)
        assert sorted(run.name for run in client.list_runs()) == ["ours", "theirs"]
    assert git(fresh, "rev-parse", RUNS_REF) == git(remote, "rev-parse", RUNS_REF)
