"""What a block of a report asks for, found among runs: tables of values that have not been formatted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from gittrack.core.columns import choose_columns, rank_metrics
from gittrack.core.diff import ABSENT, diff_runs
from gittrack.core.fields import (
    ATTRIBUTE,
    METRIC,
    PARAM,
    TAG,
    Field,
    field_key,
    is_missing,
    list_fields,
    order_of,
    parse_field,
    read_field,
)
from gittrack.core.grouping import Group, Spread, group_runs, measure, spread_of
from gittrack.core.query_match import as_number
from gittrack.core.query_parse import parse_filter
from gittrack.core.query_tree import Order
from gittrack.core.search import RunQuery, select_runs
from gittrack.core.select import parse_selector, rank_step, rank_value, select_run, unknown_metric
from gittrack.errors import RunNotFoundError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gittrack.core.model import ParamValue, Run
    from gittrack.core.query_setting import Setting
    from gittrack.core.report import Block

Look: TypeAlias = Literal["text", "number", "time", "duration"]
Cell: TypeAlias = "ParamValue | Spread"

MAX_COLUMNS = 10
"""Columns that are chosen where a block names none."""
NAME = Field(ATTRIBUTE, "name")
_BY_GROUP = (PARAM, ATTRIBUTE, TAG, METRIC)
_LOOKS: dict[str, Look] = {"start_time": "time", "end_time": "time", "duration": "duration"}


@dataclass(frozen=True, slots=True)
class Head:
    """One column."""

    title: str
    look: Look = "text"
    """How its cells are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One row; ``run`` is the run it is about, if it is about one."""

    cells: tuple[Cell, ...]
    run: Run | None = None


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """Values in rows and columns; where rows are about runs, the first column is for their names."""

    heads: tuple[Head, ...]
    lines: tuple[Line, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for a block."""

    block: Block
    runs: tuple[Run, ...]
    """Those it is about, in its order."""
    tables: tuple[AnswerTable, ...]
    left_out: int = 0
    """Runs or groups beyond its limit."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What blocks are asked of."""

    runs: Sequence[Run]
    """Newest first."""
    setting: Setting


def answer_block(block: Block, basis: Basis) -> Answer:
    """Return what a block asks for.

    Raises:
        QuerySyntaxError: Its filter, a column or a key cannot be read, or no run has it.
        RunNotFoundError: No run fits, or none of that name.
        UserError: It asks for something that makes no sense.
    """
    known = list_fields(basis.runs)
    found = _find(block, basis, known)
    if not found:
        message = "no run fits" if block.filter else "there are no runs yet"
        raise RunNotFoundError(message, hint=f"the filter is {block.filter}" if block.filter else None)
    shown = found[: block.limit]
    left_out = len(found) - len(shown)
    match block.kind:
        case "table" if block.group:
            groups = _group(block, found, known)
            table = _table_of_groups(block, groups[: block.limit], known, basis.setting)
            return Answer(block, tuple(found), (table,), len(groups) - len(table.lines))
        case "table":
            return Answer(
                block, tuple(shown), (_table_of_runs(block, shown, known, basis.setting),), left_out
            )
        case "compare":
            return Answer(block, tuple(shown), _comparison(block, shown, basis.setting), left_out)
        case "curves":
            return _curves(block, found, basis.setting)
        case "scatter":
            table = _points(block, found, known, basis.setting)
            return Answer(block, tuple(found), (table,), max(0, len(found) - block.limit))
        case _:
            return Answer(block, tuple(found), (_bars(block, found, known, basis.setting),))


def _find(block: Block, basis: Basis, known: Collection[Field]) -> list[Run]:
    if block.runs:
        named = [select_run(parse_selector(text), basis.runs) for text in block.runs]
        return list({run.run_id: run for run in named}.values())
    order = tuple(
        Order(
            field_key(parse_field(text.removeprefix("-"), known), block.value),
            is_descending=text.startswith("-"),
        )
        for text in block.sort
    )
    tree = parse_filter(block.filter) if block.filter else None
    return select_runs(basis.runs, RunQuery(tree, () if block.group else order, basis.setting))


def _fields(texts: Sequence[str], known: Collection[Field]) -> list[Field]:
    return [parse_field(text, known) for text in texts]


def _table_of_runs(
    block: Block, runs: Sequence[Run], known: Collection[Field], setting: Setting
) -> AnswerTable:
    chosen = _fields(block.columns, known) or choose_columns(runs)[:MAX_COLUMNS]
    fields = [field for field in chosen if field != NAME]
    heads = [Head("run"), *(_head(field, runs) for field in fields)]
    lines = [Line((run.name, *(_read(run, field, block, setting) for field in fields)), run) for run in runs]
    return AnswerTable(tuple(heads), tuple(lines))


def _group(block: Block, runs: Sequence[Run], known: Collection[Field]) -> list[Group]:
    groups = group_runs(runs, [parse_field(text, known, _BY_GROUP) for text in block.group])
    return sorted(groups, key=lambda one: [(cell is None, order_of(cell)) for cell in one.values])


def _table_of_groups(
    block: Block, groups: Sequence[Group], known: Collection[Field], setting: Setting
) -> AnswerTable:
    runs = [run for group in groups for run in group.runs]
    by = [parse_field(text, known, _BY_GROUP) for text in block.group]
    named = [field for field in _fields(block.columns, known) if field.kind == METRIC]
    ranked = rank_metrics({key for run in runs for key in run.metrics})[:MAX_COLUMNS]
    metrics = named or [Field(METRIC, key) for key in ranked]
    heads = [
        *(_head(field, runs) for field in by),
        Head("runs", "number"),
        *(_head(field, runs) for field in metrics),
    ]
    lines = []
    for group in groups:
        spreads = [
            spread_of(group.runs, field.key, field.part or block.value, setting.directions)
            for field in metrics
        ]
        values = [_read(group.runs[0], field, block, setting) for field in by]
        lines.append(Line((*values, len(group.runs), *spreads)))
    return AnswerTable(tuple(heads), tuple(lines))


def _comparison(block: Block, runs: Sequence[Run], setting: Setting) -> tuple[AnswerTable, ...]:
    """Return the metrics and the params in which runs differ, with the run that has the best value."""
    declared = [setting.directions.get(run.experiment_id, {}) for run in runs]
    directions = {key: lower for one in declared for key, lower in one.items()}
    diff = diff_runs(runs, value=block.value, directions=directions)
    names = tuple(Head(run.name, "number") for run in runs)
    metrics = [
        Line((row.key, *row.values, None if row.best is None else runs[row.best].name))
        for row in diff.metrics
        if row.differs
    ]
    params = [
        Line((row.key, *(None if cell is ABSENT else cell for cell in row.cells)))
        for row in diff.params
        if row.differs
    ]
    tables = [
        AnswerTable((Head("metric"), *names, Head("best")), tuple(metrics), "metrics"),
        AnswerTable((Head("param"), *(Head(head.title) for head in names)), tuple(params), "params"),
    ]
    return tuple(table for table in tables if table.lines)


def _curves(block: Block, found: Sequence[Run], setting: Setting) -> Answer:
    having = [run for run in found if any(key in run.metrics for key in block.metrics)]
    for key in block.metrics:
        if not any(key in run.metrics for run in found):
            raise unknown_metric(key, {other for run in found for other in run.metrics})
    runs = having[: block.limit]
    is_alone = len(block.metrics) == 1
    titles = ["last", "best", "at step"] if is_alone else []
    titles += [f"{key}{part}" for key in block.metrics for part in ("", " best") if not is_alone]
    lines = []
    for run in runs:
        values = [_of_metric(run, key, setting) for key in block.metrics]
        cells = values[0] if is_alone else [cell for three in values for cell in three[:2]]
        lines.append(Line((run.name, *cells), run))
    heads = (Head("run"), *(Head(title, "number") for title in titles))
    return Answer(block, tuple(runs), (AnswerTable(heads, tuple(lines)),), len(having) - len(runs))


def _of_metric(run: Run, key: str, setting: Setting) -> tuple[Cell, Cell, Cell]:
    """Return the last value of a metric, the best one and its step."""
    if key not in run.metrics:
        return None, None, None
    lower = setting.directions.get(run.experiment_id, {}).get(key)
    return run.metrics[key].last, rank_value(run, key, lower=lower), rank_step(run, key, lower=lower)


def _points(block: Block, runs: Sequence[Run], known: Collection[Field], setting: Setting) -> AnswerTable:
    x, y = _fields((block.x, block.y), known)
    lines = []
    for run in runs[: block.limit]:
        across, up = _read(run, x, block, setting), _number(_read(run, y, block, setting))
        if not is_missing(across) and up is not None:
            lines.append(Line((run.name, across, up), run))
    return AnswerTable((Head("run"), _head(x, runs), Head(y.name, "number")), tuple(lines))


def _bars(block: Block, runs: Sequence[Run], known: Collection[Field], setting: Setting) -> AnswerTable:
    x, y = parse_field(block.x, known, _BY_GROUP), parse_field(block.y, known)
    lines: list[Line] = []
    groups = group_runs(runs, [x])
    for group in sorted(groups, key=lambda one: (one.values[0] is None, order_of(one.values[0]))):
        numbers = [_number(_read(run, y, block, setting)) for run in group.runs]
        values = [number for number in numbers if number is not None]
        if values and len(lines) < block.limit:
            spread = measure(values)
            lines.append(Line((group.values[0], spread, spread.count)))
    return AnswerTable(
        (_head(x, runs), Head(f"mean {y.name}", "number"), Head("runs", "number")), tuple(lines)
    )


def _number(cell: ParamValue) -> float | None:
    return as_number(cell) if isinstance(cell, (str, int, float)) else None


def _read(run: Run, field: Field, block: Block, setting: Setting) -> ParamValue:
    if field == Field(ATTRIBUTE, "experiment_id"):
        return setting.experiments.get(run.experiment_id, run.experiment_id)
    return read_field(run, field, block.value, setting.directions)


def _head(field: Field, runs: Sequence[Run]) -> Head:
    title = field.name.partition(".")[2] if field.kind != ATTRIBUTE else field.key.removesuffix("_id")
    if field.kind == METRIC:
        return Head(title, "number")
    if field.key in _LOOKS and field.kind == ATTRIBUTE:
        return Head(title, _LOOKS[field.key])
    cells = [cell for run in runs if not is_missing(cell := read_field(run, field))]
    is_number = bool(cells) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) for one in cells
    )
    return Head(title, "number" if is_number else "text")
