"""``gittrack doctor``: anything that would make gittrack fail here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import form_options

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


@click.command(cls=Command, examples="gittrack doctor")
@form_options
@pass_client
def doctor(client: Client, form: str | None) -> int:
    """Look for anything that would make gittrack fail here; exit with 1 if there is something."""
    from gittrack.cli.listing import Column, Listing, print_listing
    from gittrack.cli.site import DEFAULT_FOLDER
    from gittrack.tracking.health import examine

    findings = examine(client, Path(DEFAULT_FOLDER))
    heads = [
        Column("check", must_show=True),
        Column("result", must_show=True, style=STYLES.__getitem__),
        Column("detail", must_show=True, wraps=True),
    ]
    rows = [[one.what, one.level, one.detail] for one in findings]
    records = [
        {"check": one.what, "result": one.level, "detail": one.detail, "hint": one.hint} for one in findings
    ]
    print_listing(Listing(heads, rows, records, max_cell=200), form)
    for one in findings:
        if one.level != "ok" and one.hint and form is None:
            tell(f"hint: {one.what}: {one.hint}")
    return 1 if any(one.level == "problem" for one in findings) else 0
