"""Runs as HTML that any notebook and any export of it can show."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

from gittrack.core.diff import diff_runs
from gittrack.core.model import Artifact, MetricSummary, Run, RunStatus
from gittrack.core.notebook import show_diff, show_run, show_runs

HOSTILE = "</td><script>alert(1)</script>"
SUMMARY = MetricSummary(0.5, 3, 0, 0.25, 1, 0.75, 2, 4)
RUN = Run(
    "01" * 16,
    f"tidy {HOSTILE}",
    "0",
    RunStatus.FAILED,
    1,
    2001,
    reason=HOSTILE,
    params={"lr": 0.1, "model": {"width": 8}, "note": HOSTILE},
    metrics={"val/acc": SUMMARY, "nan": replace(SUMMARY, last=float("nan"))},
    tags={"team": HOSTILE, "mlflow.note.content": "hidden"},
    artifacts={HOSTILE: Artifact(HOSTILE, "ab", 1234)},
)
OTHER = replace(
    RUN, run_id="02" * 16, name="other", params={"lr": 0.2}, metrics={"val/acc": replace(SUMMARY, last=0.625)}
)


class Checker(HTMLParser):
    """Sees that tags are closed in order, and which there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert {name for name, _ in attrs} <= {"style"}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f"{data}|"


def test_a_run_shows_what_it_holds_and_nothing_that_runs() -> None:
    page = Checker(show_run(RUN))
    assert page.seen <= {"div", "b", "span", "code", "br", "table", "thead", "tbody", "tr", "th", "td"}
    for word in ("failed", "val/acc", "model.width", "1,234 B", HOSTILE):
        assert word in page.text
    assert "hidden" not in page.text


def test_runs_show_metrics_and_the_params_that_vary() -> None:
    page = Checker(show_runs([RUN, OTHER]))
    assert re.findall(r"lr|model\.width|val/acc", page.text)
    assert "0.625" in page.text
    assert Checker(show_runs([])).text == "no runs|"
    assert "and 70 more" in Checker(show_runs([RUN] * 100)).text


def test_a_comparison_shows_what_differs_and_which_is_better() -> None:
    page = Checker(show_diff(diff_runs([RUN, OTHER])))
    assert "0.625 ▲" in page.text
    assert "no difference" in Checker(show_diff(diff_runs([OTHER, OTHER]))).text
