"""``gittrack gc`` and ``squash``: what was deleted goes for good, history is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import tell

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack gc                 say what would go
        gittrack gc --yes           remove it for good
        gittrack gc --days 0 --yes  also what was deleted just now
        gittrack gc --local         copies here of what a remote has too
        gittrack gc --remote git    what no run needs at a remote
        gittrack gc --expired       artifacts that the rules of .gittrack.toml let go
    """,
)
@click.option("--days", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Spare younger.")
@click.option(
    "--local",
    "what",
    flag_value="local",
    help="Instead: content in this clone that is verified to be at a remote; it comes back when it is read.",
)
@click.option(
    "--expired", "what", flag_value="expired", help="Instead: artifacts that no rule of .gittrack.toml keeps."
)
@click.option(
    "--remote", "place", metavar="NAME", help="Instead: what no run needs at a remote, such as git."
)
@click.option(
    "--force", "is_forced", is_flag=True, help="With --local: also what is nowhere else, and then lost."
)
@click.option(
    "-y", "--yes", "is_meant", is_flag=True, help="Remove it; without this, only say what would go."
)
@pass_client
def gc(
    client: Client,
    days: float,
    what: str | None,
    place: str | None,
    is_forced: bool,  # noqa: FBT001  (click's)
    is_meant: bool,  # noqa: FBT001
) -> None:
    """Remove deleted runs for good, and artifact content that no run refers to."""
    from gittrack.cli.collect_content import collect_copies, collect_expired, collect_parts
    from gittrack.errors import UserError
    from gittrack.tracking.gc import DAY_S

    if what is not None and place is not None:
        message = f"--{what} and --remote are two things to collect"
        raise UserError(message, hint="give one, then the other")
    if is_forced and what != "local":
        message = "--force goes with --local only: nothing else asks whether a remote has a copy"
        raise UserError(message, hint="to remove what was deleted just now: `gittrack gc --days 0 --yes`")
    if place is not None:
        collect_parts(client, place, days * DAY_S, is_meant=is_meant)
    elif what == "local":
        collect_copies(client, days * DAY_S, is_forced=is_forced, is_meant=is_meant)
    elif what == "expired":
        collect_expired(client, is_meant=is_meant)
    else:
        _collect_garbage(client, days, is_meant=is_meant)


def _collect_garbage(client: Client, days: float, *, is_meant: bool) -> None:
    from gittrack.cli.listing import count
    from gittrack.cli.times import show_size
    from gittrack.tracking.gc import DAY_S, collect, find_garbage

    garbage = find_garbage(client, grace_s=days * DAY_S)
    for run in garbage.runs:
        click.echo(f"{run.run_id}  {run.name}")
    size = f"{show_size(garbage.size)} of content"
    what = f"{count(len(garbage.runs), 'deleted run')}, {size}" if garbage.runs else size
    if not garbage.runs and not garbage.content:
        tell("nothing to remove")
    elif not is_meant:
        tell(f"would remove {what}; `gittrack gc --yes` does")
    else:
        collect(client, garbage)
        after = "; clones lose these runs with their next pull, backups and forks keep them"
        tell(f"removed {what}{after if garbage.runs else ''}")
    if garbage.held:
        held = show_size(sum(one.size for one in garbage.held))
        tell(
            f"{count(len(garbage.held), 'file')} ({held}) held back: no run has them, but they are less than "
            f"{days:g} days old, or may be on their way into a run"
        )


@click.command(cls=Command, examples="gittrack squash --yes")
@click.option(
    "-y", "--yes", "is_meant", is_flag=True, help="Do it; without this, only say what would be done."
)
@pass_client
def squash(client: Client, is_meant: bool) -> None:  # noqa: FBT001  (click's)
    """Cut the history of the hidden branch to one commit; every run stays."""
    from gittrack.tracking.gc import squash_history

    if not is_meant:
        tell("would cut the history of refs/gittrack/runs to one commit, keeping all runs; `--yes` does")
        return
    squash_history(client)
    tell("history cut to one commit; `gittrack push` replaces it at the remote")
