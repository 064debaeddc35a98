"""``gittrack diff``: what differs between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError
from gittrack.cli.options import complete_runs, max_size_option

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack diff @{-1} @             what the newest run has other than the one before it
        gittrack diff @                   the same: a single run is compared with the one before it
        gittrack diff best:val/acc @      the newest run against the best one
        gittrack diff a b c --value best   three runs by their best values
        gittrack diff @ --code               its code against that of the run before, as git shows it
        gittrack diff a b --code --stat      the files that differ
        gittrack diff main-run @ --md        for a pull request
    """,
)
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete_runs)
@click.option(
    "--value",
    type=click.Choice(["last", "best", "min", "max"]),
    default="last",
    help="Which value of each metric to compare.  [default: last]",
)
@click.option("--all", "shows_all", is_flag=True, help="Show what is the same too.")
@click.option("--code", "shows_code", is_flag=True, help="Let git show how their code differs.")
@click.option("--stat", "form", flag_value="stat", help="Print how much differs, a line a section.")
@click.option("--md", "form", flag_value="md", help="Print Markdown, e.g. for a pull request.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@max_size_option
@pass_client
def diff(
    client: Client,
    runs: tuple[str, ...],
    value: str,
    shows_all: bool,  # noqa: FBT001  (click's)
    shows_code: bool,  # noqa: FBT001
    form: str | None,
    max_size: int,
) -> None:
    """Compare runs: metrics and which is better, params, tags, packages, datasets, artifacts.

    The first run is the base. With one run, the base is the run before it in its experiment.
    """
    from gittrack.cli.diff_page import describe_diff, markdown_parts, print_diff, print_stat
    from gittrack.cli.listing import print_json
    from gittrack.cli.markdown_parts import join_parts

    ids = _choose(client, runs)
    if shows_code:
        _show_code(client, ids, form)
        return
    found = client.diff_runs(ids, value=value)
    if form == "json":
        print_json(describe_diff(found, shows_all=shows_all))
    elif form == "md":
        click.echo(join_parts(markdown_parts(found, shows_all=shows_all), max_size))
    elif form == "stat":
        print_stat(found)
    else:
        print_diff(found, shows_all=shows_all)


def _show_code(client: Client, ids: list[str], form: str | None) -> None:
    from gittrack.tracking.run_code import show_code_diff

    if len(ids) > 2:  # noqa: PLR2004  (two sides)
        raise BadUsageError("--code compares two runs", hint="name two of them")
    if form in {"md", "json"}:
        raise BadUsageError(f"--{form} has no form for code", hint="leave out --code, or the other")
    status = show_code_diff(client, ids[0], ids[1], ["--stat"] if form == "stat" else [])
    click.get_current_context().exit(status)


def _choose(client: Client, texts: tuple[str, ...]) -> list[str]:
    """Return the ids of the runs that are named; one alone is preceded by the run before it."""
    from gittrack.errors import RunNotFoundError
    from gittrack.tracking.select import find_run

    ids = [find_run(client, text).run_id for text in texts]
    if len(ids) > 1:
        return ids
    previous = client.find_previous_run(ids[0])
    if previous is None:
        raise RunNotFoundError("there is no run before it to compare with", hint="name two runs")
    return [previous.run_id, *ids]
