"""The budgets of the site: what a page weighs, how fast it is there, what a rebuild costs."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

from gittrack.site.build import build
from tests.site.sources import add_sweep_run, make_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.benchmark
REPEATS = 5


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert executable, "the benchmark needs Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


def weigh_runs_page(folder: Path) -> int:
    """Return the gzipped bytes of everything the runs page needs to use its table."""
    page = (folder / "runs.html").read_text("utf-8")
    files = set(re.findall(r'(?:src|href)="((?:assets|data)/[^"]+\.(?:js|css|svg))[?"]', page)) | {
        "runs.html"
    }
    manifest = json.loads(json.loads(read_argument(folder / "data/manifest.js")))
    files |= {paths[0] for paths in manifest["segments"]}
    return sum(len(gzip.compress((folder / file).read_bytes(), 6)) for file in files)


def read_argument(path: Path) -> str:
    """Return the second argument of a data script as a JSON string literal."""
    text = path.read_text("utf-8")
    quoted = text[text.index("','") + 3 : text.rindex("'")]
    return '"' + quoted.replace('"', '\\"') + '"'


def measure_page(browser: Browser, folder: Path) -> dict[str, float]:
    """Return milliseconds, the median of several visits."""
    visits = []
    for _ in range(REPEATS):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto((folder / "runs.html").as_uri())
        page.wait_for_selector("#runs tbody .name-cell")
        visit = page.evaluate(
            """() => ({
              table: performance.getEntriesByName("gittrack-ready")[0].startTime,
              paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
            })"""
        )
        page.fill("#query", "metrics.val/acc > 0.8 AND params.model = 'vit-b'")
        page.wait_for_timeout(400)
        visit["filter"] = float(page.inner_text("#count").split("·")[1].split()[0])
        page.fill("#query", "")
        page.wait_for_timeout(400)
        page.click("#runs th:has-text('val/loss') button")
        page.wait_for_timeout(400)
        visit["sort"] = float(page.inner_text("#count").split("·")[1].split()[0])
        visits.append(visit)
        page.close()
    return {key: sorted(visit[key] for visit in visits)[REPEATS // 2] for key in visits[0]}


@pytest.mark.parametrize("runs", [200, 1_000, 10_000, 50_000])
def test_site_budgets(tmp_path: Path, browser: Browser, runs: int) -> None:
    source = make_source(runs, points=200 if runs <= 1_000 else 12, files=20)
    begun = time.perf_counter()
    first = build(source, tmp_path)
    full = time.perf_counter() - begun
    weight = weigh_runs_page(tmp_path)
    times = measure_page(browser, tmp_path)
    add_sweep_run(source, -1, points=12, with_files=False)
    begun = time.perf_counter()
    second = build(source, tmp_path)
    again = time.perf_counter() - begun
    print(
        f"\n{runs} runs: built in {full:.1f} s, {first.written} files, {first.bytes / 1e6:.1f} MB"
        f"\n  runs page {weight / 1000:.0f} kB gzip, paint {times['paint']:.0f} ms,"
        f" table {times['table']:.0f} ms, filter {times['filter']:.0f} ms, sort {times['sort']:.0f} ms"
        f"\n  one new run: {again:.2f} s, {second.written} files written, {second.removed} removed"
    )
