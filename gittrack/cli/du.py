"""``gittrack du``: what takes the space."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import form_options

if TYPE_CHECKING:
    from gittrack.tracking.client import Client
    from gittrack.tracking.space import By


@click.command(
    cls=Command,
    examples="""
        gittrack du             by experiment
        gittrack du --by run    by run
        gittrack du --by kind   by kind of file
    """,
)
@click.option(
    "--by",
    type=click.Choice(["experiment", "run", "kind"]),
    default="experiment",
    show_default=True,
    help="What to add up by.",
)
@form_options
@pass_client
def du(client: Client, by: By, form: str | None) -> None:
    """Say what takes the space: artifacts by experiment, run or kind of file, largest first."""
    from dataclasses import asdict

    from gittrack.cli.listing import Column, Listing, print_listing
    from gittrack.cli.times import show_size
    from gittrack.tracking.space import measure

    usages = measure(client, by)
    heads = [Column(by, must_show=True), Column("files", is_number=True)]
    heads += [Column(name, is_number=True, show=show_size) for name in ("size", "alone", "here", "elsewhere")]
    rows: list[list[object]] = [
        [one.name, one.files, one.size, one.alone, one.here, one.elsewhere] for one in usages
    ]
    exported = ((by, "files", "size", "alone", "here", "elsewhere"), rows)
    print_listing(
        Listing(heads, rows, [asdict(one) for one in usages], exported, "no run has artifacts"), form
    )
