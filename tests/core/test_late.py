"""Values made when somebody asks for them are the values that were there at once."""

from __future__ import annotations

import pickle
from dataclasses import astuple
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.late import (
    LateMapping,
    extremes_of,
    last_of,
    lasts_of,
    list_lasts,
    pack_lasts,
    pack_rows,
)
from gittrack.core.model import MetricSummary
from gittrack.core.shared import forget_values
from tests import strategies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.model import Run

Value = TypeVar("Value")

ROWS = {"a": (1.0, 2, 3, 4.0, 5, 6.0, 7, 8), "b": (9.0, 9, 9, 9.0, 9, 9.0, 9, 9)}


def make(rows: Mapping[str, tuple[Any, ...]] = ROWS) -> LateMapping[MetricSummary]:
    return pack({key: MetricSummary(*row) for key, row in rows.items()}, MetricSummary)


def pack(values: Mapping[str, MetricSummary], make: Callable[..., Value]) -> LateMapping[Value]:
    places = {key: place for place, key in enumerate(values)}
    return LateMapping(places, pack_rows(values), make, pack_lasts(values))


@pytest.mark.parametrize("first", [[], ["b"], ["b", "a"]])
def test_it_is_the_dict_of_its_values_whatever_was_asked_for_before(first: list[str]) -> None:
    late, whole = make(), {key: MetricSummary(*row) for key, row in ROWS.items()}
    for key in first:
        assert late[key] == whole[key]
    assert late == whole
    assert whole == late
    assert list(late) == list(late.keys()) == list(whole)
    assert list(late.items()) == list(whole.items())
    assert list(late.values()) == list(whole.values())
    assert repr(late) == repr(whole)
    assert len(late) == 2
    assert "a" in late
    assert "c" not in late
    assert late.get("c") is None
    assert pickle.loads(pickle.dumps(late)) == whole


def test_a_value_is_made_once_and_only_when_asked_for() -> None:
    made: list[float] = []

    def note(*row: float) -> tuple[float, ...]:
        made.append(row[0])
        return row

    late = pack(make(), note)
    assert (list(late), len(late), made) == (["a", "b"], 2, [])
    assert late["b"] is late["b"]
    assert made == [9.0]
    assert [row[0] for row in late.values()] == [1.0, 9.0]
    assert made == [9.0, 1.0]


def test_a_key_that_is_missing_raises_key_error() -> None:
    with pytest.raises(KeyError):
        make()["c"]


def test_what_was_made_is_let_go_of_and_made_again() -> None:
    late = make()
    first = late["a"]
    forget_values(late)
    assert late["a"] == first
    assert late["a"] is not first
    forget_values({"a": first})  # made at once: there is nothing to let go of


@given(strategies.runs())
def test_packed_rows_are_the_same_of_values_made_late_and_at_once(run: Run) -> None:
    late = pack(run.metrics, MetricSummary)
    assert repr(late) == repr(dict(run.metrics))
    assert repr(late.rows()) == repr(list(map(astuple, run.metrics.values())))
    again = pack(dict(late.items()), MetricSummary)
    assert pack_rows(again) == pack_rows(late) == pack_rows(run.metrics)


@given(strategies.runs(), st.booleans())
def test_last_values_are_there_without_their_summaries(run: Run, is_late: bool) -> None:
    metrics = pack(run.metrics, not_asked_for) if is_late else run.metrics
    assert repr([last_of(metrics, key) for key in run.metrics]) == repr(
        [one.last for one in run.metrics.values()]
    )
    assert pack_lasts(metrics) == pack_lasts(run.metrics)
    assert last_of(metrics, "no such metric") is None


@given(strategies.runs(), st.booleans())
def test_extremes_are_there_without_their_summaries(run: Run, is_late: bool) -> None:
    metrics = pack(run.metrics, not_asked_for) if is_late else run.metrics
    assert repr([extremes_of(metrics, key) for key in run.metrics]) == repr(
        [(one.last, one.min, one.max) for one in run.metrics.values()]
    )
    assert extremes_of(metrics, "no such metric") is None


def not_asked_for(*_: object) -> MetricSummary:
    raise AssertionError


@given(st.lists(st.tuples(strategies.runs(), st.booleans()), max_size=4))
def test_last_values_over_runs_are_those_of_each(runs: list[tuple[Run, bool]]) -> None:
    many = [pack(run.metrics, not_asked_for) if is_late else run.metrics for run, is_late in runs]
    for key in {key for run, _ in runs for key in run.metrics} | {"no such metric"}:
        each = [one.metrics[key].last if key in one.metrics else None for one, _ in runs]
        assert repr(list(list_lasts(many, key))) == repr(each)


@given(st.lists(st.tuples(strategies.runs(), st.booleans()), max_size=4))
def test_columns_of_last_values_have_those_of_each_run(runs: list[tuple[Run, bool]]) -> None:
    many = [pack(run.metrics, not_asked_for) if is_late else run.metrics for run, is_late in runs]
    keys = {key for run, _ in runs for key in run.metrics} | {"no such metric"}
    found = lasts_of(many, keys)
    assert {key: sorted(map(repr, chain(*pieces))) for key, pieces in found.items()} == {
        key: sorted(repr(one.metrics[key].last) for one, _ in runs if key in one.metrics) for key in keys
    }


def test_a_column_is_cut_out_of_the_values_of_runs_that_share_their_keys() -> None:
    first, second = make(), make({"a": ROWS["b"], "b": ROWS["a"]})
    second.places = first.places
    assert {key: list(chain(*pieces)) for key, pieces in lasts_of([first, second], "ab").items()} == {
        "a": [1.0, 9.0],
        "b": [9.0, 1.0],
    }
