"""Figures that people logged as JSON, as the Vega-Lite that a page may draw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gittrack.site.plotly_figures import convert_plotly

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMA = "vega.github.io/schema/vega-lite/"


def read_figure(text: str) -> dict[str, Any] | None:
    """Return the specification of what is drawn, None if the text is no figure or not one to draw here.

    A figure whose data or pictures lie elsewhere is none: pages ask nobody for anything.
    """
    try:
        value = json.loads(text, parse_constant=lambda _: None)
        if not isinstance(value, dict):
            return None
        if _SCHEMA not in str(value.get("$schema", "")):
            return convert_plotly(value)
        return None if any(_lies_elsewhere(part) for part in _walk(value)) else _strip(value)
    except (ValueError, RecursionError):
        return None


def _strip(specification: dict[str, Any]) -> dict[str, Any]:
    # Vega-Embed warns of other versions by `$schema`, and takes orders from `usermeta`.
    return {key: value for key, value in specification.items() if key not in {"$schema", "usermeta"}}


def _lies_elsewhere(part: dict[str, Any]) -> bool:
    mark = part.get("mark")
    is_picture = (mark.get("type") if isinstance(mark, dict) else mark) == "image"
    return is_picture or (isinstance(part.get("url"), str) and not part["url"].startswith("data:"))


def _walk(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _walk(inner)
