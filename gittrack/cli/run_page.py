"""One run, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.diff_page import describe_diff, list_changes
from gittrack.cli.listing import Column, Listing, print_listing, printable, printable_lines
from gittrack.cli.run_table import describe_run, list_metrics
from gittrack.cli.sections import SHOWN, print_more, print_pairs, print_section, print_title
from gittrack.cli.times import show_age, show_duration, show_size, show_time
from gittrack.core.fields import flatten_params
from gittrack.core.model import TAG_NOTE, TAG_RERUN, LifecycleStage, format_param

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.diff import RunDiff
    from gittrack.core.inputs import DatasetInput
    from gittrack.core.model import Run

SHOWN_CHANGES = 12
"""Of what a run has other than the one before it; `gittrack diff` shows all."""


def describe_page(
    run: Run, others: Sequence[Run], experiments: Mapping[str, str], changes: RunDiff | None = None
) -> dict[str, Any]:
    """Return what `print_page` shows, for ``--json``."""
    return {
        **describe_run(run, experiments),
        "note": run.tags.get(TAG_NOTE),
        "children": [one.run_id for one in reversed(others) if one.parent == run.run_id],
        "changes": describe_diff(changes) if changes else None,
    }


def print_page(
    run: Run,
    others: Sequence[Run],
    experiments: Mapping[str, str],
    changes: RunDiff | None = None,
    declared: Mapping[str, bool] | None = None,
) -> None:
    """Print a run for people.

    Args:
        run: The run.
        others: Its relatives.
        experiments: Names by id.
        changes: How it differs from the run before it.
        declared: Metric → whether less is better, where its experiment says so.
    """
    print_pairs(_facts(run, others, experiments))
    if changes:
        print_section(f"since {printable(changes.runs[0].name)}", list_changes(changes), shown=SHOWN_CHANGES)
    params = flatten_params(run.params)
    print_section("params", {key: format_param(params[key]) for key in sorted(params)})
    if run.metrics:
        print_title("metrics")
        print_listing(list_metrics(run, declared), None)
    tags = {key: value for key, value in sorted(run.tags.items()) if key not in {TAG_NOTE, TAG_RERUN}}
    print_section("tags", tags)
    if TAG_NOTE in run.tags:
        print_title("note")
        click.echo(printable_lines(run.tags[TAG_NOTE]))
    print_section("datasets", {key: _describe_dataset(one) for key, one in run.datasets.items()})
    print_section("models", _describe_models(run))
    if run.artifacts:
        print_title("artifacts")
        rows = [[one.path, one.size] for _, one in sorted(run.artifacts.items())]
        heads = [Column("path", must_show=True), Column("size", is_number=True, show=show_size)]
        print_listing(Listing(heads, rows[:SHOWN]), None)
        print_more(len(rows) - SHOWN)


def _facts(run: Run, others: Sequence[Run], experiments: Mapping[str, str]) -> dict[str, str]:
    names = {one.run_id: one.name for one in others}
    status = run.status.value.lower()
    children = [one for one in reversed(others) if one.parent == run.run_id]
    facts = {
        "name": run.name,
        "id": run.run_id,
        "status": f"{status}: {run.reason}" if run.reason else status,
        "experiment": experiments.get(run.experiment_id, run.experiment_id),
        "started": f"{show_time(run.start_time)} ({show_age(run.start_time)})",
        "took": None if run.duration_s is None else show_duration(run.duration_s),
        "code": _describe_code(run),
        "source": run.source,
        "user": run.user,
        "parent": run.parent and f"{names.get(run.parent, 'not in this clone')} ({run.parent})",
        "children": ", ".join(f"{one.name} ({one.status.value.lower()})" for one in children[:SHOWN]) or None,
        "rerun of": run.tags.get(TAG_RERUN),
        "deleted": "yes; `gittrack restore` brings it back"
        if run.lifecycle_stage == LifecycleStage.DELETED
        else None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _describe_dataset(one: DatasetInput) -> str:
    context = f"{one.context}: " if one.context else ""
    return f"{context}{one.dataset.source_type} {one.dataset.place}".rstrip()


def _describe_models(run: Run) -> dict[str, str]:
    made = {model_id: f"made at step {step}" for model_id, step in run.model_outputs.items()}
    return {**dict.fromkeys(run.model_inputs, "used"), **made}


def _describe_code(run: Run) -> str | None:
    code = run.code
    if code is None or code.commit is None:
        return None
    parts = [code.commit[:12]]
    if code.branch:
        parts.append(f"on {code.branch}")
    if code.dirty:
        parts.append("with changes that are not committed")
    if code.entry:
        parts.append(f"({code.entry})")
    return " ".join(parts)
