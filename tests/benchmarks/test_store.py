"""What whole runs and large files cost, each figure next to a reference from the same run."""

from __future__ import annotations

import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.core.event_lines import encode_event
from gittrack.core.events import ParamsLogged, RunStarted, StatusChanged
from gittrack.core.journal import encode_metrics
from gittrack.core.model import RunStatus
from gittrack.store.spool import spool_journal
from gittrack.tracking.client import Client
from tests.repositories import make_repository, open_store

if TYPE_CHECKING:
    from tests.benchmarks.conftest import Report

pytestmark = pytest.mark.benchmark

ROOT = Path(__file__).parents[2]
PARAMS = {f"param{i}": i for i in range(10)}
METRICS = {f"metric{i}": i / 7 for i in range(10)}


def short_run(client: Any, content: bytes = b"small artifact") -> float:
    """Make one short run; return how long it took, s."""
    started = time.perf_counter()
    run_id = client.create_run().run_id
    live = client.live(run_id)
    live.log_params(PARAMS)
    for key, value in METRICS.items():
        live.log_metric(key, value, 1)
    client.log_content(run_id, content, "note.txt")
    client.set_terminated(run_id)
    return time.perf_counter() - started


def write_and_sync(folder: Path) -> float:
    """Write, flush and rename two files, as any store that survives a power cut must; return how long, s."""
    started = time.perf_counter()
    for name in ("one", "two"):
        with (folder / f"{name}.tmp").open("wb") as file:
            file.write(b"x" * 2000)
            file.flush()
            os.fdatasync(file.fileno())
        (folder / f"{name}.tmp").replace(folder / name)
    return time.perf_counter() - started


def fill(repository: Path, count: int) -> None:
    """Put many runs into a repository, with few commits."""
    with closing(open_store(repository)) as store:
        lines = encode_metrics(METRICS, 1, 1_700_000_000_000)
        for first in range(0, count, 2000):
            for number in range(first, min(first + 2000, count)):
                run_id = f"{1_700_000_000_000 + number:012x}{number * 2654435761 % 2**80:020x}"
                sink = store.open_journal(run_id)
                time_ms = 1_700_000_000_000 + number
                sink.append(encode_event(RunStarted(run_id, "0", f"run-{number}", time_ms)))
                sink.append(encode_event(ParamsLogged(dict(PARAMS), time_ms)))
                sink.append(lines)
                sink.append(encode_event(StatusChanged(RunStatus.FINISHED, time_ms, time_ms)))
                with closing(sink.seal()) as sealed:
                    spool_journal(store.layout, sealed.path, run_id)
            store.recover()


def test_a_short_run_in_an_empty_repository_and_among_ten_thousand(
    tmp_path: Path, scale: float, report: Report
) -> None:
    many, repeat = max(int(10_000 * scale), 50), max(int(60 * scale), 5)
    medians = {}
    for count in (0, many):
        repository = make_repository(tmp_path / str(count))
        fill(repository, count)
        with closing(Client(repository)) as client:
            short_run(client)
            ours = [short_run(client, b"%d" % i) for i in range(repeat)]
            reference = statistics.median(write_and_sync(tmp_path) for _ in range(repeat))
            medians[count] = statistics.median(ours)
        report(
            f"short run among {count:,}: median {medians[count] * 1e3:.1f} ms (≤ 5 ms), "
            f"best {min(ours) * 1e3:.1f} ms; two synced files {reference * 1e3:.1f} ms: "
            f"{medians[count] / reference:.1f}x"
        )
    report(f"growth from 0 to {many:,} runs: {medians[many] / medians[0]:.2f}x (≤ 1.5x)")


ONE_OF_MANY = """
import sys, time
from contextlib import closing
from gittrack.tracking.client import Client
from tests.benchmarks.test_store import short_run
with closing(Client(sys.argv[1])) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    for place in range(int(sys.argv[2])):
        print(short_run(client, str(place).encode()), flush=True)
"""


def test_sixteen_processes_at_once(tmp_path: Path, scale: float, report: Report) -> None:
    processes, runs = (16, 25) if scale >= 1 else (2, 3)
    repository = make_repository(tmp_path / "repo")
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_OF_MANY, str(repository), str(runs)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(processes)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    started = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    times = [float(line) for child in children for line in child.communicate()[0].split()]
    total = time.perf_counter() - started
    with closing(Client(make_repository(tmp_path / "alone"))) as client:
        short_run(client)
        alone = statistics.median(short_run(client) for _ in range(runs))
    p95 = sorted(times)[int(len(times) * 0.95)]
    assert len(times) == processes * runs
    report(
        f"{processes} x {runs} runs: {total:.2f} s in all, p95 {p95 * 1e3:.0f} ms a run; "
        f"alone {alone * 1e3:.1f} ms: {total / (alone * len(times)):.2f}x of one after the other"
    )


def test_a_huge_artifact_takes_no_memory(tmp_path: Path, scale: float, report: Report) -> None:
    size = int(min(5 * 2**30 * scale, shutil.disk_usage(tmp_path).free // 4))
    source = tmp_path / "model.bin"
    with source.open("wb") as file:
        file.truncate(size)
        for place in range(0, size, max(size // 1000, 4096)):
            file.seek(place)
            file.write(os.urandom(min(4096, size - place)))
    program = (
        "import resource, sys, time\n"
        "from gittrack.tracking.client import Client\n"
        "client = Client(sys.argv[1])\n"
        "run_id = client.create_run().run_id\n"
        "client.log_content(run_id, b'x' * 100_000, 'first.bin')\n"
        "before = int(open('/proc/self/status').read().split('RssAnon:')[1].split()[0])\n"
        "started = time.perf_counter()\n"
        "client.log_artifact(run_id, sys.argv[2])\n"
        "took = time.perf_counter() - started\n"
        "after = int(open('/proc/self/status').read().split('RssAnon:')[1].split()[0])\n"
        "print(took, (after - before) / 1024, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\n"
        "client.set_terminated(run_id)\n"
        "client.close()\n"
    )
    repository = make_repository(tmp_path / "repo")
    done = subprocess.run(
        [sys.executable, "-c", program, str(repository), str(source)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    took, grown, peak = map(float, done.stdout.split())
    started = time.perf_counter()
    shutil.copyfile(source, tmp_path / "copy.bin")
    copied = time.perf_counter() - started
    report(
        f"artifact of {size / 2**30:.2f} GiB: {took:.2f} s, memory of its own grew by {grown:.1f} MB "
        f"(peak with mapped files {peak:.0f} MB); a plain copy {copied:.2f} s: {took / copied:.1f}x"
    )
    source.unlink()


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_runs_next_to_those_of_mlflow(
    tmp_path: Path, scale: float, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("mlflow") is None:
        pytest.skip("mlflow is not installed here")
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    monkeypatch.chdir(tmp_path)  # it makes a folder wherever it is
    repeat = max(int(30 * scale), 3)
    theirs = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")

    def mlflow_run() -> float:
        started = time.perf_counter()
        run_id = theirs.create_run("0").info.run_id
        theirs.log_batch(run_id, params=[Param(key, str(value)) for key, value in PARAMS.items()])
        for key, value in METRICS.items():
            theirs.log_metric(run_id, key, value, step=1)
        theirs.set_terminated(run_id)
        return time.perf_counter() - started

    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        short_run(client)
        mlflow_run()
        ours = statistics.median(short_run(client) for _ in range(repeat))
        other = statistics.median(mlflow_run() for _ in range(repeat))
        live = client.live(client.create_run().run_id)
        run_id = theirs.create_run("0").info.run_id
        steps = max(int(300 * scale), 10)
        started = time.perf_counter()
        for step in range(steps):
            live.log_metric("loss", 0.5, step)
        our_metric = (time.perf_counter() - started) / steps
        started = time.perf_counter()
        for step in range(steps):
            theirs.log_batch(run_id, metrics=[Metric("loss", 0.5, 1, step)])
        their_metric = (time.perf_counter() - started) / steps
    report(
        f"short run {ours * 1e3:.1f} ms, MLflow on SQLite {other * 1e3:.1f} ms: {other / ours:.0f}x faster"
    )
    report(
        f"one metric {our_metric * 1e6:.1f} µs, MLflow on SQLite {their_metric * 1e6:.0f} µs: "
        f"{their_metric / our_metric:.0f}x faster"
    )
