"""Times as people read them."""

from __future__ import annotations

import time

from gittrack.core.messages import format_duration

_AGES = ((365 * 86400, "y"), (30 * 86400, "mo"), (7 * 86400, "w"), (86400, "d"), (3600, "h"), (60, "m"))


def show_time(timestamp: int) -> str:
    """Return a time in milliseconds as local date and time, e.g. ``2026-01-31 14:05:09``."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(timestamp / 1000))
    except (OverflowError, ValueError, OSError):
        return f"{timestamp} ms"


def show_age(timestamp: int) -> str:
    """Return how long ago a time in milliseconds was, e.g. ``5m ago``."""
    seconds = time.time() - timestamp / 1000
    if seconds < -1:
        return show_time(timestamp)
    for unit, name in _AGES:
        if seconds >= unit:
            return f"{int(seconds // unit)}{name} ago"
    return "now" if seconds < 10 else f"{int(seconds)}s ago"  # noqa: PLR2004  (as good as now)


def export_time(timestamp: int | None) -> str | None:
    """Return a time in milliseconds as ISO 8601 in UTC, with milliseconds."""
    if timestamp is None:
        return None
    from datetime import UTC, datetime

    try:
        moment = datetime.fromtimestamp(timestamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(timestamp)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def show_duration(seconds: float) -> str:
    """Return a duration, e.g. ``3m 5s``."""
    return format_duration(max(seconds, 0.0))


def show_size(size: int) -> str:
    """Return a number of bytes, e.g. ``1.5 MiB``."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004  (a KiB)
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"  # noqa: PLR2004
        value /= 1024
    return f"{value:.1f} TiB"
