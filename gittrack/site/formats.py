"""How numbers, times, durations and sizes read in pages; `core.js` has the same rules."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_EXPONENT_BELOW = 1e-3
_EXPONENT_FROM = 1e6
_ONE_DECIMAL_FROM = 1e4
_SECOND_DIGIT_BELOW = 2.95
_MAX_TIMESTAMP = 253_402_300_799_000
_KILO = 1000


def format_number(value: float) -> str:
    """Return ``value`` with four significant digits, small and large ones with an exponent."""
    if isinstance(value, int) or (
        math.isfinite(value) and value.is_integer() and abs(value) < _EXPONENT_FROM
    ):
        return str(int(value))
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    size = abs(value)
    if size < _EXPONENT_BELOW or size >= _EXPONENT_FROM:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    if size >= _ONE_DECIMAL_FROM:
        return f"{value:.1f}".removesuffix(".0")
    digits = max(0, 3 - math.floor(math.log10(size)))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_spread(mean: float, std: float | None) -> str:
    """Return a mean with its deviation, to the digit that the deviation can support."""
    if std is None:
        return format_number(mean)
    if std == 0:
        return f"{format_number(mean)} ± 0"
    size = abs(mean)
    if (
        not math.isfinite(std)
        or not math.isfinite(mean)
        or size >= _EXPONENT_FROM
        or 0 < size < _EXPONENT_BELOW / 10
    ):
        return f"{format_number(mean)} ± {format_number(std)}"
    power = math.floor(math.log10(std))
    # A deviation that begins with 1 or 2 gets a second digit, as physicists have it.
    digits = max(0, min(12, (std / 10**power < _SECOND_DIGIT_BELOW) - power))
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def format_value(value: object) -> str:
    """Return a param's scalar as pages show it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return format_number(value)


def format_time(timestamp: int) -> str:
    """Return a time in milliseconds since the epoch as UTC, to the minute."""
    moment = datetime.fromtimestamp(min(max(timestamp, 0), _MAX_TIMESTAMP) / 1000, UTC)
    return moment.strftime("%Y-%m-%d %H:%M")


def format_clock(timestamp: int) -> str:
    """Return the time of day of a time in milliseconds since the epoch, in UTC, to the second."""
    moment = datetime.fromtimestamp(min(max(timestamp, 0), _MAX_TIMESTAMP) / 1000, UTC)
    return moment.strftime("%H:%M:%S")


def format_duration(seconds: float) -> str:
    """Return a length of time in its two largest units."""
    if seconds < 1:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    whole = round(seconds)
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts: list[tuple[int, str]] = []
    for size, name in units:
        if whole >= size or parts:
            parts.append((whole // size, name))
            whole %= size
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count)


def format_size(size: int) -> str:
    """Return a number of bytes in decimal units."""
    if size < _KILO:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= _KILO
        if value < _KILO:
            return f"{value:.1f} {unit}"
    return f"{value / _KILO:.1f} PB"
