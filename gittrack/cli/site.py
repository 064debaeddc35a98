"""``gittrack site``: the static site of all runs."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.site_options import Chosen, build_folder, choose_source, site_options
from gittrack.cli.site_publish import publish_branch

if TYPE_CHECKING:
    from gittrack.tracking.client import Client
    from gittrack.watch import Changes

DEFAULT_FOLDER = "gittrack-site"
STOP_S = 0.5
REBUILD_S = 5.0
"""How often to build while runs are being written."""

_output = click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_FOLDER,
    metavar="DIR",
    help=f"Folder of the site.  [default: {DEFAULT_FOLDER}]",
)


@click.group(
    cls=Group,
    examples="""
        gittrack site build -o public    write the site, or bring it up to date
        gittrack site serve              build it and look at it
        gittrack site publish            bring it to the branch gh-pages
    """,
)
def site() -> None:
    """Build, serve or publish the static site of all runs."""


@site.command(
    "build",
    examples="""
        gittrack site build -o public --title "Vision runs"
        gittrack site build --include "tags.paper = '1'" --redact user,paths
        gittrack site build --single-file runs.html
    """,
)
@_output
@site_options
@click.option(
    "--single-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one HTML file to mail instead of a folder; --max-size is its size.",
)
@click.option("--watch", "is_watching", is_flag=True, help="Build again whenever runs change, until Ctrl-C.")
@pass_client
def build(
    client: Client,
    output: Path,
    single_file: Path | None,
    is_watching: bool,  # noqa: FBT001  (click's)
    **chosen: Unpack[Chosen],
) -> None:
    """Write the site into a folder, and print the page to open."""
    if single_file is not None:
        from gittrack.cli.progress import show_progress
        from gittrack.cli.times import show_size
        from gittrack.site.single import build_single

        source, options = choose_source(client, chosen)
        with show_progress("building") as progress:
            report = build_single(
                source, single_file, templates=chosen["templates"], options=options, progress=progress
            )
        only = f", {report.listed} runs are only listed in it" if report.listed else ""
        tell(f"one file of {show_size(report.bytes)}{only}")
        click.echo(single_file)
        return
    if not is_watching:
        click.echo(build_folder(client, output, chosen).index)
        return
    from gittrack.cli.interrupts import stop_on_signals
    from gittrack.watch import watch

    # Watched first, or what changes while the site is built is missed.
    with stop_on_signals() as stopped, watch(client.watched_folders()) as changes:
        click.echo(build_folder(client, output, chosen).index)
        _rebuild_until(stopped, changes, client, output, chosen)


@site.command(
    "publish",
    examples="""
        gittrack site publish                       to gh-pages at origin
        gittrack site publish --remote pages --branch main
        gittrack site publish s3://bucket/runs      to any place fsspec reaches
        gittrack site publish /var/www/runs         to a folder
    """,
)
@click.argument("target", required=False)
@site_options
@click.option(
    "--remote", default="origin", metavar="NAME", help="Remote or URL to push to.  [default: origin]"
)
@click.option(
    "--branch", default="gh-pages", metavar="NAME", help="Branch that holds it.  [default: gh-pages]"
)
@click.option("--force", is_flag=True, help="Replace a branch that gittrack did not write.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask whether everybody may read it.")
@pass_client
def publish(
    client: Client,
    target: str | None,
    remote: str,
    branch: str,
    force: bool,  # noqa: FBT001
    yes: bool,  # noqa: FBT001
    **chosen: Unpack[Chosen],
) -> None:
    """Build the site and bring it to a branch, a folder or a URL; print where it is.

    A branch gets one commit without parents, and of the site only what changed is sent.
    """
    if target is not None and "://" not in target:
        click.echo(build_folder(client, Path(target), chosen).index)
        return
    folder = client.own_folder("site")
    build_folder(client, folder, chosen)
    if target is not None:
        from gittrack.cli.progress import show_progress
        from gittrack.site.publish import upload

        with show_progress("sending") as progress:
            sent, removed = upload(folder, target, progress)
        tell(f"{sent} files sent, {removed} removed")
        click.echo(target)
        return
    publish_branch(client, folder, remote, branch, force=force, yes=yes)


@site.command("serve", examples="gittrack site serve --port 8000")
@_output
@site_options
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    metavar="PORT",
    help="Port to listen on.  [default: any free one]",
)
@click.option("--watch", "is_watching", is_flag=True, help="Build again whenever runs change.")
@pass_client
def serve(client: Client, output: Path, port: int, is_watching: bool, **chosen: Unpack[Chosen]) -> None:  # noqa: FBT001
    """Build the site and serve it on this machine until Ctrl-C, and print its address."""
    from gittrack.site.serve import serve as serve_folder
    from gittrack.watch import watch

    with contextlib.ExitStack() as stack:
        changes = stack.enter_context(watch(client.watched_folders())) if is_watching else None
        build_folder(client, output, chosen)
        served = stack.enter_context(serve_folder(output, port=port))
        try:
            click.echo(served.url)
            tell("serving on this machine only; Ctrl-C ends it")
            if changes is not None:
                _rebuild_until(threading.Event(), changes, client, output, chosen)
            threading.Event().wait()
        except KeyboardInterrupt:
            tell("")


def _rebuild_until(
    stopped: threading.Event, changes: Changes, client: Client, output: Path, chosen: Chosen
) -> None:
    while not stopped.is_set():
        # Runs that write all the time are never quiet; a signal is noticed in between.
        if changes.wait(STOP_S, limit_s=REBUILD_S) and not stopped.is_set():
            client.recover()
            build_folder(client, output, chosen)
