"""``gittrack best``: runs ranked by a metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import complete_metrics, experiment_option, form_options

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack best val/acc              the best runs by their best val/acc
        gittrack best loss -n 3 -x vision  the three best of an experiment
        gittrack best score --lower        less is better here
    """,
)
@click.argument("metric", shell_complete=complete_metrics)
@experiment_option(help="Rank the runs of this experiment only.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(min=0),
    default=10,
    metavar="N",
    help="Show at most N runs, 0 for all.  [default: 10]",
)
@click.option(
    "--lower/--higher",
    "lower",
    default=None,
    help="Whether less or more is better.  [default: told by the name]",
)
@form_options
@pass_client
def best(
    client: Client,
    metric: str,
    experiment: str | None,
    count: int,
    lower: bool | None,  # noqa: FBT001  (click's)
    form: str | None,
) -> None:
    """Rank runs by the best value that each ever had of a metric."""
    from gittrack.cli.listing import print_listing
    from gittrack.cli.run_table import list_ranking
    from gittrack.core.select import unique_length, unknown_metric
    from gittrack.tracking.definitions import is_lower
    from gittrack.tracking.select import find_experiment, rank_runs

    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    less = is_lower(client, metric, ids) if lower is None else lower
    ranked = rank_runs(client, metric, ids, lower=less, limit=count or None)
    if not ranked:
        raise unknown_metric(metric, client.store.list_names("metrics"))
    names = {one.experiment_id: one.name for one in client.store.list_experiments()}
    digits = unique_length(client.store.list_similar_ids(run.run_id for run in ranked))
    print_listing(list_ranking(ranked, metric, names, lower=less, digits=digits), form)
