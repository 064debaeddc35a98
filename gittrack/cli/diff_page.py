"""Runs side by side: as text, as Markdown for a pull request, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.listing import Column, Listing, count, print_listing, printable, show_number
from gittrack.cli.markdown_parts import Part, table_part
from gittrack.cli.sections import print_title
from gittrack.core.diff import ABSENT, Verdict, count_changes
from gittrack.core.model import format_param

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.diff import Cell, ChangedFile, MetricRow, Row, RunDiff

PAIR = 2
SYSTEM = "system/"
"""How the keys of metrics of the machine begin."""
SHOWN_DIGITS = 12
"""Of the digest of an artifact, and the id of a commit."""
SHOWN_FILES = 50
"""Of the code; git shows all."""
_COLOURS = {Verdict.BETTER.value: "green", Verdict.WORSE.value: "red"}
_FOLDED = frozenset({"artifacts", "packages", "attributes", "code"})
"""What a pull request shows when it is asked to."""


def print_diff(diff: RunDiff, *, shows_all: bool = False) -> None:
    """Print a comparison for people."""
    click.echo(_title(diff))
    listings = _listings(diff, shows_all=shows_all)
    for name, listing in listings.items():
        print_title(name)
        print_listing(listing, None)
    if not listings:
        click.echo("nothing differs")


def print_metrics(diff: RunDiff) -> None:
    """Print the metrics of two runs, those that differ first of all; all that are the same in a line."""
    differing = _shown_metrics(diff)
    if differing:
        print_listing(_list_metrics(differing, diff), None)
    same = sum(not row.differs and not row.key.startswith(SYSTEM) for row in diff.metrics)
    if same or not differing:
        click.echo(f"{count(same, 'metric')} the same" if same else "no metrics to compare")


def markdown_parts(diff: RunDiff, *, shows_all: bool = False) -> list[Part]:
    """Return a comparison for a pull request: metrics and params open, what is long folded."""
    parts = [Part([f"### {_title(diff).replace('<', '&lt;')}"])]
    listings = _listings(diff, shows_all=shows_all)
    for name, listing in listings.items():
        if name in _FOLDED:
            head, foot = (
                ["", f"<details><summary>{name}: {len(listing.rows)}</summary>", ""],
                ["", "</details>"],
            )
        else:
            head, foot = ["", f"**{name}**", ""], []
        parts.append(table_part(listing, head, foot))
    return parts if listings else [*parts, Part(["", "Nothing differs."])]


def print_stat(diff: RunDiff) -> None:
    """Print how much differs, a line a section."""
    click.echo(_title(diff))
    lines = {"metrics": _count_metrics(diff), **{name: _count(rows) for name, rows in diff.sections.items()}}
    lines["code"] = _count_code(diff)
    known = {name: text for name, text in lines.items() if text}
    width = max(map(len, known), default=0)
    for name, text in known.items():
        click.echo(f" {name.ljust(width)}  {text}")
    if not known:
        click.echo("nothing differs")


def describe_diff(diff: RunDiff, *, shows_all: bool = False) -> dict[str, Any]:
    """Return a comparison for ``--json``; what a run does not have is left out of its values."""
    ids = [run.run_id for run in diff.runs]
    sections = {
        name: {row.key: _by_id(ids, row.cells) for row in _shown(rows, shows_all=shows_all)}
        for name, rows in diff.sections.items()
    }
    metrics = {row.key: _describe_metric(row, ids) for row in diff.metrics if shows_all or row.differs}
    runs = [{"run_id": run.run_id, "name": run.name, "experiment_id": run.experiment_id} for run in diff.runs]
    code = None if diff.code is None else [asdict(one) for one in diff.code]
    return {"runs": runs, "differs": diff.differs, "metrics": metrics, **sections, "code": code}


def list_changes(diff: RunDiff) -> dict[str, str]:
    """Return what the last run was given other than the first, then what came out, a fact a line."""
    lines: dict[str, str] = {}
    if diff.code:
        lines["code"] = _count_code(diff) or ""
    for kind in ("params", "datasets", "packages"):
        for row in _shown(diff.sections[kind]):
            change = " → ".join(map(_show_cell, (row.cells[0], row.cells[-1])))
            lines[f"{kind}.{row.key}" if row.key in lines else row.key] = change
    for metric in _shown_metrics(diff):
        change = " → ".join(map(_show_value, (metric.values[0], metric.values[-1])))
        facts = ", ".join(filter(None, [change, show_delta(metric), _show_verdict(metric)]))
        lines[f"metrics.{metric.key}" if metric.key in lines else metric.key] = facts
    return lines


def _title(diff: RunDiff) -> str:
    names = [printable(run.name) for run in diff.runs]
    return " → ".join(names) if len(names) == PAIR else f"{count(len(names), 'run')}, first {names[0]}"


def _listings(diff: RunDiff, *, shows_all: bool) -> dict[str, Listing]:
    metrics = _shown_metrics(diff, shows_all=shows_all)
    found = {"metrics": _list_metrics(metrics, diff)} if metrics else {}
    for name, rows in diff.sections.items():
        if shown := _shown(rows, shows_all=shows_all):
            found[name] = _list_rows(name, shown, diff)
    if diff.code:
        found["code"] = _list_code(diff.code)
    return found


def _shown_metrics(diff: RunDiff, *, shows_all: bool = False) -> list[MetricRow]:
    """Return the metrics that differ; those of the machine always do, and say nothing of the run."""
    return [row for row in diff.metrics if shows_all or (row.differs and not row.key.startswith(SYSTEM))]


def _shown(rows: Sequence[Row], *, shows_all: bool = False) -> list[Row]:
    return [row for row in rows if shows_all or row.differs]


def _list_metrics(rows: Sequence[MetricRow], diff: RunDiff) -> Listing:
    heads = [Column("metric", must_show=True)]
    heads += [Column(name, is_number=True, show=show_number) for name in _names(diff)]
    if len(diff.runs) == PAIR:
        heads += [Column("Δ", is_number=True, must_show=True), Column("", must_show=True, style=_colour)]
        cells = [[row.key, *row.values, show_delta(row), _show_verdict(row)] for row in rows]
    else:
        heads.append(Column("best", must_show=True))
        cells = [[row.key, *row.values, _best_name(row, diff)] for row in rows]
    return Listing(heads, cells)


def _list_rows(name: str, rows: Sequence[Row], diff: RunDiff) -> Listing:
    heads = [Column(name.removesuffix("s"), must_show=True)]
    heads += [Column(title) for title in _names(diff)]
    cells = []
    for row in rows:
        is_digest = name in {"artifacts", "datasets"} or row.key in {"commit", "tree"}
        show = _show_digest if is_digest else _show_cell
        cells.append([row.key, *(None if cell is ABSENT else show(cell) for cell in row.cells)])
    return Listing(heads, cells)


def _list_code(files: Sequence[ChangedFile]) -> Listing:
    heads = [Column("file", must_show=True)]
    heads += [Column(title, is_number=True, must_show=True) for title in ("+", "-")]
    return Listing(heads, [[one.path, one.added, one.removed] for one in files[:SHOWN_FILES]])


def _names(diff: RunDiff) -> list[str]:
    """Return what to call the runs: their names, with digits of the id where those are the same."""
    names = [run.name for run in diff.runs]
    return [
        f"{run.name} ({run.run_id[:SHOWN_DIGITS]})" if names.count(run.name) > 1 else run.name
        for run in diff.runs
    ]


def _best_name(row: MetricRow, diff: RunDiff) -> str | None:
    return None if row.best is None else _names(diff)[row.best]


def _describe_metric(row: MetricRow, ids: Sequence[str]) -> dict[str, Any]:
    others = range(1, len(ids))
    verdicts = {ids[position]: row.verdict(position) for position in others}
    return {
        "values": {run_id: one for run_id, one in zip(ids, row.values, strict=True) if one is not None},
        "delta": {ids[i]: delta for i in others if (delta := row.delta(i)) is not None},
        "relative": {ids[i]: part for i in others if (part := row.relative(i)) is not None},
        "verdict": {run_id: one.value for run_id, one in verdicts.items() if one is not None},
        "best": None if row.best is None else ids[row.best],
        "is_lower_better": row.is_lower_better,
    }


def _by_id(ids: Sequence[str], cells: Sequence[Cell]) -> dict[str, Any]:
    return {run_id: cell for run_id, cell in zip(ids, cells, strict=True) if cell is not ABSENT}


def _count_metrics(diff: RunDiff) -> str | None:
    differing = _shown_metrics(diff)
    if not differing:
        return None
    verdicts = [row.verdict(len(diff.runs) - 1) for row in differing] if len(diff.runs) == PAIR else []
    parts = [
        f"{verdicts.count(one)} {one.value}" for one in (Verdict.BETTER, Verdict.WORSE) if one in verdicts
    ]
    return _differ(len(differing)) + (f": {', '.join(parts)}" if parts else "")


def _count(rows: Sequence[Row]) -> str:
    if rows and len(rows[0].cells) > PAIR:
        differing = len(_shown(rows))
        return _differ(differing) if differing else ""
    return ", ".join(f"{number} {kind}" for kind, number in count_changes(rows).items())


def _differ(number: int) -> str:
    return f"{number} differ{'s' if number == 1 else ''}"


def _count_code(diff: RunDiff) -> str | None:
    if not diff.code:
        return None
    added, removed = (sum(one.added or 0 for one in diff.code), sum(one.removed or 0 for one in diff.code))
    return f"{count(len(diff.code), 'file')}, +{added} -{removed} lines"


def _show_value(value: float | None) -> str:
    return "-" if value is None else show_number(value)


def show_delta(row: MetricRow) -> str | None:
    """Return by how much the last run is above the first one, None if one of them has no number."""
    last = len(row.values) - 1
    delta, relative = row.delta(last), row.relative(last)
    if delta is None:
        return None
    text = f"+{show_number(delta)}" if delta > 0 else show_number(delta)
    # Beyond ten times the value a percentage says nothing.
    return text if relative is None or abs(relative) >= 10 else f"{text} ({relative:+.1%})"  # noqa: PLR2004


def _show_verdict(row: MetricRow) -> str | None:
    verdict = row.verdict(len(row.values) - 1)
    return None if verdict is None else verdict.value


def _colour(verdict: str) -> str:
    return _COLOURS.get(verdict, "dim")


def _show_cell(cell: Cell) -> str:
    return "-" if cell is ABSENT else format_param(cell)


def _show_digest(cell: Cell) -> str:
    return _show_cell(cell)[:SHOWN_DIGITS]
