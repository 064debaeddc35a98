"""``gittrack push``, ``fetch``, ``pull`` and ``sync``: runs exchanged with a Git remote."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import complain, tell, tell_hint, warn
from gittrack.cli.options import complete_runs, json_option
from gittrack.cli.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.errors import GittrackError
    from gittrack.store.git_scan import Held
    from gittrack.tracking.client import Client
    from gittrack.tracking.contents import Transfer
    from gittrack.tracking.sync import Exchange

SHOWN = 10


def _exchange(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that all exchanges share."""
    for decorate in (
        pass_client,
        json_option,
        click.option("-n", "--dry-run", is_flag=True, help="Only look, and say what would be exchanged."),
        click.argument("remote", required=False),
    ):
        function = decorate(function)
    return function


@click.command(
    cls=Command,
    examples="""
        gittrack push               send your runs to origin, taking in those of others
        gittrack push backup        send them to another remote
        gittrack push --dry-run     say what would be sent
        gittrack push --allow RUN   send RUN too, although it looks like it holds a secret
    """,
)
@click.option(
    "--allow",
    "allowed",
    multiple=True,
    metavar="RUN",
    shell_complete=complete_runs,
    help="Send a run although it looks like it holds a secret; this is remembered.",
)
@click.option(
    "--artifacts/--no-artifacts",
    "with_content",
    default=True,
    help="Whether to send the content of artifacts first.  [default: --artifacts]",
)
@_exchange
def push(
    client: Client,
    remote: str | None,
    dry_run: bool,  # noqa: FBT001  (click's)
    is_json: bool,  # noqa: FBT001
    allowed: tuple[str, ...],
    with_content: bool,  # noqa: FBT001
) -> int:
    """Send runs and their artifacts to a remote, taking in what it has.

    A run that looks like it holds a token, key or password stays here; then the status is 1.
    """
    from gittrack.tracking import sync as exchange
    from gittrack.tracking.select import find_run

    for selector in allowed:
        run = find_run(client, selector)
        count = exchange.allow(client, run, remote)
        tell(f"{run.name}: {count} allowed" if count else f"{run.name}: nothing in it needs to be allowed")
    with show_progress("sending runs") as progress, show_progress("sending artifacts", "bytes") as sizes:
        if dry_run:
            done = exchange.look(client, remote, progress=progress)
        else:
            done = exchange.push(
                client, remote, with_content=with_content, progress=progress, content_progress=sizes
            )
    return _report(done, dry_run, is_json)


@click.command(cls=Command, examples="gittrack fetch     look at what origin has, changing nothing here")
@_exchange
def fetch(client: Client, remote: str | None, dry_run: bool, is_json: bool) -> None:  # noqa: FBT001  (click's)
    """Look at what a remote has, changing no run here."""
    from gittrack.tracking import sync as exchange

    del dry_run
    with show_progress("looking at runs") as progress:
        done = exchange.look(client, remote, progress=progress)
    _report(done, True, is_json)  # noqa: FBT003  (nothing was exchanged)


@click.command(
    cls=Command,
    examples="""
        gittrack pull              take in the runs of origin
        gittrack pull --artifacts  take in the content of their artifacts too
        gittrack pull --dry-run    say what would be taken in
    """,
)
@click.option(
    "--artifacts",
    "with_content",
    is_flag=True,
    help="Also bring the content of artifacts; without this, it comes when it is asked for.",
)
@_exchange
def pull(client: Client, remote: str | None, dry_run: bool, is_json: bool, with_content: bool) -> int:  # noqa: FBT001  (click's)
    """Take in the runs of a remote."""
    from gittrack.tracking import sync as exchange
    from gittrack.tracking.contents import fetch_all

    with show_progress("taking in runs") as progress:
        done = (exchange.look if dry_run else exchange.pull)(client, remote, progress=progress)
    failures: list[GittrackError] = []
    if with_content and not dry_run:
        with show_progress("bringing artifacts", "bytes") as progress:
            content, failures = fetch_all(client, done.remote, progress=progress)
        done = replace(done, content=content)
    _report(done, dry_run, is_json)
    for failure in failures:
        complain(failure.message, failure.hint)
    return max((failure.exit_code for failure in failures), default=0)


def _report(done: Exchange, is_dry: bool, is_json: bool) -> int:  # noqa: FBT001
    """Say what was exchanged, or would be; return the status."""
    from gittrack.cli.listing import count, print_json

    status = 1 if done.held else 0
    if is_json:
        print_json(asdict(done))
        return status
    sent, received = count(done.sent, "run"), count(done.received, "run")
    for note in done.notes:
        tell(note)
    if done.sent or done.received:
        verbs = ("to send", "to take in") if is_dry else ("sent", "taken in")
        tell(f"{done.remote}: {sent} {verbs[0]}, {received} {verbs[1]}")
    elif not done.held and not done.content.files:
        others = f"models or experiments {'to exchange' if is_dry else 'exchanged'}"
        tell(f"{done.remote}: {others if done.moved else 'everything up to date'}")
    _tell_content(done.content, is_dry)
    for held in done.held[:SHOWN]:
        _warn_of(held)
    if len(done.held) > SHOWN:
        warn(f"{count(len(done.held) - SHOWN, 'more run')} stay here too; `gittrack push --json` lists them")
    return status


def _tell_content(content: Transfer, is_dry: bool) -> None:  # noqa: FBT001
    """Say what content was exchanged, or would be."""
    from gittrack.cli.listing import count
    from gittrack.cli.times import show_size

    if not content.files:
        return
    files = f"{count(content.files, 'file')} ({show_size(content.content_bytes)})"
    if is_dry:
        tell(f"artifacts: {files} to send")
    elif content.sent_bytes:
        tell(f"artifacts: {files} sent, of which {show_size(content.sent_bytes)} were new there")
    else:
        tell(f"artifacts: {files} exchanged")


def _warn_of(held: Held) -> None:
    """Say what stays here and why, what is to be done, and not the secret itself."""
    first, *more = held.findings
    others = f", and {len(more)} more" if more else ""
    warn(f"{held.name} stays here: {first.where} looks like {first.rule} ({first.shown}){others}")
    if held.run_id is not None:
        tell_hint(f"revoke it, if it is one; if it is none: gittrack push --allow {held.run_id[:12]}")
    else:
        tell_hint("revoke it, if it is one, and take it out")


sync = push
"""``gittrack sync``: a push takes in what the remote has, so that afterwards both have everything."""
