"""``gittrack show``: one run on a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import json_option, run_argument

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack show @              the newest run
        gittrack show best:val/acc   the run with the best val/acc
        gittrack show HEAD           the newest run of the code that is checked out
        gittrack show tidy-otter-412 --json
        gittrack show @ --console    what its command printed
    """,
)
@run_argument
@click.option("--console", "is_console", is_flag=True, help="Print what its command printed, with times.")
@json_option
@pass_client
def show(client: Client, run: str, is_console: bool, is_json: bool) -> None:  # noqa: FBT001  (click's)
    """Show one run: its facts, what changed since the run before it in its experiment, and all it holds."""
    from gittrack.cli.listing import print_json
    from gittrack.cli.proof_page import describe_proof, print_proof, read_proof
    from gittrack.cli.run_page import describe_page, print_page
    from gittrack.cli.surroundings import (
        describe_surroundings,
        print_console,
        print_surroundings,
        read_surroundings,
    )
    from gittrack.core.direction import declared_directions
    from gittrack.tracking.command.output import read_console
    from gittrack.tracking.select import find_relatives, find_run

    found = find_run(client, run)
    console = read_console(client, found.run_id)
    if is_console and not is_json:
        print_console(found, console)
        return
    relatives = find_relatives(client, found)
    previous = client.find_previous_run(found.run_id)
    changes = client.diff_runs([previous.run_id, found.run_id]) if previous else None
    names = {one.experiment_id: one.name for one in client.store.list_experiments()}
    if is_json:
        more = describe_surroundings(read_surroundings(client, found, console))
        more |= describe_proof(read_proof(client, found))
        print_json({**describe_page(found, relatives, names, changes), **more})
    else:
        experiment = client.store.find_experiment(found.experiment_id)
        print_page(
            found, relatives, names, changes, declared_directions(experiment.tags if experiment else {})
        )
        print_proof(read_proof(client, found))
        print_surroundings(found, read_surroundings(client, found, console))
