"""What values may be logged, and how foreign scalars become plain ones."""

from __future__ import annotations

import math
from operator import index
from typing import TYPE_CHECKING

from gittrack.core.model import format_param
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from gittrack.core.model import ParamValue

MAX_TEXT_LENGTH = 64 * 1024
"""Characters in a param or tag value."""
MAX_DEPTH = 32
"""Levels of nesting in a param value."""
MIN_STEP, MAX_STEP = -(2**63), 2**63 - 1


def coerce_metric(key: str, value: object) -> float:
    """Return a metric's value as a float: any number, numpy or tensor scalar, or numeric string.

    Raises:
        InvalidValueError: It is no number, or an integer no float can hold.
    """
    try:
        if getattr(value, "size", 0) == 1 and hasattr(value, "item"):  # an array of one number
            value = value.item()
        return float(value)  # type: ignore[arg-type]
    except OverflowError:
        message = f"metric {key!r}: the number is too large for a float"
        raise InvalidValueError(message, hint="log its logarithm") from None
    except (TypeError, ValueError, RuntimeError):
        message = f"metric {key!r} must be one number, not {_describe(value)}"
        raise InvalidValueError(
            message, hint="pass a float, e.g. loss.item(); text belongs into a tag"
        ) from None


def coerce_step(step: object) -> int:
    """Return a step as a signed 64-bit integer; None is 0.

    Raises:
        InvalidValueError: It is no whole number, or beyond 64 bits.
    """
    if step is None:
        return 0
    try:
        number = int(step) if isinstance(step, float) and step.is_integer() else index(step)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        message = f"step must be a whole number, not {_describe(step)}"
        raise InvalidValueError(message, hint="use int(step)") from None
    if not MIN_STEP <= number <= MAX_STEP:
        message = f"step {number} does not fit into 64 bits"
        raise InvalidValueError(message, hint="steps go from -2**63 to 2**63 - 1")
    return number


def coerce_timestamp(timestamp: object) -> int:
    """Return a timestamp in milliseconds since the epoch.

    Raises:
        InvalidValueError: It is no whole number, negative, or beyond 64 bits.
    """
    try:
        is_whole = isinstance(timestamp, float) and timestamp.is_integer()
        number = int(timestamp) if is_whole else index(timestamp)  # type: ignore[arg-type, call-overload]
    except (TypeError, ValueError, OverflowError):
        message = f"timestamp must be whole milliseconds since 1970, not {_describe(timestamp)}"
        raise InvalidValueError(message, hint="use int(time.time() * 1000)") from None
    if not 0 <= number <= MAX_STEP:
        message = f"timestamp {number} is out of range"
        raise InvalidValueError(message, hint="timestamps are milliseconds since 1970")
    return int(number)


def coerce_param(key: str, value: object) -> ParamValue:
    """Return a param's value as JSON can hold it; what it cannot hold exactly becomes ``str(value)``.

    The string form of what is returned is always ``str(value)``, as in MLflow.

    Raises:
        InvalidValueError: Its text is longer than 65,536 characters, or not valid Unicode.
    """
    if is_plain(value):
        plain: ParamValue = value  # type: ignore[assignment]
        _check_text(f"param {key!r}", format_param(plain))
        return plain
    text = str(value)
    _check_text(f"param {key!r}", text)
    if hasattr(value, "item") and hasattr(value, "dtype"):
        return parse_scalar(text)
    return text


def coerce_tag(key: str, value: object) -> str:
    """Return a tag's value: ``str(value)``.

    Raises:
        InvalidValueError: It is longer than 65,536 characters, or not valid Unicode.
    """
    text = str(value)
    _check_text(f"tag {key!r}", text)
    return text


def is_plain(value: object, depth: int = 0) -> bool:
    """Whether JSON can hold ``value``, which is ``depth`` levels deep in another, exactly as it is."""
    if value is None or type(value) in {int, bool}:
        return True
    if type(value) is str:
        return _is_unicode(value)
    if type(value) is float:
        return math.isfinite(value)
    if depth >= MAX_DEPTH:
        return False
    if type(value) is list:
        return all(is_plain(item, depth + 1) for item in value)
    if type(value) is dict:
        return all(
            type(name) is str and _is_unicode(name) and is_plain(item, depth + 1)
            for name, item in value.items()
        )
    return False


def parse_scalar(text: str) -> ParamValue:
    """Return the number or truth value of which ``str`` makes this text; the text itself if there is none."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        if str(number) == text and math.isfinite(number):
            return number
    return {"True": True, "False": False}.get(text, text)


def _check_text(what: str, text: str) -> None:
    if len(text) > MAX_TEXT_LENGTH:
        message = f"the value of {what} has {len(text):,} characters, more than {MAX_TEXT_LENGTH:,}"
        raise InvalidValueError(message, hint="log it as an artifact: log_text(text, 'name.txt')")
    if not _is_unicode(text):
        message = f"the value of {what} is not valid Unicode"
        raise InvalidValueError(message, hint="decode it with errors='replace' first")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a {type(value).__name__}"  # noqa: PLR2004  (length shown)
