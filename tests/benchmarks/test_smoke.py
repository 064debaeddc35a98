"""The benchmarks run, whatever they measure: tiny ones, with the ordinary tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def test_the_benchmarks_of_logging_and_store_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "benchmark",
         str(HERE / "test_logging.py"), str(HERE / "test_store.py"), str(HERE / "test_around.py"),
         str(HERE / "test_capture.py"), str(HERE / "test_in_place.py"), str(HERE / "test_search.py"),
         str(HERE / "test_content.py")],
        cwd=HERE.parents[1],
        env={**os.environ, "GITTRACK_BENCHMARK_SCALE": "0.004"},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ms") >= 8
