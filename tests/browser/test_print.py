"""Every page on paper: black on white, without what can be pressed, nothing cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest
from playwright.sync_api import expect

from gittrack.site.newest import MAX_ROWS
from tests.site.sources import make_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site
    from tests.site.sources import MemorySource

PRINTED = 1000
MANY = 1_300
PAPER = {"width": 794, "height": 1123}
PAGES = {
    "index.html": ".stat",
    "runs.html#columns=a:start,p:lr,p:model,p:optimizer.name,m:val/acc,m:val/loss": "#runs tbody .name-cell",
    "charts.html": "#sections canvas",
    "compare.html": "#curves canvas",
    "history.html": "#history-chart canvas",
    "runs/{run}.html": ".plot canvas",
    "reports/everything.html": ".plot canvas",
    "models.html": "main",
}
PRESSED = ".top nav, main button, main select, main input, .card-menu, .tabs, .site-foot"
CUT = """() => [...document.querySelectorAll("main *")].filter((node) => {
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  if (box.width <= 1 || node.closest("svg")) return false;
  const scrolls = (style.overflowX === "auto" || style.overflowY === "auto") &&
    (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 1);
  return scrolls || box.right > innerWidth + 1;
}).map((node) => `${node.tagName} ${node.id} ${node.className}`)"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_on_paper(open_page: Callable[..., Page], rich_site: Site, name: str) -> None:
    run = rich_site.source.list_runs()[5].run_id
    # The wide pages are printed across.
    size = {"width": 1123, "height": 794} if name.startswith(("runs.html", "compare.html")) else PAPER
    page = open_page(rich_site.urls["file"] + name.format(run=run), viewport=size, color_scheme="dark")
    page.wait_for_selector(PAGES[name])
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(PRESSED).locator("visible=true").count() == 0
    colours = "['backgroundColor', 'color'].map((name) => getComputedStyle(document.body)[name])"
    assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]
    assert page.evaluate(CUT) == []
    dark = page.locator("[data-scheme=dark] canvas:visible")
    if "canvas" in PAGES[name]:
        assert "invert" in dark.first.evaluate("node => getComputedStyle(node).filter")
    if name.startswith("runs.html"):
        assert page.locator("#runs tbody .name-cell").count() == len(rich_site.source.runs)
        page.evaluate("scrollTo(0, 0)")
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.fixture(scope="module")
def many(make_site: Callable[[str, MemorySource], Site]) -> Site:
    return make_site("printed", make_source(MANY, points=2, files=0))


def print_by_menu(page: Page) -> list[str]:
    """Print as the browser's own menu does; return the names of the runs on paper."""
    page.evaluate(
        """window.paper = [];
        addEventListener("beforeprint", () => {
          const names = document.querySelectorAll("#runs tbody .name-cell a");
          window.paper = [...names].map((name) => name.textContent);
        })"""
    )
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    return cast("list[str]", page.evaluate("window.paper"))


def names_of(site: Site) -> list[str]:
    return [run.name for run in site.source.list_runs()]


def count_rows(page: Page) -> int:
    return page.locator("#runs tbody .name-cell").count()


def test_the_browsers_menu_prints_all_runs_when_the_pointer_went_there(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    site = make_site("few", make_source(230, points=2, files=0))
    page = open_page(site.urls["file"] + "runs.html")
    page.wait_for_selector("#runs tbody .name-cell")
    before = count_rows(page)
    assert print_by_menu(page) == names_of(site)[:MAX_ROWS]
    expect(page.locator("#printed")).to_have_text(
        f"Rows 1 to {MAX_ROWS} of 230 are printed. Ctrl P on the page prints all."
    )
    assert not page.locator("#printed").is_visible()
    page.evaluate("document.documentElement.dispatchEvent(new MouseEvent('mouseleave'))")
    page.wait_for_function("() => gittrack.findIndex().then((index) => index.size === 230)")
    assert print_by_menu(page) == names_of(site)
    expect(page.locator("#printed")).to_be_empty()
    # As it was, on the screen.
    page.wait_for_function(
        f"() => document.querySelectorAll('#runs tbody .name-cell').length < {before + 20}"
    )


def test_paper_holds_a_thousand_rows_from_those_in_sight_on_and_says_so(
    open_page: Callable[..., Page], many: Site
) -> None:
    page = open_page(many.urls["file"] + "runs.html#nested=0")
    page.wait_for_selector("#runs tbody .name-cell")
    assert print_by_menu(page) == names_of(many)[:PRINTED]
    expect(page.locator("#printed")).to_have_text(f"Rows 1 to {PRINTED} of {MANY} are printed.")
    page.evaluate("document.getElementById('scroller').scrollTop = 36 * 200")
    expect(page.locator("#runs tbody .name-cell a").nth(10)).not_to_have_text(names_of(many)[10])
    assert print_by_menu(page) == names_of(many)[200 : 200 + PRINTED]
    page.evaluate("document.getElementById('scroller').scrollTop = 1e9")
    expect(page.locator("#runs tbody .name-cell a").last).to_have_text(names_of(many)[-1])
    assert print_by_menu(page) == names_of(many)[-PRINTED:]
    expect(page.locator("#printed")).to_have_text(
        f"Rows {MANY - PRINTED + 1} to {MANY} of {MANY} are printed."
    )
