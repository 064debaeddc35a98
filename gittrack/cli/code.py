"""The code of a run: in a new worktree, as a branch, or in the work tree itself, which can be undone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell, warn
from gittrack.cli.options import run_argument

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.in_place import InPlaceChange


@click.command(
    cls=Command,
    examples="""
        gittrack checkout @                      the newest run's code in a folder beside this one
        gittrack checkout best:val/acc ../best   in a folder of your choice
        gittrack checkout @ --in-place           over the files here; `gittrack undo` brings them back
    """,
)
@run_argument
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--in-place", is_flag=True, help="Change the files here; HEAD, branch and index stay.")
@click.option("--stash", is_flag=True, help="With --in-place: put changes into git's stash first.")
@pass_client
def checkout(
    client: Client,
    run: str,
    path: Path | None,
    in_place: bool,  # noqa: FBT001  (click's)
    stash: bool,  # noqa: FBT001
) -> None:
    """Check the exact code of a run out into a new linked worktree, and print where it is.

    Nothing here is touched, unless --in-place is given, which overwrites no change that is not committed.
    """
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    if in_place:
        if path is not None:
            raise BadUsageError("a path makes no sense with --in-place", hint="leave out one of them")
        restore_in_place(client, found, stash=stash)
        return
    if stash:
        raise BadUsageError("--stash is for --in-place", hint="a new worktree needs no stash")
    click.echo(client.checkout_run(found.run_id, path))
    _tell_what_is_missing(found)


@click.command(cls=Command, examples="gittrack branch best:val/acc best-model")
@run_argument
@click.argument("name")
@pass_client
def branch(client: Client, run: str, name: str) -> None:
    """Make a branch at the exact code of a run, without checking it out."""
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    commit = client.branch_run(found.run_id, name)
    tell(f"{name} is at {commit[:12]}, the code of {found.name}; `git switch {name}` goes there")
    _tell_what_is_missing(found)


@click.command(
    cls=Command,
    examples="""
        gittrack apply @     the changes that the newest run had, merged into the files here
        gittrack undo        as it was
    """,
)
@run_argument
@pass_client
def apply(client: Client, run: str) -> None:
    """Merge the uncommitted changes that a run had into the files here.

    Where they do not fit, nothing is changed. HEAD, branch and index stay.
    """
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    _tell_what_changed(client.apply_changes(found.run_id), f"the changes of {found.name} are here")


@click.command(
    cls=Command,
    examples="""
        gittrack rerun best:val/acc              the same code, packages and command once more
        gittrack rerun @ --path ../again         in a folder of your choice
        gittrack rerun @ -- python train.py -v   its code and packages, another command
    """,
)
@click.option("--path", metavar="PATH", type=click.Path(path_type=Path), help="Where to make the worktree.")
@click.option(
    "--no-packages", is_flag=True, help="Use the packages of this interpreter, not those of the run."
)
@run_argument
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD...]")
@pass_client
def rerun(
    client: Client,
    run: str,
    command: tuple[str, ...],
    path: Path | None,
    no_packages: bool,  # noqa: FBT001  (click's)
) -> None:
    """Do a run again in a new worktree, and compare what comes out.

    The worktree has the code of the run; uv, where it is installed, gives it the packages of the run. The new
    run is linked to the old one by the tag gittrack.rerunOf. The status is that of the command.
    """
    from gittrack.cli.diff_page import print_metrics
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    done = client.rerun(found.run_id, path=path, argv=command, restores_packages=not no_packages, tell=tell)
    tell(f"{done.run.name} ({done.run.run_id}) did {done.original.name} again")
    print_metrics(done.diff)
    click.get_current_context().exit(done.status if done.status >= 0 else 128 - done.status)


@click.command(
    cls=Command,
    examples="""
        gittrack undo            bring back what --in-place or `apply` changed
        gittrack undo --force    even if files were edited since
    """,
)
@click.option("--force", is_flag=True, help="Even if files were edited since; they are kept in a commit.")
@pass_client
def undo(client: Client, force: bool) -> None:  # noqa: FBT001  (click's)
    """Bring the files back, byte by byte, as they were before the last change in place."""
    done = client.undo_in_place(force=force)
    _tell_what_changed(done, f"undone: {done.what}")


def restore_in_place(client: Client, run: Run, *, stash: bool) -> None:
    """Restore the code of a run in place, and tell what happened."""
    done = client.restore_in_place(run.run_id, stash=stash)
    _tell_what_changed(done, f"the files are those of {run.name}; `gittrack undo` brings yours back")
    _tell_what_is_missing(run)


def _tell_what_changed(done: InPlaceChange, what: str) -> None:
    from gittrack.cli.listing import count

    tell(f"{what} ({count(len(done.written), 'file')} written, {len(done.deleted)} removed)")


def _tell_what_is_missing(run: Run) -> None:
    from gittrack.cli.listing import count

    if run.code is not None and run.code.skipped:
        left_out = count(run.code.skipped, "file")
        warn(f"{left_out} that differed were left out when it started; `gittrack show {run.name}` says why")
