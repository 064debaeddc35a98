"""``gittrack search``: the ids of the runs that a filter means, for pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import experiment_option, json_option

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack search "metrics.val/acc > 0.9 AND params.optimizer = 'adam'"
        gittrack search "metrics.loss.min < 0.1 OR tags.keep IS NOT NULL"
        gittrack search "start_time > -7d AND NOT (status = 'FINISHED')"
        gittrack search "CHILDREN OF tidy-otter-412"
        gittrack search "code.commit = 4f9c2ab" --order-by "metrics.loss DESC" -n 5
        gittrack search "status = 'FAILED' AND duration < 1m" | xargs -r gittrack rm
    """,
)
@click.argument("expression", metavar="EXPR")
@click.option(
    "--order-by",
    "order_by",
    multiple=True,
    metavar="KEY [DESC]",
    help="Order by a key; give it again for the next one.  [default: newest first]",
)
@click.option("-n", "count", type=click.IntRange(min=1), metavar="N", help="Print at most N.  [default: all]")
@experiment_option(help="Search this experiment.")
@click.option("--deleted", is_flag=True, help="Search deleted runs instead.")
@click.option("--all", "everything", is_flag=True, help="Search deleted runs too.")
@json_option
@pass_client
def search(
    client: Client,
    expression: str,
    order_by: tuple[str, ...],
    count: int | None,
    experiment: str | None,
    *,
    deleted: bool,
    everything: bool,
    is_json: bool,
) -> None:
    """Print the ids of the runs that a filter means, one a line.

    EXPR compares metrics.KEY (also its .min, .max, .best), params.KEY, tags.KEY, code.commit, code.branch,
    code.dirty, and name, status, start_time, end_time, duration, user, experiment, parent with =, !=, <, <=,
    >, >=, [NOT] LIKE, ILIKE, RLIKE, IN, BETWEEN, IS [NOT] NULL; CHILDREN OF RUN; AND, OR, NOT and parentheses
    join. Text is quoted, numbers are not; -7d is a week ago; a name with odd characters is put between
    `backquotes`.
    """
    from gittrack.cli.listing import print_json
    from gittrack.tracking.select import find_experiment

    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    view = 3 if everything else 2 if deleted else 1
    table = client.search_table(ids, expression, view, order_by, columns=["run_id"], limit=count)
    found = list(map(str, table["run_id"]))
    if is_json:
        print_json(found)
    elif found:
        click.echo("\n".join(found))
    else:
        tell("no run fits")
