"""Figures of Plotly as Vega-Lite, as far as both can say the same.

Plotly's own script weighs four megabytes, more than everything else a site is made of; what can be read
without it is points, lines, bars, histograms, boxes and heat maps on one pair of axes.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from dataclasses import replace
from typing import Any, TypeAlias

from gittrack.core.frozen import dataclass

Json: TypeAlias = "dict[str, Any]"

_FORMATS = {"f8": "d", "f4": "f", "i1": "b", "u1": "B", "i2": "h", "u2": "H", "i4": "i", "u4": "I"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?")
_FEW_POINTS = 20
"""Points up to which Plotly marks each on its line."""
_HEIGHT = 320
_MARKS: dict[str, Json] = {
    "bar": {"type": "bar"},
    "line": {"type": "line"},
    "point": {"type": "point", "filled": True},
}


@dataclass(frozen=True, slots=True)
class _Axis:
    title: str | None
    kind: str
    """Of Vega-Lite: quantitative, temporal or nominal."""
    is_log: bool
    has_zero: bool = False
    """Whether lengths are measured along it."""

    def encode(self, field: str) -> Json:
        match self.kind:
            case "nominal":
                more: Json = {"sort": None}
            case "quantitative":
                more = {"scale": {"type": "log"} if self.is_log else {"zero": self.has_zero}}
            case _:
                more = {}
        return {"field": field, "type": self.kind, "title": self.title, **more}


def convert_plotly(figure: Json) -> Json | None:
    """Return the same figure for Vega-Lite; None where it has something that cannot be said there."""
    traces, layout = figure.get("data"), figure.get("layout", {})
    if not isinstance(traces, list) or not isinstance(layout, dict) or not traces:
        return None
    try:
        layers = _convert_traces([_check_trace(trace) for trace in traces], layout)
    except _UnknownError:
        return None
    title = _text(layout.get("title"))
    return {"width": "container", "height": _HEIGHT, **({"title": title} if title else {}), "layer": layers}


class _UnknownError(Exception):
    """Something in the figure has no counterpart."""


def _check_trace(trace: object) -> Json:
    if not isinstance(trace, dict) or trace.get("xaxis", "x") != "x" or trace.get("yaxis", "y") != "y":
        raise _UnknownError
    return trace


def _convert_traces(traces: list[Json], layout: Json) -> list[Json]:
    kinds = {str(trace.get("type", "scatter")).removesuffix("gl") for trace in traces}
    if kinds == {"heatmap"} and len(traces) == 1:
        return [_draw_cells(traces[0], layout)]
    if kinds == {"histogram"}:
        return [_draw_counts(traces, layout)]
    if kinds == {"box"}:
        return [_draw_boxes(traces, layout)]
    if not kinds <= {"scatter", "bar"}:
        raise _UnknownError
    return _draw_traces(traces, layout)


def _draw_traces(traces: list[Json], layout: Json) -> list[Json]:
    """Return a layer for all bars, one for all lines and one for all points."""
    rows: dict[str, list[Json]] = {"bar": [], "line": [], "point": []}
    is_sideways = all(trace.get("orientation") == "h" for trace in traces)
    for number, trace in enumerate(traces):
        if (trace.get("orientation") == "h") != is_sideways:
            raise _UnknownError
        points = _read_points(trace, str(trace.get("name") or f"trace {number}"))
        for mark in _marks_of(trace, len(points)):
            rows[mark] += points
    everything = [row for part in rows.values() for row in part]
    axes = {name: _axis_of(layout, name, [row[name] for row in everything]) for name in "xy"}
    length, place = ("x", "y") if is_sideways else ("y", "x")
    bars: Json = {}
    if rows["bar"]:
        axes[place] = replace(axes[place], kind="nominal")
        axes[length] = replace(axes[length], has_zero=True)
        if layout.get("barmode", "group") == "group" and len(traces) > 1:
            bars = {f"{place}Offset": {"field": "c"}}
    shared = {
        **{name: axis.encode(name) for name, axis in axes.items()},
        "color": _colour(traces),
        "tooltip": [{"field": field} for field in ("c", "x", "y")],
    }
    more: dict[str, Json] = {"bar": bars, "line": {"order": {"field": "i"}}, "point": {}}
    layers = [
        {"data": {"values": values}, "mark": _MARKS[mark], "encoding": {**shared, **more[mark]}}
        for mark, values in rows.items()
        if values
    ]
    if not layers:
        raise _UnknownError
    return layers


def _marks_of(trace: Json, count: int) -> list[str]:
    if str(trace.get("type", "scatter")) == "bar":
        return ["bar"]
    mode = str(trace.get("mode") or ("lines+markers" if count <= _FEW_POINTS else "lines"))
    return [mark for mark, word in (("line", "lines"), ("point", "markers")) if word in mode]


def _read_points(trace: Json, name: str) -> list[Json]:
    xs, ys = _read_array(trace.get("x")), _read_array(trace.get("y"))
    if not xs and not ys:
        return []
    xs, ys = xs or list(range(len(ys))), ys or list(range(len(xs)))
    return [{"x": x, "y": y, "c": name, "i": i} for i, (x, y) in enumerate(zip(xs, ys, strict=False))]


def _draw_counts(traces: list[Json], layout: Json) -> Json:
    """Return histograms over one another."""
    across = "x" if any("x" in trace for trace in traces) else "y"
    rows = [
        {"v": value, "c": str(trace.get("name") or f"trace {number}")}
        for number, trace in enumerate(traces)
        for value in _read_array(trace.get(across))
    ]
    axis = _axis_of(layout, across, [row["v"] for row in rows])
    place: Json = {"field": "v", "type": axis.kind, "title": axis.title}
    if axis.kind != "nominal":
        place["bin"] = {"maxbins": 40}
    other = "y" if across == "x" else "x"
    return {
        "data": {"values": rows},
        "mark": {"type": "bar", "opacity": 1 if len(traces) == 1 else 0.6},
        "encoding": {
            across: place,
            other: {"aggregate": "count", "stack": None, "title": "count"},
            "color": _colour(traces),
        },
    }


def _draw_boxes(traces: list[Json], layout: Json) -> Json:
    rows: list[Json] = []
    for number, trace in enumerate(traces):
        name = str(trace.get("name") or f"trace {number}")
        values, places = _read_array(trace.get("y")), _read_array(trace.get("x"))
        rows += [{"x": places[i] if i < len(places) else name, "y": y} for i, y in enumerate(values)]
    if not rows:
        raise _UnknownError
    x, y = _axis_of(layout, "x", ["text"]), _axis_of(layout, "y", [row["y"] for row in rows])
    return {
        "data": {"values": rows},
        "mark": {"type": "boxplot", "extent": "min-max", "size": 26},
        "encoding": {"x": x.encode("x"), "y": y.encode("y")},
    }


def _draw_cells(trace: Json, layout: Json) -> Json:
    rows = _read_rows(trace.get("z"))
    width = max(map(len, rows), default=0)
    xs = _read_array(trace.get("x")) or list(range(width))
    ys = _read_array(trace.get("y")) or list(range(len(rows)))
    cells = [
        {"x": x, "y": y, "v": value}
        for y, row in zip(ys, rows, strict=False)
        for x, value in zip(xs, row, strict=False)
    ]
    if not cells:
        raise _UnknownError
    titles = {name: _axis_of(layout, name, ["text"]).title for name in "xy"}
    is_down = layout.get("yaxis", {}).get("autorange") == "reversed"
    return {
        "data": {"values": cells},
        "mark": "rect",
        "encoding": {
            "x": {"field": "x", "type": "ordinal", "sort": None, "title": titles["x"]},
            "y": {"field": "y", "type": "ordinal", "sort": ys if is_down else ys[::-1], "title": titles["y"]},
            "color": {"field": "v", "type": "quantitative", "title": None, "scale": {"scheme": "viridis"}},
            "tooltip": [{"field": field} for field in ("x", "y", "v")],
        },
    }


def _colour(traces: list[Json]) -> Json:
    return {"field": "c", "type": "nominal", "title": None, **({} if len(traces) > 1 else {"legend": None})}


def _axis_of(layout: Json, name: str, values: list[Any]) -> _Axis:
    about = layout.get(f"{name}axis", {})
    if not isinstance(about, dict):
        raise _UnknownError
    present = [value for value in values if value is not None]
    if all(isinstance(value, (int, float)) for value in present) and about.get("type") != "category":
        kind = "quantitative"
    elif all(isinstance(value, str) and _DATE.fullmatch(value) for value in present):
        kind = "temporal"
    else:
        kind = "nominal"
    return _Axis(
        _text(about.get("title")), kind, is_log=about.get("type") == "log" and kind == "quantitative"
    )


def _text(title: object) -> str | None:
    text = title.get("text") if isinstance(title, dict) else title
    return text if isinstance(text, str) else None


def _read_rows(value: object) -> list[list[Any]]:
    if isinstance(value, dict) and isinstance(shape := value.get("shape"), str):
        *_, width = (int(size) for size in re.findall(r"\d+", shape))
        flat = _read_array(value)
        return [flat[i : i + width] for i in range(0, len(flat), width)] if width else []
    return [_read_array(row) for row in value] if isinstance(value, list) else []


def _read_array(value: object) -> list[Any]:
    """Return a list as it is, or one that Plotly packed: numbers in base64, little-endian."""
    if value is None:
        return []
    if isinstance(value, list):
        if any(isinstance(one, (dict, list)) for one in value):
            raise _UnknownError
        return value
    if not isinstance(value, dict) or value.get("dtype") not in _FORMATS:
        raise _UnknownError
    try:
        packed = base64.b64decode(value.get("bdata", ""), validate=True)
        numbers = [one for (one,) in struct.iter_unpack("<" + _FORMATS[value["dtype"]], packed)]
    except (binascii.Error, struct.error, TypeError, ValueError) as error:
        raise _UnknownError from error
    return [one if one == one and abs(one) != float("inf") else None for one in numbers]  # noqa: PLR0124  (NaN)
