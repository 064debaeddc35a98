"""The charts and history pages, and what every chart of curves can do."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import pytest
from playwright.sync_api import expect

from gittrack.core.model import Experiment
from gittrack.core.series import Series
from tests.browser.test_pages import DRAWN, EMPTY
from tests.site.sources import NEWEST, MemorySource, make_png, make_run, make_series

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

CARD = ".chart[data-key='val/acc']"
DATA = """async (key) => {
  const names = [...document.querySelectorAll('.chart')].map((card) => card.dataset.key);
  return names.includes(key);
}"""


@pytest.fixture(scope="module")
def long_site(make_site: Callable[[str, MemorySource], Site]) -> Site:
    """Return a site of runs with long curves, an epoch metric, and three seeds of one setting."""
    source = MemorySource()
    for number in range(3):
        chance = random.Random(number)
        count = 5_000
        values = [math.sin(i / 400) + chance.gauss(0, 0.01) for i in range(count)]
        values[2_500] = 1e6
        times = [NEWEST + 100 * i for i in range(count)]
        source.add(
            make_run(number, experiment_id="0", params={"lr": 0.1, "seed": number}),
            {
                "val/acc": Series(list(range(count)), times, values),
                "epoch": Series(
                    list(range(0, count, 100)), times[::100], [i / 100 for i in range(0, count, 100)]
                ),
            },
        )
    return make_site("long", source)


@pytest.fixture(scope="module")
def defined_site(make_site: Callable[[str, MemorySource], Site]) -> Site:
    """Return a site whose experiment defines that val/acc is drawn over epochs."""
    tags = {"gittrack.xAxis.val/acc": "epoch"}
    source = MemorySource(experiments=[Experiment("0", "Default", tags=tags)])
    epochs = [float(i // 10) for i in range(100)]
    for number in range(2):
        source.add(
            make_run(number, experiment_id="0"),
            {"val/acc": make_series(epochs), "loss": make_series(epochs), "epoch": make_series(epochs)},
        )
    return make_site("defined", source)


def open_charts(open_page: Callable[..., Page], site: Site, hash_: str = "") -> Page:
    page = open_page(site.urls["file"] + "charts.html" + hash_)
    page.wait_for_selector(f"{CARD} canvas")
    return page


def choose(page: Page, item: str, card: str = CARD) -> None:
    page.click(f"{card} .card-menu")
    page.click(f"[role^=menuitem]:text-is('{item}')")


def drag(page: Page, card: str) -> None:
    """Mark a part of a chart with the mouse."""
    box = page.locator(f"{card} .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    page.mouse.up()


def save(page: Page, item: str, card: str = CARD) -> str:
    with page.expect_download() as waiting:
        choose(page, item, card)
    path: Path = waiting.value.path()
    return path.read_text("utf-8")


def test_the_newest_runs_are_drawn_in_sections_by_prefix(open_page: Callable[..., Page], site: Site) -> None:
    page = open_charts(open_page, site)
    assert page.locator("#sections summary b").all_inner_texts() == [
        "train",
        "val",
        "test",
        "Other",
        "System",
    ]
    assert page.locator("#chips .chip a").all_inner_texts() == [
        run.name for run in site.source.list_runs()[:10]
    ]
    expect(page.locator(EMPTY)).to_have_count(0)
    assert all(canvas.evaluate(DRAWN) for canvas in page.locator("#sections canvas").element_handles())
    page.fill("#metric-filter", "^val/(acc|loss)$")
    expect(page.locator("#sections .chart")).to_have_count(2)


def test_a_query_the_order_and_a_pin_are_kept_in_the_address(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_charts(open_page, site)
    page.fill("#query", "params.model = 'vit-b'")
    page.select_option("#order", "best")
    page.select_option("#count", "5")
    fitting = [run for run in site.source.runs if run.params["model"] == "vit-b"]
    best = sorted(fitting, key=lambda run: -run.metrics["val/acc"].last)[:5]
    expect(page.locator("#chips .chip a")).to_have_text([run.name for run in best])
    choose(page, "Pin to the top")
    expect(page.locator("#sections summary b").first).to_have_text("Pinned")
    again = open_charts(open_page, site, page.url[page.url.index("#") :])
    expect(again.locator("#chips .chip a")).to_have_text([run.name for run in best])
    assert again.locator("#sections summary b").first.inner_text() == "Pinned"


def test_seeds_become_one_line_with_a_band(open_page: Callable[..., Page], long_site: Site) -> None:
    page = open_charts(open_page, long_site)
    assert page.locator("#chips .chip").count() == 3
    page.check("#grouped")
    expect(page.locator("#chips .chip")).to_have_count(1)
    page.select_option("#band", "range")
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV"))))
    assert set(rows[0]) == {"run", "step", "val/acc", "low", "high"}
    first = [long_site.source.series[run.run_id]["val/acc"].values[0] for run in long_site.source.runs]
    assert float(rows[0]["low"]) == pytest.approx(min(first), rel=1e-5)
    assert float(rows[0]["high"]) == pytest.approx(max(first), rel=1e-5)
    assert float(rows[0]["val/acc"]) == pytest.approx(sum(first) / 3, rel=1e-4)


def test_curves_go_along_time_and_any_metric(open_page: Callable[..., Page], long_site: Site) -> None:
    page = open_charts(open_page, long_site, "#metrics=acc")
    for axis, last in (("relative", 499.9), ("m:epoch", 49.0), ("step", 4999.0)):
        page.select_option("#x-axis", axis)
        rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV"))))
        column = next(name for name in rows[0] if name not in {"run", "val/acc"})
        newest = [float(row[column]) for row in rows if row["run"] == long_site.source.runs[0].name]
        assert newest == sorted(newest)
        assert newest[-1] == pytest.approx(last)


def test_zooming_in_fetches_every_point_and_zooms_all_charts(
    open_page: Callable[..., Page], long_site: Site
) -> None:
    page = open_charts(open_page, long_site)
    name = long_site.source.runs[0].name

    def points() -> int:
        rows = csv.DictReader(io.StringIO(save(page, "Save as CSV")))
        return sum(row["run"] == name for row in rows)

    assert points() <= 2_000
    drag(page, CARD)
    expect(page.locator("#reset-zoom")).to_be_visible()
    assert "zoom=" in page.url
    page.wait_for_timeout(300)
    assert points() == 5_000
    page.click("#reset-zoom")
    assert "zoom=" not in page.url


def test_curves_are_drawn_over_what_their_experiment_defines(
    open_page: Callable[..., Page], defined_site: Site, long_site: Site
) -> None:
    page = open_charts(open_page, defined_site)
    assert page.locator("#x-axis option:checked").inner_text() == "as defined"
    assert "epoch" in save(page, "Save as CSV").splitlines()[0].split(",")
    page.select_option("#x-axis", "step")
    assert "step" in save(page, "Save as CSV").splitlines()[0].split(",")
    assert "x=step" in page.url
    page.select_option("#x-axis", "auto")
    drag(page, CARD)
    expect(page.locator("#reset-zoom")).to_be_visible()
    # Epochs were chosen, so that only what is drawn over epochs shows less.
    assert "%40m:epoch" in page.url
    page.reload()
    page.wait_for_selector(f"{CARD} canvas")
    expect(page.locator("#reset-zoom")).to_be_visible()
    run = open_page(f"{defined_site.urls['file']}runs/{defined_site.source.runs[0].run_id}.html")
    run.wait_for_selector(f"{CARD} canvas")
    assert "epoch" in save(run, "Save as CSV").splitlines()[0].split(",")
    plain = open_charts(open_page, long_site)
    assert plain.locator("#x-axis option:checked").inner_text() == "step"


def test_an_outlier_can_be_left_out_of_sight(open_page: Callable[..., Page], long_site: Site) -> None:
    page = open_charts(open_page, long_site, "#metrics=acc")
    before = page.locator(f"{CARD} canvas").screenshot()
    page.check("#outliers")
    page.wait_for_timeout(200)
    assert page.locator(f"{CARD} canvas").screenshot() != before
    assert "outliers=hide" in page.url


def test_a_chart_is_saved_as_svg_png_and_vega_lite_and_shown_as_a_table(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_charts(open_page, site)
    picture = ET.fromstring(save(page, "Save as SVG"))
    lines = [path for path in picture.iter("{http://www.w3.org/2000/svg}path") if path.get("fill") == "none"]
    assert len(lines) == 10
    spec = json.loads(save(page, "Save as Vega-Lite"))
    assert len({row["run"] for row in spec["data"]["values"]}) == 10
    with page.expect_download() as waiting:
        choose(page, "Save as PNG")
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")
    choose(page, "Show as a table")
    rows = page.locator(".table-dialog tbody tr")
    assert rows.count() == 10
    run = site.source.list_runs()[0]
    assert f"{run.metrics['val/acc'].last:.4g}".rstrip("0") in rows.first.inner_text()
    assert page.locator(CARD).locator("[role=img]").get_attribute("aria-label", timeout=1000) is not None


@pytest.mark.parametrize("last", [3, 9, 24, 60])
def test_steps_are_counted_in_whole_numbers(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site], last: int
) -> None:
    source = MemorySource()
    steps = list(range(last + 1))
    curve = Series(steps, [NEWEST + step for step in steps], [step / 100 for step in steps])
    source.add(make_run(1), {"val/acc": curve})
    page = open_charts(open_page, make_site(f"steps-{last}", source))
    page.set_viewport_size({"width": 2200, "height": 900})
    page.wait_for_timeout(300)
    texts = ET.fromstring(save(page, "Save as SVG")).iter("{http://www.w3.org/2000/svg}text")
    ticks = [text.text or "" for text in texts if text.get("text-anchor") == "middle"]
    assert len(ticks) > 2
    assert all(tick.isdigit() for tick in ticks), ticks


def test_every_kind_of_chart_over_runs_is_drawn_and_has_its_table(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_charts(open_page, site)
    for kind in ("Bar chart", "Heat map"):
        page.click("#add-chart")
        page.click(f"[role=menuitem]:text-is('{kind}')")
    for kind in ("parallel", "importance", "scatter", "box", "bar", "heat"):
        page.wait_for_selector(f".space-card.kind-{kind} canvas")
        assert page.locator(f".space-card.kind-{kind} canvas").element_handle().evaluate(DRAWN), kind
        page.locator(f".space-card.kind-{kind} .card-menu").click()
        page.click("[role=menuitem]:text-is('Show as a table')")
        assert page.locator(".table-dialog tbody tr").count() >= 1
        page.click(".table-dialog button")
    assert "charts=parallel,importance" in page.url
    page.locator(".space-card.kind-heat .card-menu").click()
    page.click("[role=menuitem]:text-is('Remove this chart')")
    expect(page.locator(".space-card.kind-heat")).to_have_count(0)


def test_one_chart_stands_alone_to_be_framed(open_page: Callable[..., Page], site: Site) -> None:
    run = site.source.list_runs()[0]
    page = open_page(f"{site.urls['file']}embed.html#chart=val/acc&runs={run.run_id}&scale=log")
    page.wait_for_selector(".chart canvas")
    assert page.locator("#chips a").all_inner_texts() == [run.name]


def test_pictures_go_by_their_steps_and_charts_point_at_one_place(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    for number in range(2):
        pictures = {f"plots/sample_{step}.png": make_png(10 * number + step) for step in (1, 5, 9)}
        curves = {key: make_series([0.1, 0.2, 0.3]) for key in ("val/acc", "val/loss")}
        source.add(make_run(number, experiment_id="0"), curves, pictures)
    page = open_charts(open_page, make_site("pictures", source))
    images = page.locator("#picture-grid img")
    expect(images).to_have_count(2)
    last = images.first.get_attribute("src")
    page.locator("#picture-step").fill("0")
    expect(page.locator("#picture-at")).to_have_text("1")
    assert images.first.get_attribute("src") != last
    assert "sample_1.png" in (images.first.get_attribute("alt") or "")
    other = page.locator(".chart[data-key='val/loss'] .u-cursor-x")
    before = other.evaluate("node => getComputedStyle(node).transform")
    page.locator(f"{CARD} .u-over").hover()
    expect(other).not_to_have_css("transform", before)


def test_the_runs_table_stands_alone_with_its_query_and_columns(
    open_page: Callable[..., Page], site: Site
) -> None:
    state = "q=params.model+%3D+%27vit-b%27&columns=p:lr,m:val/acc&sort=m:val/acc.desc&pin=p:lr"
    page = open_page(f"{site.urls['file']}runs.html#{state}&selected={site.source.runs[0].run_id}")
    page.wait_for_selector("#runs tbody .name-cell a")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#more-button")
    page.click("[role=menuitem]:text-is('Copy an iframe of this table')")
    expect(page.locator("#message")).to_contain_text("An iframe is copied")
    frame = ET.fromstring(page.evaluate("navigator.clipboard.readText()"))
    assert frame.get("title") == "Runs"
    address = frame.get("src") or ""
    assert "selected" not in address
    alone = open_page(address)
    alone.wait_for_selector("#runs tbody .name-cell a")
    fitting = [run for run in site.source.runs if run.params["model"] == "vit-b"]
    best = sorted(fitting, key=lambda run: -run.metrics["val/acc"].last)
    names = alone.locator("#runs tbody .name-cell a")
    assert names.first.inner_text() == best[0].name
    assert names.first.get_attribute("target") == "_top"
    assert alone.locator("#runs thead th .sort > span:first-child").all_inner_texts() == [
        "Run",
        "lr",
        "val/acc",
        "val/acc",
    ]
    assert alone.locator("#runs input").count() == 0
    assert not alone.locator(".top").is_visible()
    expect(alone.locator("#count")).to_have_text(f"{len(fitting)} of 60 runs")
    alone.click("#runs th[data-column='p:lr'] .sort")
    alone.click("#runs th[data-column='p:lr'] .sort")
    largest = max(cast("float", run.params["lr"]) for run in fitting)
    expect(alone.locator("#runs tbody tr:not(.pad-row) td:nth-child(2)").first).to_have_attribute(
        "title", str(largest)
    )


def test_runs_are_points_in_the_order_of_their_commits(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    commits = ["aaaaaaa1" * 5, "ffffffff" * 5, "00000000" * 5]
    values = [0.1, 0.3, 0.5, 0.7, 0.9]
    for number, value in enumerate(values):
        run = make_run(number, experiment_id="0")
        # The newest run has number 0: the oldest two share a commit.
        commit = commits[0 if number >= 3 else 1 if number == 2 else 2]
        assert run.code is not None
        run = replace(run, code=replace(run.code, commit=commit))
        source.add(run, {"val/acc": make_series([value / 2, value])})
    page = open_charts(open_page, make_site("commits", source))
    page.select_option("#x-axis", "commit")
    assert "x=commit" in page.url
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV"))))
    means = [row for row in rows if row["run"] == "mean of the commit"]
    assert [row["commit"] for row in means] == [commit[:10] for commit in commits]
    assert [float(row["val/acc"]) for row in means] == pytest.approx([0.8, 0.5, 0.2])
    assert len(rows) - len(means) == len(values)
    assert "ffffffffff" in save(page, "Save as Vega-Lite")
    assert "0000000" in save(page, "Save as SVG")


def test_all_runs_count_in_the_means_of_commits_also_those_that_are_not_drawn(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    values = [0.5 + number / 1000 for number in range(120)]
    for number, value in enumerate(values):
        run = make_run(number, experiment_id="0", params={"lr": 0.1 if number % 2 else 0.2})
        assert run.code is not None
        # Forty runs a commit; the newest run has number 0.
        run = replace(run, code=replace(run.code, commit=f"{3 - number // 40:08x}" * 5))
        # A name per metric that no table shows: its column has to be fetched.
        source.add(run, {f"m{i:02}": make_series([value / 2, value + i]) for i in range(30)})
    page = open_page(make_site("many-commits", source).urls["file"] + "charts.html#x=commit&metrics=m29")
    card = page.locator(".chart[data-key=m29]")
    expect(card.locator(".plot canvas")).to_be_visible()
    expect(card.locator(".plot")).not_to_have_attribute("aria-busy", "true")
    expect(page.locator("#drawn")).to_have_text("10 of 120 runs drawn, means of all")
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV", ".chart[data-key=m29]"))))
    means = [row for row in rows if row["run"] == "mean of the commit"]
    assert [row["commit"] for row in means] == ["0000000100", "0000000200", "0000000300"]
    expected = [29 + statistics.fmean(values[first : first + 40]) for first in (80, 40, 0)]
    assert [float(row["m29"]) for row in means] == pytest.approx(expected)
    deviation = statistics.stdev(values[:40])
    assert float(means[2]["high"]) - float(means[2]["m29"]) == pytest.approx(deviation)
    assert len(rows) - len(means) == 10
    page.select_option("#x-axis", "step")
    expect(page.locator("#drawn")).to_have_text("10 of 120 runs drawn")
    # Runs that are asked for by name are alone.
    named = [run.run_id for run in source.runs[:2]]
    page = open_page(f"{page.url.split('#')[0]}#x=commit&metrics=m29&runs={','.join(named)}")
    expect(page.locator(".chart[data-key=m29] .plot canvas")).to_be_visible()
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV", ".chart[data-key=m29]"))))
    assert {row["run"] for row in rows} == {run.name for run in source.runs[:2]}


def test_the_history_finds_where_a_level_changed_and_names_the_commits(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    chance = random.Random(1)
    for number in range(40):
        level = 0.9 if number < 15 else 0.8
        source.add(
            make_run(number, experiment_id="0"), {"val/acc": make_series([level + chance.gauss(0, 0.01)])}
        )
    site = make_site("levels", source)
    page = open_page(site.urls["file"] + "history.html")
    page.wait_for_selector("#history-chart canvas")
    change = page.locator("#changes li")
    expect(change).to_have_count(1)
    assert change.locator("b").inner_text() == "Better"
    first, last = source.runs[14], source.runs[15]
    assert first.name in change.inner_text()
    assert first.code is not None
    assert last.code is not None
    assert f"{(last.code.commit or '')[:10]}..{(first.code.commit or '')[:10]}" in change.inner_text()
    page.click("[data-by=commit]")
    expect(page.locator("#history-hint")).to_have_text("40 runs of 40 commits")
    assert page.locator("#history-chart canvas").element_handle().evaluate(DRAWN)


def test_without_scripts_the_history_lists_new_bests(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(site.urls["file"] + "history.html", java_script_enabled=False)
    best = max(site.source.runs, key=lambda run: run.metrics["val/acc"].last)
    assert best.name in page.inner_text("table")


def test_seeds_are_compared_by_a_test_of_their_means(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    for number in range(6):
        rate, value = (0.1, 0.9) if number < 3 else (0.2, 0.5)
        run = make_run(number, experiment_id="0", params={"lr": rate, "seed": number})
        source.add(run, {"val/acc": make_series([value + 0.01 * (number % 3)])})
    site = make_site("tests", source)
    ids = ",".join(run.run_id for run in source.runs)
    page = open_page(site.urls["file"] + f"compare.html#runs={ids}")
    page.wait_for_selector("#final tbody td")
    text = page.inner_text("#final tbody tr")
    # Welch's test of (0.90, 0.91, 0.92) and (0.50, 0.51, 0.52): t = 49, p = 1e-6.
    assert "p < 0.001" in text
    assert "0.910 ± 0.010" in text
    assert "n=3" in text
