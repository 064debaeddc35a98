"""What logging costs, each figure next to a reference from the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.benchmarks.conftest import Report

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]


def best(repeat: int, measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(repeat))


def test_log_metric_next_to_formatting_and_writing_the_same_line(
    tmp_path: Path, scale: float, report: Report
) -> None:
    count = max(int(100_000 * scale), 100)
    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        live = client.live(client.create_run().run_id)

        def gittrack() -> float:
            log = live.log_metric
            started = time.perf_counter()
            for step in range(count):
                log("loss", 0.123456789, step)
            return (time.perf_counter() - started) / count

        descriptor = os.open(tmp_path / "bare", os.O_WRONLY | os.O_APPEND | os.O_CREAT)

        def bare() -> float:
            started = time.perf_counter()
            for step in range(count):
                line = f'["m","loss",{0.123456789!r},{step},{time.time_ns() // 1_000_000}]\n'
                os.write(descriptor, line.encode())
            return (time.perf_counter() - started) / count

        pairs = [(gittrack(), bare()) for _ in range(5)]
        ours, reference = (min(column) for column in zip(*pairs, strict=True))
        os.close(descriptor)
    report(
        f"log_metric {ours * 1e6:.2f} µs, bare write {reference * 1e6:.2f} µs: {ours / reference:.2f}x (≤ 3x)"
    )


def test_a_hundred_metrics_over_a_thousand_steps(tmp_path: Path, scale: float, report: Report) -> None:
    steps = max(int(1000 * scale), 10)
    values = {f"metric/{i}": i / 7 for i in range(100)}
    with closing(Client(make_repository(tmp_path / "repo"))) as client:

        def measure() -> tuple[float, float]:
            run_id = client.create_run().run_id
            live = client.live(run_id)
            started = time.perf_counter()
            for step in range(steps):
                live.log_metrics(values, step)
            logged = time.perf_counter() - started
            client.set_terminated(run_id)
            return logged, time.perf_counter() - started

        times = [measure() for _ in range(3)]

    def reference() -> float:
        started = time.perf_counter()
        with (tmp_path / "plain.jsonl").open("w") as file:
            for step in range(steps):
                file.write(json.dumps({"step": step, **values}) + "\n")
        return time.perf_counter() - started

    plain = best(3, reference)
    logged, ended = (min(column) for column in zip(*times, strict=True))
    report(
        f"100 metrics x {steps:,} steps: {logged:.3f} s, with the end of the run {ended:.3f} s "
        f"(≤ 0.15 s); json.dumps to one file {plain:.3f} s: {logged / plain:.2f}x and {ended / plain:.2f}x"
    )


MANY_POINTS = """
import sys, time
from pathlib import Path
from gittrack.tracking.client import Client
client = Client(sys.argv[1])
count = int(sys.argv[2])
run_id = client.create_run().run_id
log = client.live(run_id).log_metric
def peak():  # of this program alone: getrusage would tell that of whoever started it
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
started = time.perf_counter()
for step in range(count):
    log("loss", step / 7, step)
logged = time.perf_counter() - started
middle = peak()
client.set_terminated(run_id)
ended = time.perf_counter() - started
after = peak()
print(logged, ended, (middle - before) / 1024, (after - before) / 1024)
client.close()
"""


def test_a_million_points_in_one_run(tmp_path: Path, scale: float, report: Report) -> None:
    grown = {}
    for count in (max(int(100_000 * scale), 1000), max(int(1_000_000 * scale), 10_000)):
        repository = make_repository(tmp_path / str(count))
        done = subprocess.run(
            [sys.executable, "-c", MANY_POINTS, str(repository), str(count)],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        )
        logged, ended, while_logging, at_the_end = map(float, done.stdout.split())
        grown[count] = at_the_end
        report(
            f"{count:,} points: {logged:.2f} s, with the end of the run {ended:.2f} s; "
            f"memory grew by {while_logging:.1f} MB while logging, {at_the_end:.1f} MB at the end"
        )
    few, many = grown.values()
    report(f"memory at the end, ten times the points: {many / max(few, 0.1):.2f}x (≤ 1.5x)")


def test_importing_gittrack_next_to_a_bare_interpreter(report: Report) -> None:
    def start(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
        return time.perf_counter() - started

    pairs = [(start("import gittrack"), start("")) for _ in range(10)]
    ours, bare = (min(column) for column in zip(*pairs, strict=True))
    report(
        f"import gittrack: {(ours - bare) * 1e3:.0f} ms over a bare Python's {bare * 1e3:.0f} ms (≤ 40 ms)"
    )
