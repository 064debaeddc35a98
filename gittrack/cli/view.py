"""``gittrack view``: names for what a page of the site shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import tell

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.group(
    cls=Group,
    examples="""
        gittrack view save "best of the week" "runs.html#q=start_time+>+-7d&sort=m:val/acc.desc"
        gittrack view ls
        gittrack view rm "best of the week"
    """,
)
def view() -> None:
    """Name views: filters, columns, orders and charts that pages of the site keep in their address.

    They are kept in .gittrack-views.json; commit it, and the site offers them to everybody.
    """


@view.command(
    "save", examples='gittrack view save wide "http://127.0.0.1:8000/runs.html#columns=p:lr,m:val/acc"'
)
@click.argument("name")
@click.argument("address")
@pass_client
def save(client: Client, name: str, address: str) -> None:
    """Name the view that an address shows, in place of what had this name."""
    from gittrack.core.views import VIEWS_FILE

    client.save_view(name, address)
    tell(f"saved in {VIEWS_FILE}; commit it for others to have it")


@view.command("ls", examples="gittrack view ls --json")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@pass_client
def list_views(client: Client, form: str | None) -> None:
    """List the views that are named here."""
    from gittrack.cli.listing import Column, Listing, print_listing

    views = client.list_views()
    print_listing(
        Listing(
            [Column("name", must_show=True), Column("address", must_show=True)],
            [[name, address] for name, address in views.items()],
            [{"name": name, "address": address} for name, address in views.items()],
            when_empty="no views yet; name one: gittrack view save NAME ADDRESS",
            max_cell=200,
        ),
        form,
    )


@view.command("rm", examples='gittrack view rm "best of the week"')
@click.argument("name")
@pass_client
def remove(client: Client, name: str) -> None:
    """Forget the name of a view."""
    client.remove_view(name)
