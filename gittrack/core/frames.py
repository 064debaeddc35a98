"""Runs as columns: which ones are asked for, and their values, in MLflow's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.core.fields import flatten_params, read_param
from gittrack.core.model import format_param, system_tags
from gittrack.core.query_keys import read_key
from gittrack.core.query_match import make_read
from gittrack.core.query_tree import Key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.core.query_setting import Setting
    from gittrack.core.query_tree import Kind

Column: TypeAlias = "list[Any]"
"""Cells of the search language, or values of params; None where a run has nothing."""
Table: TypeAlias = "dict[str, Column]"
"""Column by name."""

ALL_COLUMNS = (
    "run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time",
    "metrics.*", "params.*", "tags.*",
)  # fmt: skip
"""What MLflow's data frames have."""
WILDCARDS: Mapping[str, Kind] = {"metrics.*": "metrics", "params.*": "params", "tags.*": "tags"}
"""Columns that stand for all of a kind."""


def parse_columns(names: Iterable[str]) -> dict[str, Key | Kind]:
    """Return what each of the columns holds: the value of a key, or all keys of a kind.

    Raises:
        QuerySyntaxError: One is neither a wildcard nor a key of the search language.
    """
    return {name: WILDCARDS[name] if name in WILDCARDS else read_key(name) for name in names}


def collect_table(
    runs: Sequence[Run], columns: Mapping[str, Key | Kind], setting: Setting, *, is_typed: bool = False
) -> Table:
    """Return the columns of runs; those of a wildcard sorted, and only where some run has a value.

    Params are text, as MLflow has them, or if ``is_typed`` what `gittrack.core.fields.read_param` returns.
    """
    table: Table = {}
    for name, key in expand_columns(columns, lambda kind: list_names(runs, kind)).items():
        if key.kind == "params" and is_typed:
            table[name] = [read_param(run, key.name) for run in runs]
            continue
        read = make_read(key, setting)
        cells: Column = [read(run) for run in runs]
        if key.kind == "params":
            cells = [None if cell is None else format_param(cell) for cell in cells]
        table[name] = cells
    return drop_empty(table, columns)


def expand_columns(
    columns: Mapping[str, Key | Kind], names_of: Callable[[Kind], Iterable[str]]
) -> dict[str, Key]:
    """Return the key of each column, wildcards replaced by what ``names_of`` says there is of a kind."""
    expanded: dict[str, Key] = {}
    for name, key in columns.items():
        if isinstance(key, Key):
            expanded.setdefault(name, key)
        else:
            for inner in sorted(names_of(key)):
                expanded.setdefault(f"{key}.{inner}", Key(key, inner))
    return expanded


def drop_empty(table: Table, columns: Iterable[str]) -> Table:
    """Return a table without the columns that came from a wildcard and hold nothing."""
    asked = set(columns)
    return {
        name: cells for name, cells in table.items() if name in asked or any(one is not None for one in cells)
    }


def list_names(runs: Iterable[Run], kind: Kind, *, is_flat: bool = False) -> set[str]:
    """Return the keys of a kind that runs have; a nested param has one, or if ``is_flat`` its dotted ones."""
    match kind:
        case "metrics":
            return {key for run in runs for key in run.metrics}
        case "params":
            return {key for run in runs for key in (flatten_params(run.params) if is_flat else run.params)}
        case _:
            return {key for run in runs for key in (*run.tags, *system_tags(run))}
