"""``gittrack report``: what new runs did against a baseline, or a report of the repository as text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import complete_metrics, complete_runs, max_size_option

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


@click.command(
    cls=Command,
    examples="""
        gittrack report                                the runs of this branch, against those of main
        gittrack report --base origin/main --md        the same, as a comment on a pull request
        gittrack report -f "tags.sweep = 'b'" --metric val/acc --against best:val/acc
        gittrack report reports/optimizers.md          a report, its blocks answered
        gittrack report reports/optimizers.md --freeze   it is about the runs of now from here on
    """,
)
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--base", metavar="REV", help="What this branch leaves from.  [default: the remote's HEAD, or main]"
)
@click.option(
    "-f", "--filter", "filter_", metavar="EXPR", help="New are the runs of a filter, whatever their code."
)
@click.option(
    "--metric",
    metavar="KEY",
    shell_complete=complete_metrics,
    help="What runs are judged by.  [default: the one that says most]",
)
@click.option(
    "--against",
    metavar="RUN",
    shell_complete=complete_runs,
    help="Baseline.  [default: the best run of the commits before the branch]",
)
@click.option(
    "--value",
    type=click.Choice(["last", "best", "min", "max"]),
    default="last",
    help="Which value of each metric.  [default: last]",
)
@click.option(
    "--freeze", "freezes", flag_value="now", help="Write into FILE that it is about the runs of now."
)
@click.option("--follow", "freezes", flag_value="latest", help="Write into FILE that it follows the runs.")
@click.option("--md", "form", flag_value="md", help="Print Markdown, e.g. for a pull request.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@max_size_option
@pass_client
def report(
    client: Client,
    file: Path | None,
    freezes: str | None,
    form: str | None,
    max_size: int,
    **chosen: str | None,
) -> None:
    """Say what the new runs of a branch did, or print a report.

    Without FILE, the runs of the commits that this branch adds are compared with the best run of the commits
    before it. FILE is Markdown with `gittrack` blocks, as `gittrack site build` shows those in reports/.
    """
    if file is None:
        if freezes:
            raise BadUsageError(
                "--freeze and --follow are for a file", hint="e.g. gittrack report FILE --freeze"
            )
        _tell_news(client, form, max_size, chosen)
        return
    named = {"filter_": "-f"}
    if wrong := [name for name, text in chosen.items() if text and (name, text) != ("value", "last")]:
        raise BadUsageError(
            f"{named.get(wrong[0], f'--{wrong[0]}')} is for comparing new runs",
            hint="leave out the file, or it",
        )
    if freezes:
        _freeze(client, file, is_frozen=freezes == "now")
        return
    _print_report(client, file, form, max_size)


def _tell_news(client: Client, form: str | None, max_size: int, chosen: dict[str, str | None]) -> None:
    from gittrack.cli.listing import print_json
    from gittrack.cli.markdown_parts import join_parts
    from gittrack.cli.news_page import describe_news, news_parts, print_news
    from gittrack.tracking.news import find_news

    told = find_news(
        client,
        base=chosen["base"],
        filter_string=chosen["filter_"],
        metric=chosen["metric"],
        against=chosen["against"],
        value=chosen["value"] or "last",
    )
    if form == "json":
        print_json(describe_news(told))
    elif form == "md":
        ids = [run.run_id for run in (told.news.baseline, *told.news.runs[:1]) if run is not None]
        diff = client.diff_runs(ids, value=told.news.value) if len(ids) > 1 else None
        click.echo(join_parts(news_parts(told, diff), max_size))
    else:
        print_news(told)


def _freeze(client: Client, file: Path, *, is_frozen: bool) -> None:
    from gittrack.cli.report_page import read_text
    from gittrack.core.report import freeze_report
    from gittrack.errors import NotFoundError, StoreError
    from gittrack.store.disk import replace_file

    commit = client.head() if is_frozen else None
    if is_frozen and commit is None:
        raise NotFoundError("there are no runs yet that a report could be about")
    text = freeze_report(read_text(file), commit)
    try:
        replace_file(file, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        message = f"cannot write {str(file)!r}: {error.strerror}"
        raise StoreError(message, hint="it is as it was") from error
    tell(f"{file} is about the runs at {commit[:10]}" if commit else f"{file} follows the runs as they are")


def _print_report(client: Client, file: Path, form: str | None, max_size: int) -> None:
    from gittrack.cli.listing import print_json
    from gittrack.cli.markdown_parts import join_parts
    from gittrack.cli.report_page import answer_report, describe_answers, print_answers, report_parts

    answers = answer_report(client, file)
    if form == "json":
        print_json(describe_answers(answers))
    elif form == "md":
        click.echo(join_parts(report_parts(answers), max_size))
    else:
        print_answers(answers)
    if problems := [one.error for one in answers.blocks if one.error is not None]:
        tell(f"{len(problems)} of its blocks cannot be answered")
        click.get_current_context().exit(problems[0].exit_code)
