"""The whole site as one file, opened from a disk as a mail's attachment is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.site.options import SiteOptions
from gittrack.site.single import build_single
from tests.browser.test_accessibility import check
from tests.browser.test_pages import DRAWN, ROWS
from tests.site.sources import MemorySource, add_reports, make_odd_source, make_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def source() -> MemorySource:
    return add_reports(make_source(24, points=40, files=3), make_source(9, points=40, files=0))


@pytest.fixture(scope="module")
def file(source: MemorySource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("mail") / "our runs.html"
    build_single(source, file)
    return file


def test_all_pages_work_in_one_file(open_page: Callable[..., Page], file: Path, source: MemorySource) -> None:
    page = open_page(file.as_uri())
    expect(page.locator(".stat").first).to_contain_text("24")
    page.click(".top nav >> text=Runs")
    page.fill("#query", "params.model = 'vit-b'")
    fitting = [run for run in source.runs if run.params["model"] == "vit-b"]
    expect(page.locator("#count")).to_contain_text(f"{len(fitting)} of 24 runs")
    page.click("#runs th[data-column='m:val/acc'] .sort >> nth=1")
    best = max(fitting, key=lambda run: run.metrics["val/acc"].last)
    expect(page.locator(f"{ROWS} .name-cell a").first).to_have_text(best.name)
    # The state is in the address, and lives through loading the file again.
    page.reload()
    expect(page.locator("#count")).to_contain_text(f"{len(fitting)} of 24 runs")
    expect(page.locator(f"{ROWS} .name-cell a").first).to_have_text(best.name)
    for row in (0, 1):
        page.locator(ROWS).nth(row).locator("td").nth(3).click()
    page.click("#compare")
    expect(page.locator("h1")).to_have_text("Compare 2 runs")
    page.wait_for_selector("#curves canvas")
    assert page.locator("#curves canvas").first.element_handle().evaluate(DRAWN)
    page.wait_for_selector(".kind-parallel canvas")
    page.go_back()
    expect(page.locator("#count")).to_contain_text(f"{len(fitting)} of 24 runs")
    page.click(f"{ROWS} .name-cell a >> nth=0")
    expect(page.locator("h1")).to_have_text(best.name)
    page.click(".tabs >> text=Artifacts")
    assert page.url.endswith(f"#/runs/{best.run_id}.html")
    page.keyboard.press("g")
    page.keyboard.press("y")
    page.wait_for_selector("#history-chart canvas")
    page.click(".top nav >> text=Reports")
    page.click(".report-list a >> nth=0")
    page.wait_for_selector(".report .plot canvas")


def test_pictures_and_links_to_places_are_in_the_file(
    open_page: Callable[..., Page], file: Path, source: MemorySource
) -> None:
    run = source.list_runs()[0]
    page = open_page(f"{file.as_uri()}#/runs/{run.run_id}.html")
    page.click("text=plots/confusion_matrix.png")
    decoded = "image => image.decode().then(() => image.naturalWidth)"
    assert page.locator("#artifacts img").first.evaluate(decoded) == 64
    charts = open_page(f"{file.as_uri()}#/charts.html?metrics=acc&x=relative")
    charts.wait_for_selector("#sections canvas")
    assert charts.locator("#picture-grid img").first.evaluate(decoded) == 64
    assert charts.locator("#x-axis").input_value() == "relative"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "drawn"), [("index", ".stat"), ("runs", f"{ROWS} .name-cell"), ("charts", ".kind-box canvas")]
)
def test_axe_finds_nothing_in_the_one_file(
    open_page: Callable[..., Page], file: Path, name: str, drawn: str, scheme: str
) -> None:
    page = open_page(f"{file.as_uri()}#/{name}.html", color_scheme=scheme)
    page.wait_for_selector(drawn)
    assert check(page) == []


def test_without_scripts_the_file_has_tables_and_curves(
    open_page: Callable[..., Page], file: Path, source: MemorySource
) -> None:
    page = open_page(file.as_uri(), java_script_enabled=False)
    assert page.locator("#all-title").is_visible()
    assert page.locator(".single-run .picture").count() > 24
    assert page.locator("table.static tbody tr").count() == len(source.runs)
    assert page.locator(".single-run img").first.is_visible()


def test_runs_for_which_there_is_no_room_are_listed_and_odd_names_do_no_harm(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    source = make_odd_source()
    file = tmp_path / "odd.html"
    report = build_single(source, file, options=SiteOptions(max_bytes=1))
    assert report.listed == len(source.runs)
    whole = build_single(source, file)
    assert whole.listed == 0
    some = build_single(source, file, options=SiteOptions(max_bytes=(whole.bytes + report.bytes) // 2))
    assert 0 < some.listed < len(source.runs)
    assert some.bytes <= (whole.bytes + report.bytes) // 2 + 40_000  # one run more than fits
    build_single(source, file, options=SiteOptions(max_bytes=1))
    page = open_page(f"{file.as_uri()}#/runs.html")
    expect(page.locator("#count")).to_contain_text(f"of {len(source.runs)} runs")
    page.click(f"{ROWS} .name-cell a >> nth=0")
    expect(page.locator("main")).to_have_text("This run is only listed in this file. Overview")
    page.click("main a")
    expect(page.locator(".stat").first).to_be_visible()
