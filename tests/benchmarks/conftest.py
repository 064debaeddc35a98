"""How large the benchmarks are: as the promises say, or tiny, to see that they run."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

Report = Callable[[str], None]


@pytest.fixture(scope="session")
def scale() -> float:
    """Return 1 for sizes as promised, less for a smoke run: ``GITTRACK_BENCHMARK_SCALE=0.01``."""
    return float(BENCHMARK_SCALE)


# Read before the tests take all variables of gittrack out of the environment.
BENCHMARK_SCALE = os.environ.get("GITTRACK_BENCHMARK_SCALE", "1")


@pytest.fixture
def report(capsys: pytest.CaptureFixture[str]) -> Report:
    """Return the way to print a figure that is seen without ``-s``."""

    def say(line: str) -> None:
        with capsys.disabled():
            print(f"\n  {line}", end="", flush=True)

    return say
