"""``gittrack purge``: runs and artifacts that nobody shall see, and where they remain."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import complete_runs, json_option

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack purge @                      say what would go, and what would remain elsewhere
        gittrack purge tidy-otter-412 --yes   take a run out for good, and out of the history
        gittrack purge @ -a env/.env --yes    take out one artifact of it
    """,
)
@click.argument("selectors", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_runs)
@click.option("-a", "--artifact", "path", metavar="PATH", help="Only this artifact or folder of the run.")
@click.option(
    "-y", "--yes", "is_meant", is_flag=True, help="Do it; without this, only say what would be done."
)
@json_option
@pass_client
def purge(
    client: Client,
    selectors: tuple[str, ...],
    path: str | None,
    is_meant: bool,  # noqa: FBT001  (click's)
    is_json: bool,  # noqa: FBT001
) -> None:
    """Take runs or an artifact out for good, with the history that holds them.

    What left this repository cannot be called back: it is said where it remains.
    """
    from gittrack.cli.listing import count, print_json
    from gittrack.cli.times import show_size
    from gittrack.tracking import purge as purging
    from gittrack.tracking.select import find_run

    if path is not None and len(selectors) > 1:
        message = "--artifact goes with one run"
        raise BadUsageError(message, hint="call it once for each")
    runs = list({run.run_id: run for run in (find_run(client, text) for text in selectors)}.values())
    plan = purging.plan_purge(client, runs, path)
    if is_meant:
        purging.purge(client, plan)
    if is_json:
        print_json({"is_done": is_meant, **asdict(plan)})
        return
    what = count(len(runs), "run") if plan.artifacts is None else count(len(plan.artifacts), "artifact")
    size = f", {show_size(plan.size)} of content" if plan.content else ""
    for run in runs:
        click.echo(f"{run.run_id}  {run.name}")
    for artifact in plan.artifacts or ():
        click.echo(f"  {artifact.path}")
    tell(f"removed {what}{size}" if is_meant else f"would remove {what}{size}; `--yes` does")
    tell("it remains in" if is_meant else "it would remain in")
    for place in plan.remains:
        tell(f"  - {place}")
