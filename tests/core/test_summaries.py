"""What the values in event files are."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.summaries import Session, Value, read_session, read_value
from tests.wire import field, message, varint

if TYPE_CHECKING:
    from gittrack.core.model import ParamValue

PNG = b"\x89PNG\r\n\x1a\n"


def plugin(name: str, content: bytes = b"") -> bytes:
    return message(9, message(1, message(1, name.encode()), message(2, content)))


def texts(*contents: bytes) -> bytes:
    return message(8, field(1, 0, varint(7)), *(message(8, content) for content in contents))


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (message(1, b"a") + field(2, 5, struct.pack("<f", 0.5)), Value("a", 0.5, plugin="scalars")),
        (
            message(1, b"a") + message(8, field(1, 0, varint(2)), message(4, struct.pack("<d", 0.1))),
            Value("a", 0.1, plugin="scalars"),
        ),
        (message(1, b"p") + message(4, message(4, PNG)), Value("p", None, (PNG,), "images")),
        (message(1, b"p") + plugin("images") + texts(b"4", b"5", PNG), Value("p", None, (PNG,), "images")),
        (message(1, b"t") + texts(b"hello") + plugin("text"), Value("t", None, (b"hello",), "text")),
        (message(1, b"h") + message(5, b""), Value("h")),
        (message(1, b"s") + plugin("hparams", b"x"), Value("s", plugin="hparams", session=b"x")),
    ],
)
def test_old_and_new_writers_say_the_same(data: bytes, value: Value) -> None:
    assert read_value(data) == value


def entry(key: str, value: bytes) -> bytes:
    return message(1, message(1, key.encode()), message(2, value))


def test_hyperparameters_keep_their_types() -> None:
    values = {
        "lr": field(2, 1, struct.pack("<d", 0.1)),
        "depth": field(2, 1, struct.pack("<d", 3.0)),
        "bad": field(2, 1, struct.pack("<d", float("nan"))),
        "act": message(3, b"relu"),
        "on": field(4, 0, varint(1)),
        "none": field(1, 0, varint(0)),
        "list": message(6, message(1, message(3, b"x"))),
        "dict": message(5, entry("a", message(3, b"b"))),
    }
    start = message(3, *(entry(key, value) for key, value in values.items()))
    expected: dict[str, ParamValue] = {
        "lr": 0.1,
        "depth": 3,
        "bad": "nan",
        "act": "relu",
        "on": True,
        "none": None,
    }
    assert read_session(start) == Session({**expected, "list": ["x"], "dict": {"a": "b"}}, None)
    assert read_session(message(4, field(1, 0, varint(2)))).has_failed
    assert read_session(message(4, field(1, 0, varint(1)))).has_failed is False


def test_what_is_nested_too_deeply_is_refused() -> None:
    value = message(3, b"x")
    for _ in range(200):
        value = message(6, message(1, value))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_session(message(3, entry("a", value)))


@given(st.binary(max_size=200))
def test_whatever_the_bytes_a_value_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError, struct.error):
        read_value(data)
    for tag in (3, 4):
        with contextlib.suppress(ValueError, struct.error):
            read_session(message(tag, data))
    with contextlib.suppress(ValueError, struct.error):
        read_session(message(3, entry("a", data)))
