"""Runs that are running, in a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.running import list_running
from tests.cli.conftest import Cli, environment, without_colours

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def running(repository: Path) -> Client:
    client = Client(repository)
    run = client.create_run(run_name="going")
    for step in range(50):
        client.live(run.run_id).log_metrics({"val/acc": step / 50, "system/cpu": 3.0}, step)
    client.alert(run.run_id, "plateau", level="WARN")
    return client


def test_ls_shows_curves_of_running_runs_and_their_alerts(running: Client, cli: Cli) -> None:
    running.set_terminated(running.create_run(run_name="ended").run_id)
    shown = cli("ls").out
    assert "ended" not in shown
    assert "going" in shown
    assert "▁" in shown
    assert "█" in shown
    assert "going: WARN: plateau" in shown
    assert "system/cpu" not in shown
    assert "system/cpu" in cli("ls", "-m", "system/cpu").out
    running.close()


def test_ls_as_json_has_speed_and_step(running: Client, cli: Cli) -> None:
    (one,) = json.loads(cli("ls", "--json").out)
    assert (one["name"], one["alert"], one["is_lost"]) == ("going", "WARN: plateau", False)
    assert one["metrics"]["val/acc"]["step"] == 49
    assert one["metrics"]["val/acc"]["per_minute"] > 0
    running.close()


def test_ls_without_a_running_run_says_so(repository: Path, cli: Cli) -> None:
    assert cli("ls").out == "no run is running; `gittrack log` shows those that have ended\n"
    assert cli("top").out == cli("ls", "--live").out == cli("ls").out  # in a pipe: once


def test_a_run_whose_host_is_silent_is_lost(repository: Path) -> None:
    client = Client(repository)
    client.set_checkpoint_interval(1)
    run = client.create_run()
    client.checkpoint(run.run_id)
    client.wait_for_checkpoints()
    now = time.time_ns() // 1_000_000
    assert [one.is_lost for one in list_running(client, now)] == [False]
    assert [one.is_lost for one in list_running(client, now + 3_600_000)] == [True]
    client.set_terminated(run.run_id)
    client.close()


def test_top_draws_anew_on_a_terminal_and_leaves_it_as_it_was(running: Client) -> None:
    main, side = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gittrack", "top", "--interval", "0.2"],
        stdin=side, stdout=side, stderr=side, env={**environment(), "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(side)
    shown = b""
    while shown.count(b"going") < 3:
        shown += os.read(main, 65_536)
    process.send_signal(signal.SIGINT)
    try:
        while piece := os.read(main, 65_536):
            shown += piece
    except OSError:
        pass
    os.close(main)
    assert process.wait() == 0
    assert shown.count(b"\x1b[?1049h") == shown.count(b"\x1b[?1049l") == 1
    assert "val/acc" in without_colours(shown.decode())
    running.close()
