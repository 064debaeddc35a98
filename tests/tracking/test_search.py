from __future__ import annotations

import base64
import json
import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gittrack
from gittrack import Client, ViewType
from gittrack.core.fields import NULL
from gittrack.core.frames import parse_columns
from gittrack.core.model import Metric, Param, RunTag
from gittrack.core.query import compile_order, parse_order_by
from gittrack.core.search import RunQuery, select_runs
from gittrack.errors import InvalidValueError, QuerySyntaxError, RunNotFoundError, UserError
from gittrack.store import index_search
from gittrack.store.memory import MemoryStore
from gittrack.tracking.paging import decode_rank, encode_token
from gittrack.tracking.search import make_query
from tests.strategies import runs as any_runs

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack import Run

DAY = 86_400_000


class Clock:
    """Goes a second ahead whenever it is read."""

    now = 1_700_000_000_000

    def __call__(self) -> int:
        self.now += 1000
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Client:
    return Client(store=MemoryStore(), clock_ms=clock)


def record(client: Client, name: str, experiment: str = "0", **facts: Any) -> str:
    run = client.create_run(experiment, run_name=name)
    client.log_batch(
        run.run_id,
        [Metric("loss", facts[key], 1, step) for step, key in enumerate(("first", "loss")) if key in facts],
        [Param("lr", facts["lr"])] if "lr" in facts else [],
        [RunTag("team", facts["team"])] if "team" in facts else [],
    )
    client.set_terminated(run.run_id)
    return run.run_id


def names(runs: list[Run]) -> list[str]:
    return [run.name for run in runs]


@pytest.fixture
def few(client: Client) -> Client:
    other = client.create_experiment("other")
    record(client, "a", loss=0.5, first=0.1, lr=0.1, team="vision")
    record(client, "b", loss=math.nan, lr=0.01)
    record(client, "c", other, loss=0.2, first=0.9, lr=1)
    record(client, "d")
    return client


def test_without_a_filter_all_runs_come_newest_first(few: Client) -> None:
    found = few.search_runs()
    assert names(found) == ["d", "c", "b", "a"]
    assert found.token is None
    assert found.to_list() == list(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("metrics.loss < 0.6", "ca"),
        ("metrics.loss != 0.5", "cb"),
        ("metrics.loss.min < 0.15", "a"),
        ("params.lr >= 0.1 OR tags.team = 'vision'", "ca"),
        ("experiment = 'other'", "c"),
        ("metrics.loss IS NULL", "d"),
        ("start_time > -1h", "dcba"),
        ("start_time < -1h", ""),
        ("status = 'FINISHED' AND name IN ('a', 'd')", "da"),
    ],
)
def test_a_filter_is_searched_for(few: Client, text: str, expected: str) -> None:
    assert names(few.search_runs(filter_string=text)) == list(expected)


def test_live_runs_are_found_with_what_was_logged_so_far(few: Client) -> None:
    run = few.create_run(run_name="live")
    few.log_metric(run.run_id, "loss", 0.01)
    assert names(few.search_runs(filter_string="metrics.loss < 0.1 AND status = 'RUNNING'")) == ["live"]


def test_an_order_puts_nan_before_nothing_and_both_last(few: Client) -> None:
    assert names(few.search_runs(order_by=["metrics.loss"])) == ["c", "a", "b", "d"]
    assert names(few.search_runs(order_by=["metrics.loss DESC"])) == ["a", "c", "b", "d"]
    assert names(few.search_runs(order_by=["attributes.status", "name ASC"])) == ["a", "b", "c", "d"]


def test_experiments_and_views_choose_among_runs(few: Client) -> None:
    other = few.get_experiment_by_name("other")
    assert other is not None
    assert names(few.search_runs([other.experiment_id])) == ["c"]
    assert names(few.search_runs("0")) == ["d", "b", "a"]
    assert few.search_runs([]) == []
    few.delete_run(few.search_runs(filter_string="name = 'b'")[0].run_id)
    few.delete_experiment(other.experiment_id)
    assert names(few.search_runs()) == ["d", "a"]
    assert names(few.search_runs(run_view_type=ViewType.DELETED_ONLY)) == ["c", "b"]
    assert names(few.search_runs(run_view_type=ViewType.ALL)) == ["d", "c", "b", "a"]


def all_pages(client: Client, size: int, **query: Any) -> list[list[str]]:
    pages, token = [], None
    while True:
        page = client.search_runs(max_results=size, page_token=token, **query)
        pages.append(names(page))
        token = page.token
        if token is None:
            return pages


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("order", [None, ["metrics.loss DESC"], ["params.lr", "name DESC"]])
def test_pages_put_together_are_everything(few: Client, size: int, order: list[str] | None) -> None:
    pages = all_pages(few, size, order_by=order)
    assert [name for page in pages for name in page] == names(few.search_runs(order_by=order))
    assert len(pages) == -(-4 // size)


def test_pages_stay_what_they_are_while_runs_come_and_go(few: Client) -> None:
    first = few.search_runs(max_results=2)
    record(few, "new")
    few.delete_run(first[-1].run_id)
    assert names(few.search_runs(max_results=2, page_token=first.token)) == ["b", "a"]


def test_a_token_of_another_query_is_refused(few: Client) -> None:
    token = few.search_runs(max_results=1, order_by=["metrics.loss"]).token
    queries: list[dict[str, Any]] = [
        {"order_by": ["metrics.loss DESC"]},
        {"order_by": ["metrics.loss"], "filter_string": "metrics.loss > 0"},
        {"order_by": ["metrics.loss"], "run_view_type": ViewType.ALL},
        {"order_by": ["metrics.loss"], "experiment_ids": ["0"]},
        {},
    ]
    for query in queries:
        with pytest.raises(InvalidValueError, match="another query"):
            few.search_runs(page_token=token, **query)
    assert len(few.search_runs(page_token=token, order_by=["metrics.loss"])) == 3


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "ä",
        "e30=",
        "W10=",
        base64.b64encode(b"[1,2,3]").decode(),
        base64.b64encode(b'{"offset": 3}').decode(),
    ],
)
def test_what_is_no_token_is_refused(few: Client, token: str) -> None:
    with pytest.raises(InvalidValueError, match="no page token"):
        few.search_runs(page_token=token)


def test_a_token_somebody_changed_is_refused(few: Client) -> None:
    token = few.search_runs(max_results=1).token
    assert token is not None
    version, query, places = json.loads(base64.urlsafe_b64decode(token))
    for bad in (
        [],
        places[:1],
        [[0, True, 3], places[1]],
        [[0, False, "x"], places[1]],
        [[0, False, []], places[1]],
    ):
        forged = base64.urlsafe_b64encode(json.dumps([version, query, bad]).encode()).decode()
        with pytest.raises(InvalidValueError, match="token"):
            few.search_runs(page_token=forged)


@pytest.mark.parametrize("size", [0, -1, 50_001, None, "3", True, 1.5])
def test_the_size_of_a_page_has_bounds(few: Client, size: Any) -> None:
    with pytest.raises(InvalidValueError, match="max_results"):
        few.search_runs(max_results=size)
    assert len(few.search_runs(max_results=50_000)) == 4


def test_what_cannot_be_read_says_where(few: Client) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        few.search_runs(filter_string="metrics.loss < 'low'")
    assert caught.value.position == 15
    with pytest.raises(QuerySyntaxError):
        few.search_runs(order_by=["metrics.loss DOWN"])


@given(
    st.lists(any_runs(), max_size=9, unique_by=lambda run: run.run_id),
    st.integers(1, 4),
    st.sampled_from([[], ["metrics.loss DESC"], ["params.lr", "name DESC"], ["status", "metrics.acc"]]),
)
def test_whatever_runs_there_are_pages_put_together_are_everything(
    runs: list[Run], size: int, order: list[str]
) -> None:
    query = RunQuery(order=parse_order_by(order))
    rank = compile_order(query.order)
    seen: list[Run] = []
    after = None
    while page := select_runs(runs, replace(query, after=after, limit=size)):
        seen += page
        token = encode_token(rank(page[-1]), "query")
        after = decode_rank(token, "query", length=len(query.order) + 2)
        assert after == rank(page[-1])
    assert seen == select_runs(runs, query)
    assert sorted(run.run_id for run in seen) == sorted(run.run_id for run in runs)


# Experiments


def test_experiments_are_searched_in_the_language_of_runs_with_ages_and_pages(
    client: Client, clock: Clock
) -> None:
    for name, team in (("one", "a"), ("two", "b"), ("three", None)):
        client.create_experiment(name, tags={"team": team} if team else {})
    clock.now += DAY

    def found(text: str = "", **how: Any) -> list[str]:
        return [one.name for one in client.search_experiments(filter_string=text, **how)]

    assert found("name != 'Default'") == ["three", "two", "one"]
    assert found("tags.team IN ('a', 'b') OR name RLIKE '^th'", order_by=["name"]) == ["one", "three", "two"]
    assert found("creation_time > -25h AND NOT tags.team = 'a'") == ["three", "two"]
    assert found("creation_time > -1h") == []
    assert found("last_update_time > '2020-01-01' AND attribute.experiment_id != '0'", max_results=2) == [
        "three",
        "two",
    ]
    first = client.search_experiments(max_results=3, order_by=["name"])
    rest = client.search_experiments(max_results=3, order_by=["name"], page_token=first.token)
    assert [one.name for one in (*first, *rest)] == ["Default", "one", "three", "two"]
    assert rest.token is None
    with pytest.raises(InvalidValueError, match="another query"):
        client.search_experiments(max_results=3, order_by=["name DESC"], page_token=first.token)
    for text in ("metrics.a > 1", "name =", "CHILDREN OF x"):
        with pytest.raises(QuerySyntaxError):
            found(text)


def test_children_are_found_by_any_name_of_their_parent(client: Client) -> None:
    parent = record(client, "parent", loss=1.0)
    for name in ("first", "second"):
        child = client.create_run(tags={"mlflow.parentRunId": parent}, run_name=name)
        client.set_terminated(child.run_id)
    record(client, "other", loss=2.0)
    for text in ("parent", "best:loss", parent, parent[:14], f"'{parent}'"):
        assert names(client.search_runs(filter_string=f"CHILDREN OF {text}")) == ["second", "first"]
    assert names(client.search_runs(filter_string="NOT CHILDREN OF 'parent'")) == ["other", "parent"]
    with pytest.raises(RunNotFoundError):
        client.search_runs(filter_string="CHILDREN OF nobody")


def test_the_best_value_follows_what_experiments_declare(client: Client) -> None:
    record(client, "a", first=0.1, loss=0.5)
    assert names(client.search_runs(filter_string="metrics.loss.best = 0.1")) == ["a"]
    client.define_metric("0", "loss", direction="higher")
    assert names(client.search_runs(filter_string="metrics.loss.best = 0.5")) == ["a"]
    assert client.search_table(columns=["metrics.loss.best"]) == {"metrics.loss.best": [0.5]}


def test_a_table_has_just_the_columns_that_are_asked_for(client: Client) -> None:
    record(client, "a", loss=0.5, lr=0.1)
    record(client, "b", team="x")
    table = client.search_table(columns=["name", "metrics.loss", "params.*", "duration", "metrics.none"])
    assert table == {
        "name": ["b", "a"],
        "metrics.loss": [None, 0.5],
        "params.lr": [None, "0.1"],
        "duration": table["duration"],
        "metrics.none": [None, None],
    }
    with pytest.raises(QuerySyntaxError):
        client.search_table(columns=["nope"])


def test_tables_of_a_few_rows_are_the_whole_table_cut(repo: Path) -> None:
    with closing(Client(repo)) as writer, closing(Client(repo)) as client:
        for number in range(5):
            record(writer, f"run-{number}", loss=number / 2, lr=None if number == 3 else number)
        live = writer.create_run(run_name="live")
        writer.log_param(live.run_id, "lr", [1, "a"])
        query = make_query(client, order_by=["params.lr"])
        columns: dict[str, Any] = parse_columns(["name", "params.lr", "metrics.loss", "tags.none"])
        whole = client.store.search_table(query, columns, is_typed=True)
        assert whole["name"] == ["run-0", "run-1", "run-2", "run-4", "run-3", "live"]
        assert whole["params.lr"] == [0, 1, 2, 4, NULL, [1, "a"]]
        for size in (1, 4, 6, 9):
            parts = list(client.store.search_tables(query, columns, size, is_typed=True))
            assert [len(part["name"]) for part in parts[:-1]] == [size] * (len(parts) - 1)
            assert {name: [cell for part in parts for cell in part[name]] for name in whole} == whole
        assert not list(client.store.search_tables(replace(query, limit=0), columns, 2))


def test_tables_go_on_when_the_index_fails_between_them(repo: Path) -> None:
    with closing(Client(repo)) as client:
        for number in range(5):
            record(client, f"run-{number}")
        columns: dict[str, Any] = parse_columns(["name"])
        tables = client.store.search_tables(make_query(client), columns, 2)
        assert next(tables) == {"name": ["run-4", "run-3"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(index_search, "read_columns", fail)
            assert list(tables) == [{"name": ["run-2", "run-1"]}, {"name": ["run-0"]}]


def fail(*_: Any, **__: Any) -> Any:
    message = "disk I/O error"
    raise sqlite3.OperationalError(message)


# Fluent


@pytest.fixture
def logged(repo: Path) -> Path:
    """Return a repository with a run in each of two experiments."""
    with gittrack.start_run(run_name="one"):
        gittrack.log_metric("loss", 0.5)
        gittrack.log_params({"lr": 0.1, "optimizer": {"name": "adam"}})
        gittrack.set_tag("team", "vision")
    gittrack.set_experiment("other")
    with gittrack.start_run(run_name="two"):
        gittrack.log_metric("acc", 1)
    gittrack.set_experiment("Default")
    return repo


def test_a_data_frame_has_the_columns_of_mlflow(logged: Path) -> None:
    frame = gittrack.search_runs(search_all_experiments=True)
    fixed = ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert list(frame.columns[:6]) == fixed
    rest = ["metrics.acc", "metrics.loss", "params.lr", "params.optimizer"]
    assert [name for name in frame.columns[6:] if not name.startswith("tags.")] == rest
    assert frame["tags.mlflow.runName"].tolist() == ["two", "one"]
    assert math.isnan(frame["metrics.loss"][0])
    assert frame["metrics.loss"][1] == 0.5
    for name, value in (("params.lr", "0.1"), ("tags.team", "vision")):
        assert frame[name].isna().tolist() == [True, False]
        assert frame[name][1] == value
    assert str(frame["start_time"].dtype.tz) == "UTC"
    run = gittrack.search_runs(output_format="list")[0]
    assert frame["start_time"][1] == pd.Timestamp(run.start_time, unit="ms", tz="UTC")
    assert frame["artifact_uri"][1] == f"runs:/{run.run_id}"


def test_a_run_that_is_live_has_no_end_in_the_frame(logged: Path) -> None:
    with gittrack.start_run():
        frame = gittrack.search_runs(filter_string="status = 'RUNNING'")
        assert frame["end_time"].isna().tolist() == [True]
        assert str(frame["end_time"].dtype.tz) == "UTC"


def test_no_run_gives_a_frame_without_rows(logged: Path) -> None:
    frame = gittrack.search_runs(filter_string="metrics.loss > 7")
    assert len(frame) == 0
    assert "run_id" in frame.columns


def test_the_active_experiment_is_searched_unless_another_is_named(logged: Path) -> None:
    def found(**query: Any) -> list[str]:
        return names(gittrack.search_runs(output_format="list", **query))

    assert found() == ["one"]
    assert found(experiment_names=["other"]) == ["two"]
    assert found(experiment_names=["nobody"]) == []
    assert found(experiment_ids=["0"]) == ["one"]
    assert found(search_all_experiments=True) == ["two", "one"]
    assert found(search_all_experiments=True, max_results=1) == ["two"]
    assert found(search_all_experiments=True, order_by=["name"]) == ["one", "two"]
    gittrack.set_experiment("other")
    assert found() == ["two"]


def test_ids_and_names_together_another_format_or_a_negative_size_are_refused(logged: Path) -> None:
    with pytest.raises(UserError, match="both ids and names"):
        gittrack.search_runs(["0"], experiment_names=["other"])
    with pytest.raises(InvalidValueError, match="'polars'"):
        gittrack.search_runs(output_format="polars")
    with pytest.raises(InvalidValueError, match="negative"):
        gittrack.search_runs(max_results=-1)


def test_without_pandas_the_list_is_there_and_the_frame_says_what_to_install(logged: Path) -> None:
    script = """
import sys
sys.modules["pandas"] = None
import gittrack
print(len(gittrack.search_runs(output_format="list")))
try:
    gittrack.search_runs()
except gittrack.UserError as error:
    print(error.hint)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=logged, check=True, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["1", "pip install 'gittrack[pandas]'"]


def test_the_search_language_is_loaded_by_the_first_search_alone(repo: Path) -> None:
    script = "import sys, gittrack; print([name for name in sys.modules if 'core.query' in name])"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=repo, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
