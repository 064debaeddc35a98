"""Histories of metrics: whole, page by page, of many runs."""

from __future__ import annotations

import dataclasses
import math
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack import Client, Metric
from gittrack.core.series import join, normalize, union
from gittrack.errors import InvalidValueError, RunNotFoundError
from gittrack.store.memory import MemoryStore
from gittrack.tracking.histories import MetricHistory
from tests import strategies

if TYPE_CHECKING:
    from gittrack.core.series import Series

START = 1_700_000_000_000


@pytest.fixture
def client() -> Client:
    return Client(store=MemoryStore(), clock_ms=lambda: START)


def log(client: Client, *points: tuple[float, int, int]) -> str:
    """Log points (value, step, time) of ``m``; return the run's id."""
    run_id = client.create_run().run_id
    client.log_batch(run_id, [Metric("m", value, time, step) for value, step, time in points])
    return run_id


def pages(client: Client, run_id: str, size: int) -> list[list[float]]:
    found, token = [], None
    while True:
        page = client.get_metric_history(run_id, "m", size, token)
        found.append(list(page.values))
        token = page.token
        if token is None:
            return found


def test_points_of_a_history_are_frozen_values_like_any(client: Client) -> None:
    history = client.get_metric_history(log(client, (3.0, 0, 30)), "m")
    (point,) = history
    assert type(point) is Metric
    assert repr(point) == "Metric(key='m', value=3.0, timestamp=30, step=0)"
    assert hash(point) == hash(Metric("m", 3.0, 30, 0))
    assert pickle.loads(pickle.dumps(point)) == point
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.value = 1.0  # type: ignore[misc]


def test_a_history_is_a_sequence_of_points_in_the_order_of_time_step_and_value(client: Client) -> None:
    run_id = log(client, (3.0, 0, 30), (1.0, 5, 10), (2.0, 6, 10), (0.5, 6, 10))
    history = client.get_metric_history(run_id, "m")
    expected = [
        Metric("m", 1.0, 10, 5),
        Metric("m", 0.5, 10, 6),
        Metric("m", 2.0, 10, 6),
        Metric("m", 3.0, 30, 0),
    ]
    assert history == expected
    assert expected == history
    assert history != expected[:3]
    assert list(history) == history.to_list() == expected
    assert [history[0], history[-1], *history[1:3]] == [expected[0], expected[-1], *expected[1:3]]
    assert (history.values, history.steps, history.timestamps) == (
        [1.0, 0.5, 2.0, 3.0],
        [5, 6, 6, 0],
        [10, 10, 10, 30],
    )
    assert len(history) == 4
    assert repr(history) == "<4 points of 'm'>"
    with pytest.raises(IndexError):
        history[4]


def test_a_metric_that_was_never_logged_has_no_points_and_a_run_that_is_not_there_is_an_error(
    client: Client,
) -> None:
    run_id = log(client, (1.0, 0, 1))
    assert list(client.get_metric_history(run_id, "other")) == []
    with pytest.raises(RunNotFoundError):
        client.get_metric_history("f" * 32, "m")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 9])
def test_pages_put_together_are_the_history(client: Client, size: int) -> None:
    points = [(1.0, 1, 5), (math.nan, 1, 5), (-0.0, 1, 5), (0.0, 1, 5), (math.inf, 0, 7)]
    run_id = log(client, *points)
    found = pages(client, run_id, size)
    whole = client.get_metric_history(run_id, "m").values
    assert [repr(one) for page in found for one in page] == [repr(one) for one in whole]
    assert len(found) == -(-len(points) // size)


def test_points_logged_between_two_pages_come_later_and_once(client: Client) -> None:
    run_id = log(client, (1.0, 1, 10), (2.0, 2, 20), (3.0, 3, 30))
    first = client.get_metric_history(run_id, "m", 2)
    client.log_metric(run_id, "m", 2.5, 25, 25)
    client.log_metric(run_id, "m", 0.5, 5, 0)
    rest = client.get_metric_history(run_id, "m", 9, first.token)
    assert (first.values, rest.values, rest.token) == ([1.0, 2.0], [2.5, 3.0], None)


def test_what_is_no_page_is_refused(client: Client) -> None:
    run_id, other = log(client, (1.0, 1, 1), (2.0, 2, 2)), log(client, (1.0, 1, 1), (2.0, 2, 2))
    token = client.get_metric_history(run_id, "m", 1).token
    sizes: list[Any] = [0, -1, "3", True, 1.5]
    for size in sizes:
        with pytest.raises(InvalidValueError, match="max_results"):
            client.get_metric_history(run_id, "m", size)
    with pytest.raises(InvalidValueError, match="no page token"):
        client.get_metric_history(run_id, "m", 1, "nonsense")
    with pytest.raises(InvalidValueError, match="another query"):
        client.get_metric_history(other, "m", 1, token)


def test_histories_of_many_runs_come_by_run_and_then_in_order(client: Client) -> None:
    runs = sorted([log(client, (1.0, 1, 20), (2.0, 2, 10)), log(client, (3.0, 1, 10)), log(client)])
    found = client.get_metric_history_bulk([*runs, "e" * 32], "m")
    assert sorted({point.run_id for point in found}) == [
        one for one in runs if len(client.get_metric_history(one, "m"))
    ]
    assert found == sorted(found, key=lambda point: (point.run_id, point.timestamp, point.step))
    assert sorted((point.key, point.value, point.step) for point in found) == [
        ("m", 1.0, 1),
        ("m", 2.0, 2),
        ("m", 3.0, 1),
    ]
    assert client.get_metric_history_bulk(runs, "m", 2) == found[:2]
    assert client.get_metric_history_bulk([], "m") == []
    with pytest.raises(InvalidValueError, match="101 runs"):
        client.get_metric_history_bulk([f"{i:032x}" for i in range(101)], "m")


@given(st.lists(strategies.point_lists.map(strategies.to_histories), max_size=4))
def test_joining_is_uniting_one_after_the_other(parts: list[dict[str, Series]]) -> None:
    united: dict[str, Series] = {}
    for part in parts:
        united = union(united, part)
    assert strategies.to_points(join(parts)) == strategies.to_points(normalize(united))


def test_a_history_equals_nothing_else() -> None:
    assert MetricHistory.__eq__(MetricHistory("m", join([]).get("m") or _empty()), "m") is NotImplemented


def _empty() -> Series:
    from gittrack.core.series import Series

    return Series()
