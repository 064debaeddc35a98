"""Curves in one line of text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.spark import GAP, LEVELS, draw_spark


def test_a_rising_curve_rises() -> None:
    assert draw_spark(list(range(8)), 8) == LEVELS
    assert draw_spark(list(range(800)), 8) == LEVELS


def test_what_is_no_number_is_a_gap_and_a_constant_is_flat() -> None:
    assert draw_spark([0, float("nan"), 1], 3) == f"▁{GAP}█"
    assert draw_spark([5, 5], 9) == "▄▄"
    assert draw_spark([], 9) == draw_spark([1], 0) == ""
    assert draw_spark([float("inf")], 1) == GAP


@given(st.lists(st.floats(), max_size=100), st.integers(0, 50))
def test_every_curve_fits_its_width(values: list[float], width: int) -> None:
    assert len(draw_spark(values, width)) == min(len(values), width)
