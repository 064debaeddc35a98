"""``gittrack view``: names for what a page of the site shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import tell

if TYPE_CHECKING:
    from pathlib import Path

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
    from gittrack.core.views import VIEWS_FILE, check_name, parse_address

    file = _file(client)
    views = {**_read(file), check_name(name): parse_address(address)}
    _write(file, views)
    tell(f"saved in {VIEWS_FILE}; commit it for others to have it")


@view.command("ls", examples="gittrack view ls --json")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@pass_client
def list_views(client: Client, form: str | None) -> None:
    """List the views that are named here."""
    from gittrack.cli.listing import Column, Listing, print_listing

    views = _read(_file(client))
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
    from gittrack.errors import NotFoundError

    file = _file(client)
    views = _read(file)
    if name not in views:
        message = f"no view {name!r}"
        raise NotFoundError(message, hint="`gittrack view ls` lists them")
    del views[name]
    _write(file, views)


def _file(client: Client) -> Path:
    from gittrack.core.views import VIEWS_FILE
    from gittrack.errors import UserError

    top = client.work_tree()
    if top is None:
        raise UserError(
            "this repository has no work tree to keep views in", hint="go into a clone that has one"
        )
    return top / VIEWS_FILE


def _read(file: Path) -> dict[str, str]:
    from gittrack.core.views import decode_views
    from gittrack.errors import StoreError

    try:
        return decode_views(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        message = f"cannot read {str(file)!r}: {error.strerror}"
        raise StoreError(message) from error


def _write(file: Path, views: dict[str, str]) -> None:
    from gittrack.core.views import encode_views
    from gittrack.errors import StoreError
    from gittrack.store.disk import replace_file

    try:
        replace_file(file, encode_views(views))
    except OSError as error:
        message = f"cannot write {str(file)!r}: {error.strerror}"
        raise StoreError(message, hint="it is as it was") from error
