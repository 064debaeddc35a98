"""What passes a gate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.gate import Tolerance, judge, parse_tolerance
from gittrack.errors import InvalidValueError

NUMBERS = st.floats(-1e9, 1e9)


@given(NUMBERS, NUMBERS, st.booleans())
def test_what_is_at_least_as_good_passes_and_nothing_else(value: float, baseline: float, lower: bool) -> None:
    assert judge(value, baseline, lower=lower).passes == (value <= baseline if lower else value >= baseline)


@given(NUMBERS, st.floats(0, 1e6), st.booleans())
def test_more_tolerance_never_fails_what_passed(baseline: float, room: float, lower: bool) -> None:
    edge = baseline + room if lower else baseline - room
    assert judge(edge, baseline, lower=lower, tolerance=Tolerance(room)).passes
    assert judge(edge, baseline, lower=lower, tolerance=Tolerance(room * 2)).passes


def test_a_value_that_is_no_number_never_passes() -> None:
    assert not judge(math.nan, None, lower=False).passes
    assert judge(0.5, math.nan, lower=False).passes


def test_limits_hold_whatever_the_baseline() -> None:
    assert judge(0.95, 0.9, lower=False, least=0.96).reasons == ("less than 0.96",)
    assert judge(5.0, 6.0, lower=True, most=4.0).reasons == ("more than 4.0",)


@pytest.mark.parametrize(
    ("text", "room"), [("0", 0.0), ("0.01", 0.01), ("1%", 0.02), (".5 ", 0.5), ("100%", 2.0)]
)
def test_a_tolerance_is_a_distance_or_a_share(text: str, room: float) -> None:
    assert parse_tolerance(text).of(-2.0) == pytest.approx(room)


@pytest.mark.parametrize("text", ["", "-1", "1 %%", "a", "nan", "1e"])
def test_what_is_no_tolerance_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_tolerance(text)
