"""``gittrack ui``: the site of this repository, live."""

from __future__ import annotations

import contextlib
import secrets
import webbrowser
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.tracking.client import Client
    from gittrack.watch import Changes

_SETTLE_S = 0.1
_LIMIT_S = 0.4
"""How long a run that writes all the time may put off the next build."""
_STOP_S = 0.3
MLFLOW_PORT = 5000
"""Where MLflow's server listens if nothing else is said."""


@click.command(
    cls=Command,
    examples="""
        gittrack ui                     open the live site in a browser
        gittrack ui --port 8000 --no-open
        gittrack ui --mlflow            MLflow's own server and UI on this repository
    """,
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    metavar="PORT",
    help="Port to listen on.  [default: any free one]",
)
@click.option("--open/--no-open", "opens", default=True, help="Open a browser.  [default: open]")
@click.option("--mlflow", "is_mlflow", is_flag=True, help="Start MLflow's server here instead.")
@pass_client
def ui(client: Client, port: int, opens: bool, is_mlflow: bool) -> None:  # noqa: FBT001  (click's)
    """Show the runs as they happen, and rename, tag, note or delete them and name views, until Ctrl-C.

    On this machine only, for who has the address that is printed. Reports are shown as they are on disk, so
    that you see what you write. With --mlflow, MLflow's clients in any language can log here by that address
    too.
    """
    if is_mlflow:
        raise SystemExit(_serve_mlflow(client.tracking_uri, port or MLFLOW_PORT))
    from gittrack.cli.interrupts import stop_on_signals
    from gittrack.site.build import build
    from gittrack.site.drafts import Drafts
    from gittrack.site.live import LiveSite, serve_live
    from gittrack.site.options import SiteOptions
    from gittrack.site.reports import FOLDER
    from gittrack.watch import watch

    watched = client.watched_folders()
    folder = client.own_folder("ui")
    top = client.work_tree()
    reports = [] if top is None or not (top / FOLDER).is_dir() else [top / FOLDER]
    drafts = None if top is None else Drafts(top)
    options = SiteOptions(live=True, drafts=drafts, cache=client.own_folder("compiled"))
    # Watched first, or what changes while the site is built is missed.
    with (
        stop_on_signals() as stopped,
        watch([*watched, *reports], settle_s=_SETTLE_S) as changes,
    ):
        build(client, folder, options=options)
        live = LiveSite(secrets.token_urlsafe(24), partial(_act, client, changes))
        with serve_live(folder, live, port=port) as served:
            click.echo(served.url)
            tell("for you on this machine only; Ctrl-C ends it")
            if opens:
                webbrowser.open(served.url)
            while not stopped.is_set():
                if changes.wait(_STOP_S, limit_s=_LIMIT_S) and not stopped.is_set():
                    client.recover()
                    if build(client, folder, options=options).written:
                        live.announce()


def _act(client: Client, changes: Changes, action: Mapping[str, Any]) -> None:
    """Do what a page asks for, and have the site built again: named views lie where nobody watches."""
    from gittrack.site.actions import act

    act(client, action)
    changes.note()


def _serve_mlflow(store: str, port: int) -> int:
    """Run MLflow's server on a store until it ends; return its exit status."""
    import importlib.util
    import subprocess
    import sys

    from gittrack.errors import UserError

    if importlib.util.find_spec("mlflow") is None or importlib.util.find_spec("flask") is None:
        message = "MLflow's server is not installed here"
        raise UserError(message, hint="pip install mlflow; `gittrack ui` without --mlflow needs nothing")
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    # Without a destination of its own, MLflow would keep artifacts in a folder beside.
    command += ["--backend-store-uri", store, "--artifacts-destination", store]
    click.echo(f"http://127.0.0.1:{port}")
    with contextlib.suppress(KeyboardInterrupt):
        return subprocess.run(command, check=False).returncode
    return 0
