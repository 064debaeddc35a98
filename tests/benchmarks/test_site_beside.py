"""How soon our runs page is of use and what it loads, beside MLflow's UI and TensorBoard's on the same runs.

Run this where both are: ``.venv-mlflow/bin/python -m pytest -m benchmark`` after ``pip install tensorboard``
there. A page is of use once the name of a run can be read in it. Each visit is of a browser that
was never there; all pages come from a server on loopback that had a visitor before.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from gittrack.site.serve import serve
from tests.benchmarks.many_runs import log_to_mlflow, make_run
from tests.benchmarks.sites import COUNTS
from tests.benchmarks.test_site import weigh_runs_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.benchmarks.conftest import Report
    from tests.benchmarks.sites import Built

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(7200),
    pytest.mark.filterwarnings("ignore"),  # MLflow's own
]

HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
HAS_TENSORBOARD = importlib.util.find_spec("tensorboard") is not None
VISITS = 3
START_S = 120
USEFUL_S = 180
POLL_MS = 50
QUIET_S = 20
LISTED_S = 300
"""How long TensorBoard may take to list all runs, before anybody looks at it."""
# The name of a run as text that is laid out, looked for before every frame, noted once the frame is shown.
WATCH = r"""
(() => {
  const isName = /^\.?\/?run-\d+$/;
  const look = () => {
    const texts = document.createTreeWalker(document, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode;
      if (isName.test(node.data.trim()) && node.parentElement?.getClientRects().length) {
        requestAnimationFrame(() => setTimeout(() => { window.usefulAt = performance.now(); }));
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True)
class Visit:
    """What one look at a page took."""

    useful_ms: float
    sent: int
    """Bytes that came over the wire, until the page was quiet."""


def visit(browser: Browser, url: str, picture: Path | None = None) -> Visit:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        sizes: list[float] = []
        wire.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        wire.send("Network.enable")
        page.add_init_script(WATCH)
        page.goto(url, wait_until="commit", timeout=USEFUL_S * 1000)
        # Not wait_for_function: what it evaluates again and again, our pages' policy forbids.
        deadline = time.monotonic() + USEFUL_S
        while (useful := page.evaluate("window.usefulAt")) is None:
            assert time.monotonic() < deadline, f"{url} shows no run within {USEFUL_S} s"
            page.wait_for_timeout(POLL_MS)
        with contextlib.suppress(PlaywrightTimeout):  # who polls is never quiet
            page.wait_for_load_state("networkidle", timeout=QUIET_S * 1000)
        if picture is not None:
            page.screenshot(path=picture)
        return Visit(useful, int(sum(sizes)))
    finally:
        context.close()


def measure(browser: Browser, url: str, picture: Path) -> Visit:
    """Return the median of several visits; the first one only wakes the server."""
    visit(browser, url, picture)
    visits = [visit(browser, url) for _ in range(VISITS)]
    return Visit(
        statistics.median(one.useful_ms for one in visits), int(statistics.median(one.sent for one in visits))
    )


@contextlib.contextmanager
def running(command: list[str], port: int, path: str, log: Path) -> Iterator[str]:
    """Run a server, and all it starts, until the block ends; yield its address once it answers."""
    address = f"http://127.0.0.1:{port}"
    environment = {**os.environ, "DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with log.open("wb") as output:
        # A session of its own: MLflow's workers and job runners outlive the server that started them.
        server = subprocess.Popen(
            command, stdout=output, stderr=output, start_new_session=True, env=environment, cwd=log.parent
        )
    try:
        deadline = time.monotonic() + START_S
        while not answers(address + path):
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, f"no answer within {START_S} s"
            time.sleep(0.2)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def ours(
    sites: Callable[[int], Built], browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[int], Visit]:
    """Return the way to a visit of our runs page, measured anew for each neighbour."""
    pictures = tmp_path_factory.mktemp("ours")

    def find(count: int) -> Visit:
        with serve(sites(count).folder) as served:
            return measure(browser, f"{served.url}runs.html", pictures / f"{count}.png")

    return find


@pytest.mark.parametrize("count", COUNTS)
def test_beside_mlflow(
    count: int,
    ours: Callable[[int], Visit],
    sites: Callable[[int], Built],
    browser: Browser,
    tmp_path: Path,
    scale: float,
    report: Report,
) -> None:
    if not HAS_MLFLOW:
        pytest.skip("mlflow is not installed here")
    log_to_mlflow(tmp_path / "mlflow.db", max(int(count * scale), 20))
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1",
        "--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}",
        "--artifacts-destination", str(tmp_path / "artifacts"),
    ]  # fmt: skip
    with running(command, port, "/health", tmp_path / "mlflow.log") as address:
        theirs = measure(browser, f"{address}/#/experiments/0/runs", tmp_path / "mlflow.png")
        compare(report, f"{count} runs, MLflow", ours(count), theirs)
        packed = weigh_runs_page(sites(count).folder)
        report(
            f"  compressed, as hosts of pages send it: {packed / 1000:.0f} kB (1/{theirs.sent / packed:.0f})"
        )


@pytest.mark.parametrize("count", COUNTS)
def test_beside_tensorboard(
    count: int, ours: Callable[[int], Visit], browser: Browser, tmp_path: Path, scale: float, report: Report
) -> None:
    if not HAS_TENSORBOARD:
        pytest.skip("tensorboard is not installed here: pip install tensorboard")
    runs = max(int(count * scale), 20)
    write_event_files(tmp_path / "logs", runs)
    port = free_port()
    command = [
        sys.executable, "-m", "tensorboard.main", "--host", "127.0.0.1", "--port", str(port),
        "--logdir", str(tmp_path / "logs"), "--load_fast", "false",
    ]  # fmt: skip
    with running(command, port, "/data/runs", tmp_path / "tensorboard.log") as address:
        begun = time.monotonic()
        while (listed := count_runs(address)) < runs and time.monotonic() < begun + LISTED_S:
            time.sleep(0.5)
        taken = time.monotonic() - begun
        theirs = measure(browser, f"{address}/#timeseries", tmp_path / "tensorboard.png")
        report(f"{count} runs: TensorBoard lists {listed} of them after {taken:.0f} s")
        compare(report, f"{count} runs, TensorBoard", ours(count), theirs)


def count_runs(address: str) -> int:
    with urllib.request.urlopen(f"{address}/data/runs", timeout=60) as answer:
        return len(json.load(answer))


def write_event_files(folder: Path, count: int) -> None:
    """Write a folder a run, with the last value of each metric."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    for number in range(count):
        run = make_run(number)
        (folder / run.name).mkdir(parents=True)
        with (folder / run.name / f"events.out.tfevents.{run.start_time // 1000}.here").open("wb") as file:
            writer = RecordWriter(file)
            when = run.start_time / 1000
            writer.write(Event(wall_time=when, file_version="brain.Event:2").SerializeToString())
            values = [Summary.Value(tag=key, simple_value=one.last) for key, one in run.metrics.items()]
            writer.write(Event(wall_time=when, step=9, summary=Summary(value=values)).SerializeToString())
            writer.flush()


def compare(report: Report, what: str, ours: Visit, theirs: Visit) -> None:
    report(
        f"{what}: useful after {ours.useful_ms:.0f} ms beside {theirs.useful_ms:.0f} ms"
        f" ({theirs.useful_ms / ours.useful_ms:.1f} times sooner); {ours.sent / 1000:.0f} kB beside"
        f" {theirs.sent / 1000:.0f} kB (1/{theirs.sent / ours.sent:.0f})"
    )
