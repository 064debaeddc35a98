"""Runs as small tables of HTML, for notebooks: no script, no style sheet, so that every export keeps them."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from gittrack.core.columns import is_system_tag, rank_metrics
from gittrack.core.diff import ABSENT, Verdict
from gittrack.core.fields import flatten_params
from gittrack.core.model import format_param

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.diff import MetricRow, RunDiff
    from gittrack.core.model import Run

SHOWN_ROWS = 30
SHOWN_COLUMNS = 8
MAX_CELL = 60

_COLORS = {"FINISHED": "#2da44e", "FAILED": "#cf222e", "KILLED": "#bc4c00", "RUNNING": "#0969da"}
_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top"
_NUMBER = "text-align:right;padding:2px 10px 2px 0"
_MARKS = {Verdict.BETTER: " ▲", Verdict.WORSE: " ▼", Verdict.SAME: ""}


def show_run(run: Run) -> str:
    """Return a run with its metrics, params, tags and artifacts."""
    head = f"<b>{escape(run.name)}</b> {_badge(run)} <code>{escape(run.run_id[:12])}</code>"
    if run.duration_s is not None:
        head += f" {run.duration_s:.1f} s"
    if run.reason:
        head += f"<br>{escape(run.reason)}"
    metrics = [
        [key, _number(one.last), _number(one.min), _number(one.max), str(one.last_step)]
        for key in rank_metrics(run.metrics)
        if (one := run.metrics.get(key))
    ]
    params = [[key, format_param(value)] for key, value in sorted(flatten_params(run.params).items())]
    tags = [[key, value] for key, value in sorted(run.tags.items()) if not is_system_tag(key)]
    files = [[path, f"{one.size:,} B"] for path, one in sorted(run.artifacts.items())]
    parts = [
        _table(["metric", "last", "min", "max", "step"], metrics, numbers=4),
        _table(["param", "value"], params),
        _table(["tag", "value"], tags),
        _table(["artifact", "size"], files, numbers=1),
    ]
    return f"<div>{head}{''.join(parts)}</div>"


def show_runs(runs: Sequence[Run]) -> str:
    """Return runs as a table: names, statuses, the metrics that say most, the params that vary."""
    shown = runs[:SHOWN_ROWS]
    metrics = rank_metrics({key for run in shown for key in run.metrics})[:SHOWN_COLUMNS]
    params = _varying([flatten_params(run.params) for run in shown])[:SHOWN_COLUMNS]
    rows = []
    for run in shown:
        flat = flatten_params(run.params)
        numbers = [_number(run.metrics[key].last) if key in run.metrics else "" for key in metrics]
        rows.append(
            [
                run.name,
                run.status.value,
                *numbers,
                *(format_param(flat[key]) if key in flat else "" for key in params),
            ]
        )
    more = f"<div>and {len(runs) - len(shown):,} more</div>" if len(runs) > len(shown) else ""
    return (
        f"<div>{_table(['run', 'status', *metrics, *params], rows)}{more}</div>"
        if rows
        else "<div>no runs</div>"
    )


def show_diff(diff: RunDiff) -> str:
    """Return what differs between runs, metrics first; ▲ is better than the first run, ▼ is worse."""
    heads = ["", *(run.name for run in diff.runs)]
    metrics = [[row.key, *_compared(row)] for row in diff.metrics if row.differs]
    parts = [_table(["metric", *heads[1:]], metrics)]
    for name, rows in diff.sections.items():
        cells = [
            [row.key, *("" if cell is ABSENT else format_param(cell) for cell in row.cells)]
            for row in rows
            if row.differs
        ]
        parts.append(_table([name, *heads[1:]], cells))
    body = "".join(parts)
    return f"<div>{body or 'no difference'}</div>"


def _compared(row: MetricRow) -> Iterable[str]:
    for position, value in enumerate(row.values):
        verdict = row.verdict(position) if position else None
        mark = _MARKS[verdict] if verdict else ""
        yield "" if value is None else f"{_number(value)}{mark}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int = 0) -> str:
    if not rows:
        return ""
    first_number = len(heads) - numbers
    styles = [_NUMBER if place >= first_number else _CELL for place in range(len(heads))]
    top = "".join(
        f'<th style="{style}">{escape(_cut(head))}</th>' for style, head in zip(styles, heads, strict=True)
    )
    lines = [
        "".join(
            f'<td style="{style}">{escape(_cut(cell))}</td>' for style, cell in zip(styles, row, strict=True)
        )
        for row in rows[:SHOWN_ROWS]
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return (
        f'<table style="border-collapse:collapse"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'
    )


def _badge(run: Run) -> str:
    color = _COLORS.get(run.status.value, "#57606a")
    return f'<span style="color:{color}">{escape(run.status.value.lower())}</span>'


def _varying(rows: Sequence[Mapping[str, object]]) -> list[str]:
    keys = dict.fromkeys(key for row in rows for key in row)
    if len(rows) == 1:
        return list(keys)
    return [key for key in keys if len({str(row.get(key)) for row in rows}) > 1]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e9 else f"{value:.5g}"  # noqa: PLR2004


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CELL else f"{text[:MAX_CELL]}…"
