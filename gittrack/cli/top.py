"""``gittrack top`` and ``gittrack ls``: the runs that are running, as they go, in a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import complete_metrics, experiment_option, json_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.tracking.client import Client
    from gittrack.tracking.running import Running

MIN_SPARK, MAX_SPARK = 8, 40
TEXT_WIDTH = 68
"""Of the other columns, as a rule."""
MAX_NAME = 20
NUMBERS = frozenset({"step", "last", "per min"})
MAX_RUNS = 40
INTERVAL_S = 2.0

_metrics = click.option(
    "-m",
    "--metric",
    "metrics",
    multiple=True,
    metavar="KEY",
    shell_complete=complete_metrics,
    help="Show this metric.  [default: the two that say most]",
)
_interval = click.option(
    "--interval",
    type=click.FloatRange(min=0.2),
    default=INTERVAL_S,
    metavar="S",
    help="Look again after S seconds.  [default: 2]",
)


@click.command(
    cls=Command,
    examples="""
        gittrack top                runs that are running, with curves, until Ctrl-C
        gittrack top -m val/acc     with this metric
    """,
)
@_metrics
@_interval
@experiment_option(help="Show runs of this experiment.")
@pass_client
def top(client: Client, metrics: tuple[str, ...], interval: float, experiment: str | None) -> None:
    """Show the runs that are running, as they go, until Ctrl-C."""
    _show_live(client, metrics, interval, experiment)


@click.command(
    cls=Command,
    examples="""
        gittrack ls             runs that are running
        gittrack ls --live      the same, as they go: `gittrack top`
        gittrack ls --json
    """,
)
@click.option("--live", "is_live", is_flag=True, help="Keep showing them, until Ctrl-C.")
@_metrics
@_interval
@experiment_option(help="Show runs of this experiment.")
@json_option
@pass_client
def ls(
    client: Client,
    is_live: bool,  # noqa: FBT001  (click's)
    metrics: tuple[str, ...],
    interval: float,
    experiment: str | None,
    is_json: bool,  # noqa: FBT001
) -> None:
    """Show the runs that are running; `gittrack log` shows all."""
    if is_live and not is_json:
        _show_live(client, metrics, interval, experiment)
        return
    found = _list(client, metrics, experiment)
    if is_json:
        from gittrack.cli.listing import print_json

        print_json([_describe(one) for one in found])
        return
    console = _console()
    console.print(_table(found, console.width))


def _show_live(client: Client, metrics: Sequence[str], interval: float, experiment: str | None) -> None:
    from rich.live import Live

    from gittrack.cli.interrupts import stop_on_signals

    console = _console()
    if not console.is_terminal:  # a pipe gets one table, as `watch` and `grep` want it
        console.print(_table(_list(client, metrics, experiment), console.width))
        return
    # The alternate screen leaves the terminal as it was; a slow line gets few bytes, for little changes.
    with stop_on_signals() as stopped, Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_table(_list(client, metrics, experiment), console.width), refresh=True)
            if stopped.wait(interval):
                return


def _list(client: Client, metrics: Sequence[str], experiment: str | None) -> list[Running]:
    from gittrack.tracking.running import list_running
    from gittrack.tracking.select import find_experiment

    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    return list_running(client, time.time_ns() // 1_000_000, experiment_ids=ids, keys=metrics)


def _describe(one: Running) -> dict[str, Any]:
    return {
        "run_id": one.run.run_id,
        "name": one.run.name,
        "start_time": one.run.start_time,
        "is_lost": one.is_lost,
        "alert": one.alert,
        "metrics": {
            curve.key: {"last": curve.last, "step": curve.step, "per_minute": round(curve.per_minute, 1)}
            for curve in one.curves
        },
    }


def _console() -> Any:  # noqa: ANN401  (rich's)
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def _table(found: Sequence[Running], width: int) -> Any:  # noqa: ANN401  (rich's)
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from gittrack.cli.listing import printable

    if not found:
        return Text("no run is running; `gittrack log` shows those that have ended")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("run", "started", "metric", "step", "last", "per min", ""):
        table.add_column(name, no_wrap=True, justify="right" if name in NUMBERS else "left")
    spark = min(max(width - TEXT_WIDTH, MIN_SPARK), MAX_SPARK)
    for one in found[:MAX_RUNS]:
        for row in _rows(one, spark):
            table.add_row(*map(Text, row))
    notes = [Text(f"and {len(found) - MAX_RUNS:,} more")] if len(found) > MAX_RUNS else []
    for one in found[:MAX_RUNS]:
        name = printable(one.run.name)
        if one.is_lost:
            notes.append(Text(f"{name}: no sign of life any more", style="red"))
        if one.alert:
            notes.append(Text(f"{name}: {printable(one.alert)}", style="yellow"))
    return Group(table, *notes)


def _rows(one: Running, spark: int) -> list[list[str]]:
    from gittrack.cli.listing import printable, shorten, show_number
    from gittrack.cli.times import show_age
    from gittrack.core.spark import draw_spark

    rows = [
        [
            shorten(printable(curve.key), MAX_NAME),
            str(curve.step),
            show_number(curve.last),
            f"{curve.per_minute:.0f}",
            draw_spark(curve.values, spark),
        ]
        for curve in one.curves
    ]
    first = [shorten(printable(one.run.name), MAX_NAME), show_age(one.run.start_time)]
    return [
        [*(first if place == 0 else ["", ""]), *row]
        for place, row in enumerate(rows or [["-", "", "", "", ""]])
    ]
