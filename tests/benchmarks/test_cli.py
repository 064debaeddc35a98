"""How long commands take to start, as multiples of a bare Python. Run by hand: pytest -m benchmark -s."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import environment
from tests.repositories import make_repository

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 15


def measure(*command: str, cwd: Path) -> float:
    """Return the median wall time of a process in milliseconds."""
    # Compiled modules are kept, as they are for a user.
    variables = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, *command], cwd=cwd, env=variables, stdout=subprocess.DEVNULL, check=True
        )
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:])


@pytest.mark.benchmark
def test_the_help_and_the_history_start_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository = make_repository(tmp_path / "work")
    for number in range(3):
        recording = ["-m", "gittrack", "log", "-p", f"lr={number}", "-m", f"val/acc=0.{number}"]
        measured = [sys.executable, *recording]
        subprocess.run(measured, cwd=repository, env=environment(), stdout=subprocess.DEVNULL, check=True)
    bare = measure("-c", "pass", cwd=repository)
    rows = {
        "python -c pass": bare,
        "gittrack --help": measure("-m", "gittrack", "--help", cwd=repository),
        "gittrack log": measure("-m", "gittrack", "log", cwd=repository),
        "gittrack show @": measure("-m", "gittrack", "show", "@", cwd=repository),
        "gittrack log -m a=1": measure("-m", "gittrack", "log", "-m", "a=1", cwd=repository),
    }
    with capsys.disabled():
        print(f"\non {os.cpu_count()} cores")
        for name, spent in rows.items():
            print(f"{name:<20} {spent:6.0f} ms  {spent / bare:5.1f} x")
