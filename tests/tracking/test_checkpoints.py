"""Checkpoints: in the background, committed, and the run goes on."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import UserError
from gittrack.tracking.client import Client
from tests.repositories import RUNS_REF, check_repository, count_commits, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(make_repository(tmp_path / "repo"))


def test_a_checkpoint_is_committed_while_the_run_goes_on(client: Client) -> None:
    run = client.create_run(run_name="long")
    client.log_metric(run.run_id, "loss", 1.0, step=0)
    client.checkpoint(run.run_id)
    client.wait_for_checkpoints()
    path = git(client.folder(), "ls-tree", "-r", "--name-only", RUNS_REF).split()
    assert any(name.endswith(f"{run.run_id}/metrics.json") for name in path)
    client.log_metric(run.run_id, "loss", 2.0, step=1)
    ended = client.set_terminated(run.run_id)
    assert ended.status == "FINISHED"
    assert [point.value for point in client.get_metric_history(run.run_id, "loss")] == [1.0, 2.0]
    assert client.get_run(run.run_id).metrics["loss"].count == 2
    check_repository(client.folder())


def test_asking_for_a_checkpoint_does_not_wait_for_it(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = threading.Event()
    make = client._checkpoints._make
    monkeypatch.setattr(client._checkpoints, "_make", lambda run_id: (may_go_on.wait(30), make(run_id)))
    run = client.create_run()
    client.checkpoint(run.run_id)  # would wait for ever if it were made here
    client.log_metric(run.run_id, "loss", 1.0)
    assert client.head() is None
    may_go_on.set()
    client.wait_for_checkpoints()
    assert client.head() is not None
    client.set_terminated(run.run_id)


def test_checkpoints_come_by_themselves_when_an_interval_is_set(client: Client) -> None:
    client.set_checkpoint_interval(0.05)
    run = client.create_run()
    deadline = time.monotonic() + 30
    while client.head() is None and time.monotonic() < deadline:
        client.log_metric(run.run_id, "loss", 1.0)
        time.sleep(0.01)
    assert client.head() is not None
    client.set_checkpoint_interval(None)
    client.wait_for_checkpoints()
    commits = count_commits(client.folder())
    client.log_metric(run.run_id, "loss", 2.0)
    time.sleep(0.3)
    assert count_commits(client.folder()) == commits
    client.set_terminated(run.run_id)


@pytest.mark.parametrize("value", ["0", "-1", "soon", "nan"])
def test_an_interval_that_is_none_is_refused(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("GITTRACK_CHECKPOINT_INTERVAL", value)
    with pytest.raises(UserError, match="positive seconds"):
        Client(tmp_path / "repo")
    with pytest.raises(UserError, match="positive seconds"):
        client.set_checkpoint_interval(0)
