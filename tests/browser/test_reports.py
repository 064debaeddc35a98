"""Reports and views in a browser: charts are drawn, and without scripts there are pictures and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site


@pytest.mark.parametrize("way", ["file", "http"])
def test_a_report_is_found_and_its_charts_are_drawn(
    open_page: Callable[..., Page], rich_site: Site, way: str
) -> None:
    page = open_page(rich_site.urls[way] + "index.html")
    page.click("nav a:text-is('Reports')")
    page.click("a:text-is('Everything')")
    expect(page.locator(".kind-curves .plot canvas")).to_have_count(2)
    expect(page.locator(".kind-bar .vega-box canvas")).to_have_count(1)
    expect(page.locator(".block-error")).to_contain_text("did you mean 'filter'?")
    # A run has the same sign in the chart and in the table below it.
    marks = page.locator(".kind-curves tbody .swatch").all_inner_texts()
    assert marks == list("ABCDEFGHIJKL")
    page.click("article a:text-is('link')")
    expect(page.locator("h1")).to_have_text("Sizes")
    assert page.locator("article img").evaluate("image => image.naturalWidth") == 64


def test_a_chart_of_a_report_leads_to_its_files_and_runs(
    open_page: Callable[..., Page], rich_site: Site
) -> None:
    page = open_page(rich_site.urls["file"] + "reports/sizes.html")
    page.click(".kind-scatter .card-menu")
    page.click("[role=menuitem]:text-is('Show as a table')")
    expect(page.locator(".table-dialog tbody tr")).to_have_count(9)
    page.click(".table-dialog button")
    page.click(".kind-curves .card-menu")
    with page.expect_download() as download:
        page.click("[role=menuitem]:has-text('CSV')")
    assert download.value.suggested_filename.endswith(".csv")
    page.locator(".kind-table tbody th a").first.click()
    expect(page.locator("#metrics-title")).to_be_visible()


def test_without_scripts_there_are_pictures_and_tables(
    open_page: Callable[..., Page], rich_site: Site
) -> None:
    page = open_page(rich_site.urls["file"] + "reports/sizes.html", java_script_enabled=False)
    expect(page.locator(".kind-curves polyline")).to_have_count(8)
    expect(page.locator(".kind-curves polyline").first).to_be_visible()
    expect(page.locator(".kind-table tbody tr")).to_have_count(9)
    page.click(".kind-scatter summary")
    expect(page.locator(".kind-scatter tbody tr").first).to_be_visible()
    expect(page.locator(".vega-box")).to_be_hidden()


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_named_view_is_opened_from_any_page_and_from_its_own(
    open_page: Callable[..., Page], rich_site: Site, has_scripts: bool
) -> None:
    page = open_page(rich_site.urls["file"] + "index.html", java_script_enabled=has_scripts)
    page.click("#views summary")
    page.click("#views a:text-is('Good & quick')")
    page.wait_for_url("**/runs.html#q=metrics.val/acc*")
    if has_scripts:
        expect(page.locator("#query")).to_have_value("metrics.val/acc > 0.8")
        page.fill("#query", "")
        expect(page.locator("#count")).to_contain_text("24 of 24")
        page.click("#views summary")
        page.keyboard.press("Escape")
        expect(page.locator("#views")).not_to_have_attribute("open", "")
        page.click("#views summary")
        page.click("#views a:text-is('Good & quick')")
        expect(page.locator("#query")).to_have_value("metrics.val/acc > 0.8")
