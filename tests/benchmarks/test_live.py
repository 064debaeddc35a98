"""How long a new metric takes until `gittrack ui` has painted it, among very many runs."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.tracking.client import Client
from tests.benchmarks.many_runs import make_many
from tests.ui import serve_ui

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

    from tests.benchmarks.conftest import Report

pytestmark = [pytest.mark.benchmark, pytest.mark.timeout(7200)]
COUNTS = (200, 1_000, 10_000)
REPEATS = 7
PAINTED = """(() => {
  const look = () => {
    const row = document.querySelector("#runs tbody .name-cell a[title=watched]")?.closest("tr");
    if (row && window.seen !== row.textContent) {
      window.seen = row.textContent;
      const done = new MessageChannel();
      const text = window.seen;
      done.port1.onmessage = () => { window.painted = [text, performance.timeOrigin + performance.now()]; };
      done.port2.postMessage(0);
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
"""Keeps what the row of the run says, and when that was painted, milliseconds since the epoch."""


@pytest.mark.parametrize("count", COUNTS)
def test_a_new_metric_until_it_is_painted(
    count: int, tmp_path: Path, browser: Browser, scale: float, report: Report
) -> None:
    count = max(20, int(count * scale))
    repository = make_many(tmp_path / "repo", count)
    waits, costs = [], []
    with closing(Client(repository)) as client, serve_ui(repository) as ui:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.add_init_script(PAINTED)
        page.goto(ui.url)
        page.goto(page.url.rstrip("/") + "/runs.html")
        run_id = client.create_run("0", run_name="watched").info.run_id
        for step in range(REPEATS + 1):
            before, begun = ui.cpu_s(), time.time()
            value = f"0.{step + 1}5"
            client.log_metric(run_id, "metric0", float(value), step=step)
            row = page.locator("#runs tbody tr", has_text="watched")
            expect(row).to_contain_text(value, timeout=30_000)
            page.wait_for_timeout(1000)
            text, painted = page.evaluate("window.painted")
            assert value in text
            waits.append(painted / 1000 - begun)
            costs.append(ui.cpu_s() - before)
        page.close()
    # The first one made the run's page, which all others have.
    del waits[0], costs[0]
    report(
        f"{count} runs: a new metric is painted after {statistics.median(waits):.2f} s"
        f" ({min(waits):.2f} to {max(waits):.2f}); {statistics.median(costs):.2f} s of the server's CPU"
    )
