"""A run's page: what is seen first, params that fold, and what artifacts show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import DRAWN
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Page

    from tests.browser.conftest import Site

PLOTLY = {"data": [{"x": [1, 2, 3], "y": [3, 1, 2], "name": "a"}], "layout": {"title": {"text": "Three"}}}
VEGA_LITE = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json",
    "data": {"values": [{"a": "x", "b": 1}, {"a": "y", "b": 2}]},
    "mark": "bar",
    "encoding": {"x": {"field": "a"}, "y": {"field": "b", "type": "quantitative"}},
}
BROKEN = {**VEGA_LITE, "mark": {"type": "spiral"}}
REPORT = b"""<h1 style="color: rgb(1, 2, 3)">Report</h1>
<script>document.querySelector("h1").textContent = "ran"</script>
<img src="x" onerror="document.querySelector('h1').textContent = 'ran'">"""


@pytest.fixture(scope="module")
def figures(make_site: Callable[[str, MemorySource], Site]) -> Site:
    source = MemorySource()
    files = {
        "plotly.json": json.dumps(PLOTLY).encode(),
        "vega.json": json.dumps(VEGA_LITE).encode(),
        "broken.json": json.dumps(BROKEN).encode(),
        "report.html": REPORT,
    }
    params = {"optimizer": {"name": "adam", "beta": 0.123456789}, "lr": 0.1}
    source.add(make_run(0, params=params), {"val/acc": make_series([0.5])}, files)
    return make_site("figures", source)


def open_run(open_page: Callable[..., Page], site: Site, way: str = "file", **options: object) -> Page:
    return open_page(f"{site.urls[way]}runs/{site.source.list_runs()[0].run_id}.html", **options)


def open_preview(page: Page, name: str) -> None:
    page.locator("#artifacts summary", has_text=name).first.click()


def test_who_a_run_is_what_changed_and_what_it_reached_is_seen_without_scrolling(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_run(open_page, site, viewport={"width": 1280, "height": 800})
    for shown in ("h1", ".badge", ".key-metrics li >> nth=5", ".what-changed"):
        box = page.locator(shown).first.bounding_box()
        assert box is not None, shown
        assert box["y"] + box["height"] <= 800, shown
    summary = site.source.list_runs()[0].metrics["val/acc"]
    assert page.inner_text(".key-metrics li >> nth=0").split("\n")[0] == "val/acc"
    assert f"@{summary.max_step}" in page.inner_text(".key-metrics li >> nth=0")


def test_params_fold_without_scripts_and_say_every_digit(
    open_page: Callable[..., Page], figures: Site
) -> None:
    page = open_run(open_page, figures, java_script_enabled=False)
    beta = page.locator("#params code", has_text="0.123456789")
    expect(beta).to_be_visible()
    page.click("#params summary")
    expect(beta).to_be_hidden()
    expect(page.locator("#params code", has_text="0.1").last).to_be_visible()


@pytest.mark.parametrize("way", ["file", "http"])
@pytest.mark.parametrize("name", ["plotly.json", "vega.json"])
def test_a_figure_is_drawn_when_its_preview_is_opened(
    open_page: Callable[..., Page], figures: Site, name: str, way: str
) -> None:
    page = open_run(open_page, figures, way)
    open_preview(page, name)
    figure = page.locator("#artifacts details[open] .figure")
    expect(figure).to_have_attribute("data-drawn", "1")
    assert figure.locator("canvas").evaluate(DRAWN)
    page.click("#artifacts details[open] .card-menu")
    page.click("[role=menuitem]:text-is('Show as a table')")
    assert page.locator(".table-dialog tbody tr").count() > 0
    page.click(".table-dialog button")
    page.click("#theme")
    expect(figure).to_have_attribute("data-drawn", "2")
    expect(figure.locator("canvas")).to_have_count(1)


def test_a_figure_that_cannot_be_drawn_says_so_and_is_there_as_text(
    open_page: Callable[..., Page], figures: Site
) -> None:
    page = open_run(open_page, figures)
    open_preview(page, "broken.json")
    expect(page.locator("#artifacts details[open] .figure")).to_contain_text("cannot be drawn")
    page.click("text=As JSON")
    expect(page.locator("#artifacts pre:visible")).to_contain_text("spiral")


@pytest.mark.parametrize("way", ["file", "http"])
def test_a_logged_page_is_shown_and_runs_nothing_framed_or_by_itself(
    browser: Browser, figures: Site, way: str
) -> None:
    page = browser.new_page()  # what Chromium says of the scripts it stops is none of our pages' doing
    page.goto(f"{figures.urls[way]}runs/{figures.source.runs[0].run_id}.html")
    open_preview(page, "report.html")
    heading = page.frame_locator("iframe").locator("h1")
    expect(heading).to_have_text("Report")
    expect(heading).to_have_css("color", "rgb(1, 2, 3)")
    address = page.locator("iframe").evaluate("frame => frame.src")
    page.goto(address)
    page.wait_for_load_state("load")
    expect(page.locator("h1")).to_have_text("Report")
    page.close()
