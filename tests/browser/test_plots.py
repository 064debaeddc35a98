"""Pages of plots draw by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.plot import Curve, Plot
from gittrack.site.figures import encode_figure

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser


def test_a_page_draws_without_a_network_whatever_runs_are_called(tmp_path: Path, browser: Browser) -> None:
    curves = (Curve("</script><b>", [0, 1, 2], [3, 2, 1]), Curve("\u2028'\"", [0, 1], [1, 2]))
    path = tmp_path / "plot.html"
    path.write_bytes(encode_figure(Plot(curves, "step", "loss", "<title>"), "html"))
    page = browser.new_page()
    wrong: list[str] = []
    page.on("request", lambda request: None if request.url.startswith("file:") else wrong.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector("#plot canvas, #plot svg")
    assert page.title() == "<title>"
    page.close()
    assert wrong == []
