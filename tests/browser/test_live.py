"""The live site in a browser: a new metric appears, a run is renamed, nothing is left running."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from gittrack.tracking.client import Client
from tests.repositories import make_repository

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
    process = subprocess.Popen(
        [sys.executable, "-m", "gittrack", "ui", "--no-open"],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        page = open_page(process.stdout.readline().strip())
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
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in {0, 130}
        process.stdout.close()
        client.close()
