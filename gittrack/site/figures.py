"""A plot as a file: JSON of Vega-Lite, a page that needs no network, SVG, PNG or PDF."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import altair as alt

from gittrack.core.plot import thin_curve
from gittrack.errors import InvalidValueError, UserError
from gittrack.site.templates import find_templates

if TYPE_CHECKING:
    from gittrack.core.plot import Plot

ENDINGS = ("svg", "png", "pdf", "html", "json")
MAX_POINTS = 2_000
"""Points of a curve; what is thinned keeps its peaks."""
SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")


def encode_figure(plot: Plot, ending: str, *, width: int = 640, height: int = 400) -> bytes:
    """Return a plot in the format that a file name ends in.

    Args:
        plot: What to draw.
        ending: One of `ENDINGS`.
        width: Of the area of the curves, pixels.
        height: Of the area of the curves, pixels.

    Raises:
        InvalidValueError: There is no such format.
        UserError: The package that makes pictures is missing.
    """
    if ending not in ENDINGS:
        message = f"a plot cannot be written as {ending!r}"
        raise InvalidValueError(message, hint=f"one of {', '.join(ENDINGS)}")
    chart = make_chart(plot).properties(width=width, height=height)
    if ending == "json":
        return (json.dumps(chart.to_dict(), indent=1, sort_keys=True) + "\n").encode()
    if ending == "html":
        return _encode_page(plot.title or plot.y_title, chart.to_dict())
    return _encode_picture(chart, ending)


def make_chart(plot: Plot) -> alt.Chart:
    """Return a plot as an Altair chart; its legend is there if there is more than one curve."""
    curves = [replace(thin_curve(curve, MAX_POINTS), name=_printable(curve.name)) for curve in plot.curves]
    rows = [
        {"curve": curve.name, "x": plot.x_labels[int(x)] if plot.x_labels else x, "y": y}
        for curve in curves
        for x, y in zip(curve.x, curve.y, strict=True)
    ]
    kind = {"time": "T", "text": "N", "number": "Q"}[plot.x_axis]
    scale = alt.Undefined if plot.x_axis == "text" else _scale(is_log=plot.is_log_x, is_time=kind == "T")
    color = alt.Color(
        "curve:N",
        title=None,
        sort=[curve.name for curve in curves],
        legend=alt.Legend(symbolType="stroke" if plot.has_lines else "circle") if len(curves) > 1 else None,
    )
    data = alt.Data(values=rows)  # type: ignore[no-untyped-call]
    chart = alt.Chart(data, title=plot.title or alt.Undefined)
    mark = chart.mark_line(clip=True) if plot.has_lines else chart.mark_circle(size=60)
    encoded: alt.Chart = mark.encode(
        x=alt.X(f"x:{kind}", title=plot.x_title, scale=scale),
        y=alt.Y("y:Q", title=plot.y_title, scale=_scale(is_log=plot.is_log_y)),
        color=color,
        tooltip=[
            "curve:N",
            alt.Tooltip(f"x:{kind}", title=plot.x_title),
            alt.Tooltip("y:Q", title=plot.y_title),
        ],
    )
    return encoded


def _printable(name: str) -> str:
    # Vega puts names into expressions, whose reader takes no line separators.
    return "".join(one if one.isprintable() else " " for one in name)


def _scale(*, is_log: bool, is_time: bool = False) -> alt.Scale:
    if is_time:
        return alt.Scale()
    return alt.Scale(type="log") if is_log else alt.Scale(zero=False)


def _encode_page(title: str, spec: dict[str, Any]) -> bytes:
    assets = find_templates().assets
    scripts = "\n".join(f"<script>{assets[name].decode()}</script>" for name in SCRIPTS)
    # Names come from collaborators: nothing in them may end the script they are in.
    data = json.dumps(spec, sort_keys=True).replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{html.escape(title)}</title>
<style>body {{ margin: 2rem; font-family: system-ui, sans-serif }}</style>
{scripts}
</head>
<body>
<div id="plot"></div>
<script>vegaEmbed("#plot", {data}, {{actions: false}});</script>
</body>
</html>
""".encode()


def _encode_picture(chart: alt.Chart, ending: str) -> bytes:
    import io

    buffer: Any = io.StringIO() if ending == "svg" else io.BytesIO()
    how: dict[str, Any] = {"format": ending, **({"scale_factor": 2} if ending == "png" else {})}
    try:
        chart.save(buffer, **how)
    except (ImportError, ValueError) as error:
        if "vl-convert" not in str(error) and "vl_convert" not in str(error):
            raise
        message = f"a plot as {ending} needs the package vl-convert-python"
        raise UserError(
            message, hint="pip install 'gittrack[plot]'; .html and .json need nothing more"
        ) from None
    content = buffer.getvalue()
    return content.encode() if isinstance(content, str) else content
