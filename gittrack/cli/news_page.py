"""New runs against a baseline: as text, as a comment on a pull request, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.diff_page import markdown_parts, show_delta
from gittrack.cli.listing import Column, Listing, count, print_listing, printable, show_number
from gittrack.cli.markdown_parts import Part, table_part
from gittrack.core.diff import Verdict
from gittrack.core.fields import flatten_params
from gittrack.core.model import RunStatus, format_param

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.diff import RunDiff
    from gittrack.core.model import Run
    from gittrack.core.news import News
    from gittrack.tracking.news import Told

MARKER = "<!-- gittrack report -->"
"""By which a pipeline finds its comment again."""
_SIGNS = {Verdict.BETTER: "✅", Verdict.WORSE: "❌", Verdict.SAME: "="}


def print_news(told: Told) -> None:
    """Print news for people."""
    click.echo(_headline(told.news))
    if told.news.runs:
        print_listing(_list_news(told.news, signs=False), None)
    click.echo(_footnote(told))


def news_parts(told: Told, diff: RunDiff | None) -> list[Part]:
    """Return news as Markdown; ``diff`` is that of the baseline and the best new run."""
    title, about = _escape(_headline(told.news)), _escape(_footnote(told))
    parts = [Part([MARKER, f"### {title}", "", f"<sub>{about}</sub>"])]
    if told.news.runs:
        parts.append(table_part(_list_news(told.news, signs=True), [""]))
    if diff is not None:
        first, *others = markdown_parts(diff)
        summary = first.head[0].removeprefix("### ")
        inner = [Part(["", f"<details><summary>{summary}</summary>"]), *others, Part(["", "</details>"])]
        # In one piece: where it does not fit, it goes as a whole.
        parts.append(Part([line for part in inner for line in part.lines]))
    return parts


def describe_news(told: Told) -> dict[str, Any]:
    """Return news for ``--json``."""
    news = told.news
    return {
        "scope": told.scope,
        "metric": news.metric,
        "direction": "lower" if news.lower else "higher",
        "baseline": None if news.baseline is None else _describe(news, news.baseline),
        "runs": [_describe(news, run) for run in news.runs],
    }


def _describe(news: News, run: Run) -> dict[str, Any]:
    keys = [key for key in (news.metric, *news.others) if key is not None and key in run.metrics]
    row = news.compare(run, news.metric) if news.metric in keys else None
    verdict = row.verdict(1) if row and news.has_baseline_for(run) else None
    return {
        "run_id": run.run_id,
        "name": run.name,
        "status": run.status.value,
        "metrics": {key: news.compare(run, key).values[1] for key in keys},
        "delta": row.delta(1) if row and verdict else None,
        "verdict": verdict.value if verdict else None,
    }


def _headline(news: News) -> str:
    if not news.runs:
        return "No new runs"
    best, metric = news.runs[0], news.metric
    title = count(len(news.runs), "new run")
    if metric is None or metric not in best.metrics:
        return f"{title}, without a metric to judge by"
    row = news.compare(best, metric)
    title += f": {metric} {_show(row.values[1])}"
    verdict = row.verdict(1)
    if news.baseline is None or verdict is None:
        return f"{title}; there is no run to compare with"
    name, delta = printable(news.baseline.name), show_delta(row)
    if verdict is Verdict.SAME:
        return f"{title}, the same as {name}"
    return f"{title}, {verdict.value} than {name}{f': {delta}' if delta else ''}"


def _footnote(told: Told) -> str:
    baseline = told.news.baseline
    compared = f"; the baseline is {printable(baseline.name)}, {told.measure}" if baseline else ""
    return f"{told.scope[:1].upper()}{told.scope[1:]}{compared}"


def _list_news(news: News, *, signs: bool) -> Listing:
    metrics = [key for key in (news.metric, *news.others) if key is not None]
    heads = [Column("", must_show=True), Column("run", must_show=True)]
    for key in metrics:
        heads += [Column(key, is_number=True, must_show=True, show=show_number), Column("Δ", is_number=True)]
    heads += [Column(key, show=format_param) for key in news.params]
    before = [] if news.baseline is None else [["baseline", *_row(news, news.baseline, metrics)]]
    new = [[_sign(news, run, signs=signs), *_row(news, run, metrics)] for run in news.runs]
    return Listing(heads, [*before, *new])


def _row(news: News, run: Run, metrics: Sequence[str]) -> list[Any]:
    cells: list[Any] = [run.name]
    for key in metrics:
        row = news.compare(run, key) if key in run.metrics else None
        delta = show_delta(row) if row and news.has_baseline_for(run) else None
        cells += [row.values[1] if row else None, delta or ""]
    params = flatten_params(run.params)
    return [*cells, *(params.get(key) for key in news.params)]


def _sign(news: News, run: Run, *, signs: bool) -> str:
    if run.status not in {RunStatus.FINISHED, RunStatus.RUNNING}:
        return run.status.value.lower()
    if news.baseline is None or news.metric is None or news.metric not in run.metrics:
        return ""
    verdict = news.compare(run, news.metric).verdict(1)
    return "" if verdict is None else _SIGNS[verdict] if signs else verdict.value


def _show(value: float | None) -> str:
    return "-" if value is None else show_number(value)


def _escape(text: str) -> str:
    return text.replace("<", "&lt;")
