"""``gittrack status``: what is stored, what is running, how large it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.tracking.client import Client

SHOWN = 10


@click.command(cls=Command, examples="gittrack status")
@json_option
@pass_client
def status(client: Client, is_json: bool) -> None:  # noqa: FBT001  (click's)
    """Say what is stored, what is running and how large it is."""
    from dataclasses import asdict

    from gittrack.cli.listing import count, print_json, printable
    from gittrack.cli.times import show_size
    from gittrack.tracking.health import read_status

    found = read_status(client)
    if is_json:
        print_json(asdict(found))
        return
    deleted = f", {found.deleted:,} deleted" if found.deleted else ""
    lines = {
        "repository": found.folder,
        "hidden branch": f"{found.ref} at {found.tip[:12]}" if found.tip else f"{found.ref}, nothing yet",
        "runs": f"{found.runs:,}{deleted}, in {count(found.experiments, 'experiment')}",
        "running": _some(found.running) or "none",
        "unfinished": f"{count(found.journals, 'journal')} ({show_size(found.journal_bytes)}), "
        f"{count(found.waiting, 'change')} to commit",
        "size": f"{show_size(found.pack_bytes)} of runs in {count(found.packs, 'pack')}, "
        f"{show_size(found.artifact_bytes)} of artifacts beside them",
    }
    if found.remote:
        others = ", models or experiments to exchange" if found.models_differ else ""
        lines["remote"] = (
            f"{found.remote}, {count(found.ahead, 'run')} to push, {found.behind:,} to pull{others}"
        )
        if found.unpushed:
            lines["to push"] = _some(found.unpushed)
        if found.held:
            lines["held back"] = _some([f"{name} ({where})" for name, where in found.held])
    if found.unsent:
        size = show_size(found.unsent_bytes)
        lines["not uploaded"] = f"the content of {count(found.unsent, 'file')} ({size}); `gittrack push` does"
    for name, text in lines.items():
        click.echo(f"{name:<13}  {printable(text)}")


def _some(names: Sequence[str]) -> str:
    """Return the first names."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
