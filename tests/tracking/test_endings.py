"""How a process ends is how its runs end, and why is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import TRACEBACK_FILE
from gittrack.tracking.client import Client

if TYPE_CHECKING:
    from gittrack.core.model import Run

ROOT = Path(__file__).resolve().parents[2]


def execute(repo: Path, script: str) -> subprocess.CompletedProcess[str]:
    (repo / "script.py").write_text(f"import gittrack, os, signal, sys, time\n{script}", "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "script.py"], cwd=repo, env=environment, capture_output=True, text=True, check=False
    )


def newest(repo: Path) -> tuple[Run, str]:
    client = Client(repo)
    run = client.list_runs()[0]
    content = client.find_side_file(run.run_id, TRACEBACK_FILE)
    client.close()
    return run, "" if content is None else content.decode()


@pytest.mark.parametrize("start", ["gittrack.start_run()\n", "gittrack.log_param('a', 1)\n"])
def test_an_exception_that_nobody_catches_fails_the_run_and_keeps_its_traceback(
    repo: Path, start: str
) -> None:
    done = execute(repo, start + "def train(): return 1 / 0\ntrain()\n")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    run, trace = newest(repo)
    assert (run.status, run.reason) == ("FAILED", "ZeroDivisionError: division by zero")
    assert "in train" in trace


def test_a_block_that_raises_fails_and_keeps_its_traceback_though_somebody_catches_it(repo: Path) -> None:
    execute(
        repo, "try:\n  with gittrack.start_run():\n    raise ValueError('no data')\nexcept ValueError: pass\n"
    )
    run, trace = newest(repo)
    assert (run.status, run.reason) == ("FAILED", "ValueError: no data")
    assert "raise ValueError" in trace


@pytest.mark.parametrize(
    "script",
    [
        (
            "with gittrack.start_run():\n"
            "  gittrack.log_metric('a', 1)\n  print('ready', flush=True)\n  time.sleep(60)\n"
        ),
        "gittrack.log_metric('a', 1)\nprint('ready', flush=True)\ntime.sleep(60)\n",
    ],
)
def test_sigterm_kills_the_run_keeps_where_it_was_and_is_what_the_parent_sees(
    repo: Path, script: str
) -> None:
    (repo / "script.py").write_text(f"import gittrack, time\n{script}", "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "script.py"], cwd=repo, env=environment, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM
    run, trace = newest(repo)
    assert (run.status, run.reason) == ("KILLED", "SIGTERM")
    assert "script.py" in trace
    assert run.end_time is not None
    assert run.metrics["a"].last == 1


def test_a_process_without_an_active_run_dies_of_sigterm_as_ever(repo: Path) -> None:
    done = execute(
        repo,
        "with gittrack.start_run(): pass\n"
        "try:\n  os.kill(os.getpid(), 15)\n  time.sleep(9)\nfinally: print('x')\n",
    )
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == ""
    assert newest(repo)[0].status == "FINISHED"


def test_a_handler_that_somebody_installed_stays(repo: Path) -> None:
    done = execute(
        repo,
        "signal.signal(15, lambda *_: print('mine'))\nwith gittrack.start_run(): os.kill(os.getpid(), 15)\n",
    )
    assert (done.returncode, done.stdout) == (0, "mine\n")
    assert newest(repo)[0].status == "FINISHED"


def test_a_forked_worker_that_is_terminated_leaves_its_parents_run_alone(repo: Path) -> None:
    done = execute(
        repo,
        "import multiprocessing\n"
        "with gittrack.start_run():\n"
        "  worker = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))\n"
        "  worker.start(); time.sleep(0.2); worker.terminate(); worker.join(); print(worker.exitcode)\n",
    )
    assert done.stdout == "-15\n"
    assert newest(repo)[0].status == "FINISHED"


def test_no_moment_of_a_sigterm_leaves_a_run_that_seems_to_run(repo: Path) -> None:
    script = (
        "import gittrack, sys\n"
        "with gittrack.start_run(run_name=sys.argv[1]):\n"
        "  print('ready', flush=True)\n"
        "  for step in range(10**9): gittrack.log_metric('a', step, step)\n"
    )
    (repo / "script.py").write_text(script, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for attempt in range(6):
        command = [sys.executable, "script.py", f"run {attempt}"]
        process = subprocess.Popen(command, cwd=repo, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.02 * attempt)
        process.send_signal(signal.SIGTERM)
        process.communicate()
        run, _ = newest(repo)
        assert (run.name, run.status) == (f"run {attempt}", "KILLED")


def test_a_client_that_nobody_remembers_lets_go_of_its_runs_as_any_other_does(repo: Path) -> None:
    script = """
import gc
def begin(): return gittrack.Client().create_run("0", run_name="goes on").info.run_id
begin()
gc.collect()
"""
    assert execute(repo, script).returncode == 0
    run, _ = newest(repo)
    assert (run.name, run.status) == ("goes on", "RUNNING")
