"""Every page on paper: black on white, without what can be pressed, nothing cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

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
