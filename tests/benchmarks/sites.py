"""Sites of very many runs, built by the command line in a process of its own, and what that cost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.many_runs import METRICS, PARAMS, make_many

ROOT = Path(__file__).resolve().parents[2]
COUNTS = (200, 1_000, 10_000, 50_000)
NEW_RUN = f"""
import gittrack
with gittrack.start_run(run_name="new"):
    gittrack.log_params({{f"param{{i}}": 0.1 for i in range({PARAMS})}})
    for step in range(10):
        gittrack.log_metrics({{f"metric{{i}}": step / 10 for i in range({METRICS})}}, step=step)
"""


@dataclass(frozen=True)
class Cost:
    """What a process took."""

    wall_s: float
    cpu_s: float
    peak: int
    """Bytes of memory."""

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.wall_s:.2f} s ({self.cpu_s:.2f} s of CPU), {self.peak / 1e6:.0f} MB of memory"


@dataclass(frozen=True)
class Built:
    """A site, and the repository of its runs."""

    repository: Path
    folder: Path
    count: int
    """Runs there really are, whatever the scale."""
    cost: Cost


def run_apart(arguments: list[str], folder: Path) -> Cost:
    """Run Python with arguments in a folder, as an installed package would run: with its modules compiled."""
    compiled = folder.parent / "compiled"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    log = folder.parent / "output"
    with log.open("wb") as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environment, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, log.read_text("utf-8", "replace")
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def build_site(repository: Path, folder: Path) -> Cost:
    """Build the site of a repository, or bring it up to date."""
    return run_apart(["-m", "gittrack", "site", "build", "-o", str(folder)], repository)


def make_site(folder: Path, count: int) -> Built:
    """Make a repository of so many runs, one of them with its code and packages, and its site."""
    repository = make_many(folder / "repo", count - 1)
    log_run(repository)
    return Built(repository, folder / "site", count, build_site(repository, folder / "site"))


def log_run(repository: Path) -> None:
    """Log one run more, with its code, as a training would."""
    run_apart(["-c", NEW_RUN], repository)


def stamp_files(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of every file that is published, by its path."""
    found = {}
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "gittrack-site.json":
            about = file.stat()
            found[file.relative_to(folder).as_posix()] = about.st_size, about.st_mtime_ns
    return found
