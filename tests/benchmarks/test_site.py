"""The budgets of the site: what a page weighs, how fast it is there, what a rebuild costs."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.site.publish import list_files
from gittrack.tracking.client import Client
from gittrack.tracking.pages import open_pages_branch
from tests.benchmarks.sites import COUNTS, build_site, log_run, stamp_files
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.benchmarks.conftest import Report
    from tests.benchmarks.sites import Built

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]
REPEATS = 5
MOST_PUBLISHED = 10_000
COMPARED = 10_000
"""Runs of the site that is built from nothing too."""
METER = """#!/bin/sh
tee -a {wire} | git-receive-pack "$@"
"""
"""Keeps all that a push sends."""

SEEN = """new PerformanceObserver((list, observer) => {
  if (!list.getEntriesByName("gittrack-ready").length) return;
  observer.disconnect();
  requestAnimationFrame(() => {
    const painted = new MessageChannel();
    painted.port1.onmessage = () => { window.seen = performance.now(); };
    painted.port2.postMessage(0);
  });
}).observe({ entryTypes: ["mark"] })"""
"""Keeps when the frame with the table was made: all its rows in sight, laid out and painted."""


def weigh_runs_page(folder: Path) -> int:
    """Return the gzipped bytes of everything the runs page needs to show its table."""
    page = (folder / "runs.html").read_text("utf-8")
    files = set(re.findall(r'(?:src|href)="((?:assets|data)/[^"]+\.(?:js|css|svg))[?"]', page)) | {
        "runs.html"
    }
    manifest = json.loads(json.loads(read_argument(folder / "data/manifest.js")))
    files.add("data/manifest.js")
    if manifest["newest"] is None:
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
        page.add_init_script(SEEN)
        page.goto((folder / "runs.html").as_uri())
        page.wait_for_selector("#runs tbody .name-cell")
        visit = page.evaluate(
            """() => ({
              table: performance.getEntriesByName("gittrack-ready")[0].startTime,
              paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0,
            })"""
        )
        page.wait_for_timeout(100)
        visit["seen"] = page.evaluate("window.seen")
        begun = time.perf_counter()
        page.evaluate("gittrack.loadAll()")
        visit["all"] = (time.perf_counter() - begun) * 1000
        page.fill("#query", "metrics.metric3 > 0.8 AND params.param1 = 'adam'")
        page.wait_for_timeout(400)
        visit["filter"] = float(page.inner_text("#count").split("·")[1].split()[0])
        page.fill("#query", "")
        page.wait_for_timeout(400)
        page.click("#runs th:has-text('metric1') button")
        page.wait_for_timeout(400)
        visit["sort"] = float(page.inner_text("#count").split("·")[1].split()[0])
        visits.append(visit)
        page.close()
    return {key: sorted(visit[key] for visit in visits)[REPEATS // 2] for key in visits[0]}


@pytest.mark.parametrize("count", COUNTS)
def test_the_runs_page(count: int, sites: Callable[[int], Built], browser: Browser, report: Report) -> None:
    site = sites(count)
    folder = site.folder
    times = measure_page(browser, folder)
    report(
        f"{site.count} runs: everything the runs page needs {weigh_runs_page(folder) / 1000:.0f} kB gzip;"
        f" paint {times['paint']:.0f} ms, table {times['table']:.0f} ms, seen {times['seen']:.0f} ms,"
        f" all runs {times['all']:.0f} ms on,"
        f" filter {times['filter']:.0f} ms, sort {times['sort']:.0f} ms"
    )


@pytest.mark.parametrize("count", COUNTS)
def test_a_build_and_one_new_run(
    count: int, sites: Callable[[int], Built], tmp_path: Path, report: Report
) -> None:
    site = sites(count)
    before = stamp_files(site.folder)
    size = sum(size for size, _ in before.values())
    report(f"{site.count} runs: built in {site.cost}; {len(before)} files, {size / 1e6:.1f} MB")
    remote = make_repository(tmp_path / "remote.git", "bare")
    meter = tmp_path / "meter"
    meter.write_text(METER.format(wire=tmp_path / "wire"), "utf-8")
    meter.chmod(0o755)
    git(site.repository, "config", "remote.pages.url", str(remote))
    git(site.repository, "config", "remote.pages.receivepack", str(meter))
    published = count <= MOST_PUBLISHED and publish(site, tmp_path / "wire")
    log_run(site.repository)
    cost = build_site(site.repository, site.folder)
    after = stamp_files(site.folder)
    changed = {path for path, stamp in after.items() if before.get(path) != stamp}
    report(
        f"  one new run: built in {cost}; {len(changed)} files written, {len(before.keys() - after.keys())}"
        f" removed, {sum(after[path][0] for path in changed) / 1000:.0f} kB"
    )
    if published:
        sent, seconds = publish(site, tmp_path / "wire")
        report(
            f"  published by {sent / 1000:.0f} kB in {seconds:.1f} s, at first by {published[0] / 1e6:.0f} MB"
        )
        git(remote, "fsck", "--strict")
    if count == COMPARED:
        build_site(site.repository, tmp_path / "afresh")
        assert digest_files(site.folder) == digest_files(tmp_path / "afresh")
        report("  a build from nothing has the same bytes")


def publish(site: Built, wire: Path) -> tuple[int, float]:
    """Push a built site; return the bytes that went over the wire, and the seconds it took."""
    wire.unlink(missing_ok=True)
    begun = time.perf_counter()
    with closing(Client(site.repository)) as client:
        open_pages_branch(client, "pages", "gh-pages").publish(list_files(site.folder), "site")
    return wire.stat().st_size, time.perf_counter() - begun


def digest_files(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).digest()
        for file in folder.rglob("*")
        if file.is_file()
    }
