"""Runs as a listing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Any

from gittrack.cli.listing import Column, Listing, show_number
from gittrack.cli.times import export_time, show_age, show_duration, show_time
from gittrack.core.columns import all_columns, choose_columns, rank_metrics
from gittrack.core.direction import is_lower_better
from gittrack.core.documents import encode_run
from gittrack.core.fields import (
    ATTRIBUTE,
    METRIC,
    NULL,
    PARAM,
    TAG,
    Field,
    is_missing,
    list_fields,
    order_of,
    parse_field,
    read_field,
)
from gittrack.core.model import RunStatus, format_param
from gittrack.core.select import rank_step, rank_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from gittrack.core.grouping import FactTable, Spread
    from gittrack.core.model import Run

    Directions: TypeAlias = Mapping[str, Mapping[str, bool]]

MAX_COLUMNS = 12
"""Metrics, params and tags shown where no terminal's width decides."""
STYLES = {"RUNNING": "yellow", "SCHEDULED": "yellow", "FAILED": "red", "KILLED": "red", "FINISHED": "green"}
NAME = Field(ATTRIBUTE, "name")
WHEN_EMPTY = "no runs yet; record one: gittrack log -p lr=0.1 -m acc=0.9"

_TIMES = frozenset({"start_time", "end_time"})


def list_runs(
    runs: Sequence[Run],
    experiments: Mapping[str, str],
    *,
    value: str = "last",
    columns: Sequence[Field] | None = None,
    digits: int = 8,
    when_empty: str = WHEN_EMPTY,
    directions: Directions | None = None,
) -> Listing:
    """Return the listing of runs.

    Args:
        runs: In the order to show.
        experiments: Names by id.
        value: Which value of a metric to show.
        columns: Only these; else those that say most.
        digits: How many of an id tell it from all others.
        when_empty: What to tell if there are none.
        directions: Experiment id → metric → whether less is better, where that was declared.
    """
    chosen = choose_columns(runs)[:MAX_COLUMNS] if columns is None else columns
    heads = [_id_column(digits)]
    cells: list[list[Any]] = [[run.run_id] for run in runs]
    if NAME not in chosen:
        _add(heads, cells, Column("name", must_show=True), [run.name for run in runs])
    if columns is None:
        _add_facts(heads, cells, runs, experiments)
    heads += _field_columns(chosen, _columns(chosen, runs), {head.title for head in heads} - {"name"})
    for row, run in zip(cells, runs, strict=True):
        row += [_cell(run, field, value, experiments, directions) for field in chosen]
    return Listing(
        heads,
        cells,
        records=lambda: [describe_run(run, experiments) for run in runs],
        exported=lambda: _export_runs(runs, experiments, value, columns, directions),
        when_empty=when_empty,
        when_narrow="choose with --columns",
    )


def list_groups(facts: FactTable, fields: Sequence[Field], experiments: Mapping[str, str]) -> Listing:
    """Return the listing of groups of runs, metrics as mean ± standard deviation.

    Args:
        facts: Of the runs.
        fields: What they are grouped by: the columns of ``facts``.
        experiments: Names by id.
    """
    from gittrack.core.grouping import group_rows, spread_of_cells

    columns = [facts.plain(place) for place in range(len(fields))]
    groups = sorted(
        group_rows(columns, len(facts.run_ids)),
        key=lambda one: [(cell is None, order_of(cell)) for cell in one[0]],
    )
    keys = rank_metrics(facts.metrics)
    shown = keys[:MAX_COLUMNS]
    heads = [replace(column, must_show=True) for column in _field_columns(fields, columns, set())]
    heads += [Column("n", is_number=True, must_show=True)]
    taken = {head.title for head in heads}
    heads += [
        Column(key if key not in taken else f"metrics.{key}", is_number=True, show=show_spread)
        for key in shown
    ]
    titles = [field.name for field in fields] + ["runs"]
    titles += [f"metrics.{key}.{part}" for key in keys for part in ("mean", "std", "n")]
    lines, exported, records = [], [], []
    for group, rows in groups:
        values = [
            _group_cell(field, cell if column[rows[0]] is not NULL else NULL, experiments)
            for field, cell, column in zip(fields, group, facts.by, strict=True)
        ]
        spreads = {key: spread_of_cells(facts.metrics[key][row] for row in rows) for key in keys}
        lines.append([*values, len(rows), *(spreads[key] for key in shown)])
        flat = [cell for key in keys for cell in _spread_cells(spreads[key])]
        exported.append([*values, len(rows), *flat])
        records.append(
            {
                "group": {field.name: cell for field, cell in zip(fields, values, strict=True)},
                "runs": len(rows),
                "metrics": {
                    key: {"mean": one.mean, "std": one.std, "n": one.count}
                    for key, one in spreads.items()
                    if one is not None
                },
                "run_ids": [facts.run_ids[row] for row in rows],
            }
        )
    return Listing(heads, lines, records=records, exported=(titles, exported), when_empty=WHEN_EMPTY)


def _group_cell(field: Field, cell: Any, experiments: Mapping[str, str]) -> Any:  # noqa: ANN401  (any cell)
    return experiments.get(cell, cell) if field.name == "experiment_id" else cell


def parse_columns(text: str, known: Collection[Field]) -> list[Field]:
    """Return the fields of a list with commas; ``*`` is all params, metrics and tags that are known.

    Raises:
        QuerySyntaxError: No run has one of them.
    """
    fields: list[Field] = []
    for name in filter(None, map(str.strip, text.split(","))):
        fields += all_columns(known) if name == "*" else [parse_field(name, known)]
    return fields


def parse_group(text: str, known: Collection[Field]) -> list[Field]:
    """Return the fields of a list with commas, params before metrics of the same name.

    Raises:
        QuerySyntaxError: No run has one of them.
    """
    kinds = (PARAM, ATTRIBUTE, TAG, METRIC)
    return [parse_field(name, known, kinds) for name in filter(None, map(str.strip, text.split(",")))]


def describe_run(run: Run, experiments: Mapping[str, str]) -> dict[str, Any]:
    """Return a run for ``--json``: as it is stored, with nothing left out, and the experiment's name."""
    empty: dict[str, Any] = {
        "run_id": None,
        "name": None,
        "experiment": experiments.get(run.experiment_id, run.experiment_id),
        "experiment_id": None,
        "status": None,
        "lifecycle_stage": "active",
        "start_time": None,
        "end_time": None,
        "duration_s": run.duration_s,
        "reason": None,
        "user": None,
        "source": None,
        "parent": None,
        "code": None,
        "params": {},
        "metrics": {},
        "tags": {},
        "artifacts": {},
    }
    document = json.loads(encode_run(run))
    document.pop("edits", None)
    return {**empty, **document}


_EXPORTED: dict[str, Callable[[Run], Any]] = {
    "run_id": lambda run: run.run_id,
    "name": lambda run: run.name,
    "experiment": lambda run: run.experiment_id,
    "status": lambda run: run.status.value,
    "lifecycle_stage": lambda run: run.lifecycle_stage.value,
    "start_time": lambda run: export_time(run.start_time),
    "end_time": lambda run: export_time(run.end_time),
    "duration_s": lambda run: run.duration_s,
    "user": lambda run: run.user,
    "source": lambda run: run.source,
    "commit": lambda run: run.code.commit if run.code else None,
    "branch": lambda run: run.code.branch if run.code else None,
}


def _export_runs(
    runs: Sequence[Run],
    experiments: Mapping[str, str],
    value: str,
    columns: Sequence[Field] | None,
    directions: Directions | None,
) -> tuple[list[str], list[list[Any]]]:
    """Return titles and rows for ``--csv``: everything, or just the columns that were chosen."""
    fields = all_columns(list_fields(runs)) if columns is None else columns
    facts = (
        _EXPORTED
        if columns is None
        else {key: _EXPORTED[key] for key in ("run_id", "name")[: 1 + (NAME not in columns)]}
    )
    titles = [*facts, *(field.name for field in fields)]
    rows = []
    for run in runs:
        cells = [read(run) for read in facts.values()]
        if columns is None:
            cells[2] = experiments.get(run.experiment_id, run.experiment_id)
        rows.append([*cells, *(_cell(run, field, value, experiments, directions) for field in fields)])
    return titles, rows


def _id_column(digits: int) -> Column:
    return Column("run", must_show=True, show=lambda run_id: run_id[:digits], style=lambda _: "cyan")


def _add(heads: list[Column], cells: list[list[Any]], column: Column, values: Sequence[Any]) -> None:
    heads.append(column)
    for row, value in zip(cells, values, strict=True):
        row.append(value)


def _add_facts(
    heads: list[Column], cells: list[list[Any]], runs: Sequence[Run], experiments: Mapping[str, str]
) -> None:
    """Add what is the same for every kind of run, where it says something."""
    if len({run.experiment_id for run in runs}) > 1:
        names = [experiments.get(run.experiment_id, run.experiment_id) for run in runs]
        _add(heads, cells, Column("experiment"), names)
    if any(run.status != RunStatus.FINISHED for run in runs):
        status = Column("status", show=str.lower, style=STYLES.__getitem__)
        _add(heads, cells, status, [run.status.value for run in runs])
    if len({run.lifecycle_stage for run in runs}) > 1:
        _add(heads, cells, Column("stage"), [run.lifecycle_stage.value for run in runs])
    age = Column("started", show=show_time, show_on_terminal=show_age, style=lambda _: "dim")
    _add(heads, cells, age, [run.start_time for run in runs])
    if any((run.duration_s or 0) >= 1 for run in runs):
        took = Column("took", is_number=True, show=show_duration)
        _add(heads, cells, took, [run.duration_s for run in runs])


def _columns(fields: Sequence[Field], runs: Sequence[Run]) -> list[Iterable[Any]]:
    return [map(read_field, runs, repeat(field)) for field in fields]


def _field_columns(
    fields: Sequence[Field], columns: Sequence[Iterable[Any]], taken: set[str]
) -> list[Column]:
    """Return columns titled by their keys, where those say which is which, else by their full names."""
    short = Counter(_short_name(field) for field in fields)
    taken = taken | {title for title, times in short.items() if times > 1}
    titles = [field.name if _short_name(field) in taken else _short_name(field) for field in fields]
    return list(map(_field_column, fields, titles, columns))


def _short_name(field: Field) -> str:
    if field.kind == ATTRIBUTE:
        return field.name.removesuffix("_id") if field.name == "experiment_id" else field.name
    return field.name.partition(".")[2]


def _field_column(field: Field, title: str, cells: Iterable[Any]) -> Column:
    if field.kind == METRIC:
        return Column(title, is_number=True, show=show_number)
    if field.name in _TIMES:
        return Column(title, show=show_time, show_on_terminal=show_age)
    if field.name == "duration":
        return Column(title, is_number=True, show=show_duration)
    present = [cell for cell in cells if not is_missing(cell)]
    is_number = bool(present) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in present
    )
    return Column(title, is_number=is_number, show=_show_param)


def _cell(
    run: Run,
    field: Field,
    value: str,
    experiments: Mapping[str, str],
    directions: Directions | None = None,
) -> Any:  # noqa: ANN401  (any cell)
    if field.name == "experiment_id":
        return experiments.get(run.experiment_id, run.experiment_id)
    cell = read_field(run, field, value, directions)
    if cell is None and field.kind == "params" and field.key in run.params:
        return "None"
    return cell


def _show_param(value: Any) -> str:  # noqa: ANN401  (any cell)
    return format_param(value)


def show_spread(spread: Spread) -> str:
    """Return a mean and, if there is one, its standard deviation."""
    if spread.std is None:
        return show_number(spread.mean)
    return f"{show_number(spread.mean)} ± {spread.std:.2g}"


def _spread_cells(spread: Spread | None) -> list[Any]:
    return [None, None, 0] if spread is None else [spread.mean, spread.std, spread.count]


def list_ranking(
    ranked: Sequence[Run],
    metric: str,
    experiments: Mapping[str, str],
    *,
    lower: bool | None = None,
    digits: int = 8,
) -> Listing:
    """Return the listing of runs that are ranked by a metric, best first; see `list_runs`."""
    beside = [field for field in choose_columns(ranked) if field != Field(METRIC, metric)][: MAX_COLUMNS - 2]
    direction = "lower" if (is_lower_better(metric) if lower is None else lower) else "higher"
    heads = [
        Column("rank", is_number=True, must_show=True),
        _id_column(digits),
        Column("name", must_show=True),
        Column(f"{metric} ({direction})", is_number=True, must_show=True, show=show_number),
        Column("step", is_number=True),
    ]
    heads += _field_columns(beside, _columns(beside, ranked), {head.title for head in heads})
    rows, records = [], []
    for rank, run in enumerate(ranked, 1):
        value, step = rank_value(run, metric, lower=lower), rank_step(run, metric, lower=lower)
        rows.append(
            [
                rank,
                run.run_id,
                run.name,
                value,
                step,
                *(_cell(run, field, "last", experiments) for field in beside),
            ]
        )
        records.append(
            {
                "rank": rank,
                "metric": metric,
                "direction": direction,
                "value": value,
                "step": step,
                **describe_run(run, experiments),
            }
        )
    titles = ["rank", "run_id", "name", f"metrics.{metric}.best", "step", *(field.name for field in beside)]
    return Listing(heads, rows, records=records, exported=(titles, rows))


def list_metrics(run: Run, declared: Mapping[str, bool] | None = None) -> Listing:
    """Return the listing of a run's metrics, those that say most first.

    ``declared`` says of which less is better, or not; of others their names tell.
    """
    lower = {key: (declared or {}).get(key, is_lower_better(key)) for key in run.metrics}
    heads = [
        Column("metric", must_show=True),
        *(Column(title, is_number=True, show=show_number) for title in ("last", "best")),
        Column("@step", is_number=True),
        *(Column(title, is_number=True, show=show_number) for title in ("min", "max")),
        Column("points", is_number=True),
        Column("better"),
    ]
    rows = [
        [
            key,
            one.last,
            rank_value(run, key, lower=lower[key]),
            rank_step(run, key, lower=lower[key]),
            one.min,
            one.max,
            one.count,
            "lower" if lower[key] else "higher",
        ]
        for key, one in ((key, run.metrics[key]) for key in rank_metrics(run.metrics))
    ]
    return Listing(heads, rows)
