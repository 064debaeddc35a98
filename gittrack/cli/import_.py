"""``gittrack import``: takes in the runs of other trackers."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, Group, pass_client
from gittrack.cli.complain import tell
from gittrack.cli.options import experiment_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.importers.records import Reader
    from gittrack.importers.write import Report
    from gittrack.tracking.client import Client

INTEGRITY = 8
"""The exit code for what is not as it should be."""


@click.group("import", cls=Group, examples="gittrack import mlflow ./mlruns")
def import_() -> None:
    """Take in the runs of another tracker, with their ids, times and histories.

    An import may be interrupted and repeated: what is here already stays as it is.
    """


def import_options(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    """Add the options that every importer has."""
    function = click.option("--dry-run", is_flag=True, help="Only say what would be taken in.")(function)
    verify = "Take in nothing; compare every param, point and byte with what is here."
    return click.option("--verify", is_flag=True, help=verify)(function)


def folder_options(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    """Add the options of the importers whose runs may go into any experiment."""
    function = experiment_option(help="Take them into this experiment.")(function)
    return import_options(function)


class Once:
    """Says each thing once, however many runs it is true of."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Say it by ``say``."""
        self._say = say
        self._said: set[str] = set()

    def __call__(self, message: str) -> None:
        """Say a message, the first time."""
        if message not in self._said:
            self._said.add(message)
            self._say(message)


@import_.command(
    cls=Command,
    examples="""
        gittrack import mlflow ./mlruns               a folder of files; MLflow is not needed
        gittrack import mlflow sqlite:///mlflow.db    any database MLflow can open
        gittrack import mlflow http://localhost:5000  a server
        gittrack import mlflow ./mlruns --verify      is everything here?
    """,
)
@click.argument("source", metavar="FOLDER|URI")
@import_options
@pass_client
def mlflow(client: Client, source: str, **options: bool) -> None:
    """Take in what MLflow recorded: from an mlruns folder, a database or a server."""
    from gittrack.importers.mlruns import MlrunsReader

    if "://" in source and not source.startswith("file:"):
        from gittrack.importers.mlflow_api import MlflowReader

        reader: Reader = MlflowReader(source)
    else:
        reader = MlrunsReader(Path(source.removeprefix("file://").removeprefix("file:")))
    take_in(client, reader, **options)


@import_.command(
    cls=Command,
    examples="""
        gittrack import tensorboard runs              what `tensorboard --logdir runs` shows
        gittrack import tensorboard lightning_logs -x moons
    """,
)
@click.argument("folder", type=click.Path(file_okay=False))
@folder_options
@pass_client
def tensorboard(client: Client, folder: str, experiment: str | None, **options: bool) -> None:
    """Take in event files of TensorBoard: each folder that holds some is a run.

    Scalars, their times, hyperparameters, pictures and texts are taken in. Files that hold more, such as
    histograms, are kept whole as artifacts.
    """
    from gittrack.importers.tensorboard import read_event_folders

    take_in(client, read_event_folders(Path(folder), experiment=experiment, warn=Once(tell)), **options)


@import_.command(
    cls=Command,
    examples="""
        gittrack import wandb ./wandb                 all offline-run-… folders; W&B is not needed
        gittrack import wandb ./wandb --dry-run
    """,
)
@click.argument("folder", type=click.Path(file_okay=False))
@folder_options
@pass_client
def wandb(client: Client, folder: str, experiment: str | None, **options: bool) -> None:
    """Take in the run folders of W&B, offline ones and those that were sent.

    A project becomes an experiment; config, history, summary, system metrics, tags, notes, output, files and
    the artifacts that are still on this machine are taken in.
    """
    from gittrack.importers.wandb import read_wandb_folder

    take_in(client, read_wandb_folder(Path(folder), experiment=experiment, warn=Once(tell)), **options)


@import_.command(cls=Command, examples="gittrack import dvclive ./dvclive -x moons")
@click.argument("folder", type=click.Path(file_okay=False))
@folder_options
@pass_client
def dvclive(client: Client, folder: str, experiment: str | None, **options: bool) -> None:
    """Take in folders that DVCLive wrote: params, histories, last values, plots, pictures and files."""
    from gittrack.importers.dvclive import read_dvclive_folders

    take_in(client, read_dvclive_folders(Path(folder), experiment=experiment, warn=Once(tell)), **options)


@import_.command(
    "csv",
    cls=Command,
    examples="""
        gittrack import csv sweep.csv --dry-run       how are the columns understood?
        gittrack import csv sweep.csv --metric score --tag team --start-time date
        gittrack import csv history.csv --step epoch  a step a row: one run
        gittrack import csv points.csv                what `gittrack export csv --history` wrote
    """,
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(dir_okay=False))
@click.option("--param", "params", multiple=True, metavar="COLUMN", help="This column is a param.")
@click.option("--metric", "metrics", multiple=True, metavar="COLUMN", help="This column is a metric.")
@click.option("--tag", "tags", multiple=True, metavar="COLUMN", help="This column is a tag.")
@click.option("--name", metavar="COLUMN", help="This column names the runs.")
@click.option("--start-time", metavar="COLUMN", help="This column says when they began.")
@click.option("--step", metavar="COLUMN", help="This column is the step; a row is a step of a run.")
@folder_options
@pass_client
def csv(
    client: Client,
    files: tuple[str, ...],
    params: tuple[str, ...],
    metrics: tuple[str, ...],
    tags: tuple[str, ...],
    name: str | None,
    start_time: str | None,
    step: str | None,
    experiment: str | None,
    **options: bool,
) -> None:
    """Take in tables: a run a row, or a step of a run a row.

    What the columns mean is guessed and said. Numbers whose name is one of a metric (loss, accuracy …) are
    metrics, in a table of steps all numbers; what `gittrack export csv` wrote, with --history or without,
    means what it meant.
    """
    from gittrack.core.run_table import Choice
    from gittrack.importers.tables import read_tables

    choice = Choice(params, metrics, tags, name, start_time, step)
    reader = read_tables([Path(one) for one in files], choice=choice, experiment=experiment, warn=Once(tell))
    take_in(client, reader, **options)


def take_in(client: Client, reader: Reader, *, dry_run: bool, verify: bool) -> None:
    """Import or verify, and say what came of it."""
    from gittrack.importers.write import import_runs, verify_runs

    if verify:
        report = verify_runs(client, reader)
        _tell(report, f"{_count(report)} compared: {len(report.problems) or 'none'} differ")
    else:
        with _progress() as show:
            report = import_runs(client, reader, dry_run=dry_run, progress=show)
        _tell(report, _sum_up(report, "would be imported" if dry_run else "imported"))
    if report.problems:
        click.get_current_context().exit(INTEGRITY)


def _tell(report: Report, line: str) -> None:
    for problem in report.problems:
        tell(problem)
    click.echo(line)


def _count(report: Report) -> str:
    from gittrack.cli.listing import count

    return count(report.outcomes.total(), "run")


def _sum_up(report: Report, verb: str) -> str:
    from gittrack.cli.listing import count
    from gittrack.importers.write import Outcome

    parts = [f"{count(report.outcomes[Outcome.IMPORTED], 'run')} {verb}"]
    if report.experiments:
        parts[0] += f" into {count(report.experiments, 'new experiment')}"
    if report.models:
        parts.append(count(report.models, "model"))
    others = (Outcome.WAS_THERE, Outcome.REFUSED)
    parts += [f"{report.outcomes[one]:,} {one}" for one in others if report.outcomes[one]]
    return ", ".join(parts)


@contextmanager
def _progress() -> Iterator[Callable[[int, str], None] | None]:
    """Yield what shows the number of runs so far; None if nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("importing …") as status:
        yield lambda seen, name: status.update(f"importing run {seen + 1:,}: {escape(name)}")
