"""What people see and do, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.site.sources import HOSTILE, MemorySource, make_run, make_series

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

ROWS = "#runs tbody tr:not(.pad-row)"
# A canvas counts as drawn when some of its pixels are not transparent.
DRAWN = """canvas => {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return data.some((value, i) => i % 4 === 3 && value > 0);
}"""
EMPTY = ".chart:visible:not(:has(canvas))"


def count(page: Page) -> int:
    return int(page.inner_text("#count").split(" ")[0])


def open_runs(
    open_page: Callable[..., Page], site: Site, way: str = "file", hash_: str = "", **options: object
) -> Page:
    page = open_page(site.urls[way] + "runs.html" + hash_, **options)
    page.wait_for_selector(f"{ROWS} .name-cell")
    return page


def search(page: Page, text: str) -> int:
    page.fill("#query", text)
    page.wait_for_timeout(200)
    return count(page)


@pytest.mark.parametrize("way", ["file", "http"])
def test_all_runs_are_listed_newest_first(open_page: Callable[..., Page], site: Site, way: str) -> None:
    page = open_runs(open_page, site, way)
    assert count(page) == 60
    names = page.locator(f"{ROWS} .name-cell a").all_inner_texts()
    assert names[:3] == [run.name for run in site.source.list_runs()[:3]]
    assert page.locator(f"{ROWS} .spark polyline").count() >= 10


@pytest.mark.parametrize("way", ["file", "http"])
def test_selected_runs_are_compared_with_curves_differences_and_charts(
    open_page: Callable[..., Page], site: Site, way: str
) -> None:
    page = open_runs(open_page, site, way)
    for row in (0, 2, 4):
        page.locator(ROWS).nth(row).locator("td").nth(3).click()
    assert page.inner_text("#compare") == "Compare 3 runs"
    page.click("#compare")
    page.wait_for_selector("#params tbody tr")
    assert page.inner_text("h1") == "Compare 3 runs"
    expect(page.locator(EMPTY)).to_have_count(0)
    assert page.locator("#curves .chart").count() == 15
    canvases = page.locator("#curves canvas").element_handles()
    assert len(canvases) == 15
    assert all(canvas.evaluate(DRAWN) for canvas in canvases)
    assert page.locator("#params td.differs").count() > 10
    assert page.locator("#final td.best").count() > 5
    page.wait_for_selector(".kind-parallel canvas")
    page.wait_for_selector(".kind-scatter canvas")
    for box in (".kind-parallel", ".kind-scatter"):
        assert page.locator(f"{box} canvas").element_handle().evaluate(DRAWN)


@pytest.mark.parametrize("way", ["file", "http"])
def test_a_run_page_draws_its_curves(open_page: Callable[..., Page], site: Site, way: str) -> None:
    run = site.source.list_runs()[5]
    page = open_page(f"{site.urls[way]}runs/{run.run_id}.html")
    page.wait_for_selector(".plot canvas")
    expect(page.locator(EMPTY)).to_have_count(0)
    assert page.inner_text("h1") == run.name
    assert page.inner_text(".badge") == "Failed"
    assert "CUDA out of memory" in page.inner_text(".notice")
    assert "lr" in page.inner_text("#params")
    assert "b3:" in page.inner_text("#artifacts")
    page.click("text=predictions/test.csv")
    assert page.locator("#artifacts td").first.is_visible()
    page.click("text=plots/confusion_matrix.png")
    assert (
        page.locator("#artifacts img").evaluate("image => image.decode().then(() => image.naturalWidth)")
        == 64
    )


def test_the_best_metric_decides_by_its_direction(open_page: Callable[..., Page], site: Site) -> None:
    runs = site.source.list_runs()[:3]
    page = open_page(site.urls["file"] + "compare.html#runs=" + ",".join(run.run_id for run in runs))
    page.wait_for_selector("#final td.best")
    for key, choose in (("val/loss", min), ("val/acc", max)):
        row = page.locator("#final tbody tr", has=page.locator(f"th:text-is('{key}')"))
        best = row.locator("td.best").get_attribute("title")
        assert best is not None
        assert float(best) == choose(run.metrics[key].last for run in runs)


@pytest.mark.parametrize(
    ("query", "keep"),
    [
        ("metrics.val/acc > 0.8", lambda run: run.metrics["val/acc"].last > 0.8),
        (
            "params.optimizer.name IN ('adamw', 'lion')",
            lambda run: run.params["optimizer"]["name"] in {"adamw", "lion"},
        ),
        (
            "params.model LIKE 'vit%' AND NOT params.seed = 3",
            lambda run: run.params["model"][:3] == "vit" and run.params["seed"] != 3,
        ),
        ("status = 'failed' or status = KILLED", lambda run: run.status.value in {"FAILED", "KILLED"}),
        ("params.batch_size BETWEEN 32 AND 128", lambda run: 32 <= run.params["batch_size"] <= 128),
        (
            "(params.ema = 'True' OR params.depth >= 20) user != ada",
            lambda run: (run.params["ema"] or run.params["depth"] >= 20) and run.user != "ada",
        ),
        ("metrics.`val/f1` < 0.7 AND tags.team ILIKE 'VIS%'", lambda run: run.metrics["val/f1"].last < 0.7),
        ("params.nothing IS NULL", lambda _run: True),
        ("params.model NOT IN ('vit-b')", lambda run: run.params["model"] != "vit-b"),
        ("happy 'vole'", lambda run: "happy" in run.name and "vole" in run.name),
        ("experiment = 'Default'", lambda run: run.experiment_id == "0"),
        ("metrics.gpu_util IS NOT NULL and metrics.nope > 1", lambda _run: False),
    ],
)
def test_the_search_language_finds_what_it_says(
    open_page: Callable[..., Page], site: Site, query: str, keep: Callable[[object], bool]
) -> None:
    page = open_runs(open_page, site)
    assert search(page, query) == sum(map(keep, site.source.runs))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("metrics.loss >", "expected a value, at character 15"),
        ("(status = 'a'", "expected a closing parenthesis, at character 14"),
        ("lr > 1", "no attribute lr: write metrics.lr, params.lr or tags.lr, at character 1"),
        ("params.a = 'x", "the quote ' is never closed, at character 12"),
    ],
)
def test_a_query_that_cannot_be_read_says_where(
    open_page: Callable[..., Page], site: Site, query: str, message: str
) -> None:
    page = open_runs(open_page, site)
    page.fill("#query", query)
    page.wait_for_selector("#query-error:not([hidden])")
    assert message in page.inner_text("#query-error")


def test_a_header_sorts_and_the_address_remembers_everything(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_runs(open_page, site)
    search(page, "metrics.val/acc > 0.6")
    page.click("#runs th:has-text('val/loss') button")
    page.locator(ROWS).first.locator("td").nth(3).click()
    page.select_option("#experiment", label="cifar-sweep")
    losses = [float(text) for text in page.locator(f"{ROWS} td:nth-child(6)").all_inner_texts()]
    assert losses == sorted(losses)
    first = page.locator(f"{ROWS} .name-cell").first.inner_text()
    again = open_runs(open_page, site, hash_=page.url[page.url.index("#") :])
    assert again.input_value("#query") == "metrics.val/acc > 0.6"
    assert count(again) == count(page)
    assert again.locator(f"{ROWS} .name-cell").first.inner_text() == first
    assert again.inner_text("#compare").startswith("Compare 1 run")


def test_columns_are_chosen_in_the_picker(open_page: Callable[..., Page], site: Site) -> None:
    page = open_runs(open_page, site)
    page.click("#columns-button")
    page.fill("#column-search", "gpu_u")
    page.click("#column-list label")
    page.wait_for_selector("#runs th[title='gpu_util']")
    page.keyboard.press("Escape")
    assert page.locator("#columns").is_hidden()
    assert "gpu_util" in page.url
    assert page.evaluate("document.activeElement.id") == "columns-button"


def test_the_keyboard_is_enough(open_page: Callable[..., Page], site: Site) -> None:
    page = open_runs(open_page, site)
    page.keyboard.press("/")
    page.keyboard.type("status = finished")
    page.wait_for_timeout(200)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("#scroller").focus()
    for key in "jxjjx":
        page.keyboard.press(key)
    assert page.inner_text("#compare") == "Compare 2 runs"
    page.keyboard.press("?")
    assert page.locator("#sheet").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.wait_for_selector("#chips li")
    assert page.locator("#chips li").count() == 2


def test_runs_are_put_aside_on_their_page_and_compared(open_page: Callable[..., Page], site: Site) -> None:
    first, second = site.source.list_runs()[:2]
    page = open_page(f"{site.urls['file']}runs/{first.run_id}.html")
    page.click("#add")
    page.goto(f"{site.urls['file']}runs/{second.run_id}.html")
    page.click("#add")
    page.click("#open-compare")
    page.wait_for_selector("#chips li")
    assert page.locator("#chips li a").all_inner_texts() == [first.name, second.name]
    page.click("#chips li:first-child button")
    expect(page.locator("#chips li")).to_have_count(1)


def test_comparing_without_choosing_shows_the_best_runs(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "compare.html")
    page.wait_for_selector("#chips li")
    best = sorted(site.source.runs, key=lambda run: -run.metrics["val/acc"].last)[:5]
    assert page.locator("#chips li a").all_inner_texts() == [run.name for run in best]


def test_smoothing_log_scale_and_the_metric_filter_redraw(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "compare.html")
    page.wait_for_selector("#curves canvas")
    before = page.locator("#curves canvas").first.screenshot()
    page.locator("#smoothing").fill("0.9")
    page.wait_for_timeout(300)
    smoothed = page.locator("#curves canvas").first.screenshot()
    page.click("[data-scale=log]")
    page.wait_for_timeout(300)
    assert len({before, smoothed, page.locator("#curves canvas").first.screenshot()}) == 3
    page.fill("#metric-filter", "brier")
    expect(page.locator("#curves .chart")).to_have_count(1)
    page.wait_for_selector("#curves canvas")


def test_the_theme_goes_round_and_is_remembered_without_a_flash(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_runs(open_page, site, color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(246, 247, 249)"
    page.click("#theme")
    page.click("#theme")
    assert page.evaluate(background) == "rgb(14, 18, 22)"
    page.reload(wait_until="commit")
    page.wait_for_selector("h1")
    assert page.evaluate(background) == "rgb(14, 18, 22)"
    dark = open_runs(open_page, site, color_scheme="dark")
    assert dark.evaluate(background) == "rgb(14, 18, 22)"


@pytest.mark.parametrize("page_name", ["index.html", "runs.html", "compare.html", "about.html", "run"])
@pytest.mark.parametrize("kind", ["plain", "odd"])
def test_a_telephone_scrolls_in_one_direction_only(
    open_page: Callable[..., Page], site: Site, odd_site: Site, page_name: str, kind: str
) -> None:
    chosen = site if kind == "plain" else odd_site
    hostile = chosen.source.list_runs()[6]
    path = f"runs/{hostile.run_id}.html" if page_name == "run" else page_name
    page = open_page(chosen.urls["file"] + path, viewport={"width": 390, "height": 844})
    page.wait_for_timeout(2500 if page_name == "compare.html" else 600)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_without_scripts_there_are_tables_and_pictures(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "index.html", java_script_enabled=False)
    assert page.locator("table.static tbody tr").count() == 60
    assert page.locator("#query").is_hidden()
    page.click("table.static tbody a >> nth=0")
    assert page.inner_text("h1") == site.source.list_runs()[0].name
    assert page.locator(".picture polyline").first.is_visible()
    assert page.locator("#add").is_hidden()
    page.goto(site.urls["file"] + "compare.html")
    assert "Comparing needs scripts" in page.inner_text("main")


@pytest.mark.parametrize("way", ["file", "http"])
def test_odd_data_break_no_page(open_page: Callable[..., Page], odd_site: Site, way: str) -> None:
    page = open_runs(open_page, odd_site, way)
    assert count(page) == 9
    assert HOSTILE.replace("\u2028", " ")[:10] in page.inner_text("#runs")
    hrefs = page.locator(".name-cell a").evaluate_all("links => links.map(link => link.href)")
    for href in hrefs:
        page.goto(href)
        page.wait_for_timeout(150)
        assert page.locator("h1").count() == 1
    ids = ",".join(run.run_id for run in odd_site.source.runs if re.fullmatch(r"[0-9a-f]{32}", run.run_id))
    page.goto(f"{odd_site.urls[way]}compare.html#runs={ids}")
    page.reload()
    page.wait_for_selector("#curves canvas")
    page.wait_for_timeout(2000)
    assert page.locator("#chips li").count() == 8


def test_an_id_that_is_no_file_name_can_be_opened_and_compared(
    open_page: Callable[..., Page], odd_site: Site
) -> None:
    page = open_runs(open_page, odd_site, hash_="#q=run_id LIKE '..%25'")
    assert count(page) == 1
    page.locator(ROWS).first.locator("td").nth(3).click()
    page.click("#compare")
    page.wait_for_selector("#chips li")
    assert page.locator("#chips li").count() == 1


def test_runs_that_are_not_there_are_said_to_be_missing(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "compare.html#runs=nobody," + site.source.runs[0].run_id)
    page.wait_for_selector("#chips li")
    assert "1 of the runs asked for is not in this site" in page.inner_text("#compare-hint")


def test_dragging_along_an_axis_keeps_the_runs_that_lie_there(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page(site.urls["file"] + "compare.html")
    page.wait_for_selector(".kind-parallel canvas")
    expect(page.locator(".kind-parallel .hint >> nth=0")).to_have_text(
        "60 runs · drag along an axis to filter"
    )
    page.locator(".kind-parallel .vega-box").scroll_into_view_if_needed()
    box = page.locator(".kind-parallel canvas").bounding_box()
    assert box is not None
    # The first axis is the learning rate; its upper half holds some of the runs.
    x = box["x"] + 56
    page.mouse.move(x, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(x, box["y"] + 170, steps=4)
    page.mouse.up()
    expect(page.locator(".kind-parallel .hint >> nth=0")).to_have_text(re.compile(r"^[1-5]?\d of 60 runs$"))
    page.mouse.click(x, box["y"] + 100)
    expect(page.locator(".kind-parallel .hint >> nth=0")).to_have_text(
        "60 runs · drag along an axis to filter"
    )


def test_a_thousand_metrics_are_drawn_as_they_are_reached(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    for number in (0, 1):
        keys = [f"group{i % 5}/metric{i}" for i in range(1000)]
        source.add(make_run(number), {key: make_series([1.0, float(i)]) for i, key in enumerate(keys)})
    wide = make_site("wide", source)
    page = open_runs(open_page, wide)
    page.fill("#query", "metrics.`group3/metric998` > 900")
    expect(page.locator("#count")).to_contain_text("2 of 2 runs")
    page.goto(wide.urls["file"] + "compare.html")
    page.wait_for_selector("#curves canvas")
    charts = page.locator("#curves .chart")
    for reached in (59, 119):  # the end of what is there: whoever comes there has more
        expect(charts.nth(reached)).to_be_attached()
        charts.nth(reached).scroll_into_view_if_needed()
        expect(charts.nth(reached).locator("canvas")).to_have_count(1)
    expect(charts.nth(120)).to_be_attached()
    page.goto(f"{wide.urls['file']}runs/{source.runs[0].run_id}.html")
    page.wait_for_selector(".plot canvas")


def test_a_pointer_over_a_chart_reads_its_values(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "compare.html")
    page.wait_for_selector("#curves canvas")
    page.hover("#curves .u-over >> nth=0", position={"x": 100, "y": 60})
    expect(page.locator(".tip")).to_have_count(1)
    assert page.inner_text(".tip").startswith("step ")
    assert page.locator(".tip div").count() == 5


def test_a_log_axis_takes_any_range(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    ranges = [
        (1e-300, 1e300),
        (0.0036, 0.97),
        (5e-324, 1e-320),
        (1.0, 1.0),
        (0.999, 1.001),
        (-1.0, 0.0),
        (7e9, 8e9),
    ]
    source.add(make_run(0), {f"range{i}": make_series(list(pair)) for i, pair in enumerate(ranges)})
    odd = make_site("ranges", source)
    page = open_page(odd.urls["file"] + "compare.html")
    page.wait_for_selector("#curves canvas")
    page.click("[data-scale=log]")
    expect(page.locator("#curves .chart:has(canvas)")).to_have_count(len(ranges) - 1)
    expect(page.locator("#curves .plot .note")).to_have_text("no positive values")
    page.locator("#smoothing").fill("0.5")
    page.wait_for_timeout(300)
