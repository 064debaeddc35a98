"""All runs for other programs: CSV, JSON, and a text that tells language models what is here."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING

from gittrack.core.late import last_of
from gittrack.site.columns import METRIC, PARAM, visible_tags
from gittrack.site.paths import run_page
from gittrack.site.scripts import encode_number

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.site.column_facts import Cell
    from gittrack.site.columns import Column
    from gittrack.site.gather import Contents

MAX_RUNS = 500
"""Above so many, tables of all runs are written only when asked: each new run would send them again."""

_FIELDS = ("run_id", "name", "experiment", "status", "start_time", "end_time", "user", "commit", "page")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_csv(contents: Contents) -> bytes:
    """Return a table of all runs: the facts every run has, then params, metrics and tags."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    columns = contents.columns.all
    writer.writerow([*_FIELDS, *(_title(column) for column in columns)])
    for run in contents.runs:
        tags = visible_tags(run)
        cells = [_cell(run, column, contents, tags) for column in columns]
        writer.writerow([_safe(cell) for cell in (*_facts(run, contents), *cells)])
    return text.getvalue().encode("utf-8", "backslashreplace")


def write_json(contents: Contents) -> bytes:
    """Return all runs, one a line."""
    lines = [
        json.dumps(_describe(run, contents), ensure_ascii=False, allow_nan=False) for run in contents.runs
    ]
    return ("[\n" + ",\n".join(lines) + "\n]\n").encode("utf-8", "backslashreplace")


def write_guide(contents: Contents, *, has_tables: bool) -> bytes:
    """Return ``llms.txt``: what is here and where; nothing in it changes from run to run."""
    primary = contents.columns.primary
    experiments = "\n".join(f"- {_one_line(name)}" for name in contents.experiments.values())
    tables = (
        "- [runs.csv](runs.csv): every run with its params, metrics (last values) and tags\n"
        "- [runs.json](runs.json): the same as JSON, one run a line\n"
        if has_tables
        else ""
    )
    feed = "- [feed.xml](feed.xml): an Atom feed of new bests and alerts\n" if contents.has_feed else ""
    return (
        f"# Experiments of {_one_line(contents.title)}\n\n"
        "> A static site of machine learning runs, written by gittrack from refs/gittrack/runs.\n\n"
        f"The metric that stands for success is {_one_line(primary or 'none: no run has a metric')}.\n\n"
        "## Experiments\n\n"
        f"{experiments}\n\n"
        "## Files\n\n"
        "- [index.html](index.html): figures, the leaderboard, the newest runs with what changed in each\n"
        f"{tables}{feed}"
        "- runs/<run id>.html: one run with params, metric summaries and artifacts, without scripts too\n\n"
        "## Elsewhere\n\n"
        "In a clone, `gittrack log --json`, `gittrack show RUN --json` and `gittrack search FILTER` answer "
        "the same questions exactly.\n"
    ).encode("utf-8", "backslashreplace")


def _facts(run: Run, contents: Contents) -> tuple[Cell | None, ...]:
    return (
        run.run_id,
        run.name,
        contents.experiments[run.experiment_id],
        run.status.value,
        run.start_time,
        run.end_time,
        run.user,
        run.code.commit if run.code else None,
        run_page(run.run_id),
    )


def _describe(run: Run, contents: Contents) -> dict[str, object]:
    return {
        **dict(zip(_FIELDS, _facts(run, contents), strict=True)),
        "params": {key: _plain(cell) for key, cell in contents.params[run.run_id].items()},
        "metrics": {
            key: encode_number(last)
            for key in sorted(run.metrics)
            if (last := last_of(run.metrics, key)) is not None
        },
        "tags": visible_tags(run),
    }


def _cell(run: Run, column: Column, contents: Contents, tags: dict[str, str]) -> Cell | None:
    if column.kind == METRIC:
        return last_of(run.metrics, column.key)
    return contents.params[run.run_id].get(column.key) if column.kind == PARAM else tags.get(column.key)


def _title(column: Column) -> str:
    return {METRIC: "metrics.", PARAM: "params."}.get(column.kind, "tags.") + column.key


def _safe(cell: Cell | None) -> Cell | None:
    # A spreadsheet would run a text that begins like a formula.
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return "'" + cell
    return cell


def _plain(cell: Cell) -> Cell:
    return encode_number(cell) if isinstance(cell, float) and not math.isfinite(cell) else cell


def _one_line(text: str) -> str:
    return " ".join(text.split())
