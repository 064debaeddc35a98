"""What may be logged, and how foreign scalars become plain ones."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

from gittrack.core.jsonform import decode, encode_compact
from gittrack.core.model import format_param
from gittrack.core.values import coerce_metric, coerce_param, coerce_step, coerce_tag, coerce_timestamp
from gittrack.errors import InvalidValueError
from tests import strategies


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (True, 1.0), ("0.5", 0.5), (Decimal("0.25"), 0.25), (Fraction(1, 2), 0.5),
     (np.float32(0.5), 0.5), (np.int64(3), 3.0), (np.array(2.0), 2.0), (math.inf, math.inf)],
)  # fmt: skip
def test_any_number_is_a_metric(value: object, number: float) -> None:
    coerced = coerce_metric("loss", value)
    assert type(coerced) is float
    assert coerced == number


@pytest.mark.parametrize("value", ["many", None, [1.0], {}, np.zeros(2), 1j, object()])
def test_what_is_no_number_is_no_metric(value: object) -> None:
    with pytest.raises(InvalidValueError, match="metric 'loss' must be one number") as caught:
        coerce_metric("loss", value)
    assert caught.value.hint


def test_a_number_too_large_for_a_float_says_so() -> None:
    with pytest.raises(InvalidValueError, match="too large"):
        coerce_metric("loss", 10**400)


@pytest.mark.parametrize(
    ("step", "number"),
    [(None, 0), (5, 5), (5.0, 5), (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1), (np.int32(7), 7), (True, 1)],
)
def test_a_step_is_any_whole_number_of_64_bits(step: object, number: int) -> None:
    coerced = coerce_step(step)
    assert type(coerced) is int or coerced == number
    assert coerced == number


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 0.5, "5", math.nan, math.inf, [1]])
def test_other_steps_are_refused(step: object) -> None:
    with pytest.raises(InvalidValueError, match="step"):
        coerce_step(step)


@pytest.mark.parametrize("timestamp", [-1, 2**63, 0.5, "now", None])
def test_other_timestamps_are_refused(timestamp: object) -> None:
    with pytest.raises(InvalidValueError, match="timestamp"):
        coerce_timestamp(timestamp)


@given(strategies.params)
def test_a_param_keeps_its_type_and_its_text(value: object) -> None:
    coerced = coerce_param("p", value)
    assert repr(decode(encode_compact(coerced))) == repr(value)
    assert format_param(coerced) == str(value)


@pytest.mark.parametrize(
    "value",
    [math.nan, -math.inf, (1, 2), {1: 2}, {"a": {1}}, b"x", np.float32(0.1), object, ["\ud800"],
     {"\ud800": 1}, {"a": {"\udfff": 1}}],
)  # fmt: skip
def test_what_json_cannot_hold_becomes_its_text(value: object) -> None:
    coerced = coerce_param("p", value)
    assert format_param(coerced) == str(value)
    encode_compact(coerced)


def test_a_param_nested_without_end_becomes_its_text() -> None:
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    assert coerce_param("p", nested) == str(nested)


@pytest.mark.parametrize("value", ["x" * 65_537, "\ud800"])
def test_text_that_cannot_be_stored_is_refused(value: str) -> None:
    with pytest.raises(InvalidValueError, match="param 'p'"):
        coerce_param("p", value)
    with pytest.raises(InvalidValueError, match="tag 'p'"):
        coerce_tag("p", value)
