"""The site's reader of the search language finds what the one in Python finds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.site.columns import flatten_params
from tests.query_cases import CASES, ERRORS, EXPERIMENTS, NOW, RUNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from gittrack.core.model import Run

SCRIPT = Path(__file__).resolve().parents[2] / "site_templates" / "assets" / "query.js"
FIND = """([text, columns]) => {
  const cells = (key) => columns[`${key.kind}:${key.name}`] ?? null;
  const tree = gittrack.query.parse(text, (kind, name) => `${kind}:${name}` in columns);
  const test = gittrack.query.compile(tree, cells, columns["a:name"]);
  return columns["a:id"].filter((id, row) => test(row)).join("");
}"""
REFUSE = """(text) => {
  try {
    gittrack.query.parse(text);
  } catch (error) {
    return error instanceof gittrack.query.QueryError ? error.at : String(error);
  }
  return "taken";
}"""


@pytest.fixture(scope="module")
def reader(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.evaluate(f"window.gittrack = {{}}; Date.now = () => {NOW}")
    page.add_script_tag(path=SCRIPT)
    yield page
    page.close()


def facts_of_datasets(run: Run) -> dict[str, list[str] | None]:
    """Return what a run's datasets are called, their digests and what they were for."""
    inputs = [one for _, one in sorted(run.datasets.items())]
    columns = {
        "d:name": [one.dataset.name for one in inputs],
        "d:digest": [one.dataset.digest for one in inputs],
        "d:context": [one.context for one in inputs if one.context is not None],
    }
    return {name: facts or None for name, facts in columns.items()}


def make_columns() -> dict[str, list[Any]]:
    """Return the cells of all runs by column, as the index of a site has them."""
    rows: list[dict[str, Any]] = [
        {
            "a:id": run.run_id,
            "a:name": run.name,
            "a:status": run.status.value,
            "a:user": run.user,
            "a:start": run.start_time,
            "a:end": run.end_time,
            "a:duration": run.duration_s,
            "a:experiment": EXPERIMENTS[run.experiment_id],
            "a:experiment_id": run.experiment_id,
            "a:parent": run.parent,
            "c:commit": run.code.commit if run.code else None,
            **facts_of_datasets(run),
            **{f"m:{key}": summary.last for key, summary in run.metrics.items()},
            **{f"l:{key}": summary.min for key, summary in run.metrics.items()},
            **{f"h:{key}": summary.max for key, summary in run.metrics.items()},
            **{f"p:{key}": cell for key, cell in flatten_params(run.params).items()},
            **{f"t:{key}": tag for key, tag in run.tags.items()},
        }
        for run in RUNS
    ]
    return {name: [row.get(name) for row in rows] for name in {name for row in rows for name in row}}


@pytest.mark.parametrize(("text", "ids"), CASES)
def test_the_site_finds_the_runs_of_the_shared_cases(reader: Page, text: str, ids: str) -> None:
    assert reader.evaluate(FIND, [text, make_columns()]) == ids


@pytest.mark.parametrize("text", ERRORS)
def test_the_site_refuses_what_is_wrong_in_the_shared_cases(reader: Page, text: str) -> None:
    position = reader.evaluate(REFUSE, text)
    assert isinstance(position, int), position
    assert 0 <= position <= len(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code.branch = 'main'", "of the code only the commit can be searched here"),
        ("datasets.place = 'x'", "it has name, digest, context"),
        ("NOT " * 5_000 + "name = 'x'", "more than 100"),
    ],
)
def test_the_site_says_what_it_cannot_search(reader: Page, text: str, message: str) -> None:
    shown = reader.evaluate(
        "(text) => { try { gittrack.query.parse(text); } catch (e) { return e.message; } }", text
    )
    assert message in shown
