"""Tables of comparisons and blocks of reports, each alone for another page to frame."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

TEXTS = "table => [...table.rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))"


def copy_frame(page: Page, button: str, entry: str) -> ET.Element:
    """Return the iframe that an entry of a menu puts onto the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click(button)
    page.click(f"[role=menuitem]:has-text('{entry}')")
    expect(page.locator("#message")).to_contain_text("An iframe is copied")
    return ET.fromstring(page.evaluate("navigator.clipboard.readText()"))


@pytest.mark.parametrize("table", ["metrics", "params"])
def test_a_table_of_compared_runs_stands_alone(
    open_page: Callable[..., Page], site: Site, table: str
) -> None:
    runs = [run.run_id for run in site.source.list_runs()[:3]]
    page = open_page(f"{site.urls['file']}compare.html#runs={','.join(runs)}&value=best")
    whole = page.locator({"metrics": "#final", "params": "#params"}[table])
    expect(whole.locator("tbody th").first).to_be_visible()
    if table == "params":
        different = whole.locator("tbody th").count()
        page.uncheck("#only-differences")
        assert whole.locator("tbody th").count() > different
    name = {"metrics": "the metrics", "params": "the parameters"}[table]
    frame = copy_frame(page, "#export-button", f"an iframe of {name}")
    alone = open_page(frame.get("src") or "")
    found = alone.locator("#compared table")
    expect(found.locator("tbody th").first).to_be_visible()
    assert found.evaluate(TEXTS) == whole.evaluate(TEXTS)
    expect(alone.locator("table:visible")).to_have_count(1)
    assert not alone.locator(".top").is_visible()
    expect(alone.locator("#count")).to_contain_text({"metrics": "best, Δ", "params": "differ"}[table])
    assert alone.locator("#source").get_attribute("target") == "_top"
    alone.click("#source")
    alone.wait_for_url("**/compare.html#runs=*")
    expect(alone.locator("#chips li")).to_have_count(3)


def test_a_table_alone_says_which_runs_it_does_not_have(open_page: Callable[..., Page], site: Site) -> None:
    run = site.source.list_runs()[0].run_id
    page = open_page(f"{site.urls['file']}embed.html#table=metrics&runs={run},nothing")
    expect(page.locator("#count")).to_contain_text("1 run not in this site")
    expect(page.locator("#final thead th")).to_have_count(2)


@pytest.mark.parametrize("way", ["file", "http"])
def test_a_block_of_a_report_stands_alone(open_page: Callable[..., Page], rich_site: Site, way: str) -> None:
    page = open_page(rich_site.urls[way] + "reports/sizes.html")
    whole = page.locator(".kind-table")
    frame = copy_frame(page, "#frame-button", f"{whole.get_attribute('aria-label')}: 9 rows")
    assert int(frame.get("height") or 0) > whole.evaluate("block => block.offsetHeight")
    alone = open_page(frame.get("src") or "")
    expect(alone.locator("article .block:visible")).to_have_count(1)
    assert alone.locator(".kind-table table").evaluate(TEXTS) == whole.locator("table").evaluate(TEXTS)
    assert not alone.locator(".top, .report-meta, article > p").locator("visible=true").count()
    expect(alone.locator("h1")).to_have_class("hidden")
    links = alone.locator("article a").evaluate_all(
        "links => links.filter((link) => link.checkVisibility()).map((link) => link.target)"
    )
    assert set(links) == {"_top"}
    alone.click("article .foot a:visible")
    expect(alone.locator("h1")).to_have_text("Sizes")
    blocks = page.locator("article .block:visible").count()
    expect(alone.locator("article .block:visible")).to_have_count(blocks)


def test_a_chart_of_a_report_is_drawn_where_it_stands_alone(
    open_page: Callable[..., Page], rich_site: Site
) -> None:
    page = open_page(rich_site.urls["file"] + "reports/sizes.html")
    number = page.locator(".kind-curves").get_attribute("data-block")
    alone = open_page(f"{rich_site.urls['file']}reports/sizes.html#alone={number}")
    expect(alone.locator(".kind-curves .plot canvas").first).to_be_visible()
    # What leads nowhere shows the report.
    lost = open_page(f"{rich_site.urls['file']}reports/sizes.html#alone=99")
    expect(lost.locator("h1")).to_be_visible()


def test_the_history_and_a_chart_over_runs_stand_alone(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "history.html#metric=val/loss&by=commit")
    page.wait_for_selector("#history-chart canvas")
    frame = copy_frame(page, "#history-menu", "Copy an iframe")
    assert frame.get("title") == "History of val/loss"
    alone = open_page(frame.get("src") or "")
    expect(alone.locator("#history-chart canvas")).to_be_visible()
    expect(alone.locator("main .card:visible")).to_have_count(1)
    expect(alone.locator("#history-hint")).to_contain_text("commits")
    assert not alone.locator(".top, #records-title, #metric").locator("visible=true").count()
    alone.click("footer.alone-card a")
    alone.wait_for_url("**/history.html#metric=val/loss&by=commit")
    expect(alone.locator("#records-title")).to_be_visible()
    page.goto(site.urls["file"] + "charts.html")
    card = page.locator("#spaces .kind-box")
    card.scroll_into_view_if_needed()
    expect(card.locator("canvas")).to_be_visible()
    title = card.locator("h2").inner_text()
    frame = copy_frame(page, "#spaces .kind-box .card-menu", "Copy an iframe")
    assert frame.get("title") == title
    alone = open_page(frame.get("src") or "")
    expect(alone.locator(".kind-box canvas")).to_be_visible()
    expect(alone.locator("#spaces canvas")).to_have_count(1)
    expect(alone.locator("main .card:visible")).to_have_count(1)
    # What is chosen there is written beside what says that it is alone.
    alone.locator(".kind-box select").first.select_option(index=1)
    expect(alone).to_have_url(re.compile(r"charts=.*&alone=over-"))
    # Its menu is there too.
    alone.click(".kind-box .card-menu")
    expect(alone.locator("[role=menuitem]:text-is('Save as CSV')")).to_be_visible()
