"""A badge with the best of the primary metric: a picture, and what badge services read."""

from __future__ import annotations

import json
from html import escape

_NARROW = frozenset("iljtf.,:;|!'1 ()[]/")
_WIDE = frozenset("mwMW@%")


def draw_badge(label: str, message: str) -> bytes:
    """Return an SVG whose widths are estimated, as no font is at hand."""
    left, right = _width(label) + 16, _width(message) + 16
    total = left + right
    label, message = escape(label), escape(message)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="20" role="img"'
        f' aria-label="{label}: {message}">'
        f"<title>{label}: {message}</title>"
        f'<clipPath id="r"><rect width="{total}" height="20" rx="4"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4754"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="#0b62c4"/></g>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 16}">{label}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 16}">{message}</text></g></svg>\n'
    ).encode("utf-8", "backslashreplace")


def describe_badge(label: str, message: str) -> bytes:
    """Return the JSON of an endpoint badge."""
    return (
        json.dumps({"schemaVersion": 1, "label": label, "message": message, "color": "0b62c4"}).encode()
        + b"\n"
    )


def _width(text: str) -> int:
    return round(sum(4 if char in _NARROW else 10 if char in _WIDE else 7 for char in text)) or 7
