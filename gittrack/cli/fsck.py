"""``gittrack fsck``: everything that is stored, read and hashed again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import form_options

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

STATUS_INTEGRITY = 8


@click.command(cls=Command, examples="gittrack fsck")
@form_options
@pass_client
def fsck(client: Client, form: str | None) -> int:
    """Verify everything that is stored; exit with 8 if anything is damaged."""
    from gittrack.cli.listing import Column, Listing, print_listing
    from gittrack.cli.progress import show_progress
    from gittrack.tracking.health import check_all

    with show_progress("verifying") as progress:
        problems = check_all(client, progress=progress)
    heads = [Column("where", must_show=True, wraps=True), Column("problem", must_show=True, wraps=True)]
    rows = [[one.where, one.message] for one in problems]
    records = [{"where": one.where, "problem": one.message} for one in problems]
    if rows or form is not None:
        print_listing(Listing(heads, rows, records, max_cell=200), form)
    tell(f"{len(problems)} problems found" if problems else "everything is as it was written")
    return STATUS_INTEGRITY if problems else 0
