"""What it costs to run, watch and measure a training, each figure next to doing without."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.system.machine import Machine
from gittrack.tracking.system.monitor import Monitor
from gittrack.tracking.system.settings import Sampling
from tests.repositories import make_repository

if TYPE_CHECKING:
    from tests.benchmarks.conftest import Report

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
READER = (
    "import os, time\n"
    "size, first, last = 0, None, 0\n"
    "while piece := os.read(0, 1 << 20):\n"
    "    last = time.perf_counter(); first = first or last; size += len(piece)\n"
    "print(size, last - first)\n"
)


@pytest.fixture(autouse=True)
def compiled(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python keep what it compiles, as where packages are installed, whatever the environment says."""
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.getbasetemp() / "compiled"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def recorded(repository: Path, *command: str) -> list[str]:
    return [sys.executable, "-m", "gittrack", "--repo", str(repository), "run", "--", *command]


def took(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def test_a_command_next_to_the_same_under_gittrack_run(tmp_path: Path, scale: float, report: Report) -> None:
    repository = make_repository(tmp_path / "repo")
    command = ["sleep", "0.5"]
    attempts = max(int(10 * scale), 1)
    took(recorded(repository, "true"))  # compiles
    pairs = [(took(recorded(repository, *command)), took(command)) for _ in range(attempts)]
    ours, bare = (min(column) for column in zip(*pairs, strict=True))
    interpreter = min(took([sys.executable, "-c", "pass"]) for _ in range(attempts))
    report(
        f"gittrack run adds {(ours - bare) * 1e3:.0f} ms (≤ 100 ms); "
        f"starting Python alone takes {interpreter * 1e3:.0f} ms"
    )


def test_much_output_next_to_tee(tmp_path: Path, scale: float, report: Report) -> None:
    repository = make_repository(tmp_path / "repo")
    data = tmp_path / "data"
    line = b"epoch 1, step 2: loss 0.123456, accuracy 0.9; the quick brown fox jumps over it\n"
    data.write_bytes(line * int(200e6 * scale / len(line)))

    def speed(*command: str | Path) -> float:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            read = subprocess.run(
                [sys.executable, "-c", READER], stdin=process.stdout, capture_output=True, check=True
            )
        size, seconds = read.stdout.split()
        assert int(size) == data.stat().st_size
        return int(size) / max(float(seconds), 1e-6) / 1e6

    pairs = [
        (
            speed(*recorded(repository, "cat", str(data))),
            speed("sh", "-c", f"cat {data} | tee {tmp_path / 'copy'}"),
        )
        for _ in range(3)
    ]
    ours, tee = (max(column) for column in zip(*pairs, strict=True))
    report(f"output passes at {ours:.0f} MB/s, through tee at {tee:.0f} MB/s: {ours / tee:.2f}x (≥ 0.7x)")


def test_logging_with_system_metrics_next_to_without(tmp_path: Path, scale: float, report: Report) -> None:
    count = max(int(1_000_000 * scale), 1000)
    with closing(Client(make_repository(tmp_path / "repo"))) as client:

        def loop(*, is_sampled: bool) -> float:
            run_id = client.create_run().run_id
            live = client.live(run_id)
            monitor = Monitor(live, Sampling()) if is_sampled else None
            started = time.perf_counter()
            for step in range(count):
                live.log_metric("loss", 0.5, step)
            seconds = time.perf_counter() - started
            if monitor:
                monitor.stop()
            client.set_terminated(run_id)
            return seconds

        pairs = [(loop(is_sampled=True), loop(is_sampled=False)) for _ in range(3)]
    ours, bare = (min(column) for column in zip(*pairs, strict=True))
    report(
        f"{count:,} log_metric calls: {ours:.2f} s with system metrics, {bare:.2f} s without: "
        f"{ours / bare:.2f}x (≤ 1.1x)"
    )


def test_a_sample_next_to_its_interval(scale: float, report: Report) -> None:
    machine = Machine(os.getpid())
    count = max(int(200 * scale), 5)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(count):
        machine.read()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / count
    report(f"a sample costs {cpu_s * 1e3:.2f} ms of CPU each 10 s: {cpu_s * 10:.3f} % of a core (< 0.5 %)")
