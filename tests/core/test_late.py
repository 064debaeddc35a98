"""Values made when somebody asks for them are the values that were there at once."""

from __future__ import annotations

import pickle
from dataclasses import astuple
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.late import LateMapping, rows_of
from gittrack.core.model import MetricSummary
from tests import strategies

if TYPE_CHECKING:
    from gittrack.core.model import Run

ROWS = {"a": (1.0, 2, 3, 4.0, 5, 6.0, 7, 8), "b": (9.0, 9, 9, 9.0, 9, 9.0, 9, 9)}


def make() -> LateMapping[MetricSummary]:
    return LateMapping(dict(ROWS), MetricSummary)


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

    late = LateMapping(dict(ROWS), note)
    assert (list(late), len(late), made) == (["a", "b"], 2, [])
    assert late["b"] is late["b"]
    assert made == [9.0]
    assert [row[0] for row in late.values()] == [1.0, 9.0]
    assert made == [9.0, 1.0]


def test_a_key_that_is_missing_raises_key_error() -> None:
    with pytest.raises(KeyError):
        make()["c"]


@given(strategies.runs(), st.booleans())
def test_rows_are_the_same_of_values_made_late_and_at_once(run: Run, is_late: bool) -> None:
    rows = {key: astuple(one) for key, one in run.metrics.items()}
    metrics = LateMapping(rows, MetricSummary) if is_late else run.metrics
    assert repr(rows_of(metrics)) == repr(list(rows.values()))
