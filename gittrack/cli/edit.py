"""Changing a run afterwards: tags, note, name, deletion."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import run_argument, runs_argument

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack tag @ team=vision stage=draft   set two tags of the newest run
        gittrack tag tidy-otter-412 -d stage     remove a tag
    """,
)
@run_argument
@click.argument("pairs", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("-d", "--delete", "removed", multiple=True, metavar="KEY", help="Remove this tag.")
@pass_client
def tag(client: Client, run: str, pairs: tuple[str, ...], removed: tuple[str, ...]) -> None:
    """Set or remove tags of a run."""
    from gittrack.core.recording import collect_pairs, parse_tag
    from gittrack.tracking.select import find_run

    if not pairs and not removed:
        raise BadUsageError("no tag is given", hint=f"e.g. `gittrack tag {run} team=vision`")
    values = collect_pairs("tag", map(parse_tag, pairs))
    run_id = find_run(client, run).run_id
    for key in removed:
        client.delete_tag(run_id, key)
    for key, value in values.items():
        client.set_tag(run_id, key, value)


@click.command(
    cls=Command,
    examples="""
        gittrack note @                        show the note, or write it in $EDITOR if there is none
        gittrack note @ "best so far"          write it
        gittrack note @ - < notes.md           write it from a file
        gittrack note @ --edit                 change it in $EDITOR
    """,
)
@run_argument
@click.argument("text", required=False, metavar="[TEXT|-]")
@click.option("-e", "--edit", "is_edited", is_flag=True, help="Open $EDITOR.")
@pass_client
def note(client: Client, run: str, text: str | None, is_edited: bool) -> None:  # noqa: FBT001  (click's)
    """Show, write or edit the note of a run, in Markdown; an empty one removes it."""
    from gittrack.cli.listing import printable_lines
    from gittrack.core.model import TAG_NOTE
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    known = found.tags.get(TAG_NOTE)
    if text is None and not is_edited and (known is not None or not _is_interactive()):
        if known is None:
            tell(f"run {found.name} has no note")
        else:
            click.echo(printable_lines(known))
        return
    written = _edit(known or "") if text is None else _read_text() if text == "-" else text
    if written is None or written.strip() == (known or "").strip():
        tell("the note stays as it is")
    elif not written.strip():
        client.delete_tag(found.run_id, TAG_NOTE)
    else:
        client.set_tag(found.run_id, TAG_NOTE, written.strip())


@click.command(cls=Command, examples='gittrack rename @ "wider, no dropout"')
@run_argument
@click.argument("name")
@pass_client
def rename(client: Client, run: str, name: str) -> None:
    """Give a run another name."""
    from gittrack.tracking.select import find_run

    client.update_run(find_run(client, run).run_id, name=name)


@click.command(
    cls=Command,
    examples="""
        gittrack rm @                  delete the newest run
        gittrack rm tidy-otter-412 4f2a1b
    """,
)
@runs_argument
@pass_client
def rm(client: Client, runs: tuple[str, ...]) -> None:
    """Delete runs; `gittrack restore` brings them back."""
    from gittrack.core.model import LifecycleStage
    from gittrack.tracking.select import find_run

    for found in {run.run_id: run for run in [find_run(client, text) for text in runs]}.values():
        if found.lifecycle_stage == LifecycleStage.DELETED:
            tell(f"{found.name} is deleted already")
            continue
        client.delete_run(found.run_id)
        tell(f"deleted {found.name}; `gittrack restore {found.run_id}` brings it back")


@click.command(
    cls=Command,
    examples="""
        gittrack log --deleted         show deleted runs
        gittrack restore tidy-otter-412
        gittrack restore @ --in-place  bring back its code: `gittrack checkout @ --in-place`
    """,
)
@runs_argument
@click.option("--in-place", is_flag=True, help="Bring back the run's code instead, over the files here.")
@click.option("--stash", is_flag=True, help="With --in-place: put changes into git's stash first.")
@pass_client
def restore(client: Client, runs: tuple[str, ...], in_place: bool, stash: bool) -> None:  # noqa: FBT001  (click's)
    """Bring back deleted runs, or with --in-place the files that a run ran with.

    What --in-place changes, `gittrack undo` brings back.
    """
    from gittrack.core.model import LifecycleStage
    from gittrack.tracking.select import find_run

    if in_place:
        from gittrack.cli.code import restore_in_place

        if len(runs) != 1:
            raise BadUsageError("--in-place takes one run", hint="a work tree holds the code of one")
        restore_in_place(client, find_run(client, runs[0]), stash=stash)
        return
    if stash:
        raise BadUsageError("--stash is for --in-place", hint="deleted runs come back without it")
    for found in [find_run(client, text, stage=LifecycleStage.DELETED) for text in runs]:
        if found.lifecycle_stage == LifecycleStage.ACTIVE:
            tell(f"{found.name} is not deleted")
            continue
        client.restore_run(found.run_id)
        tell(f"restored {found.name}")


def _is_interactive() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _edit(text: str) -> str | None:
    if not _is_interactive():
        raise BadUsageError("there is no terminal to edit in", hint="give the note as TEXT, or - for a pipe")
    return click.edit(text, extension=".md")


def _read_text() -> str:
    try:
        return sys.stdin.buffer.read().decode() if sys.stdin else ""
    except UnicodeDecodeError:
        raise BadUsageError("the note is not UTF-8", hint="convert it first, e.g. with iconv") from None
