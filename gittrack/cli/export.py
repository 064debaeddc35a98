"""``gittrack export``: runs for other programs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import experiment_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from gittrack.tracking.client import Client

MLFLOW = "mlflow"
FORMATS = ("csv", "jsonl", "parquet", MLFLOW)


@click.command(
    cls=Command,
    examples="""
        gittrack export csv -o runs.csv
        gittrack export jsonl -f "metrics.acc > 0.9" | jq .run_id
        gittrack export parquet -o runs.parquet            for pandas, DuckDB, Spark …
        gittrack export csv --columns "name,params.lr,metrics.loss.min"
        gittrack export parquet --history -o points.parquet  every point of every metric
        gittrack export mlflow -o mlruns                     everything, as a folder MLflow reads
    """,
)
@click.argument("form", type=click.Choice(FORMATS), metavar="[csv|jsonl|parquet|mlflow]")
@click.option("-o", "--output", type=click.Path(), metavar="PATH", help="Write here.  [default: stdout]")
@click.option("-f", "--filter", "filter_", metavar="EXPR", help="Write the runs of a filter.")
@click.option(
    "--order-by",
    "order_by",
    multiple=True,
    metavar="KEY [DESC]",
    help="Order by a key; give it again for the next one.  [default: newest first]",
)
@click.option(
    "-n", "count", type=click.IntRange(min=1), metavar="N", help="Write at most N runs.  [default: all]"
)
@experiment_option(help="Write the runs of this experiment.")
@click.option("--columns", metavar="KEY,...", help="Write just these; 'metrics.*' stands for all metrics.")
@click.option("--history", "is_history", is_flag=True, help="Write a row for each point of each metric.")
@click.option(
    "--metric", "metrics", multiple=True, metavar="METRIC", help="With --history: of this metric only."
)
@click.option("--deleted", is_flag=True, help="Write deleted runs instead.")
@click.option("--all", "everything", is_flag=True, help="Write deleted runs too.")
@pass_client
def export(
    client: Client,
    form: str,
    output: str | None,
    filter_: str | None,
    order_by: tuple[str, ...],
    count: int | None,
    experiment: str | None,
    columns: str | None,
    metrics: tuple[str, ...],
    *,
    is_history: bool,
    deleted: bool,
    everything: bool,
) -> None:
    """Write runs as CSV, JSON lines or Parquet: a row for each run, or for each point of its metrics.

    Columns are keys of the search language; a metric stands for its last value, times are UTC.

    The form mlflow writes a new folder of all experiments, runs, models and files, which MLflow reads with
    MLFLOW_ALLOW_FILE_STORE=true, and `mlflow migrate-filestore` takes into a database.
    """
    from gittrack.cli.listing import count as count_of
    from gittrack.tracking.export import export_histories, export_runs
    from gittrack.tracking.search import make_query
    from gittrack.tracking.select import find_experiment

    if form == MLFLOW:
        _write_mlruns(
            client, output, is_all=not any((filter_, order_by, count, experiment, columns, metrics))
        )
        return
    if is_history and columns:
        raise BadUsageError(
            "--columns is for rows of runs, and --history writes points", hint="leave one out"
        )
    if metrics and not is_history:
        raise BadUsageError("--metric is for --history", hint="choose columns with --columns")
    if output is None and form == "parquet" and sys.stdout.isatty():
        raise BadUsageError("Parquet is nothing for a terminal", hint="write a file: -o runs.parquet")
    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    view = 3 if everything else 2 if deleted else 1
    query = make_query(client, ids, filter_ or "", view, order_by, limit=count)
    wanted = None if columns is None else list(filter(None, map(str.strip, columns.split(","))))

    def write(file: BinaryIO) -> str:
        if is_history:
            return count_of(export_histories(client, query, form, file, keys=metrics or None), "point")
        return count_of(export_runs(client, query, form, file, columns=wanted), "run")

    if output is None:
        write(sys.stdout.buffer)
        return
    written = _write_file(output, write)
    tell(f"wrote {written} to {output}")


def _write_mlruns(client: Client, output: str | None, *, is_all: bool) -> None:
    from pathlib import Path

    from gittrack.cli.listing import count as count_of
    from gittrack.importers.mlruns_writer import MlrunsWriter

    if output is None:
        raise BadUsageError("an mlruns folder needs a place", hint="name a new folder: -o mlruns")
    if not is_all:
        raise BadUsageError("an mlruns folder holds all runs", hint="leave filters and columns out")
    written = MlrunsWriter(client, Path(output)).write()
    tell(f"wrote {count_of(written, 'run')} to {output}")


def _write_file(output: str, write: Callable[[BinaryIO], str]) -> str:
    """Write a file; what was at its place stays until all is written."""
    import os
    from pathlib import Path

    from gittrack.errors import StoreError

    path = Path(output)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with aside.open("wb") as file:
            written = write(file)
        aside.replace(path)
    except OSError as error:
        message = f"cannot write {output!r}: {error.strerror}"
        raise StoreError(message, hint="choose another file") from error
    finally:
        aside.unlink(missing_ok=True)
    return written
