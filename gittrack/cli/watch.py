"""``gittrack watch``: a folder, logged to a run as things appear and grow in it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell, warn
from gittrack.cli.options import complete_runs, experiment_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.tracking.client import Client
    from gittrack.tracking.folder_watch import FolderWatch

LOOK_S = 1.0
"""How often to look while something happens."""
IDLE_S = 5.0
"""How often to look while nothing seems to happen: no system tells of everything."""


@click.command(
    cls=Command,
    examples="""
        gittrack watch logs                   until Ctrl-C: metrics as they grow, checkpoints, pictures
        gittrack watch logs --run @           into the newest run, be it running
        gittrack watch logs --resume          go on with the run that this folder was logged to
        gittrack watch logs --once            log what is there, and end
        gittrack watch logs -a 'conf/*.yaml'  these files too
    """,
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--run", "into", metavar="RUN", shell_complete=complete_runs, help="Log to this run.")
@click.option("--resume", is_flag=True, help="Log to the newest run of this folder, if there is one.")
@click.option("--name", metavar="NAME", help="Name of a new run.  [default: that of the folder]")
@experiment_option(help="Experiment of a new run.")
@click.option("-a", "artifacts", multiple=True, metavar="GLOB", help="Store the files that fit too.")
@click.option("--once", is_flag=True, help="Look once, and end.")
@click.option(
    "--until-idle", type=click.FloatRange(min=0), metavar="S", help="End when nothing is new for S seconds."
)
@click.option("--poll/--no-poll", "is_polling", default=None, help="Poll.  [default: on network disks]")
@pass_client
def watch(
    client: Client,
    folder: Path,
    into: str | None,
    resume: bool,  # noqa: FBT001  (click's)
    name: str | None,
    experiment: str | None,
    artifacts: tuple[str, ...],
    once: bool,  # noqa: FBT001
    until_idle: float | None,
    is_polling: bool | None,  # noqa: FBT001
) -> None:
    """Log what appears and grows in a folder.

    JSON lines, CSV (metrics.csv, progress.csv …) and TensorBoard's event files are metrics, row by row. New
    checkpoints and pictures are artifacts, once they are complete. Nothing is logged twice.
    """
    from gittrack.errors import NotFoundError

    if not folder.is_dir():
        message = f"there is no folder {str(folder)!r} to watch"
        raise NotFoundError(message, hint="create it first")
    run_id, is_own = _choose_run(client, folder, into, name, experiment, is_resuming=resume)
    watching = _open(client, run_id, folder, artifacts)
    click.echo(run_id)
    try:
        if once:
            watching.look(is_last=True)
        else:
            _watch_on(watching, folder, until_idle, is_polling)
    finally:
        client.release(run_id)
        if is_own:
            client.set_terminated(run_id)


def _open(client: Client, run_id: str, folder: Path, artifacts: Sequence[str]) -> FolderWatch:
    from gittrack.tracking.folder_watch import FolderWatch

    return FolderWatch(client, run_id, folder, artifacts=artifacts, warn=warn)


def _choose_run(
    client: Client,
    folder: Path,
    into: str | None,
    name: str | None,
    experiment: str | None,
    *,
    is_resuming: bool,
) -> tuple[str, bool]:
    """Return the run to log to, and whether its end is ours."""
    from gittrack.core.model import DEFAULT_EXPERIMENT_ID, TAG_SOURCE_NAME
    from gittrack.tracking.folder_watch import TAG_FOLDER, find_watched_run
    from gittrack.tracking.select import find_or_create_experiment, find_run

    if into is not None:
        found = find_run(client, into)
        if found.status.is_terminated:
            client.resume_run(found.run_id)
        return found.run_id, found.status.is_terminated
    if is_resuming and (known := find_watched_run(client, folder)) is not None:
        client.resume_run(known)
        return known, True
    chosen = DEFAULT_EXPERIMENT_ID if experiment is None else find_or_create_experiment(client, experiment)
    tags = {TAG_FOLDER: str(folder.resolve()), TAG_SOURCE_NAME: f"gittrack watch {folder}"}
    return client.create_run(chosen, None, tags, name or folder.resolve().name).run_id, True


def _watch_on(watching: FolderWatch, folder: Path, until_idle: float | None, is_polling: bool | None) -> None:  # noqa: FBT001
    from gittrack.cli.interrupts import stop_on_signals
    from gittrack.errors import NotFoundError
    from gittrack.watch import watch as watch_folders

    tell("watching; Ctrl-C ends it")
    patience_s = IDLE_S if until_idle is None else LOOK_S
    quiet_since = time.monotonic()
    try:
        with (
            stop_on_signals() as stopped,
            watch_folders([folder], settle_s=0.1, is_polling=is_polling) as changes,
        ):
            while not stopped.is_set():
                if watching.look():
                    quiet_since = time.monotonic()
                if until_idle is not None and time.monotonic() - quiet_since > until_idle:
                    break
                if changes.wait(patience_s, limit_s=LOOK_S):
                    stopped.wait(0.2)
            watching.look(is_last=True)
    except NotFoundError as error:
        warn(f"{error.message}; the run ends")
