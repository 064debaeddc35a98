"""Data as classic scripts, which work from ``file://`` where fetching does not."""

from __future__ import annotations

import json
import math
import re

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_SCRIPT = re.compile(rb"gittrack\.put\('([^']*)','([^']*)'\);\n")
_ESCAPED = re.compile(r"\\(?:\\|u([0-9a-f]{4}))")
_UNSAFE = re.compile("[\\\\'<>&\u2028\u2029\n\r\ud800-\udfff\x00-\x1f\x7f\ufeff]")


def encode_script(key: str, value: object) -> bytes:
    """Return the script that registers a JSON value under ``key``.

    The text is a single-quoted string for ``JSON.parse``, which browsers read faster than a literal.
    Whatever could end the string, the script element or a line is escaped, so that the same bytes
    are also safe inside HTML.

    Raises:
        ValueError: The value holds a float that JSON does not know.
    """
    return f"gittrack.put({_quote(json.dumps(key))},{_quote(_encode(value))});\n".encode()


def decode_script(script: bytes) -> tuple[str, str]:
    """Return the key and the value of a data script, both as JSON.

    Raises:
        ValueError: It is none.
    """
    found = _SCRIPT.fullmatch(script)
    if found is None:
        message = "no data script"
        raise ValueError(message)
    key, value = (_ESCAPED.sub(_unescape, part.decode()) for part in found.groups())
    return key, value


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else "\\"


def encode_number(value: float) -> float | int | str:
    """Return a number as the scripts hold it: special floats by name, whole floats without ``.0``."""
    if isinstance(value, int):
        return value
    if math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _quote(text: str) -> str:
    return "'" + _UNSAFE.sub(_escape, text) + "'"


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    return "\\\\" if char == "\\" else f"\\u{ord(char):04x}"
