"""Every page, in both themes, by axe-core's rules; and a journey without a mouse."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

AXE = Path(__file__).parent / "axe"
RUN_AXE = "async () => (await axe.run(document, {resultTypes: ['violations'], preload: false})).violations"
PAGES = {
    "overview": "index.html",
    "runs": "runs.html",
    "groups": "runs.html#group=p:model&selected={run}",
    "charts": "charts.html",
    "compare": "compare.html",
    "history": "history.html",
    "about": "about.html",
    "embed": "embed.html#chart=val/acc&runs={run}",
    "embedded table": "embed.html#table=runs&columns=p:lr,m:val/acc",
    "embedded metrics": "embed.html#table=metrics&runs={run}",
    "embedded params": "embed.html#table=params&runs={run}&all=1",
    "embedded history": "history.html#alone=history",
    "run": "runs/{run}.html",
    "404": "404.html",
}
RICH_PAGES = [
    "models.html",
    "data.html",
    "reports.html",
    "reports/everything.html",
    "reports/sizes.html",
    "reports/other.html#alone=0",
]
PANELS = {
    "sheet": lambda page: page.keyboard.press("?"),
    "palette": lambda page: page.keyboard.press("p"),
    "columns": lambda page: page.click("#columns-button"),
    "groups": lambda page: page.click("#group-button"),
    "menu": lambda page: page.click("#more-button"),
    "views": lambda page: page.click("#views summary"),
    "offers": lambda page: page.locator("#query").press_sequentially("params.m"),
    "error": lambda page: page.fill("#query", "lr >"),
}


def check(page: Page) -> list[str]:
    """Return what axe-core finds wrong, one line each."""
    # Evaluated, not added as an element: the page's policy allows no script of others.
    page.evaluate((AXE / "axe.min.js").read_text("utf-8"))
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in page.evaluate(RUN_AXE)
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_axe_finds_nothing_on_any_page(
    open_page: Callable[..., Page], site: Site, name: str, scheme: str
) -> None:
    run = site.source.list_runs()[5].run_id
    page = open_page(site.urls["file"] + PAGES[name].format(run=run), color_scheme=scheme)
    page.wait_for_timeout(1500 if name in {"charts", "compare", "history", "embedded history"} else 500)
    assert check(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(PANELS))
def test_axe_finds_nothing_in_menus_and_dialogs(
    open_page: Callable[..., Page], rich_site: Site, name: str, scheme: str
) -> None:
    page = open_page(rich_site.urls["file"] + "runs.html", color_scheme=scheme)
    page.wait_for_selector("#runs .name-cell a")
    PANELS[name](page)
    page.wait_for_timeout(300)
    assert check(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", RICH_PAGES)
def test_axe_finds_nothing_on_pages_about_models_data_and_reports(
    open_page: Callable[..., Page], rich_site: Site, name: str, scheme: str
) -> None:
    page = open_page(rich_site.urls["file"] + name, color_scheme=scheme)
    wait_for_charts(page)
    assert check(page) == []


@pytest.mark.parametrize("name", [*sorted(PAGES), *RICH_PAGES])
def test_axe_finds_nothing_on_a_telephone(open_page: Callable[..., Page], rich_site: Site, name: str) -> None:
    run = rich_site.source.list_runs()[5].run_id
    address = rich_site.urls["file"] + PAGES.get(name, name).format(run=run)
    page = open_page(address, viewport={"width": 390, "height": 844})
    page.wait_for_timeout(1500 if name in {"charts", "compare", "history", "embedded history"} else 500)
    wait_for_charts(page)
    assert check(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def wait_for_charts(page: Page) -> None:
    """Wait until a report, if this is one, has drawn its charts."""
    if "/reports/" in page.url and "alone" not in page.url:
        expect(page.locator(".vega-box canvas")).to_have_count(1)  # the last one


def test_the_vendored_checker_is_what_the_lock_says() -> None:
    lock = json.loads((AXE / "axe.lock.json").read_bytes())
    for name, integrity in lock["files"].items():
        digest = base64.b64encode(hashlib.sha512((AXE / name).read_bytes()).digest()).decode()
        assert integrity == f"sha512-{digest}"
    assert lock["version"] in (AXE / "axe.min.js").read_text("utf-8")[:400]


def test_keys_alone_lead_from_the_overview_to_a_comparison_to_share(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page(site.urls["file"] + "index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/runs.html*")
    page.wait_for_selector("#runs .name-cell a")
    page.keyboard.press("/")
    page.keyboard.type("metrics.val/acc > 0.7 ")
    expect(page.locator("#count")).not_to_contain_text("60 of 60")
    # Out of the bar, over its buttons, into the table.
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "scroller":
            break
    assert page.evaluate("document.activeElement.id") == "scroller"
    page.keyboard.press("ArrowDown")
    for key in (" ", "ArrowDown", " ", "ArrowDown", " "):
        page.keyboard.press(key)
    expect(page.locator("#compare")).to_have_text("Compare 3 runs")
    page.keyboard.press("c")
    page.wait_for_selector("#final tbody td")
    assert page.url.count(",") == 2
    shared = open_page(page.url)
    expect(shared.locator("#chips li")).to_have_count(3)
