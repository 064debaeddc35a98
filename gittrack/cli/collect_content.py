"""What ``gittrack gc`` does with content: copies here, parts at remotes, artifacts past their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.complain import tell, tell_hint
from gittrack.cli.listing import count
from gittrack.cli.times import show_size

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


def collect_copies(client: Client, grace_s: float, *, is_forced: bool, is_meant: bool) -> None:
    """Remove local copies of what a remote has, or say what would go."""
    from gittrack.tracking.collecting import find_local_copies, remove_local_copies

    found = find_local_copies(client, grace_s=grace_s)
    gone = (*found.free, *found.only_here) if is_forced else found.free
    what = f"{count(len(gone), 'file')} ({show_size(sum(one.size for one in gone))})"
    if not gone:
        tell("nothing to remove")
    elif not is_meant:
        tell(f"would remove {what}; `--yes` does")
    else:
        remove_local_copies(client, gone)
        tell(f"removed {what}")
    if found.only_here and not is_forced:
        kept = show_size(sum(one.size for one in found.only_here))
        tell(f"{count(len(found.only_here), 'file')} ({kept}) stay: no remote is known to have them")
        tell_hint("`gittrack push` sends them; --force removes them all the same")


def collect_parts(client: Client, place: str, grace_s: float, *, is_meant: bool) -> None:
    """Remove what no run needs at a remote, or say what would go."""
    from gittrack.tracking.collecting import collect_remote, find_remote_garbage
    from gittrack.tracking.sync import choose_remote, pull, push

    git_remote = choose_remote(client, None)
    pull(client, git_remote)
    garbage = find_remote_garbage(client, place, git_remote, grace_s=grace_s)
    what = f"{count(len(garbage.parts), 'part')} ({show_size(garbage.size)})"
    if not garbage.parts:
        tell(f"{place}: nothing to remove")
    elif not is_meant:
        tell(f"would remove {what} from {place}; `--yes` does")
    else:
        collect_remote(client, place, garbage, git_remote)
        push(client, git_remote)
        tell(f"removed {what} from {place}")


def collect_expired(client: Client, *, is_meant: bool) -> None:
    """Take artifacts out of runs that no rule keeps, or say which."""
    from gittrack.tracking.collecting import expire, find_expired

    runs = find_expired(client)
    size = sum(one.size for run in runs for one in run.artifacts.values())
    for run in runs:
        click.echo(f"{run.run_id}  {run.name}")
    what = f"the artifacts of {count(len(runs), 'run')} ({show_size(size)})"
    if not runs:
        tell("nothing to remove: every run is kept by a rule, or has none")
    elif not is_meant:
        tell(f"would remove {what}; `--yes` does")
    else:
        expire(client, runs)
        tell(f"removed {what}; `gittrack gc` frees their room")
