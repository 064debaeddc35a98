"""The live site in a browser: a new metric appears, a run is renamed, nothing is left running."""

from __future__ import annotations

import json
import re
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.tracking.client import Client
from tests.benchmarks.many_runs import make_many
from tests.repositories import make_repository
from tests.ui import serve_ui

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "work")


def open_menu(page: Page) -> None:
    """Open the menu of a run; a page that was just about to show what is new loses the first click."""
    rename = page.locator("[role=menuitem]:text-is('Rename …')")
    while not rename.is_visible():
        page.click("#edit")
        page.wait_for_timeout(1_000)


def test_what_is_logged_appears_by_itself_a_run_is_renamed_and_a_view_is_saved(
    open_page: Callable[..., Page], repository: Path
) -> None:
    client = Client(repository)
    run = client.create_run("0", run_name="first name")
    run_id = run.info.run_id
    client.log_metric(run_id, "acc", 0.25)
    client.set_terminated(run_id)
    with closing(client), serve_ui(repository) as ui:
        page = open_page(ui.url)
        expect(page.locator(".stat").first).to_contain_text("in 1 experiment")
        other = client.create_run("0", run_name="while you watch").info.run_id
        client.log_metric(other, "acc", 0.75)
        expect(page.locator(".recent")).to_contain_text("while you watch", timeout=20_000)
        client.set_terminated(other)
        expect(page.locator(".recent")).to_contain_text("0.75", timeout=20_000)
        page.goto(page.url.rstrip("/") + f"/runs/{run_id}.html")
        open_menu(page)
        client.set_tag(run_id, "while", "a menu is open")
        while "a menu is open" not in page.request.get(page.url).text():
            page.wait_for_timeout(200)
        page.wait_for_timeout(2_000)  # the page knows by now, and waits
        page.click("[role=menuitem]:text-is('Rename …')")
        page.fill("dialog.edit input", "second name")
        page.click("dialog.edit .primary")
        expect(page.locator("h1")).to_have_text("second name", timeout=20_000)
        assert client.get_run(run_id).name == "second name"
        page.goto(page.url[: page.url.index("/runs/")] + "/runs.html")
        page.fill("#query", "metrics.acc > 0.5")
        expect(page.locator("#count")).to_contain_text("1 of 2 runs")
        page.click("#views summary")
        page.click("#save-view")
        page.fill("dialog.edit input", "the good ones")
        page.click("dialog.edit .primary")
        expect(page.locator("#views a")).to_have_text(["the good ones"], timeout=20_000)
        views = json.loads((repository / ".gittrack-views.json").read_text("utf-8"))
        assert views == {"the good ones": "runs.html#q=metrics.acc+%3E+0.5"}
        page.goto("about:blank")


def test_a_table_that_is_loaded_anew_keeps_its_opened_group_and_the_row_of_the_keyboard(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    repository = make_many(tmp_path / "some", 150)
    with closing(Client(repository)) as client, serve_ui(repository) as ui:
        page = open_page(ui.url)
        page.goto(page.url.rstrip("/") + "/runs.html#group=p:param0")
        expect(page.locator("#count")).to_contain_text("150 of 150 runs in 5 groups")
        page.focus("#scroller")
        for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowDown", "ArrowDown"):
            page.keyboard.press(key)
        name = page.locator("#runs tr.current .name-cell a").inner_text()
        run_id = client.create_run("0", run_name="while you watch").info.run_id
        expect(page.locator("#count")).to_contain_text("151 of 151 runs in 6 groups", timeout=60_000)
        expect(page.locator("#runs .opener[aria-expanded=true]")).to_have_count(1)
        expect(page.locator("#runs tr.current .name-cell a")).to_have_text(name)
        page.keyboard.press("ArrowUp")
        expect(page.locator("#runs tr.current .name-cell a")).not_to_have_text(name)
        # What is not grouped has its row among those that were there before.
        page.goto(page.url.split("#")[0])
        page.keyboard.press("j")
        expect(page.locator("#runs tr.current .name-cell a")).to_have_text("while you watch")
        other = client.create_run("0", run_name="another").info.run_id
        expect(page.locator("#count")).to_contain_text("152 of 152 runs", timeout=60_000)
        expect(page.locator("#runs tr.current .name-cell a")).to_have_text("while you watch")
        client.set_terminated(run_id)
        client.set_terminated(other)
        page.goto("about:blank")


def test_among_a_thousand_runs_a_new_metric_appears_in_the_table_by_itself(
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    repository = make_many(tmp_path / "many", 1000)
    with closing(Client(repository)) as client, serve_ui(repository) as ui:
        page = open_page(ui.url)
        page.goto(page.url.rstrip("/") + "/runs.html")
        expect(page.locator("#count")).to_contain_text("1000 of 1000 runs")
        run_id = client.create_run("0", run_name="while you watch").info.run_id
        client.log_metric(run_id, "metric0", 0.125, step=0)
        newest = page.locator("#runs tbody tr", has_text="while you watch")
        expect(newest).to_contain_text("0.125", timeout=60_000)
        expect(page.locator("#count")).to_contain_text("1001 of 1001 runs")
        client.log_metric(run_id, "metric0", 0.625, step=1)
        expect(newest).to_contain_text("0.625", timeout=60_000)
        # Whoever reads on stays where they are.
        page.evaluate("document.getElementById('scroller').scrollTop = 36 * 300")
        oldest = page.locator("#runs tbody .name-cell a", has_text=re.compile("^run-700$"))
        expect(oldest).to_be_visible()
        other = client.create_run("0", run_name="another").info.run_id
        client.log_metric(other, "metric0", 0.5)
        expect(page.locator("#count")).to_contain_text("1002 of 1002 runs", timeout=60_000)
        expect(oldest).to_be_visible()
        assert page.evaluate("document.getElementById('scroller').scrollTop") == 36 * 300
        client.set_terminated(other)
        # The page comes back to what it showed.
        page.fill("#query", "metrics.metric0 = 0.625")
        expect(page.locator("#count")).to_contain_text("1 of 1002 runs")
        expect(page).to_have_url(re.compile("q="))
        page.locator("#query").blur()
        client.set_terminated(run_id)
        expect(newest.locator(".dot.finished")).to_be_visible(timeout=60_000)
        expect(page.locator("#query")).to_have_value("metrics.metric0 = 0.625")
        page.goto("about:blank")
