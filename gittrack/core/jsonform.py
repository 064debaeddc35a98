"""The one JSON of gittrack: shortest floats, NaN and infinities as strings, a stable order of keys."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SPECIAL_FLOATS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""How floats that JSON does not know are written, where a number is expected."""

_encode_compact = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_line = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def encode_float(value: float) -> float | str:
    """Return ``value`` as JSON can hold it: itself, or the name of a special float."""
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def encode_floats(values: Iterable[float]) -> list[float | str]:
    """Return a column of floats as JSON can hold it."""
    return [encode_float(value) for value in values]


def decode_float(value: object) -> float:
    """Return the float that `encode_float` wrote.

    Raises:
        ValueError: It is no number and no name of a special float.
    """
    if type(value) is float:
        return value
    if isinstance(value, str):
        try:
            return SPECIAL_FLOATS[value]
        except KeyError:
            message = f"not a number: {value!r}"
            raise ValueError(message) from None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    message = f"not a number: {value!r}"
    raise ValueError(message)


def encode_compact(value: object) -> bytes:
    """Return JSON on one line, without spaces, keys in the order given.

    Raises:
        ValueError: It holds a float that JSON does not know, or text that UTF-8 cannot hold.
    """
    return _encode_compact(value).encode()


def encode_text(text: str) -> str:
    """Return a text in JSON's quotes."""
    return _encode_compact(text)


def encode_document(document: Mapping[str, object]) -> bytes:
    """Return canonical JSON with one key a line, two levels deep, so that ``git diff`` reads well.

    Keys are sorted on these two levels; deeper ones keep their order, which belongs to the value of a
    nested param (``str`` of a dict shows it).

    Raises:
        ValueError: It holds a float that JSON does not know, or text that UTF-8 cannot hold.
    """
    lines = []
    for key in sorted(document):
        value = document[key]
        if isinstance(value, dict) and value:
            inner = ",\n".join(
                f"  {_encode_line(name)}: {_encode_line(value[name])}" for name in sorted(value)
            )
            lines.append(f" {_encode_line(key)}: {{\n{inner}\n }}")
        else:
            lines.append(f" {_encode_line(key)}: {_encode_line(value)}")
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def decode(data: bytes | str) -> object:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is no JSON, or no UTF-8.
    """
    return json.loads(data)
