"""What SQL finds in the index is what looking at every run finds."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import decode_run, encode_run
from gittrack.core.fields import field_key, list_fields
from gittrack.core.frames import ALL_COLUMNS, collect_table, parse_columns
from gittrack.core.grouping import FactTable, group_rows, group_runs, spread_of, spread_of_cells
from gittrack.core.model import LifecycleStage
from gittrack.core.query import Setting, compile_order, parse_filter
from gittrack.core.query_tree import Key
from gittrack.core.search import BOTH_STAGES, RunQuery, select_runs, show_run
from gittrack.core.values import coerce_param
from gittrack.store import index_columns, index_read
from gittrack.store.index_build import _run_script
from gittrack.store.index_columns import MAX_SPREAD, read_columns
from gittrack.store.index_schema import (
    INDEXES,
    TABLES,
    Keys,
    insert_runs,
    make_rows,
)
from tests.core.test_query import ORDERS, TREES, searched_runs
from tests.query_cases import CASES, EXPERIMENTS, NOW, PARENTS, RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.core.query_tree import Filter, Order


def store(run: Run) -> Run:
    """Return a run as it is once it was stored."""
    params = {key: coerce_param(key, value) for key, value in run.params.items()}
    return decode_run(encode_run(replace(run, params=params)))


def make_index(runs: Sequence[Run]) -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _run_script(connection, TABLES + INDEXES)
    keys = Keys(connection)
    for run in runs:
        insert_runs(connection, keys, [make_rows(run.run_id, encode_run(run))])
    return connection


def find(connection: sqlite3.Connection, query: RunQuery) -> list[Run]:
    hits = index_read.search(connection, query)
    found = [show_run(run, query) for run in index_read.runs_of(connection, [hit.run for hit in hits])]
    rank = compile_order(query.order, query.setting)
    assert [hit.rank for hit in hits] == [rank(run) for run in found]
    return found


@pytest.mark.parametrize(("text", "ids"), CASES)
def test_the_index_finds_the_runs_of_the_shared_cases(text: str, ids: str) -> None:
    query = RunQuery(parse_filter(text), setting=Setting(NOW, EXPERIMENTS, parents=PARENTS))
    with closing(make_index(RUNS)) as connection:
        assert sorted(run.run_id for run in find(connection, query)) == list(ids)


many_runs = st.lists(searched_runs(), max_size=7, unique_by=lambda run: run.run_id)


@st.composite
def settings(draw: st.DrawFn, runs: Sequence[Run]) -> Setting:
    experiments = sorted({run.experiment_id for run in runs})
    named: dict[str, Any] = (
        {}
        if not experiments
        else draw(st.dictionaries(st.sampled_from(experiments), st.sampled_from(["one", "Two", "3"])))
    )
    directions: dict[str, Any] = (
        {}
        if not experiments
        else draw(
            st.dictionaries(
                st.sampled_from(experiments),
                st.dictionaries(st.sampled_from(["acc", "loss"]), st.booleans(), max_size=2),
            )
        )
    )
    return Setting(NOW, named, directions)


@given(TREES | st.none(), many_runs, ORDERS, st.data())
def test_the_index_finds_what_looking_at_every_run_finds_in_the_same_order(
    tree: Filter | None, runs: list[Run], orders: list[Order], data: st.DataObject
) -> None:
    ids = sorted({run.experiment_id for run in runs})
    query = RunQuery(
        tree,
        tuple(orders),
        data.draw(settings(runs)),
        data.draw(st.none() | st.frozensets(st.sampled_from(ids))) if ids else None,
        data.draw(st.sampled_from([BOTH_STAGES, *(frozenset({stage}) for stage in LifecycleStage)])),
        data.draw(st.frozensets(st.sampled_from(ids))) if ids else frozenset(),
    )
    stored = [store(run) for run in runs]
    with closing(make_index(stored)) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_read, "SLICE", data.draw(st.sampled_from([1, index_read.SLICE])))
        everything = select_runs(stored, query)
        assert find(connection, query) == everything
        size = data.draw(st.integers(1, 3))
        page = replace(query, limit=size)
        for begin in range(0, len(everything), size):
            found = find(connection, page)
            assert found == everything[begin : begin + size]
            page = replace(page, after=compile_order(orders, query.setting)(found[-1]))
        assert find(connection, page) == everything[len(everything) :]


@given(many_runs, ORDERS, st.booleans(), st.sampled_from([0, MAX_SPREAD]))
def test_columns_are_those_of_the_runs(
    runs: list[Run], orders: list[Order], is_typed: bool, spread: int
) -> None:
    stored = [store(run) for run in runs]
    query = RunQuery(order=tuple(orders), setting=Setting(NOW))
    keys = parse_columns(
        [*ALL_COLUMNS[:6], "metrics.loss.min", "metrics.acc.best", "params.a", "params.a.b", "code.dirty",
         "code.commit", "code.changed", "code.snapshot",
         "datasets.name", "duration", "name", "tags.mlflow.user", "experiment", "lifecycle_stage"]
    )  # fmt: skip
    with closing(make_index(stored)) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_columns, "MAX_SPREAD", spread)
        hits = index_read.search(connection, query)
        columns = read_columns(
            connection,
            query,
            [hit.run for hit in hits],
            list(keys.values()),  # type: ignore[arg-type]
            is_typed=is_typed,
        )
    expected = collect_table(select_runs(stored, query), keys, query.setting, is_typed=is_typed)
    found = dict(zip(keys, columns, strict=True))
    assert {name: list(map(show, cells)) for name, cells in found.items()} == {
        name: list(map(show, cells)) for name, cells in expected.items()
    }


@given(many_runs, st.sampled_from(["last", "best", "min", "max"]), st.data())
def test_groups_by_columns_are_groups_by_runs(runs: list[Run], value: str, data: st.DataObject) -> None:
    stored = [store(run) for run in runs]
    setting = data.draw(settings(runs))
    known = [field for field in list_fields(stored) if not field.key.startswith("mlflow.")]
    fields = data.draw(st.lists(st.sampled_from(known), max_size=2)) if known else []
    query = RunQuery(setting=setting)
    with closing(make_index(stored)) as connection:
        hits = [hit.run for hit in index_read.search(connection, query)]
        keys = [Key("attributes", "run_id"), *map(field_key, fields)]
        ids, *by = read_columns(connection, query, hits, keys, is_typed=True)
        names = index_read.list_keys(connection, "metrics")
        metrics = read_columns(connection, query, hits, [Key("metrics", name, value) for name in names])
    facts = FactTable(ids, by, dict(zip(names, metrics, strict=True)))
    found = group_rows([facts.plain(place) for place in range(len(fields))], len(ids))
    expected = group_runs(select_runs(stored, query), fields)
    assert [[ids[row] for row in rows] for _, rows in found] == [
        [run.run_id for run in group.runs] for group in expected
    ]
    assert [list(map(show, values)) for values, _ in found] == [
        list(map(show, one.values)) for one in expected
    ]
    for (_, rows), group in zip(found, expected, strict=True):
        for name in names:
            ours = spread_of_cells(facts.metrics[name][row] for row in rows)
            theirs = spread_of(group.runs, name, value, setting.directions)
            assert repr(ours).replace("-0.0", "0.0") == repr(theirs).replace("-0.0", "0.0")


def test_params_that_python_cannot_read_back_are_shown_as_text() -> None:
    deep: Any = [1]
    for _ in range(300):
        deep = [deep]
    params = {"deep": deep, "text": "[1]", "list": [1, None, {"a": True}], "big": 2**80, "number": "1e3"}
    run = store(replace(RUNS[0], params=params))
    keys = [Key("params", name) for name in params]
    with closing(make_index([run])) as connection:
        columns = read_columns(connection, RunQuery(), [1], keys, is_typed=True)
    assert [column[0] for column in columns] == [str(deep), "[1]", params["list"], 2**80, "1e3"]


def show(cell: Any) -> str:
    return repr(cell + 0.0 if isinstance(cell, float) else cell)  # SQLite knows one zero
