"""Vega-Lite specifications, one template a chart kind: the one home of Altair.

Data travel apart: every specification names the data sets that `spaces.js` fills. Field names are
fixed, since names of metrics would need escaping; what a reader sees of them comes in through the
placeholders ``$x``, ``$y`` and ``$colour``, and the page's colours through ``$text``, ``$muted``,
``$card`` and ``$accent``.
"""

from __future__ import annotations

import functools
from typing import Any

import altair as alt

_FADED = 0.28


@functools.cache
def specifications() -> dict[str, dict[str, Any]]:
    """Return all chart templates by the name the scripts know them by."""
    kinds = {
        f"scatter-{x}-{y}": _scatter(x, y) for x in ("linear", "log", "nominal") for y in ("linear", "log")
    }
    histories = {f"history-{by}": _history(by) for by in ("time", "commit")}
    others = {"bar": _bar(), "box": _box(), "heat": _heat(), "importance": _importance()}
    return {**kinds, **others, **histories, "parallel": _parallel()}


def _scatter(x: str, y: str) -> dict[str, Any]:
    """All runs as points, those compared emphasised with a ring in their own colour."""
    horizontal = (
        alt.X("x:N", title="$x", axis=alt.Axis(labelAngle=0), sort=None)
        if x == "nominal"
        else alt.X("x:Q", title="$x", scale=_scale(x, nice=False, padding=12))
    )
    vertical = alt.Y("y:Q", title="$y", scale=_scale(y, padding=8))
    tooltip = [
        alt.Tooltip("name:N", title="Run"),
        alt.Tooltip("xt:N", title="$x"),
        alt.Tooltip("yt:N", title="$y"),
        alt.Tooltip("c:N", title="$colour"),
    ]
    points = (
        alt.Chart(alt.NamedData("runs"))
        .mark_point(filled=True, size=42, opacity=0.75, cursor="pointer")
        .encode(x=horizontal, y=vertical, color=alt.Color("c:N", title="$colour"), tooltip=tooltip)
    )
    rings = (
        alt.Chart(alt.NamedData("chosen"))
        .mark_point(size=170, strokeWidth=2.5, opacity=1, cursor="pointer")
        .encode(
            x=horizontal, y=vertical, stroke=alt.Stroke("colour:N", scale=None, legend=None), tooltip=tooltip
        )
    )
    return _finish(alt.layer(points, rings), height=300)


def _bar() -> dict[str, Any]:
    """Means with their deviations."""
    bars = alt.Chart(alt.NamedData("bars"))
    x = alt.X("x:N", title="$x", axis=alt.Axis(labelAngle=0), sort=None)
    tooltip = [
        alt.Tooltip("x:N", title="$x"),
        alt.Tooltip("t:N", title="$y"),
        alt.Tooltip("n:Q", title="runs"),
    ]
    marks = bars.mark_bar(color="$accent", opacity=0.85, cornerRadiusEnd=3, width={"band": 0.72}).encode(
        x=x, y=alt.Y("y:Q", title="$y"), tooltip=tooltip
    )
    deviations = bars.mark_rule(strokeWidth=1.5, color="$text").encode(x=x, y="low:Q", y2="high:Q")
    return _finish(alt.layer(marks, deviations), height=300)


def _box() -> dict[str, Any]:
    """Quartiles, and whiskers to the extremes; Vega warns of a box that has nothing outside its whiskers."""
    chart = (
        alt.Chart(alt.NamedData("runs"))
        .mark_boxplot(color="$accent", size=26, opacity=0.85, extent="min-max")
        .encode(
            x=alt.X("x:N", title="$x", axis=alt.Axis(labelAngle=0), sort=None),
            y=alt.Y("y:Q", title="$y", scale=alt.Scale(zero=False, padding=8)),
        )
    )
    return _finish(chart, height=300)


def _heat() -> dict[str, Any]:
    """Show the mean of a metric where two params cross."""
    cells = alt.Chart(alt.NamedData("cells"))
    x = alt.X("x:N", title="$x", axis=alt.Axis(labelAngle=0), sort=None)
    y = alt.Y("y:N", title="$y", sort=None)
    tooltip = [
        alt.Tooltip("x:N", title="$x"),
        alt.Tooltip("y:N", title="$y"),
        alt.Tooltip("t:N", title="$colour"),
        alt.Tooltip("n:Q", title="runs"),
    ]
    squares = cells.mark_rect(cornerRadius=3, stroke="$card", strokeWidth=2).encode(
        x=x, y=y, color=alt.Color("v:Q", title="$colour", scale=alt.Scale(scheme="viridis")), tooltip=tooltip
    )
    texts = cells.mark_text(fontSize=11).encode(
        x=x, y=y, text="t:N", tooltip=tooltip, fill=alt.Fill("k:N", scale=None, legend=None)
    )
    return _finish(alt.layer(squares, texts), height=320)


def _importance() -> dict[str, Any]:
    """Rank correlations, the strongest first; the sign has a colour and a word."""
    chart = (
        alt.Chart(alt.NamedData("bars"))
        .mark_bar(cornerRadiusEnd=3, height={"band": 0.66})
        .encode(
            x=alt.X("v:Q", title="rank correlation", scale=alt.Scale(domain=[-1, 1])),
            y=alt.Y("key:N", title=None, sort=None),
            color=alt.Color(
                "s:N",
                title=None,
                scale=alt.Scale(
                    domain=["more is more", "less is more", "of a text: strength only"],
                    range=["$good", "$bad", "$muted"],
                ),
            ),
            tooltip=[
                alt.Tooltip("key:N", title="param"),
                alt.Tooltip("t:N", title="correlation"),
                alt.Tooltip("n:Q", title="runs"),
            ],
        )
    )
    return _finish(chart, height=340)


def _history(by: str) -> dict[str, Any]:
    """Show runs or commits in their order, the best so far as a staircase, and where the level changed."""
    runs = alt.Chart(alt.NamedData("runs"))
    axis = alt.Axis(labels=False) if by == "commit" else alt.Axis(tickCount=8, labelOverlap=True)
    kind = "quantitative" if by == "commit" else "temporal"
    scale = alt.Scale(nice=False, padding=12) if by == "commit" else alt.Scale(padding=12)
    title = "commits, in the order of their first run" if by == "commit" else None
    x = alt.X("x", type=kind, title=title, axis=axis, scale=scale)  # type: ignore[arg-type]
    y = alt.Y("y:Q", title="$y", scale=alt.Scale(zero=False, padding=8))
    tooltip = [
        alt.Tooltip("name:N", title="Run" if by == "time" else "Runs"),
        alt.Tooltip("t:N", title="$y"),
        alt.Tooltip("c:N", title="Commit"),
    ]
    marks = runs.mark_point(filled=True, size=34, opacity=0.6, color="$accent", cursor="pointer").encode(
        x=x, y=y, tooltip=tooltip
    )
    best = runs.mark_line(interpolate="step-after", strokeWidth=2, color="$good").encode(x=x, y="best:Q")
    levels = (
        alt.Chart(alt.NamedData("changes"))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5)
        .encode(
            x=x,
            color=alt.Color(
                "s:N",
                title="level",
                scale=alt.Scale(domain=["better", "worse"], range=["$good", "$bad"]),
            ),
        )
    )
    layers = [best, levels, marks]
    if by == "commit":
        spread = runs.mark_rule(opacity=0.5, color="$accent").encode(x=x, y=alt.Y("low:Q"), y2="high:Q")
        layers.insert(0, spread)
    return _finish(alt.layer(*layers), height=340)


def _parallel() -> dict[str, Any]:
    """Every run as a line over the axes; all positions come computed, from 0 to 1.

    Domains are fixed, since Vega warns on the console about the extent of an empty data set.
    """
    x = alt.X("a:Q", axis=None, scale=alt.Scale(domain=[0, 1], nice=False, padding=46))
    y = alt.Y("p:Q", axis=None, scale=alt.Scale(domain=[-0.03, 1.13], nice=False, zero=False))
    faint = (
        alt.Chart(alt.NamedData("lines"))
        .mark_line(interpolate="monotone", strokeWidth=1, opacity=_FADED)
        .encode(
            x=x,
            y=y,
            detail="r:N",
            order="a:Q",
            color=alt.Color("v:Q", legend=None, scale=alt.Scale(scheme="viridis", domain=[0, 1])),
        )
    )
    axes = (
        alt.Chart(alt.NamedData("axes"))
        .mark_rule(strokeWidth=1)
        .encode(x=x, y=alt.Y("low:Q", axis=None), y2="high:Q")
    )
    strong = (
        alt.Chart(alt.NamedData("chosen"))
        .mark_line(interpolate="monotone", strokeWidth=2.5)
        .encode(x=x, y=y, detail="r:N", order="a:Q", stroke=alt.Stroke("colour:N", scale=None))
    )
    brushes = (
        alt.Chart(alt.NamedData("brushes"))
        .mark_rule(strokeWidth=16, opacity=0.3, color="$accent")
        .encode(x=x, y=alt.Y("low:Q", axis=None), y2="high:Q")
    )
    ticks = alt.Chart(alt.NamedData("ticks")).encode(x=x, y=y, text="t:N")
    halo = ticks.mark_text(align="right", dx=-6, fontSize=11, color="$card", stroke="$card", strokeWidth=4)
    labels = ticks.mark_text(align="right", dx=-6, fontSize=11, color="$muted")
    titles = (
        alt.Chart(alt.NamedData("axes"))
        .mark_text(dy=-20, fontSize=12, fontWeight=600, color="$text", limit=150)
        .encode(x=x, y=alt.Y("high:Q", axis=None), text="t:N")
    )
    return _finish(alt.layer(faint, axes, strong, halo, labels, titles, brushes), height=320)


def _scale(kind: str, **options: Any) -> alt.Scale:  # noqa: ANN401 - whatever a scale may have
    # Vega-Lite warns on the console where a logarithmic scale is told about zero.
    return alt.Scale(type="log", **options) if kind == "log" else alt.Scale(zero=False, **options)


def _finish(chart: alt.LayerChart | alt.FacetChart | alt.Chart, *, height: int) -> dict[str, Any]:
    spec = chart.properties(width="container", height=height).to_dict()
    # Colours and fonts are the page's; Altair's default theme would fix a size.
    spec.pop("config", None)
    return spec
