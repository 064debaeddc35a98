"""Killed at random moments of a push that keeps secrets back: no run is lost, no secret gets out."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.store import ref_lock
from gittrack.tracking.client import Client
from gittrack.tracking.sync import git_store, push
from tests.crash.children import STALE_LOCK_S
from tests.exchanging import TRANSPORTS
from tests.repositories import age_leftovers, check_repository, git, git_bytes, leftovers, make_repository

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 8
TOKEN = "gh" + "p_" + "Zq7Rk2Vw9Xc4Bn1Mj6Hd3Fs8Lp5Ty0Ua2Ge4"
CHILD = """
import sys
from gittrack.store import ref_lock
from gittrack.tracking.client import Client
from gittrack.tracking.sync import push

ref_lock.STALE_S = 0.2

repository, token, seed = sys.argv[1:]
client = Client(repository)
for number in range(100):
    run_id = client.create_run(run_name=f"{seed}-{number}").run_id
    if number % 3 == 1:
        client.log_param(run_id, "hub", token)
    client.set_terminated(run_id)
    print("secret" if number % 3 == 1 else "plain", run_id, flush=True)
    if number % 5 == 4:
        client.delete_run(run_id)
    push(client)
"""


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_kill_during_a_push_loses_no_run_and_lets_no_secret_out(
    tmp_path: Path, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ref_lock, "STALE_S", STALE_LOCK_S)
    choose = random.Random(transport)
    remote = make_repository(tmp_path / "remote.git", "bare")
    here = make_repository(tmp_path / "here")
    git(here, "remote", "add", "origin", str(remote))
    git(here, "config", "gittrack.transport", transport)
    said: list[list[str]] = []
    for number in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(here), TOKEN, str(number)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout
        first = child.stdout.readline()
        time.sleep(choose.uniform(0, 1.5))
        child.send_signal(signal.SIGKILL)
        lines = [first, *child.communicate(timeout=60)[0].splitlines()]
        said += [words for words in map(str.split, lines) if len(words) == 2]
        assert TOKEN.encode() not in git_bytes(remote, "cat-file", "--batch", "--batch-all-objects")
    secrets = {run_id for kind, run_id in said if kind == "secret"}
    plain = {run_id for kind, run_id in said if kind == "plain"}
    assert len(plain) >= KILLS
    age_leftovers(here)
    with closing(Client(here)) as client:
        known = {run.run_id for run in client.list_runs(view_type=3)}
        assert plain | secrets <= known
        done = push(client)
        assert secrets <= {one.run_id for one in done.held}
        kept = {one.run_id for one in done.held}
        assert set(git_store(client).compare("origin").ahead) == kept
        assert push(client).sent == 0
    assert TOKEN.encode() not in git_bytes(remote, "cat-file", "--batch", "--batch-all-objects")
    listed = git(remote, "ls-tree", "-r", "--name-only", "refs/gittrack/runs")
    assert all(run_id in listed for run_id in plain)
    assert leftovers(here) == []
    for repository in (here, remote):
        check_repository(repository)
