"""``gittrack init``, ``hook`` and ``bundle``: ways of exchange that are off until asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, Group, pass_client
from gittrack.cli.complain import tell, warn

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack init                look whether gittrack works here; nothing needs to be set up
        gittrack init --follow-git   let your own `git fetch` bring runs along
    """,
)
@click.option("--follow-git", "follows", is_flag=True, help="Add a fetch refspec for runs to the remote.")
@click.argument("remote", required=False)
@pass_client
def init(client: Client, remote: str | None, follows: bool) -> None:  # noqa: FBT001  (click's)
    """Say that runs can be logged here; set up what is asked for by name."""
    from gittrack.tracking.sync import choose_remote, follow

    if follows:
        name = choose_remote(client, remote)
        is_new = follow(client, name)
        tell(f"`git fetch {name}` {'now brings' if is_new else 'brings'} runs; `gittrack pull` takes them in")
    tell(f"ready: runs are kept in {client.folder()}, at refs/gittrack/runs")


@click.group(cls=Group, examples="gittrack hook install")
def hook() -> None:
    """Send runs whenever you push code."""


@hook.command(examples="gittrack hook install")
@pass_client
def install(client: Client) -> None:
    """Install a pre-push hook that sends runs; a hook that is there stays and runs first."""
    from gittrack.tracking.hooks import install_hook

    tell(f"installed {install_hook(client)}: every `git push` sends runs to the same remote")


@hook.command(examples="gittrack hook uninstall")
@pass_client
def uninstall(client: Client) -> None:
    """Remove the hook, and put back the one that was there before."""
    from gittrack.tracking.hooks import uninstall_hook

    tell("the hook is removed" if uninstall_hook(client) else "there is no hook of gittrack")


@click.group(cls=Group, examples="gittrack bundle create runs.bundle")
def bundle() -> None:
    """Carry runs in a file, where there is no network."""


@bundle.command(examples="gittrack bundle create runs.bundle")
@click.argument("file", type=click.Path(path_type=Path))
@pass_client
def create(client: Client, file: Path) -> None:
    """Write all runs into one file."""
    from gittrack.cli.listing import count
    from gittrack.tracking.bundle import create_bundle, list_exposed

    tell(f"{count(create_bundle(client, file), 'run')} in {file}; `gittrack bundle apply` takes them in")
    for held in list_exposed(client):
        found = held.findings[0]
        warn(f"whoever gets {file} can read {held.name}: {found.where} looks like {found.rule}")


@bundle.command(examples="gittrack bundle apply runs.bundle")
@click.argument("file", type=click.Path(path_type=Path))
@pass_client
def apply(client: Client, file: Path) -> None:
    """Take in the runs of a file."""
    from gittrack.cli.listing import count
    from gittrack.tracking.bundle import apply_bundle

    tell(f"{count(apply_bundle(client, file).received, 'run')} taken in")
