"""Histories: a set of points, in whatever order, pieces and duplicates it comes."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.model import MetricSummary
from gittrack.core.series import (
    Series,
    SeriesBuilder,
    decode_runs,
    decode_series,
    encode_runs,
    encode_series,
    merge_summaries,
    normalize,
    summarize,
    union,
)
from tests import strategies
from tests.strategies import Row, point_lists, to_histories, to_points

if TYPE_CHECKING:
    from tests.strategies import Point

Points = list["Point"]


@given(point_lists)
def test_decode_after_encode_of_histories_is_the_identity(points: Points) -> None:
    histories = normalize(to_histories(points))
    assert sorted(to_points(decode_series(encode_series(histories)))) == sorted(to_points(histories))


@given(point_lists)
def test_histories_that_are_not_normalized_survive_too(points: Points) -> None:
    histories = to_histories(points)
    assert sorted(to_points(decode_series(encode_series(histories)))) == sorted(to_points(histories))


@given(st.lists(st.floats(width=32), min_size=1, max_size=30))
def test_values_from_32_bits_are_exact(values: list[float]) -> None:
    histories = {"loss": Series(list(range(len(values))), list(range(len(values))), values)}
    assert to_points(decode_series(encode_series(histories))) == to_points(histories)


def test_values_from_32_bits_take_nine_digits() -> None:
    exact = [math.sin(i) for i in range(1, 1001)]
    narrow = [struct.unpack("f", struct.pack("f", value))[0] for value in exact]
    wide_data, data = (
        encode_series({"loss": Series([0] * 1000, [0] * 1000, one)}) for one in (exact, narrow)
    )
    assert decode_series(data)["loss"].values == narrow
    assert len(data) < 0.75 * len(wide_data)


@given(point_lists)
def test_the_encoding_is_plain_json_as_the_format_describes(points: Points) -> None:
    document = json.loads(encode_series(normalize(to_histories(points))))
    assert set(document) == {"blocks"}
    for block in document["blocks"]:
        assert set(block) - {"f32"} == {"count", "metrics", "steps", "times"}
        assert sum(count for _, _, count in block["steps"]) == len(block["times"]) == block["count"]
        assert all(len(column) == block["count"] for column in block["metrics"].values())


@given(point_lists, st.randoms())
def test_equal_histories_give_equal_bytes(points: Points, random: object) -> None:
    shuffled = points + points[: len(points) // 2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert encode_series(normalize(to_histories(shuffled))) == encode_series(normalize(to_histories(points)))


@given(point_lists)
def test_normalizing_twice_is_normalizing_once(points: Points) -> None:
    once = normalize(to_histories(points))
    assert to_points(normalize(once)) == to_points(once)


@given(point_lists)
def test_normalizing_loses_no_point_and_keeps_none_twice(points: Points) -> None:
    histories = to_histories(points)
    normal = to_points(normalize(histories))
    assert len(normal) == len(set(normal))
    assert set(normal) == set(to_points(histories))


@given(point_lists)
def test_points_are_in_the_order_of_time_step_and_value(points: Points) -> None:
    for series in normalize(to_histories(points)).values():
        rows = list(zip(series.times, series.steps, map(ordered, series.values), strict=True))
        assert rows == sorted(rows)


@given(point_lists, point_lists)
def test_union_is_commutative(first: Points, second: Points) -> None:
    one, other = to_histories(first), to_histories(second)
    assert encode_series(union(one, other)) == encode_series(union(other, one))


@given(point_lists, point_lists, point_lists)
def test_union_is_associative(first: Points, second: Points, third: Points) -> None:
    one, two, three = map(to_histories, (first, second, third))
    assert encode_series(union(union(one, two), three)) == encode_series(union(one, union(two, three)))


@given(point_lists)
def test_union_is_idempotent(points: Points) -> None:
    normal = normalize(to_histories(points))
    assert encode_series(union(normal, normal)) == encode_series(normal)


@given(point_lists, point_lists)
def test_union_loses_no_point_and_makes_none_up(first: Points, second: Points) -> None:
    one, other = to_histories(first), to_histories(second)
    assert set(to_points(union(one, other))) == set(to_points(one)) | set(to_points(other))


@given(point_lists, point_lists)
def test_union_leaves_its_arguments_alone(first: Points, second: Points) -> None:
    one, other = to_histories(first), to_histories(second)
    before = (to_points(one), to_points(other))
    union(one, other)
    assert (to_points(one), to_points(other)) == before


@given(st.lists(strategies.rows, max_size=15))
def test_a_builder_gives_the_points_it_was_given(rows: list[Row]) -> None:
    builder = SeriesBuilder()
    for row in rows:
        builder.add(tuple(row.values), tuple(row.values.values()), row.step, row.time)
    assert builder.count == sum(len(row.values) for row in rows)
    expected = [(key, row.step, row.time, value) for row in rows for key, value in row.values.items()]
    assert to_points(builder.take()) == to_points(normalize(to_histories(expected)))
    assert builder.count == 0
    assert builder.take() == {}


integers = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(integers, max_size=20)
    | st.lists(st.integers(-2, 2), max_size=30)
    | st.builds(
        lambda start, delta, count: [start + delta * i for i in range(count)],
        integers,
        st.integers(-5, 5),
        st.integers(0, 40),
    )
)
def test_decode_after_encode_of_arithmetic_runs_is_the_identity(numbers: list[int]) -> None:
    assert decode_runs(encode_runs(numbers)) == numbers


@pytest.mark.parametrize(
    ("numbers", "runs"),
    [
        ([], []),
        ([7], [[7, 0, 1]]),
        (list(range(0, 1000, 10)), [[0, 10, 100]]),
        ([5] * 50, [[5, 0, 50]]),
        ([3, 2, 1, 0], [[3, -1, 4]]),
        ([0, 1, 2, 0, 1, 2], [[0, 1, 3], [0, 1, 3]]),
    ],
)
def test_even_steps_take_three_numbers(numbers: list[int], runs: list[list[int]]) -> None:
    assert encode_runs(numbers) == runs


def ordered(value: float) -> tuple[bool, float, float]:
    """Return a key in which NaN is below every number and -0.0 below 0.0."""
    return (False, 0.0, 0.0) if math.isnan(value) else (True, value, math.copysign(1.0, value))


def summarize_slowly(series: Series) -> MetricSummary:
    """Return a summary by its definition in the model."""
    rows = list(zip(series.steps, series.times, series.values, strict=True))
    last = max(rows, key=lambda row: (row[0], row[1], ordered(row[2])))
    numbers = [row for row in rows if not math.isnan(row[2])]
    low = min(numbers, key=lambda row: (row[2], row[0]), default=last)
    high = min(numbers, key=lambda row: (-row[2], row[0]), default=last)
    return MetricSummary(last[2], last[0], last[1], low[2], low[0], high[2], high[0], len(rows))


def close(summary: MetricSummary) -> str:
    """Return a summary in which a zero minimum or maximum has no sign."""
    return repr((summary.last, summary.last_step, summary.last_time, summary.min + 0.0, summary.min_step,
                 summary.max + 0.0, summary.max_step, summary.count))  # fmt: skip


@given(point_lists.filter(bool))
def test_a_summary_is_what_the_model_says(points: Points) -> None:
    for series in normalize(to_histories(points)).values():
        assert close(summarize(series)) == close(summarize_slowly(series))


@given(point_lists.filter(bool), st.integers(0, 30), st.randoms())
def test_merged_summaries_of_disjoint_parts_are_the_summary_of_the_whole(
    points: Points, cut: int, random: object
) -> None:
    for series in normalize(to_histories([("loss", *point[1:]) for point in points])).values():
        rows = list(zip(series.steps, series.times, series.values, strict=True))
        random.shuffle(rows)  # type: ignore[attr-defined]
        parts = [part for part in (rows[:cut], rows[cut:]) if part]
        summaries = [
            summarize(normalize({"": Series(*map(list, zip(*part, strict=True)))})[""]) for part in parts
        ]
        merged = merge_summaries(*summaries) if len(summaries) == 2 else summaries[0]
        assert repr(merged) == repr(summarize(series))


@given(point_lists.filter(bool), point_lists.filter(bool))
def test_merging_summaries_is_commutative(first: Points, second: Points) -> None:
    one, other = (
        summarize(normalize(to_histories([("loss", *point[1:]) for point in points]))["loss"])
        for points in (first, second)
    )
    assert repr(merge_summaries(one, other)) == repr(merge_summaries(other, one))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"blocks":[{}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":[1,2]},"steps":[[0,1,1]],"times":[0]}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":["x"]},"steps":[[0,1,1]],"times":[0]}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":[null]},"steps":[[0,1,1]],"times":[0]}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":[1]},"steps":[[0,1]],"times":[0]}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":[1]},"steps":7,"times":[0]}]}',
        b'{"blocks":[{"count":1,"metrics":{"a":[1e400]},"f32":["a"],"steps":[["0",1,1]],"times":[0]}]}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_history_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the reason differs, the class is the contract)
        decode_series(data)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_points_in_the_order_of_time_and_step_are_left_as_they_are(places: list[tuple[int, int]]) -> None:
    times, steps = [time for time, _ in places], [step for _, step in places]
    series = Series(steps, times, [0.5] * len(places))
    kept = normalize({"loss": series})["loss"]
    assert list(zip(kept.times, kept.steps, strict=True)) == sorted(set(places))
    assert (kept is series) == (places == sorted(set(places)))
