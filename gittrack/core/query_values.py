"""Values of the search language: numbers, text, ages and dates, read and checked."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import inf, nan
from typing import TYPE_CHECKING

from gittrack.core.query_keys import KINDS, value_kind
from gittrack.core.query_tokens import syntax_error, unquote
from gittrack.core.query_tree import KEYWORDS, Age, Key, Value

if TYPE_CHECKING:
    from gittrack.core.query_tokens import Token

MIN_INTEGER, MAX_INTEGER = -(2**63), 2**63 - 1
"""Integers beyond 64 bits are compared as floats, as SQLite and JavaScript do."""
MAX_DIGITS = 19
MAX_AGE = 10**12
"""Longer ages are mistakes."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NUMBER_BEGINS = frozenset("+-.0123456789nNiI")
"""Most texts are no numbers, and that is seen at once."""
_SPECIAL = {"nan": nan, "inf": inf, "infinity": inf}
_AGE = re.compile(r"(.+)([smhdw])", re.ASCII)
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


def parse_number(text: str) -> int | float | None:
    """Return the number a text is, None if it is none: decimal, scientific, NaN or (±) Infinity."""
    if text[:1] not in _NUMBER_BEGINS:
        return None
    if _INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS + 1:
        return clamp_number(int(text))
    if _NUMBER.fullmatch(text):
        return float(text)
    special = _SPECIAL.get(text.removeprefix("-").removeprefix("+").lower())
    if special is None or text.startswith(("-+", "+-", "--", "++")):
        return None
    return -special if special == inf and text.startswith("-") else special


def clamp_number(number: float) -> int | float:
    """Return a number as it is compared: integers beyond 64 bits as floats."""
    if not isinstance(number, int) or MIN_INTEGER <= number <= MAX_INTEGER:
        return number
    try:
        return float(number)
    except OverflowError:
        return inf if number > 0 else -inf


def parse_time(text: str) -> int | None:
    """Return the milliseconds since the epoch of an ISO 8601 date or time, UTC unless it says otherwise."""
    if _DATE.fullmatch(text) is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    whole = time - epoch
    return (whole.days * 86_400 + whole.seconds) * 1_000 + whole.microseconds // 1_000


def parse_value(token: Token, key: Key, text: str) -> Value:
    """Return the value a token is, as ``key`` wants it.

    Raises:
        QuerySyntaxError: It is none, or none that the key can be compared with.
    """
    if token.kind in {"end", "operator"} or token.text.upper() in KEYWORDS:
        hint = "write IS NULL" if token.text.upper() == "NULL" else _hint(key)
        raise syntax_error(f"expected a value, not {token.shown}", text, token.position, hint)
    value = _read_text(token, text) if value_kind(key) == "text" else _read_other(token, key)
    if value is None:
        message = f"expected {_EXPECTED[value_kind(key)]}, not {token.shown}"
        raise syntax_error(message, text, token.position, _hint(key))
    return value


def parse_pattern(token: Token, text: str) -> str:
    """Return the text of a pattern.

    Raises:
        QuerySyntaxError: It is not quoted.
    """
    if token.kind != "string":
        message = f"expected quoted text, not {token.shown}"
        raise syntax_error(message, text, token.position, "e.g. LIKE 'resnet%'")
    return unquote(token.text)


_EXPECTED = {
    "number": "a number",
    "time": "a time",
    "span": "a number of seconds",
    "flag": "true or false",
    "text": "a value",
}
_HINTS = {
    "number": "numbers are not quoted, e.g. 0.9 or 1e-3",
    "time": "e.g. -7d (also s, m, h, w), '2024-01-31', or milliseconds since the epoch",
    "span": "e.g. 90 or 2h (also s, m, d, w)",
    "flag": "e.g. code.dirty = true",
    "text": "e.g. 'adam' or 0.1",
}


def _hint(key: Key) -> str:
    return _HINTS[value_kind(key)]


def _read_other(token: Token, key: Key) -> Value | None:
    match value_kind(key):
        case "time":
            return _read_time(token)
        case "span":
            number = _read_number(token)
            return _read_age(token) if number is None else number
        case "flag":
            return _read_flag(token)
        case _:
            return _read_number(token)


def _read_number(token: Token) -> int | float | None:
    return parse_number(token.text) if token.kind == "word" else None


def _read_age(token: Token) -> Age | None:
    match = _AGE.fullmatch(token.text) if token.kind == "word" else None
    if match is None or not _NUMBER.fullmatch(match[1]):
        return None
    amount = parse_number(match[1])
    return None if amount is None or abs(amount) > MAX_AGE else Age(amount, match[2])


def _read_time(token: Token) -> Value | None:
    if token.kind == "word" and (number := parse_number(token.text)) is not None:
        return number
    if age := _read_age(token):
        return age if age.amount <= 0 else None
    written = unquote(token.text) if token.kind == "string" else token.text
    return None if parse_time(written) is None else written


def _read_flag(token: Token) -> bool | None:
    return {"true": True, "false": False}.get(token.text.lower()) if token.kind == "word" else None


def _read_text(token: Token, text: str) -> Value:
    if token.kind == "string":
        return unquote(token.text)
    number = parse_number(token.text)
    if number is not None:
        return number
    if (flag := _read_flag(token)) is not None:
        return flag
    prefix, dot, _ = token.text.partition(".")
    if "`" in token.text or '"' in token.text or (dot and prefix.lower() in KINDS):
        message = f"expected a value, not {token.shown}"
        hint = "a key is compared with a value, not with another key; quote text as 'text'"
        raise syntax_error(message, text, token.position, hint)
    return token.text
