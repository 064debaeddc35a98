"""``gittrack check``: a gate for pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.options import complete_metrics, complete_runs

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

GATE_FAILED = 7


@click.command(
    cls=Command,
    examples="""
        gittrack check val/acc                        the newest run against the best of the others
        gittrack check val/acc --tolerance 1%         it may be a hundredth worse
        gittrack check loss --run pr-12 --against main-run
        gittrack check val/acc --against 0.9 --md     for a comment on a pull request
    """,
)
@click.argument("metric", shell_complete=complete_metrics)
@click.option(
    "--run",
    "run_name",
    default="@",
    metavar="RUN",
    shell_complete=complete_runs,
    help="Run to judge.  [default: @]",
)
@click.option(
    "--against",
    metavar="RUN|NUMBER",
    shell_complete=complete_runs,
    help="Baseline.  [default: the best other finished run of its experiment]",
)
@click.option(
    "--tolerance", metavar="X|X%", default="0", help="How much worse is still good enough.  [default: 0]"
)
@click.option("--min", "least", type=float, metavar="X", help="Fail below this.")
@click.option("--max", "most", type=float, metavar="X", help="Fail above this.")
@click.option(
    "--value",
    type=click.Choice(["last", "best", "min", "max"]),
    default="last",
    help="Which value of the metric.  [default: last]",
)
@click.option(
    "--lower/--higher",
    "lower",
    default=None,
    help="Which is better.  [default: as declared, or told by the name]",
)
@click.option("--md", "form", flag_value="md", help="Print Markdown, e.g. for a pull request.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@pass_client
def check(
    client: Client,
    metric: str,
    run_name: str,
    against: str | None,
    tolerance: str,
    least: float | None,
    most: float | None,
    value: str,
    lower: bool | None,  # noqa: FBT001  (click's)
    form: str | None,
) -> None:
    """Fail where a metric is worse than a baseline.

    Exits with 7 then, and with 0 where it passes.
    """
    from gittrack.core.gate import judge, parse_tolerance
    from gittrack.tracking.select import find_run

    room = parse_tolerance(tolerance)
    run = find_run(client, run_name)
    if lower is None:
        lower = client.get_metric_direction(metric, run.experiment_id) == "lower"
    found = _value_of(run, metric, value, lower=lower)
    baseline, named = _find_baseline(client, run, metric, against, value, lower=lower)
    judgement = judge(found, baseline, lower=lower, tolerance=room, least=least, most=most)
    _print(run, metric, judgement.value, baseline, named, judgement.reasons, form)
    if not judgement.passes:
        click.get_current_context().exit(GATE_FAILED)


def _value_of(run: Run, metric: str, value: str, *, lower: bool) -> float:
    from gittrack.core.fields import metric_value
    from gittrack.errors import NotFoundError

    if metric not in run.metrics:
        message = f"run {run.name or run.run_id!r} has no metric {metric!r}"
        known = ", ".join(sorted(run.metrics)[:5])
        raise NotFoundError(message, hint=f"it has {known}" if known else "it has no metrics")
    return metric_value(metric, run.metrics[metric], value, lower=lower)


def _find_baseline(
    client: Client, run: Run, metric: str, against: str | None, value: str, *, lower: bool
) -> tuple[float | None, str]:
    """Return the baseline and what it is called; None where there is no other run yet."""
    from gittrack.core.select import rank_runs
    from gittrack.tracking.select import find_run

    if against is not None:
        try:
            return float(against), "the limit given"
        except ValueError:
            other = find_run(client, against)
            return _value_of(other, metric, value, lower=lower), other.name or other.run_id
    others = [
        one
        for one in client.list_runs([run.experiment_id])
        if one.run_id != run.run_id and metric in one.metrics and one.status.value == "FINISHED"
    ]
    ranked = rank_runs(others, metric, lower=lower)
    if not ranked:
        return None, "no other run"
    values = {one.run_id: _value_of(one, metric, value, lower=lower) for one in ranked}
    best = (min if lower else max)(ranked, key=lambda one: values[one.run_id])
    return values[best.run_id], best.name or best.run_id


def _print(
    run: Run,
    metric: str,
    value: float,
    baseline: float | None,
    named: str,
    reasons: tuple[str, ...],
    form: str | None,
) -> None:
    from gittrack.cli.listing import print_json

    name = run.name or run.run_id
    if form == "json":
        print_json(
            {
                "run_id": run.run_id,
                "metric": metric,
                "value": value,
                "baseline": baseline,
                "against": named,
                "passes": not reasons,
                "reasons": list(reasons),
            }
        )
        return
    compared = f"{named} {baseline:.6g}" if baseline is not None else named
    if form == "md":
        mark = "❌" if reasons else "✅"
        delta = "" if baseline is None else f"{value - baseline:+.6g}"
        click.echo(f"| | run | {_cell(metric)} | against | Δ |\n|---|---|---:|---|---:|")
        click.echo(f"| {mark} | {_cell(name)} | {value:.6g} | {_cell(compared)} | {delta} |")
        for reason in reasons:
            click.echo(f"\n{_cell(reason)}")
        return
    verdict = f"worse: {', '.join(reasons)}" if reasons else "passes"
    click.echo(f"{name} {metric} {value:.6g} against {compared}: {verdict}")


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
