"""The runs page: grouping, nesting, columns, sorting by several keys, exports, completion."""

from __future__ import annotations

import csv
import io
import json
import re
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from tests.browser.test_pages import ROWS, count, open_runs, search
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.browser.conftest import Site

VALUES = {0.1: [0.90, 0.92, 0.94], 0.01: [0.5, 0.6], 0.001: [0.7]}


def make_seeds() -> MemorySource:
    """Return six runs of three learning rates that differ in their seeds, and a parent with two children."""
    source = MemorySource()
    number = 0
    for rate, values in VALUES.items():
        for seed, value in enumerate(values):
            run = make_run(
                number, experiment_id="0", params={"lr": rate, "seed": seed, "model": "vit & co_1"}
            )
            source.add(run, {"val/acc": make_series([value - 0.2, value + 0.01, value])})
            number += 1
    source.runs[2] = replace(source.runs[2], parent=source.runs[1].run_id)
    source.runs[3] = replace(source.runs[3], parent=source.runs[2].run_id)
    return source


@pytest.fixture(scope="module")
def seeds(make_site: Callable[[str, MemorySource], Site]) -> Site:
    return make_site("seeds", make_seeds())


def cells(page: Page, column: str) -> list[str]:
    heads = page.locator("#runs thead th").evaluate_all("heads => heads.map(head => head.dataset.column)")
    at = heads.index(column) if heads.count(column) == 1 else len(heads) - 1 - heads[::-1].index(column)
    return page.locator(f"{ROWS} > td:nth-child({at + 1})").all_inner_texts()


def save(page: Page, item: str) -> str:
    page.click("#export-button")
    with page.expect_download() as waiting:
        page.click(f"[role=menuitem]:text-is('{item}')")
    path: Path = waiting.value.path()
    return path.read_text("utf-8")


def test_runs_that_differ_in_their_seed_only_become_a_mean_with_deviation_and_count(
    open_page: Callable[..., Page], seeds: Site
) -> None:
    page = open_runs(open_page, seeds)
    page.click("#group-button")
    page.click("text=All parameters except the seed")
    page.keyboard.press("Escape")
    expect(page.locator(ROWS)).to_have_count(3)
    page.click("th[data-column='m:val/acc'] .sort >> nth=-1")
    shown = [" ".join(text.split()) for text in cells(page, "m:val/acc")]
    assert shown == ["0.920 ± 0.020n=3", "0.7", "0.55 ± 0.07n=2"]
    assert round(statistics.stdev(VALUES[0.1]), 3) == 0.020
    assert "in 3 groups" in page.inner_text("#count")
    page.click(f"{ROWS} .opener >> nth=0")
    expect(page.locator(ROWS)).to_have_count(6)
    again = open_runs(open_page, seeds, hash_=page.url[page.url.index("#") :])
    assert again.locator("tr.group").count() == 3
    # A group is selected as a whole.
    again.locator("tr.group").nth(0).locator("td").nth(3).click()
    assert again.inner_text("#compare") == "Compare 3 runs"


def test_nested_runs_are_a_tree_that_folds(open_page: Callable[..., Page], seeds: Site) -> None:
    page = open_runs(open_page, seeds)
    runs = seeds.source.runs
    names = page.locator(f"{ROWS} .name-cell a").all_inner_texts()
    assert names == [run.name for run in runs]
    indents = page.locator(f"{ROWS} .name-cell").evaluate_all(
        "cells => cells.map(cell => cell.style.paddingLeft)"
    )
    assert indents == ["", "", "29px", "47px", "", ""]
    page.click(f"{ROWS} .opener >> nth=0")
    expect(page.locator(ROWS)).to_have_count(4)
    assert page.inner_text("#count").startswith("6 of 6")


def test_several_keys_sort_one_after_the_other(open_page: Callable[..., Page], seeds: Site) -> None:
    page = open_runs(open_page, seeds, hash_="#nested=0&columns=p:lr,p:seed,m:val/acc")
    page.click("th[data-column='p:lr'] .sort")
    page.click("th[data-column='p:seed'] .sort", modifiers=["Shift"])
    page.click("th[data-column='p:seed'] .sort", modifiers=["Shift"])
    assert cells(page, "p:lr") == ["0.001", "0.01", "0.01", "0.1", "0.1", "0.1"]
    assert cells(page, "p:seed") == ["0", "1", "0", "2", "1", "0"]
    assert "sort=p:lr.asc,p:seed.desc" in page.url


def test_a_column_is_moved_pinned_widened_and_hidden_and_the_address_knows(
    open_page: Callable[..., Page], seeds: Site
) -> None:
    page = open_runs(open_page, seeds, hash_="#columns=p:lr,p:seed,p:model")

    def order() -> list[str]:
        heads = page.locator("#runs thead th[data-column]").evaluate_all(
            "heads => heads.map(h => h.dataset.column)"
        )
        return [head for head in heads if head.startswith("p:")]

    def choose(column: str, item: str) -> None:
        page.hover(f"th[data-column='{column}']")
        page.click(f"th[data-column='{column}'] .more")
        page.click(f"[role^=menuitem]:text-is('{item}')")

    choose("p:lr", "Move right")
    assert order() == ["p:seed", "p:lr", "p:model"]
    page.drag_and_drop(
        "th[data-column='p:model']", "th[data-column='p:seed']", target_position={"x": 4, "y": 10}
    )
    assert order() == ["p:model", "p:seed", "p:lr"]
    choose("p:lr", "Pin")
    assert order() == ["p:lr", "p:model", "p:seed"]
    before = page.locator("th[data-column='p:seed']").bounding_box()
    choose("p:seed", "Wider")
    after = page.locator("th[data-column='p:seed']").bounding_box()
    assert before is not None
    assert after is not None
    assert "widths=p:seed." in page.url
    choose("p:model", "Hide")
    again = open_runs(open_page, seeds, hash_=page.url[page.url.index("#") :])
    page = again
    assert order() == ["p:lr", "p:seed"]
    assert again.locator("td.pinned").count() == 6


def test_a_metric_shows_its_extremes_too(open_page: Callable[..., Page], seeds: Site) -> None:
    page = open_runs(open_page, seeds, hash_="#columns=l:val/acc,h:val/acc&nested=0")
    runs = seeds.source.runs
    assert [float(text) for text in cells(page, "l:val/acc")] == [
        float(f"{run.metrics['val/acc'].min:.4g}") for run in runs
    ]
    assert search(page, "metrics.val/acc.max > 0.92") == sum(
        run.metrics["val/acc"].max > 0.92 for run in runs
    )
    assert search(page, "metrics.val/acc.best > 0.94") == 1


def test_the_table_is_saved_as_csv_json_markdown_and_latex(
    open_page: Callable[..., Page], seeds: Site
) -> None:
    page = open_runs(open_page, seeds, hash_="#columns=p:lr,p:model,m:val/acc&nested=0")
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV"))))
    runs = seeds.source.runs
    assert [float(row["val/acc"]) for row in rows] == [run.metrics["val/acc"].last for run in runs]
    listed = json.loads(save(page, "Save as JSON"))
    assert [row["lr"] for row in listed] == [run.params["lr"] for run in runs]
    markdown = save(page, "Save as Markdown").splitlines()
    assert markdown[0] == "| Run | lr | model | val/acc |"
    assert markdown[1] == "| --- | ---: | --- | ---: |"
    assert len(markdown) == 8
    latex = save(page, "Save as LaTeX (booktabs)")
    assert latex.startswith("\\begin{tabular}{lrlr}\n  \\toprule\n")
    assert "vit \\& co\\_1 & 0.9 \\\\" in latex.replace("$", "")


def test_a_grouped_table_is_saved_with_its_deviations(open_page: Callable[..., Page], seeds: Site) -> None:
    page = open_runs(open_page, seeds, hash_="#group=p:lr&columns=m:val/acc&sort=m:val/acc.desc")
    rows = list(csv.DictReader(io.StringIO(save(page, "Save as CSV"))))
    assert [row["val/acc n"] for row in rows] == ["3", "1", "2"]
    assert float(rows[0]["val/acc std"]) == pytest.approx(statistics.stdev(VALUES[0.1]))
    assert "$0.920 \\pm 0.020$" in save(page, "Save as LaTeX (booktabs)")


def test_names_and_values_are_offered_while_a_query_is_typed(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_runs(open_page, site)
    page.focus("#query")
    page.keyboard.type("params.mod")
    expect(page.locator("#query-options [role=option]").first).to_have_text("params.model")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.type("= vit-")
    expect(page.locator("#query-options [role=option]")).to_have_text(["'vit-b'", "'vit-s'"])
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    assert page.input_value("#query") == "params.model = 'vit-b' "
    expect(page.locator("#count")).to_contain_text(
        f"{sum(run.params['model'] == 'vit-b' for run in site.source.runs)} of 60"
    )


def test_what_is_wrong_in_a_query_is_underlined(open_page: Callable[..., Page], site: Site) -> None:
    page = open_runs(open_page, site)
    page.fill("#query", "metrics.val/acc > 0.5 AND lr > 1")
    expect(page.locator("#query-marks u")).to_have_text("lr")
    page.fill("#query", "metrics.val/acc > 0.5 AND params.lr > 1")
    expect(page.locator("#query-marks u")).to_have_count(0)


def test_runs_are_selected_by_arrow_keys_and_shift(open_page: Callable[..., Page], site: Site) -> None:
    page = open_runs(open_page, site)
    page.focus("#scroller")
    for key in ("ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert page.inner_text("#compare") == "Compare 3 runs"
    page.keyboard.press("End")
    page.keyboard.press(" ")
    assert page.inner_text("#compare") == "Compare 4 runs"
    page.click("#clear-selection")
    assert page.inner_text("#compare") == "Compare"
    assert count(page) == 60


def test_the_palette_goes_to_pages_and_runs(open_page: Callable[..., Page], site: Site) -> None:
    page = open_runs(open_page, site)
    page.keyboard.press("Control+k")
    run = site.source.list_runs()[7]
    page.keyboard.type(run.name)
    expect(page.locator("#palette-list [aria-selected=true]")).to_contain_text(run.name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{run.run_id}.html")
    page.keyboard.press("p")
    page.keyboard.type("compa")
    page.keyboard.press("Enter")
    page.wait_for_url("**/compare.html*")


def test_children_datasets_and_commits_are_found_in_the_bar(
    open_page: Callable[..., Page], make_site: Callable[[str, MemorySource], Site]
) -> None:
    source = MemorySource()
    data = DatasetInput(Dataset("mnist", "d1", "local", "{}"), (InputTag("mlflow.data.context", "train"),))
    source.add(make_run(0, experiment_id="0", name="sweep"))
    for number in (1, 2):
        changes: dict[str, object] = {"datasets": {data.key: data}} if number == 1 else {}
        parent = source.runs[0].run_id
        source.add(make_run(number, experiment_id="0", name=f"trial-{number}", parent=parent, **changes))
    site = make_site("family", source)
    page = open_page(site.urls["file"] + "runs.html")
    page.wait_for_selector(f"{ROWS} .name-cell")
    code = source.runs[2].code
    assert code is not None
    for query, wanted in {
        "CHILDREN OF sweep": 2,
        f"CHILDREN OF {source.runs[0].run_id[:6]}": 2,
        "datasets.name = 'mnist' AND datasets.context = 'train'": 1,
        "datasets.digest IS NULL": 2,
        f"code.commit = '{(code.commit or '')[:12]}'": 1,
    }.items():
        page.fill("#query", query)
        expect(page.locator("#count")).to_have_text(re.compile(rf"^{wanted} of 3 runs"))


def test_rows_come_as_the_window_grows_and_those_beyond_it_when_nothing_else_waits(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_runs(open_page, site, viewport={"width": 1000, "height": 500})
    rows, beyond = page.locator(ROWS), page.locator(f"{ROWS} >> nth=-4")
    # Whoever begins to scroll finds rows beyond the edge.
    expect(beyond).not_to_be_in_viewport()
    before = rows.count()
    page.set_viewport_size({"width": 1000, "height": 1500})
    expect(page.locator(f"#row-{before}")).to_be_in_viewport()
    expect(beyond).not_to_be_in_viewport()
