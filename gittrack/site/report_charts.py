"""Charts of a report: pictures that need no scripts, and the data from which scripts draw them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.grouping import Spread
from gittrack.core.query_match import as_number
from gittrack.site.curves import decimate, order_points, share_of
from gittrack.site.formats import format_number, format_spread, format_value
from gittrack.site.marks import Mark, assign_marks
from gittrack.site.paths import run_page
from gittrack.site.run_data import describe_curves

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.core.report import Block
    from gittrack.core.report_answer import Answer
    from gittrack.core.series import Series

_WIDTH, _HEIGHT, _EDGE = 300, 80, 4
_STILL_POINTS = 60


@dataclass(frozen=True, slots=True)
class Stroke:
    """A run's curve as the point list of a polyline."""

    mark: Mark
    points: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart of a block."""

    name: str
    """By which the scripts find its data."""
    title: str
    is_curves: bool
    strokes: Sequence[Stroke] = ()
    """The picture without scripts; other charts than curves have a table instead."""
    low: float = math.nan
    high: float = math.nan


def draw_charts(
    answer: Answer, series: Mapping[str, Mapping[str, Series]], name: str, shown: Collection[str], root: str
) -> tuple[list[Figure], dict[str, object]]:
    """Return the charts of a block, and the data of each by its name.

    Args:
        answer: What was found.
        series: Run id → histories, of the runs of a block of curves.
        name: Of the block in its report.
        shown: Ids of the runs that have a page.
        root: Way to the top of the site.
    """
    match answer.block.kind:
        case "curves":
            return _curves(answer, series, name)
        case "scatter":
            return _one(answer, name, _scatter(answer, shown, root))
        case "bar":
            return _one(answer, name, _bars(answer))
        case _:
            return [], {}


def _one(answer: Answer, name: str, data: dict[str, object]) -> tuple[list[Figure], dict[str, object]]:
    heads = answer.tables[0].heads
    across, up = heads[1:3] if answer.block.kind == "scatter" else heads[:2]
    return [Figure(name, f"{up.title} over {across.title}", is_curves=False)], {name: data}


def _curves(
    answer: Answer, series: Mapping[str, Mapping[str, Series]], name: str
) -> tuple[list[Figure], dict[str, object]]:
    block = answer.block
    figures: list[Figure] = []
    data: dict[str, object] = {}
    marks = assign_marks([run.run_id for run in answer.runs])
    for number, key in enumerate(block.metrics):
        having = [run for run in answer.runs if key in series[run.run_id]]
        strokes, low, high = _strokes(block, key, having, series, marks)
        chart = f"{name}-{number}"
        figures.append(Figure(chart, key, is_curves=True, strokes=strokes, low=low, high=high))
        state = {"x": block.x, "scale": "log" if "y" in block.log else "", "smooth": str(block.smooth or "")}
        data[chart] = {
            "kind": "curves",
            "key": key,
            "state": {part: text for part, text in state.items() if text},
            "runs": [
                {
                    "id": run.run_id,
                    "name": run.name or run.run_id,
                    "start": run.start_time,
                    "mark": {"colour": mark.colour, "dash": mark.dash, "letter": mark.letter},
                    **describe_curves(run, {key: series[run.run_id][key]}),
                }
                for run in having
                for mark in (marks[run.run_id],)
            ],
        }
    return figures, data


def _strokes(
    block: Block,
    key: str,
    runs: Sequence[Run],
    series: Mapping[str, Mapping[str, Series]],
    marks: Mapping[str, Mark],
) -> tuple[list[Stroke], float, float]:
    """Return the curves in one box, and the smallest and largest value in it."""
    points = {run.run_id: _points(block, series[run.run_id][key]) for run in runs}
    places = [x for found in points.values() for x, _ in found]
    values = [y for found in points.values() for _, y in found]
    if not places:
        return [], math.nan, math.nan
    left, right, low, high = min(places), max(places), min(values), max(values)
    strokes = []
    for run_id, found in points.items():
        texts = [
            f"{_WIDTH * share_of(x, left, right):.0f},"
            f"{_HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * share_of(y, low, high):.1f}"
            for x, y in found
        ]
        if texts:
            strokes.append(Stroke(marks[run_id], " ".join(texts if len(texts) > 1 else texts * 2)))
    ends = (10**low, 10**high) if "y" in block.log else (low, high)
    return strokes, *ends


def _points(block: Block, series: Series) -> list[tuple[float, float]]:
    order = order_points(series)
    kept = [order[i] for i in decimate([series.values[i] for i in order], _STILL_POINTS)]
    places, is_log = series.steps if block.x == "step" else series.times, "y" in block.log
    first = min(places, default=0) if block.x == "relative" else 0
    return [
        (float(places[i] - first), math.log10(value) if is_log else value)
        for i in kept
        if math.isfinite(value := series.values[i]) and not (is_log and value <= 0)
    ]


def _scatter(answer: Answer, shown: Collection[str], root: str) -> dict[str, object]:
    block, table = answer.block, answer.tables[0]
    is_text = table.heads[1].look == "text" and any(
        as_number(line.cells[1]) is None
        for line in table.lines
        if isinstance(line.cells[1], (str, int, float))
    )
    points = []
    for line in table.lines:
        _, x, y = line.cells
        across = format_value(x) if is_text else as_number(x) if isinstance(x, (str, int, float)) else None
        if line.run is None or across is None or not isinstance(y, (int, float)) or not math.isfinite(y):
            continue
        has_page = line.run.run_id in shown
        points.append(
            {
                "x": across, "y": y, "c": "all runs", "name": line.run.name,
                "xt": format_value(x), "yt": format_number(y),
                **({"page": root + run_page(line.run.run_id)} if has_page else {}),
            }
        )  # fmt: skip
    across_kind = "nominal" if is_text else "log" if "x" in block.log else "linear"
    return {
        "kind": "vega",
        "template": f"scatter-{across_kind}-{'log' if 'y' in block.log else 'linear'}",
        "names": {"$x": table.heads[1].title, "$y": table.heads[2].title, "$colour": ""},
        "datasets": {"runs": points, "chosen": []},
    }


def _bars(answer: Answer) -> dict[str, object]:
    table = answer.tables[0]
    bars = []
    for line in table.lines:
        label, spread, count = line.cells
        if not isinstance(spread, Spread) or not math.isfinite(spread.mean):
            continue
        std = spread.std if spread.std is not None and math.isfinite(spread.std) else 0.0
        text = format_spread(spread.mean, spread.std)
        bars.append(
            {
                "x": "none" if label is None else format_value(label), "y": spread.mean,
                "low": spread.mean - std, "high": spread.mean + std, "n": count, "t": text,
            }
        )  # fmt: skip
    names = {"$x": table.heads[0].title, "$y": table.heads[1].title}
    return {"kind": "vega", "template": "bar", "names": names, "datasets": {"bars": bars}}
