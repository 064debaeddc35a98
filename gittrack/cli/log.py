"""``gittrack log``: records a run, or shows the history of runs."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import complete_metrics, experiment_option, form_options

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from gittrack.core.fields import Field
    from gittrack.core.query_tree import Order
    from gittrack.tracking.client import Client

SHOWN_RUNS = 50
_RECORDING = ("params", "metrics", "tags", "artifacts", "name", "note", "status", "parent")
_SHOWING = tuple("count filter_ code sort reverse group_by value columns deleted everything form".split())


def history_options(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    """Add the options of showing runs."""
    options = [
        click.option(
            "-n",
            "count",
            type=click.IntRange(min=0),
            metavar="N",
            help=f"Show at most N runs, 0 for all.  [default: {SHOWN_RUNS}; all with --json and --csv]",
        ),
        click.option(
            "-f",
            "--filter",
            "filter_",
            metavar="EXPR",
            help='Show runs such as "metrics.acc > 0.9 AND start_time > -7d".',
        ),
        click.option(
            "--code",
            metavar="REVISION",
            help="Show runs of the same code as a commit or tree, e.g. HEAD, whatever its history.",
        ),
        click.option(
            "--sort",
            metavar="KEY",
            shell_complete=complete_metrics,
            help="Sort by metrics.KEY, params.KEY, name, start_time …; -KEY puts the largest first.",
        ),
        click.option("--reverse", is_flag=True, help="Turn the order round."),
        click.option(
            "--group-by",
            metavar="KEY,...",
            help="One row for all runs with equal values: mean ± standard deviation.",
        ),
        click.option(
            "--value",
            type=click.Choice(["last", "best", "min", "max"]),
            default=None,
            help="Which value of each metric to show.  [default: last]",
        ),
        click.option("--columns", metavar="KEY,...", help="Show just these; '*' stands for all."),
        click.option("--deleted", is_flag=True, help="Show deleted runs instead."),
        click.option("--all", "everything", is_flag=True, help="Show deleted runs too."),
    ]
    function = form_options(function)
    for option in reversed(options):
        function = option(function)
    return function


@click.command(
    cls=Command,
    examples="""
        gittrack log -p lr=0.1 -p model.depth=3 -m acc=0.9     record a run
        gittrack log -m loss=0.5@1 -m loss=0.3@2 -a model.pt   a metric by steps, and a file
        gittrack log -a out/model.pt=models/best.pt --name v2  a file under another path
        train | gittrack log -p lr=0.1 -                       metrics as JSON lines
        gittrack log                                           the newest runs
        gittrack log --sort -metrics.acc -n 10                 the ten highest
        gittrack log -f "metrics.acc > 0.9 AND params.lr < 1"  those of a filter
        gittrack log --code HEAD                               those of the code that is checked out
        gittrack log --group-by params.lr --value best         mean ± std over seeds
    """,
)
@click.argument("source", nargs=-1, metavar="[-]")
@click.option(
    "-p", "params", multiple=True, metavar="KEY=VALUE", help="Record a param; VALUE is JSON, else text."
)
@click.option("-m", "metrics", multiple=True, metavar="KEY=NUMBER[@STEP]", help="Record a point of a metric.")
@click.option("-t", "tags", multiple=True, metavar="KEY=VALUE", help="Record a tag.")
@click.option(
    "-a",
    "artifacts",
    multiple=True,
    metavar="PATH[=DEST]",
    type=click.Path(),
    help="Store a file or folder, at DEST in the run.",
)
@click.option("--name", metavar="NAME", help="Name of the run.  [default: made up, e.g. tidy-otter-412]")
@click.option("--note", metavar="TEXT", help="Note on the run, in Markdown.")
@click.option("--parent", metavar="RUN", help="Make it a child of RUN.")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"], case_sensitive=False),
    help="How the run ended.  [default: FINISHED]",
)
@experiment_option(help="Record into, or show, this experiment.")
@history_options
@pass_client
def log(client: Client, source: tuple[str, ...], experiment: str | None, **options: Any) -> None:  # noqa: ANN401
    """Record a run, or show the history of runs.

    With something to record, this records a finished run and prints its id. With nothing, it shows the runs,
    newest first.

    With -, it also reads JSON lines from the standard input, each one of {"metrics": {…}, "step": 3},
    {"params": {…}}, {"tags": {…}}, any of these together, or the metrics alone: {"loss": 0.3, "step": 3}.
    They are recorded as they come; a bad line ends the run as FAILED, and what came before stays.
    """
    if any(argument != "-" for argument in source) or len(source) > 1:
        stranger = next((argument for argument in source if argument != "-"), "-")
        raise BadUsageError(f"unexpected argument {stranger!r}", hint=_meant(stranger))
    recording = [name for name in _RECORDING if options[name] not in (None, ())]
    if not source and not recording:
        show_history(client, experiment, **{name: options[name] for name in _SHOWING})
        return
    if wrong := [name for name in _SHOWING if options[name]]:
        names = {
            "count": "-n",
            "filter_": "--filter",
            "group_by": "--group-by",
            "everything": "--all",
            "form": f"--{options['form']}",
        }
        message = f"{names.get(wrong[0], f'--{wrong[0]}')} is for showing runs, and this records one"
        raise BadUsageError(message, hint="leave it out, or leave out what is to be recorded")
    _record(client, experiment, is_piped=bool(source), **{name: options[name] for name in _RECORDING})


def show_history(
    client: Client,
    experiment: str | None,
    *,
    count: int | None,
    filter_: str | None,
    code: str | None,
    sort: str | None,
    reverse: bool,
    group_by: str | None,
    value: str | None,
    columns: str | None,
    deleted: bool,
    everything: bool,
    form: str | None,
    view: int | None = None,
) -> None:
    """Print the runs that are asked for."""
    from gittrack.cli.listing import print_listing
    from gittrack.cli.run_table import WHEN_EMPTY, list_groups, list_runs, parse_columns, parse_group
    from gittrack.core.select import unique_length
    from gittrack.tracking.search import known_fields, make_query, search_facts

    ids = None if experiment is None else [_experiment_id(client, experiment)]
    stage = view or (3 if everything else 2 if deleted else 1)
    limit = count if count is not None else 0 if form in {"json", "csv"} else SHOWN_RUNS
    known = known_fields(client) if sort or group_by or columns else {}
    wanted = _filter(client, filter_ or "", code)
    query = make_query(client, ids, wanted, stage)
    names, directions = query.setting.experiments, query.setting.directions
    value = value or "last"
    if group_by is not None:
        fields = parse_group(group_by, known)
        print_listing(list_groups(search_facts(client, query, fields, value), fields, names), form)
        return
    order = _order(sort, value, known, is_reversed=reverse)
    found = client.store.search_runs(replace(query, order=order, limit=limit + 1 if limit else None))
    shown = found[: limit or None]
    empty = "no run fits" if wanted else "no deleted runs" if stage == 2 else WHEN_EMPTY  # noqa: PLR2004
    listing = list_runs(
        shown,
        names,
        value=value,
        columns=parse_columns(columns, known) if columns else None,
        digits=unique_length(client.store.list_similar_ids(run.run_id for run in shown)),
        when_empty=empty,
        directions=directions,
    )
    print_listing(listing, form)
    if len(shown) < len(found) and count is None:
        tell(f"the {'first' if sort or reverse else 'newest'} {len(shown)} runs; -n 0 shows all")


def _filter(client: Client, given: str, code: str | None) -> str:
    if code is None:
        return given
    from gittrack.core.query_parse import parse_filter
    from gittrack.tracking.run_code import filter_of_code

    same_code = filter_of_code(client, code)
    if not given.strip():
        return same_code
    parse_filter(given)  # an error points at the place in what was typed
    return f"({given}) AND {same_code}"


def _experiment_id(client: Client, text: str) -> str:
    from gittrack.tracking.select import find_experiment

    return find_experiment(client, text).experiment_id


def _order(sort: str | None, value: str, known: Collection[Field], *, is_reversed: bool) -> tuple[Order, ...]:
    from gittrack.core.fields import field_key, parse_field
    from gittrack.core.query_tree import Key, Order

    if sort is None:
        return (Order(Key("attributes", "start_time")),) if is_reversed else ()
    key = field_key(parse_field(sort.removeprefix("-"), known), value)
    return (Order(key, is_descending=sort.startswith("-") != is_reversed),)


def _record(
    client: Client,
    experiment: str | None,
    *,
    is_piped: bool,
    params: Sequence[str],
    metrics: Sequence[str],
    tags: Sequence[str],
    artifacts: Sequence[str],
    name: str | None,
    note: str | None,
    parent: str | None,
    status: str | None,
) -> None:
    from gittrack.core.model import DEFAULT_EXPERIMENT_ID, RunStatus
    from gittrack.core.recording import collect_pairs, parse_metric, parse_param, parse_tag
    from gittrack.tracking.record import Recording, parse_upload, record_run
    from gittrack.tracking.select import find_or_create_experiment, find_run

    recording = Recording(
        name=name,
        status=RunStatus(status or "FINISHED"),
        note=note,
        parent=None if parent is None else find_run(client, parent).run_id,
        params=collect_pairs("param", map(parse_param, params)),
        points=[parse_metric(text) for text in metrics],
        tags=collect_pairs("tag", map(parse_tag, tags)),
        uploads=[parse_upload(text) for text in artifacts],
    )
    chosen = DEFAULT_EXPERIMENT_ID if experiment is None else find_or_create_experiment(client, experiment)
    run = record_run(client, chosen, recording, _read_lines() if is_piped else None)
    click.echo(run.run_id)
    if sys.stdout.isatty():
        tell(f"recorded {run.name}; `gittrack show @` shows it")
    from gittrack.cli.unpushed import tell_unpushed

    tell_unpushed(client)


def _read_lines() -> Iterator[bytes]:
    if sys.stdin is None:
        return iter(())
    if sys.stdin.isatty():
        tell("reading JSON lines; end with Ctrl-D")
    return iter(sys.stdin.buffer)


def _meant(argument: str) -> str:
    if "=" in argument:
        return f"a param is -p {argument}, a metric -m {argument}"
    return f"one run is shown by `gittrack show {argument}`"
