"""Plots as data, and drawn with dots."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.canvas import draw
from gittrack.core.plot import Curve, Plot, clean_curve, smooth_curve, thin_curve

floats = st.floats(allow_nan=True) | st.sampled_from([0.0, -1.0, 1e308, -1e308, 5e-324])
curves = st.lists(st.tuples(floats, floats), max_size=30).map(
    lambda points: Curve("c", [x for x, _ in points], [y for _, y in points])
)


def lines(plot: Plot, width: int, height: int) -> list[str]:
    return ["".join(one for one, _ in row) for row in draw(plot, width, height, is_ascii=True)]


def test_a_rising_line_goes_from_one_corner_to_the_other() -> None:
    plot = Plot((Curve("a", [0, 1, 2], [0, 1, 2]),), "x", "y")
    assert lines(plot, 3, 3) == ["  *", " * ", "*  "]
    braille = draw(plot, 2, 1)
    assert [[one for one, _ in row] for row in braille] == [["⡠", "⠊"]]


def test_points_that_are_not_connected_stand_alone_and_belong_to_their_curve() -> None:
    plot = Plot((Curve("a", [0], [0]), Curve("b", [4], [4])), "x", "y", has_lines=False)
    cells = draw(plot, 5, 5, is_ascii=True)
    assert [owner for row in cells for _, owner in row if owner is not None] == [1, 0]


def test_one_point_and_equal_values_are_in_the_middle() -> None:
    assert lines(Plot((Curve("a", [3], [7]),), "x", "y"), 3, 3) == ["   ", " * ", "   "]
    assert lines(Plot((Curve("a", [0, 2], [7, 7]),), "x", "y"), 3, 3) == ["   ", "***", "   "]


def test_on_a_logarithmic_scale_powers_are_as_far_from_one_another() -> None:
    plot = Plot((Curve("a", [0, 1, 2], [1, 10, 100]),), "x", "y", is_log_y=True)
    assert lines(plot, 3, 3) == ["  *", " * ", "*  "]


@given(curves, st.booleans(), st.booleans(), st.integers(1, 20), st.integers(1, 10))
def test_whatever_is_clean_can_be_drawn(
    curve: Curve, is_log_x: bool, is_log_y: bool, width: int, height: int
) -> None:
    clean = clean_curve(curve, is_log_x=is_log_x, is_log_y=is_log_y)
    assert all(map(math.isfinite, [*clean.x, *clean.y]))
    cells = draw(Plot((clean,), "x", "y", is_log_x=is_log_x, is_log_y=is_log_y), width, height)
    assert [len(row) for row in cells] == [width] * height
    assert any(one != " " for row in cells for one, _ in row) == bool(clean.x)


@given(curves, st.integers(2, 12))
def test_thinning_keeps_the_ends_and_the_extremes(curve: Curve, most: int) -> None:
    clean = clean_curve(curve)
    thin = thin_curve(clean, most)
    assert len(thin.x) <= most + 2
    assert set(zip(thin.x, thin.y, strict=True)) <= set(zip(clean.x, clean.y, strict=True))
    if clean.x:
        assert (min(thin.y), max(thin.y)) == (min(clean.y), max(clean.y))
        assert (thin.x[0], thin.x[-1]) == (clean.x[0], clean.x[-1])


@given(st.lists(st.floats(-1e6, 1e6), max_size=20), st.floats(0, 0.99))
def test_smoothing_stays_within_what_was_there(values: list[float], weight: float) -> None:
    smooth = smooth_curve(Curve("c", list(range(len(values))), values), weight)
    assert len(smooth.y) == len(values)
    if values:
        assert math.isclose(smooth.y[0], values[0], abs_tol=1e-300)  # half of the smallest number is nothing
        assert all(min(values) - 1e-3 <= one <= max(values) + 1e-3 for one in smooth.y)
    assert smooth_curve(Curve("c", [0.0], [3.0]), 0).y == [3.0]
