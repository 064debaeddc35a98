"""The same pages in a real Firefox, from a folder and from a sub-path of a web server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gittrack.site.serve import serve
from tests.browser.firefox import Firefox, find_firefox, open_firefox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.conftest import Site

FIREFOX = find_firefox()
pytestmark = pytest.mark.skipif(FIREFOX is None, reason="there is no Firefox: install it, or set FIREFOX")

READY = "return performance.getEntriesByName('gittrack-ready').length > 0"
DRAWN = """
  const canvases = [...document.querySelectorAll('canvas')];
  return canvases.length > 0 && canvases.slice(0, 4).every((canvas) => {
    if (!canvas.width) return false;
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return data.some((value, i) => i % 4 === 3 && value > 0);
  });
"""
TYPE = """
  const input = document.getElementById('query');
  input.value = arguments[0];
  input.dispatchEvent(new Event('input', {bubbles: true}));
"""


@pytest.fixture(scope="module")
def firefox() -> Iterator[Firefox]:
    assert FIREFOX is not None
    with open_firefox(FIREFOX) as firefox:
        yield firefox


@pytest.fixture(scope="module", params=["file", "sub-path"])
def address(request: pytest.FixtureRequest, site: Site) -> Iterator[str]:
    """Return where the site begins: a folder, or a folder of a folder that is served."""
    if request.param == "file":
        yield site.urls["file"]
        return
    (site.folder.parent / "index.html").write_text("<!doctype html><title>Above</title>", "utf-8")
    with serve(site.folder.parent) as served:
        yield f"{served.url}site%20%26%20more/"


@pytest.mark.parametrize("page", ["index.html", "runs.html", "charts.html", "compare.html", "history.html"])
def test_every_page_is_there_and_nothing_is_complained_of(firefox: Firefox, address: str, page: str) -> None:
    firefox.open(address + page)
    firefox.wait(READY)
    if page in {"charts.html", "compare.html", "history.html"}:
        firefox.wait(DRAWN)
    assert firefox.complaints("site%20%26%20more") == []


def test_runs_are_searched_selected_and_compared(firefox: Firefox, address: str, site: Site) -> None:
    firefox.open(address + "runs.html")
    firefox.wait("return document.querySelectorAll('#runs tbody .name-cell').length > 10")
    firefox.evaluate(TYPE, "params.model = 'vit-b'")
    wanted = sum(run.params["model"] == "vit-b" for run in site.source.runs)
    firefox.wait(
        "return document.getElementById('count').textContent.startsWith(arguments[0])", f"{wanted} of 60"
    )
    firefox.evaluate(
        "const rows = [...document.querySelectorAll('#runs tbody tr:not(.pad-row)')].slice(0, 2);"
        "for (const row of rows) document.getElementById(row.id).cells[3].click();"
    )
    firefox.wait("return document.getElementById('compare').textContent.includes('2 runs')")
    firefox.evaluate("document.getElementById('compare').click()")
    firefox.wait("return document.querySelectorAll('#final td.best').length > 3")
    firefox.wait(DRAWN)
    assert firefox.complaints("site%20%26%20more") == []


def test_a_run_page_draws_its_curves(firefox: Firefox, address: str, site: Site) -> None:
    firefox.open(f"{address}runs/{site.source.list_runs()[3].run_id}.html")
    firefox.wait(DRAWN)
    assert firefox.complaints("site%20%26%20more") == []
