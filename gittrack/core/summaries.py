"""What the values in TensorBoard's event files are: numbers, pictures, texts, hyperparameters.

Field numbers are those of TensorFlow's ``summary.proto`` and ``tensor.proto`` and of the hparams plugin's
``plugin_data.proto``. Writers of TensorFlow 1 put pictures into fields of their own, those of TensorFlow 2
everything into tensors, and the name of a plugin says what it is.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gittrack.core.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    read_double,
    read_fields,
    read_messages,
)
from gittrack.core.values import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gittrack.core.model import ParamValue

_TAG, _SIMPLE_VALUE, _IMAGE, _TENSOR, _METADATA = 1, 2, 4, 8, 9
"""Fields of a value."""
_DTYPE, _SHAPE, _CONTENT, _FLOATS, _DOUBLES, _STRINGS = 1, 2, 4, 5, 6, 8
"""Fields of a tensor."""
_DTYPES = {1: ("f", 4), 2: ("d", 8), 3: ("i", 4), 9: ("q", 8)}
"""TensorFlow's number of a type → how to unpack it."""
_SESSION_START, _SESSION_END = 3, 4
"""Fields of what the hparams plugin writes."""
_FAILURE = 2
_NUMBER, _TEXT, _BOOL, _STRUCT, _LIST = 2, 3, 4, 5, 6
"""Fields of ``google.protobuf.Value``."""


class Plugin(StrEnum):
    """The plugins of TensorBoard whose values are read."""

    SCALARS = "scalars"
    IMAGES = "images"
    TEXT = "text"
    HPARAMS = "hparams"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of one tag."""

    tag: str
    number: float | None = None
    contents: tuple[bytes, ...] = ()
    """Encoded pictures, or texts."""
    plugin: str = ""
    """Of `Plugin`, or another one, whose values are not read; empty if it does not say."""
    session: bytes = b""
    """What the hparams plugin says: see `read_session`."""


@dataclass(frozen=True, slots=True)
class Session:
    """What the hparams plugin says of a run; each of its records says a part."""

    params: Mapping[str, ParamValue] = field(default_factory=dict)
    has_failed: bool | None = None
    """None: it did not end."""


def read_number(data: bytes) -> tuple[str, float] | None:
    """Return tag and number of a value, None if it holds something else.

    Raises:
        ValueError: The bytes are no value.
        struct.error: So.
    """
    tag, number = "", None
    for field_, kind, value in read_fields(data):
        if field_ == _TAG and kind == BYTES:
            tag = value.decode("utf-8", "replace")
        elif field_ == _SIMPLE_VALUE and kind == FIXED32:
            (number,) = struct.unpack("<f", value)
        elif field_ == _TENSOR and kind == BYTES:
            number = _read_scalar_tensor(value)
    return None if number is None else (tag, number)


def read_value(data: bytes) -> Value:
    """Return a value, whatever it holds.

    Raises:
        ValueError: The bytes are none.
        struct.error: So.
    """
    found = read_number(data)
    if found is not None:
        return Value(*found, plugin=Plugin.SCALARS)
    tag, plugin, session = "", "", b""
    contents: tuple[bytes, ...] = ()
    for number, kind, value in read_fields(data):
        if kind != BYTES:
            continue
        if number == _TAG:
            tag = value.decode("utf-8", "replace")
        elif number == _METADATA:
            plugin, session = _read_metadata(value)
        elif number == _IMAGE:
            plugin, contents = Plugin.IMAGES, tuple(read_messages(value, 4))
        elif number == _TENSOR:
            contents = tuple(read_messages(value, _STRINGS))
    if plugin == Plugin.IMAGES and contents[:1] and contents[0].isdigit():
        contents = contents[2:]  # TensorFlow 2 puts width and height before them, as texts
    return Value(tag, None, contents, plugin, session)


def read_session(data: bytes) -> Session:
    """Return what the hparams plugin wrote.

    Raises:
        ValueError: The bytes are no such thing.
        struct.error: So.
    """
    params: dict[str, ParamValue] = {}
    has_failed = None
    for start in read_messages(data, _SESSION_START):
        params |= dict(pair for entry in read_messages(start, 1) for pair in _read_entry(entry))
    for end in read_messages(data, _SESSION_END):
        has_failed = any(field_ == 1 and value == _FAILURE for field_, _, value in read_fields(end))
    return Session(params, has_failed)


def _read_metadata(data: bytes) -> tuple[str, bytes]:
    """Return the name of the plugin, and what it wrote."""
    name, content = "", b""
    for plugin in read_messages(data, 1):
        for number, kind, value in read_fields(plugin):
            if number == 1 and kind == BYTES:
                name = value.decode("utf-8", "replace")
            elif number == 2 and kind == BYTES:  # noqa: PLR2004  (name and content)
                content = value
    return name, content


def _read_entry(data: bytes, depth: int = 0) -> Iterator[tuple[str, ParamValue]]:
    """Yield key and value of an entry of a map."""
    parts = {number: value for number, kind, value in read_fields(data) if kind == BYTES}
    if 1 in parts:
        yield parts[1].decode("utf-8", "replace"), _read_plain(parts.get(2, b""), depth)


def _read_plain(data: bytes, depth: int) -> ParamValue:
    """Return a ``google.protobuf.Value``; it knows no integers, so whole numbers are taken for such."""
    if depth > MAX_DEPTH:
        message = "a hyperparameter is nested too deeply"
        raise ValueError(message)
    for number, kind, value in read_fields(data):
        if number == _NUMBER and kind == FIXED64:
            real = read_double(value)
            if not math.isfinite(real):
                return str(real)
            return int(real) if real.is_integer() and abs(real) < 1 << 53 else real
        if number == _TEXT and kind == BYTES:
            return str(value.decode("utf-8", "replace"))
        if number == _BOOL and kind == VARINT:
            return bool(value)
        if number == _STRUCT and kind == BYTES:
            return dict(pair for entry in read_messages(value, 1) for pair in _read_entry(entry, depth + 1))
        if number == _LIST and kind == BYTES:
            return [_read_plain(item, depth + 1) for item in read_messages(value, 1)]
    return None


def _read_scalar_tensor(data: bytes) -> float | None:
    """Return the number of a ``TensorProto`` that has one."""
    dtype, content, rank = 0, b"", 0
    numbers: list[float] = []
    for number, kind, value in read_fields(data):
        if number == _DTYPE and kind == VARINT:
            dtype = value
        elif number == _SHAPE and kind == BYTES:
            rank = sum(1 for n, _, _ in read_fields(value) if n == 2)  # noqa: PLR2004  (a dimension)
        elif number == _CONTENT and kind == BYTES:
            content = value
        elif number == _FLOATS and kind in {BYTES, FIXED32}:  # packed or not
            numbers += struct.unpack(f"<{len(value) // 4}f", value)
        elif number == _DOUBLES and kind in {BYTES, FIXED64}:
            numbers += struct.unpack(f"<{len(value) // 8}d", value)
    if rank or dtype not in _DTYPES:
        return None
    form, size = _DTYPES[dtype]
    if len(content) == size:
        return float(struct.unpack(f"<{form}", content)[0])
    return float(numbers[0]) if len(numbers) == 1 else None
