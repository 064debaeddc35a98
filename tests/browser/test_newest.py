"""The runs page begins with its newest runs, and asks for all others when something needs them."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.site.newest import MAX_ROWS
from gittrack.site.single import build_single
from tests.browser.test_pages import ROWS, open_runs
from tests.site.sources import MemorySource, make_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Site

COUNT = 600
SEGMENTS = 4
CELL = f"{ROWS} .name-cell"
TABLE = """() => [...document.querySelectorAll("#runs col, #runs thead th, #runs tbody tr:not(.pad-row)")]
  .map((node) => node.outerHTML.replace(/ id="row[^"]*"/u, ""))"""
SETTLED = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => requestIdleCallback(() => done()))))"""
"""Waits until the rows beyond what is in sight are there: they come when nothing else waits."""
FEWEST = """() => {
  const body = document.querySelector("#runs tbody");
  window.fewest = Infinity;
  const count = () => { window.fewest = Math.min(window.fewest, body.children.length); };
  new MutationObserver(count).observe(body, { childList: true });
}"""
"""Notes how few rows there ever are when the browser might draw."""
DRAWN = """() => {
  const scroller = document.getElementById("scroller").getBoundingClientRect();
  const rows = [...document.querySelectorAll("#runs tbody tr:not(.pad-row)")];
  const [row] = rows;
  const { top, height } = row.getBoundingClientRect();
  const last = document.elementFromPoint(scroller.right - 20, top + height / 2);
  return {
    columns: document.querySelectorAll("#runs col").length,
    heads: document.querySelectorAll("#runs thead th").length,
    cells: [...new Set(rows.map((tr) => tr.cells.length))],
    reached: row.contains(last) && last !== row,
  };
}"""
"""How many columns there are, what is drawn of them, and whether a row is as long as what is in sight."""
IDLE_LATER = """window.requestIdleCallback = (act) => {
  window.whenIdle = act;
  document.documentElement.dataset.waits = "";
}"""
PLACE = "() => { const s = document.getElementById('scroller'); return [s.scrollTop, s.scrollHeight]; }"


def loaded(page: Page) -> int:
    """Return how many chunks of data a page asked for, beyond the manifest."""
    return page.locator("head script[src*='data/']:not([src*='manifest'])").count()


def newest_first(source: MemorySource) -> list[str]:
    return [run.name for run in sorted(source.runs, key=lambda run: (-run.start_time, run.run_id))]


def await_all(page: Page) -> None:
    page.evaluate("gittrack.loadAll()")
    assert loaded(page) == SEGMENTS


@pytest.fixture(scope="module")
def many(make_site: Callable[[str, MemorySource], Site]) -> Site:
    """Return a site of which the older runs have longer texts, for which a column would be wider."""
    source = make_source(COUNT, points=3, files=0)
    newest = set(newest_first(source)[:MAX_ROWS])
    source.runs[:] = [
        run
        if run.name in newest or run.params["model"] == "vit-b"
        else replace(run, params={**run.params, "model": "a model with a long name"})
        for run in source.runs
    ]
    return make_site("many", source)


@pytest.fixture(scope="module")
def nested(make_site: Callable[[str, MemorySource], Site]) -> Site:
    """Return a site with an old sweep of many runs, a chain, a run below itself and two below one another."""
    source = make_source(COUNT, points=3, files=0)
    runs = sorted(source.runs, key=lambda run: (-run.start_time, run.run_id))
    parents = dict.fromkeys(range(3, 90, 3), 400)
    parents |= {20: 2, 22: 2, 23: 20, 500: 1, 1: 450, 7: 7, 10: 11, 11: 10, 13: 13}
    placed = {run.run_id: place for place, run in enumerate(runs)}
    source.runs[:] = [
        replace(run, parent=runs[parents[place]].run_id) if (place := placed[run.run_id]) in parents else run
        for run in source.runs
    ]
    return make_site("nested", source)


@pytest.mark.parametrize("way", ["file", "http"])
def test_a_plain_visit_asks_for_no_segment_and_a_sort_for_all(
    open_page: Callable[..., Page], many: Site, way: str
) -> None:
    page = open_runs(open_page, many, way)
    expect(page.locator("#count")).to_contain_text(f"{COUNT} of {COUNT} runs")
    names = newest_first(many.source)
    shown = page.locator(f"{CELL} a").all_inner_texts()
    assert len(shown) > 15
    assert shown == names[: len(shown)]
    # What is there is enough to select and to arrange columns.
    page.locator(ROWS).nth(2).locator("td").nth(3).click()
    expect(page.locator("#compare")).to_have_text("Compare 1 run")
    assert page.locator("#select-all").evaluate("box => box.indeterminate")
    page.hover("th[data-column='p:lr']")
    page.click("th[data-column='p:lr'] .more")
    page.click("[role^=menuitem]:text-is('Pin')")
    expect(page.locator("td.pinned").first).to_be_visible()
    assert loaded(page) == 0
    page.click("#runs th[data-column='m:val/acc'] .sort >> nth=1")
    best = max(many.source.runs, key=lambda run: run.metrics["val/acc"].last)
    expect(page.locator(f"{CELL} a").first).to_have_text(best.name)
    assert loaded(page) == SEGMENTS
    expect(page.locator("#compare")).to_have_text("Compare 1 run")


@pytest.mark.parametrize("which", ["many", "nested"])
def test_nothing_in_the_table_changes_when_all_runs_arrive(
    open_page: Callable[..., Page], many: Site, nested: Site, which: str
) -> None:
    site = {"many": many, "nested": nested}[which]
    page = open_runs(open_page, site, viewport={"width": 1800, "height": 3000})
    page.evaluate(SETTLED)
    before, place = page.evaluate(TABLE), page.evaluate(PLACE)
    assert sum(row.startswith("<tr") for row in before) > 75
    assert loaded(page) == 0
    page.evaluate(FEWEST)
    await_all(page)
    page.evaluate(SETTLED)
    assert page.evaluate(TABLE) == before
    assert page.evaluate(PLACE) == place
    assert page.evaluate("window.fewest") > 70


@pytest.mark.parametrize("way", ["idle", "scrolled"])
def test_columns_in_sight_come_first_and_the_others_when_idle_or_scrolled_to(
    browser: Browser, many: Site, way: str
) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 700})
    page.add_init_script(IDLE_LATER)
    page.goto(many.urls["file"] + "runs.html")
    page.wait_for_selector("html[data-waits]")
    first = page.evaluate(DRAWN)
    assert 5 < first["heads"] < first["columns"]
    assert first["cells"] == [first["heads"]]
    assert first["reached"]
    if way == "idle":
        page.evaluate("window.whenIdle({ timeRemaining: () => 50 })")
    else:
        page.evaluate("document.getElementById('scroller').scrollLeft = 1e6")
        expect(page.locator("#runs thead th")).to_have_count(first["columns"])
    whole = page.evaluate(DRAWN)
    assert whole["heads"] == whole["columns"] == first["columns"]
    assert whole["cells"] == [whole["columns"]]
    assert whole["reached"]
    page.close()


def test_scrolling_comes_to_the_oldest_run_and_stays_there(
    open_page: Callable[..., Page], many: Site
) -> None:
    page = open_runs(open_page, many)
    height = page.evaluate(PLACE)[1]
    page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
    oldest = newest_first(many.source)[-1]
    expect(page.locator(f"{CELL} a").last).to_have_text(oldest)
    top, after = page.evaluate(PLACE)
    assert after == height
    assert top > height - 1000
    assert loaded(page) == SEGMENTS


def test_keys_wait_their_turn_for_the_last_run(open_page: Callable[..., Page], many: Site) -> None:
    page = open_runs(open_page, many)
    page.focus("#scroller")
    page.keyboard.press("End")
    page.keyboard.press(" ")
    expect(page.locator("#compare")).to_have_text("Compare 1 run")
    oldest = min(many.source.runs, key=lambda run: (run.start_time, run.run_id))
    assert f"selected={oldest.run_id}" in page.url
    page.keyboard.press("Home")
    page.keyboard.press("x")
    expect(page.locator("#compare")).to_have_text("Compare 2 runs")


def test_all_runs_are_selected_saved_searched_and_gone_to(open_page: Callable[..., Page], many: Site) -> None:
    page = open_runs(open_page, many)
    page.click("#select-all")
    expect(page.locator("#compare")).to_have_text(f"Compare {COUNT} runs")
    page = open_runs(open_page, many)
    page.click("#export-button")
    with page.expect_download() as waiting:
        page.click("[role=menuitem]:text-is('Save as CSV')")
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text("utf-8"))))
    assert [row["Run"] for row in rows] == newest_first(many.source)
    page = open_runs(open_page, many)
    page.fill("#query", "params.model = 'vit-b'")
    fitting = [run for run in many.source.runs if run.params["model"] == "vit-b"]
    expect(page.locator("#count")).to_contain_text(f"{len(fitting)} of {COUNT} runs")
    page = open_runs(open_page, many)
    page.keyboard.press("Control+k")
    oldest = newest_first(many.source)[-1]
    page.keyboard.type(oldest)
    expect(page.locator("#palette-list [aria-selected=true]")).to_contain_text(oldest)


def test_a_query_that_is_wrong_does_not_keep_the_others_away(
    open_page: Callable[..., Page], many: Site
) -> None:
    page = open_runs(open_page, many)
    page.evaluate(
        "const q = document.getElementById('query'); q.value = 'params.lr >';"
        "q.dispatchEvent(new Event('input')); undefined"
    )
    expect(page.locator("#query-error")).to_be_visible()
    assert loaded(page) == 0
    page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
    expect(page.locator(f"{CELL} a").last).to_have_text(newest_first(many.source)[-1])
    expect(page.locator("#query-error")).to_be_visible()
    assert "q=" not in page.url


@pytest.mark.parametrize(
    "state", ["q=params.model+%3D+'vit-b'", "sort=p:lr.asc", "group=p:model", "nested=0"]
)
def test_an_address_with_another_view_asks_for_all_at_once(
    open_page: Callable[..., Page], nested: Site, state: str
) -> None:
    page = open_runs(open_page, nested, hash_=f"#{state}")
    assert loaded(page) == SEGMENTS
    whole = page.locator("#count").inner_text().split(" · ")[0]
    page.reload()
    expect(page.locator("#count")).to_contain_text(whole)


def test_an_old_run_that_the_address_selects_is_found(open_page: Callable[..., Page], many: Site) -> None:
    oldest = min(many.source.runs, key=lambda run: (run.start_time, run.run_id))
    page = open_runs(open_page, many, hash_=f"#selected={oldest.run_id}")
    expect(page.locator("#compare")).to_have_text("Compare 1 run")


def test_nested_runs_fold_also_where_only_the_newest_are_there(
    open_page: Callable[..., Page], nested: Site
) -> None:
    page = open_runs(open_page, nested)
    label = page.locator(f"{ROWS} .opener").first.get_attribute("aria-label")
    assert loaded(page) == 0
    before = page.locator(f"{ROWS} .opener").count()
    page.click(f"{ROWS} .opener >> nth=0")
    expect(page.locator(f"{ROWS} .opener").first).to_have_attribute("aria-expanded", "false")
    assert page.locator(f"{ROWS} .opener").first.get_attribute("aria-label") == label
    assert before
    assert loaded(page) == SEGMENTS


def test_a_site_built_again_meanwhile_says_so_and_the_address_keeps_the_wish(
    browser: Browser, many: Site, tmp_path: Path
) -> None:
    shutil.copytree(many.folder, tmp_path / "site")
    page = browser.new_page()
    page.goto((tmp_path / "site" / "runs.html").as_uri())
    page.wait_for_selector(CELL)
    shown = page.locator(f"{CELL} a").all_inner_texts()
    (tmp_path / "site" / "data").rename(tmp_path / "gone")
    page.click("#runs th[data-column='m:val/acc'] .sort >> nth=1")
    expect(page.locator("#message")).to_contain_text("reload it")
    # Rows beyond what is in sight may have come meanwhile.
    assert page.locator(f"{CELL} a").all_inner_texts()[: len(shown)] == shown
    assert "sort=m:val/acc.desc" in page.url
    (tmp_path / "gone").rename(tmp_path / "site" / "data")
    page.reload()
    best = max(many.source.runs, key=lambda run: run.metrics["val/acc"].last)
    expect(page.locator(f"{CELL} a").first).to_have_text(best.name)
    page.close()


def test_the_one_file_begins_with_its_newest_runs_too(open_page: Callable[..., Page], tmp_path: Path) -> None:
    source = make_source(MAX_ROWS + 20, points=3, files=0)
    build_single(source, tmp_path / "one.html")
    page = open_page((tmp_path / "one.html").as_uri() + "#/runs.html")
    expect(page.locator("#count")).to_contain_text(f"{MAX_ROWS + 20} of {MAX_ROWS + 20} runs")
    opened = "gittrack.findIndex().then((index) => index.opened !== undefined)"
    assert page.evaluate(opened) is False
    page.click("#runs th[data-column='m:val/acc'] .sort >> nth=1")
    best = max(source.runs, key=lambda run: run.metrics["val/acc"].last)
    expect(page.locator(f"{CELL} a").first).to_have_text(best.name)
    assert page.evaluate(opened) is True
