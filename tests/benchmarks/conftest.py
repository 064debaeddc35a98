"""How large the benchmarks are: as the promises say, or tiny, to see that they run."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.benchmarks.sites import Built, make_site
from tests.browser.conftest import browser

__all__ = ["browser"]

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


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory, scale: float) -> Callable[[int], Built]:
    """Return the way to a site of so many runs; each is built once."""
    built: dict[int, Built] = {}

    def find(count: int) -> Built:
        if count not in built:
            built[count] = make_site(tmp_path_factory.mktemp(f"site{count}"), max(int(count * scale), 20))
        return built[count]

    return find
