"""A packed history is the history."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.packed import PackedSeries, decode_packed, join_packed, pack_series
from gittrack.core.series import Series, decode_series, encode_series, join, normalize

NAN, INF = float("nan"), float("inf")

places = st.tuples(
    st.integers(-3, 6) | st.integers(-(2**63), 2**63 - 1),
    st.integers(0, 6) | st.just(1_700_000_000_000),
    st.sampled_from([0.0, -0.0, 0.5, NAN, INF, -INF, 0.1]) | st.floats(),
)
rising = st.integers(1, 9).map(lambda count: [(10 + n, n // 2, n / 3) for n in range(count)])
parts = st.lists(st.lists(places, min_size=1, max_size=6) | rising, max_size=4)


def encode(points: list[tuple[int, int, float]], other: str) -> bytes:
    steps, times, values = (list(column) for column in zip(*points, strict=True))
    return encode_series(normalize({"m": Series(steps, times, values), other: Series([1], [2], [3.0])}))


def show(series: Series | PackedSeries) -> list[tuple[int, int, str]]:
    values = map(repr, series.values)
    return list(zip(series.steps, series.times, values, strict=True))


@given(parts, st.sampled_from(["a", "z", "m.", 'm"']))
def test_packed_parts_joined_are_the_joined_parts(
    parts: list[list[tuple[int, int, float]]], other: str
) -> None:
    documents = [encode(points, other) for points in parts]
    expected = join(decode_series(data) for data in documents).get("m", Series())
    joined = join_packed([part for data in documents for part in decode_packed(data, "m")])
    assert show(joined) == show(joined.unpack()) == show(expected)
    packed = [pack_series(decode_series(data)["m"]) for data in documents]
    assert show(join_packed(packed)) == show(expected)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5))
def test_what_was_logged_step_by_step_stays_one_range(counts: list[int]) -> None:
    edges = [sum(counts[:n]) for n in range(len(counts) + 1)]
    documents = [encode([(n, n // 3, 0.5) for n in range(*edge)], "z") for edge in pairwise(edges)]
    joined = join_packed(part for data in documents for part in decode_packed(data, "m"))
    assert joined.steps == range(edges[-1])
    assert joined.is_rising


def test_no_parts_are_no_points() -> None:
    assert len(join_packed([])) == 0


@pytest.mark.parametrize(
    "document",
    [
        b"[]",
        b"{}",
        b'{"blocks":[{"metrics":{"m":[1]},"steps":[[0,1,2]],"times":[1,1]}]}',
        b'{"blocks":[{"metrics":{"m":["x"]},"steps":[[0,0,1]],"times":[1]}]}',
        b'{"blocks":[{"metrics":{"m":[1.0]},"times":[1]}]}',
    ],
)
def test_what_is_no_history_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"not|differ"):
        list(decode_packed(document, "m"))


def test_what_64_bits_do_not_hold_cannot_be_packed() -> None:
    with pytest.raises(OverflowError):
        pack_series(Series([2**63], [0], [0.0]))
