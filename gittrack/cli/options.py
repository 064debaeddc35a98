"""Options that several commands share, with completion of names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import open_client
from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

MAX_COMPLETED = 500
"""Runs that are offered."""
MAX_COMMENT = 65_536
"""Characters that GitHub takes in a comment; bytes are never fewer."""
VIEWS = {"active_only": 1, "deleted_only": 2, "all": 3}
"""MLflow's names of what to show."""


def complete_runs(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer names of runs, newest first, and ids once two digits are there."""
    from click.shell_completion import CompletionItem

    try:
        runs = _runs_that_begin(open_client(context), incomplete)
    except GittrackError:
        return []
    named = {run.name: run for run in reversed(runs) if run.name.startswith(incomplete)}
    items = [CompletionItem(name, help=run.status.value.lower()) for name, run in reversed(named.items())]
    if len(incomplete) >= 2:  # noqa: PLR2004
        items += [
            CompletionItem(run.run_id, help=run.name) for run in runs if run.run_id.startswith(incomplete)
        ]
    return items


def _runs_that_begin(client: Client, begin: str) -> list[Run]:
    from dataclasses import replace

    from gittrack.core.query_tree import Key, Like, Or
    from gittrack.tracking.search import make_query

    keys = [Key("attributes", name) for name in ("name", "run_id")]
    fits = Or(tuple(Like(key, "LIKE", f"{begin}%") for key in keys))
    query = make_query(client, view_type=VIEWS["all"], limit=MAX_COMPLETED)
    return client.store.search_runs(replace(query, tree=fits))


def complete_experiments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer names of experiments."""
    from click.shell_completion import CompletionItem

    try:
        found = open_client(context).list_experiments()
    except GittrackError:
        return []
    return [CompletionItem(one.name) for one in found if one.name.startswith(incomplete)]


def complete_metrics(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer keys of metrics."""
    from click.shell_completion import CompletionItem

    try:
        keys = sorted(open_client(context).store.list_names("metrics"))
    except GittrackError:
        return []
    return [CompletionItem(key) for key in keys if key.startswith(incomplete)]


def complete_artifacts(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer paths of artifacts of the run that was named before."""
    from click.shell_completion import CompletionItem

    from gittrack.tracking.select import find_run

    try:
        run = find_run(open_client(context), context.params.get("run") or "@")
    except GittrackError:
        return []
    return [CompletionItem(path) for path in sorted(run.artifacts) if path.startswith(incomplete)]


run_argument = click.argument("run", metavar="RUN", shell_complete=complete_runs)
runs_argument = click.argument(
    "runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs
)


def experiment_option(*names: str, **settings: Any) -> Callable[[Any], Any]:  # noqa: ANN401  (click's own)
    """Return an option that names an experiment."""
    given = names or ("-x", "--experiment")
    return click.option(
        *given, "experiment", metavar="NAME|ID", shell_complete=complete_experiments, **settings
    )


def form_options(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    """Let a listing be printed as JSON, CSV or Markdown."""
    for name, text in (("md", "Print a Markdown table."), ("csv", "Print CSV."), ("json", "Print JSON.")):
        function = click.option(f"--{name}", "form", flag_value=name, default=None, help=text)(function)
    return function


json_option = click.option("--json", "is_json", is_flag=True, help="Print JSON.")


def max_size_option(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    """Add the option that says how long Markdown may be."""
    option = click.option(
        "--max-size",
        type=click.IntRange(min=500),
        default=MAX_COMMENT,
        metavar="BYTES",
        help=f"With --md: what a comment may have; GitLab takes 1000000.  [default: {MAX_COMMENT}]",
    )
    return option(function)
