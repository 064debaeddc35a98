"""``gittrack artifacts refer``, ``use``, ``rm``: what a run refers to, used of others, no longer has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import complete_artifacts, run_argument

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command, examples="gittrack artifacts refer @ s3://team/train.parquet --digest sha256:9f86d081"
)
@run_argument
@click.argument("uri")
@click.option("--as", "path", metavar="PATH", help="What it is called in the run.  [default: its last part]")
@click.option("--digest", metavar="ALGORITHM:VALUE", help="What it is now, e.g. sha256:….")
@click.option("--size", type=click.IntRange(min=0), metavar="BYTES", help="How large it is.")
@pass_client
def refer(client: Client, run: str, uri: str, path: str | None, digest: str | None, size: int | None) -> None:
    """Log an artifact that stays where it is: only its URI and digest are kept."""
    from gittrack.tracking.references import log_reference
    from gittrack.tracking.select import find_run

    found = log_reference(client, find_run(client, run).run_id, uri, path, digest=digest, size=size)
    tell(f"{found.path} refers to {found.uri}")


@click.command(cls=Command, examples="gittrack artifacts use @ gittrack:/best:val/acc/model.pt")
@run_argument
@click.argument("uri")
@pass_client
def use(client: Client, run: str, uri: str) -> None:
    """Say that a run uses a file or folder of another run, and print its digest."""
    from gittrack.tracking.lineage import use_artifact
    from gittrack.tracking.select import find_run

    click.echo(use_artifact(client, find_run(client, run).run_id, uri).digest)


@click.command(cls=Command, examples="gittrack artifacts rm @ 'checkpoints/*.pt' --yes")
@run_argument
@click.argument("path", shell_complete=complete_artifacts)
@click.option("-y", "--yes", "is_meant", is_flag=True, help="Do it; without this, only say what would go.")
@pass_client
def rm(client: Client, run: str, path: str, is_meant: bool) -> None:  # noqa: FBT001  (click's)
    """Take files out of a run; `gittrack gc` frees their room if no other run has them."""
    from gittrack.cli.listing import count
    from gittrack.cli.times import show_size
    from gittrack.tracking.downloads import select_artifacts
    from gittrack.tracking.references import remove_artifacts
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    gone = list(select_artifacts(found, path))
    if is_meant or not gone:
        gone = remove_artifacts(client, found.run_id, path)
    for artifact in gone:
        click.echo(artifact.path)
    what = f"{count(len(gone), 'file')} ({show_size(sum(one.size for one in gone))})"
    tell(f"took {what} out of {found.name}" if is_meant else f"would take {what} out; `--yes` does")
