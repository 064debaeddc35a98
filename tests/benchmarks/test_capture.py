"""What knowing the code of a run costs, each figure next to ``git status`` of the same work tree."""

from __future__ import annotations

import statistics
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.provenance import ProvenanceReader, record_provenance
from tests.repositories import git, make_repository, open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.conftest import Report

pytestmark = pytest.mark.benchmark

FILES = 20_000
PROMISED_RATIO = 3


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, scale: float) -> Path:
    """A repository with many files in folders of a hundred."""
    top = make_repository(tmp_path_factory.mktemp("capture") / "repo")
    for number in range(max(int(FILES * scale), 20)):
        file = top / f"pkg{number // 2000}/sub{number // 100}/module{number}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"value = {number}\n", "utf-8")
    git(top, "add", "-A")
    git(top, "-c", "gc.auto=0", "commit", "-q", "-m", "many")
    git(top, "repack", "-q", "-a", "-d")
    git(top, "status", "--porcelain")
    return top


def seconds(do: Callable[[], object], rounds: int = 7) -> float:
    """Return the median of how long something takes, s."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        do()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def status(top: Path) -> None:
    command = ["git", "--no-optional-locks", "status", "--porcelain"]
    subprocess.run(command, cwd=top, capture_output=True, check=True)


def capture(top: Path) -> float:
    """Return how long a process that never looked before takes to know its code, s."""
    client = Client(store=open_store(top))
    started = time.perf_counter()
    found = client.code.capture()
    taken = time.perf_counter() - started
    client.close()
    assert found.code.snapshot is not None
    return taken


def compare(what: str, top: Path, report: Report) -> None:
    capture(top)  # what is stored is stored
    reference = seconds(lambda: status(top))
    taken = statistics.median(capture(top) for _ in range(7))
    report(
        f"{what}: {taken * 1000:.1f} ms, {taken / reference:.2f} x `git status` "
        f"({reference * 1000:.1f} ms), promised {PROMISED_RATIO}"
    )


def test_a_first_capture_against_git_status(repository: Path, report: Report) -> None:
    compare("capture, clean", repository, report)
    for number in range(20):
        next(repository.glob(f"pkg*/sub*/module{number}.py")).write_text("changed\n", "utf-8")
        (repository / f"new{number}.py").write_text("new\n", "utf-8")
    compare("capture, 20 files changed and 20 untracked", repository, report)
    for number in range(500):
        file = repository / f"outputs/{number // 50}/{number}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}\n" * 1000, "utf-8")
    compare("capture, and 500 untracked files of 3 kB in folders", repository, report)
    fresh = seconds(lambda: store_anew(repository), 5)
    report(f"capture of code that was never stored: {fresh * 1000:.1f} ms")


def store_anew(top: Path) -> None:
    (top / "new0.py").write_text(f"new at {time.time_ns()}\n", "utf-8")
    capture(top)


def test_the_code_and_the_start_of_a_later_run_in_one_process(repository: Path, report: Report) -> None:
    client = Client(store=open_store(repository))
    reader = ProvenanceReader()
    first = client.create_run()
    record_provenance(client.store, client.live(first.run_id), reader.read(repository, {}))
    client.set_terminated(first.run_id)
    code = seconds(client.code.capture, 101)
    start = seconds(lambda: reader.read(repository, {}), 101)

    def run(*, is_known: bool) -> None:
        known = None if is_known else first.code
        run_id = client.create_run(code=known).run_id
        if is_known:
            record_provenance(client.store, client.live(run_id), reader.read(repository, {}))
        client.live(run_id).log_metric("loss", 1.0, 1)
        client.set_terminated(run_id)

    bare = seconds(lambda: run(is_known=False), 51)
    whole = seconds(lambda: run(is_known=True), 51)
    client.close()
    report(f"code of a later run: {code * 1e6:.0f} µs; how it was started: {start * 1e6:.0f} µs")
    without = f"{whole / bare:.2f} x one without ({bare * 1000:.2f} ms)"
    report(f"a short run with both: {whole * 1000:.2f} ms, {without}")
