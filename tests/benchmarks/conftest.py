"""How large the benchmarks are: as the promises say, or tiny, to see that they run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from tests.benchmarks.sites import Built, make_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a real Chromium."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "the benchmark needs Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()
