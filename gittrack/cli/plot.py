"""``gittrack plot``: metrics drawn in the terminal, or into a file."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import complete_metrics, complete_runs, experiment_option

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.core.search import RunQuery
    from gittrack.tracking.client import Client

MAX_RUNS = 8
"""More curves cannot be told apart."""


@click.command(
    cls=Command,
    examples="""
        gittrack plot val/loss                       of the newest runs that have it
        gittrack plot loss val/loss --run @ --log    two metrics of one run
        gittrack plot acc -f "params.lr < 0.1" -n 5  the newest five of a filter
        gittrack plot val/acc --x params.lr --log-x  one point a run
        gittrack plot val/loss -o loss.svg           also .png .pdf .html .json
    """,
)
@click.argument("metrics", nargs=-1, required=True, metavar="METRIC...", shell_complete=complete_metrics)
@click.option(
    "--run", "runs", multiple=True, metavar="RUN", shell_complete=complete_runs, help="Draw this run."
)
@click.option("-f", "--filter", "filter_", metavar="EXPR", help="Draw the runs of a filter.")
@experiment_option(help="Draw runs of this experiment.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Draw the newest N.  [default: {MAX_RUNS}; all with --x KEY]",
)
@click.option(
    "--x",
    "x",
    default="step",
    metavar="step|time|relative|KEY",
    help="Draw over steps, the clock, or hours since the start; or each run as a point over params.KEY …",
)
@click.option("--log", "is_log_y", is_flag=True, help="Use a logarithmic scale.")
@click.option("--log-x", "is_log_x", is_flag=True, help="Use a logarithmic scale across.")
@click.option("--smooth", type=float, default=0.0, metavar="W", help="Smooth: 0 not at all, 0.9 much.")
@click.option("--title", default="", metavar="TEXT", help="Write this above.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write .svg, .png, .pdf, .html or .json instead.",
)
@click.option(
    "--width", type=click.IntRange(min=10), metavar="N", help="Width in columns, or pixels of a file."
)
@click.option(
    "--height", type=click.IntRange(min=3), metavar="N", help="Height in rows, or pixels of a file."
)
@pass_client
def plot(
    client: Client,
    metrics: tuple[str, ...],
    runs: tuple[str, ...],
    filter_: str | None,
    experiment: str | None,
    count: int | None,
    x: str,
    output: str | None,
    width: int | None,
    height: int | None,
    **how: Any,  # noqa: ANN401  (options of the plot)
) -> None:
    """Draw metrics of runs: their curves over the steps, or one point a run."""
    from gittrack.tracking.plots import OVER_STEPS, make_plot
    from gittrack.tracking.search import make_query
    from gittrack.tracking.select import find_experiment, find_run

    if runs and filter_:
        raise BadUsageError("both runs and a filter are given", hint="use --run or --filter")
    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    query = make_query(client, ids, filter_ or "")
    found = [find_run(client, one) for one in runs] or _newest(
        client, query, metrics, count or (MAX_RUNS if x in OVER_STEPS else None)
    )
    _check_metrics(client, metrics, found)
    drawn = make_plot(client, found, list(dict.fromkeys(metrics)), query.setting, x=x, **how)
    if drawn.y_range is None:
        tell("there is no point to draw; NaN and infinities have no place, nor zero on a logarithmic scale")
        return
    if output is None:
        from gittrack.cli.plot_page import print_plot

        print_plot(drawn, width, height)
        return
    _write(output, drawn, width, height)


def _newest(client: Client, query: RunQuery, metrics: tuple[str, ...], count: int | None) -> list[Run]:
    from dataclasses import replace

    from gittrack.core.query_tree import And, IsNull, Key, Or

    has_any = [IsNull(Key("metrics", key), negated=True) for key in metrics]
    tree = Or(tuple(has_any)) if len(has_any) > 1 else has_any[0]
    wanted = tree if query.tree is None else And((query.tree, tree))
    return client.store.search_runs(replace(query, tree=wanted, limit=count))


def _check_metrics(client: Client, metrics: tuple[str, ...], runs: list[Run]) -> None:
    from gittrack.core.select import unknown_metric

    for key in metrics:
        if not any(key in run.metrics for run in runs):
            raise unknown_metric(
                key, {key for run in runs for key in run.metrics} or client.store.list_names("metrics")
            )


def _write(output: str, drawn: Any, width: int | None, height: int | None) -> None:  # noqa: ANN401  (a plot)
    from pathlib import Path

    from gittrack.errors import StoreError
    from gittrack.site.figures import ENDINGS, encode_figure

    path = Path(output)
    ending = path.suffix.lower().removeprefix(".")
    if ending not in ENDINGS:
        raise BadUsageError(
            f"cannot tell the format of {output!r}", hint=f"let it end in .{', .'.join(ENDINGS)}"
        )
    content = encode_figure(drawn, ending, width=width or 640, height=height or 400)
    try:
        path.write_bytes(content)
    except OSError as error:
        message = f"cannot write {output!r}: {error.strerror}"
        raise StoreError(message, hint="choose another file") from error
    if sys.stdout.isatty():
        tell(f"wrote {output}")
