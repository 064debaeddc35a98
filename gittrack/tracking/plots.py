"""What runs logged, gathered into a plot: metrics over their steps, or one value a run over another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frames import parse_columns
from gittrack.core.plot import Curve, Plot, clean_curve, smooth_curve
from gittrack.core.query_match import as_number, make_read
from gittrack.core.query_tree import Key
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.core.plot import Axis
    from gittrack.core.query_match import Cell
    from gittrack.core.query_setting import Setting
    from gittrack.tracking.client import Client

OVER_STEPS = ("step", "time", "relative")
"""What curves are drawn over; anything else is a value of each run."""
HOUR_MS = 3_600_000


def make_plot(
    client: Client,
    runs: Sequence[Run],
    metrics: Sequence[str],
    setting: Setting,
    *,
    x: str = "step",
    smooth: float = 0.0,
    is_log_x: bool = False,
    is_log_y: bool = False,
    title: str = "",
) -> Plot:
    """Return a plot of metrics of runs, without the points that cannot be drawn.

    Args:
        client: Of the store.
        runs: In the order of the legend.
        metrics: Keys of metrics; a run that lacks one has no curve for it.
        setting: What the words of ``x`` mean here.
        x: ``step``, ``time``, ``relative`` (hours since the first point), or a key of the search language
            such as ``params.lr``: then each run is a point.
        smooth: Weight of what came before in the moving average, from 0 to below 1.
        is_log_x: Whether x has a logarithmic scale.
        is_log_y: Whether y has a logarithmic scale.
        title: Above the plot.

    Raises:
        QuerySyntaxError: ``x`` is no key.
        InvalidValueError: The weight is out of range.
    """
    if not 0 <= smooth < 1:
        message = f"the weight of smoothing must be from 0 to below 1, not {smooth!r}"
        raise InvalidValueError(message, hint="e.g. 0.6; 0 draws what was logged")
    y_title = metrics[0] if len(metrics) == 1 else "value"
    if x not in OVER_STEPS:
        return _scatter(runs, metrics, setting, x, is_log_x=is_log_x, is_log_y=is_log_y, title=title)
    curves = []
    for run in runs:
        for key in metrics:
            if key in run.metrics:
                curve = _read_curve(client, run, key, x, is_alone=len(metrics) == 1)
                cleaned = clean_curve(curve, is_log_x=is_log_x, is_log_y=is_log_y)
                curves.append(smooth_curve(cleaned, smooth))
    titles = {"step": "step", "time": "time", "relative": "hours"}
    axis: Axis = "time" if x == "time" else "number"
    return Plot(tuple(curves), titles[x], y_title, title, x_axis=axis, is_log_x=is_log_x, is_log_y=is_log_y)


def _read_curve(client: Client, run: Run, key: str, x: str, *, is_alone: bool) -> Curve:
    history = client.get_metric_history(run.run_id, key)
    rows = sorted(zip(history.steps, history.timestamps, history.values, strict=True))
    name = run.name if is_alone else f"{run.name} {key}"
    begin = min(history.timestamps, default=0)
    places = {
        "step": [float(step) for step, _, _ in rows],
        "time": [float(time) for _, time, _ in rows],
        "relative": [(time - begin) / HOUR_MS for _, time, _ in rows],
    }
    return Curve(name, places[x], [value for _, _, value in rows])


def _scatter(
    runs: Sequence[Run],
    metrics: Sequence[str],
    setting: Setting,
    x: str,
    *,
    is_log_x: bool,
    is_log_y: bool,
    title: str,
) -> Plot:
    (across,) = parse_columns([x]).values()
    if not isinstance(across, Key):
        message = f"{x!r} is more than one value of a run"
        raise InvalidValueError(message, hint="e.g. params.lr, metrics.loss.min or start_time")
    read = make_read(across, setting)
    cells = {run.run_id: cell for run in runs if (cell := read(run)) is not None}
    labels = _labels(list(cells.values()))
    curves = []
    for key in metrics:
        up = make_read(Key("metrics", key), setting)
        points = [
            (
                float(labels.index(str(cells[run.run_id])) if labels else as_number(cells[run.run_id]) or 0),
                value,
            )
            for run in runs
            if run.run_id in cells and isinstance(value := up(run), float)
        ]
        curve = Curve(key, [place for place, _ in points], [value for _, value in points])
        curves.append(clean_curve(curve, is_log_x=is_log_x and not labels, is_log_y=is_log_y))
    y_title = metrics[0] if len(metrics) == 1 else "value"
    is_time = across.name in {"start_time", "end_time"} and across.kind == "attributes"
    return Plot(
        tuple(curves),
        x,
        y_title,
        title,
        x_axis="text" if labels else "time" if is_time else "number",
        x_labels=labels,
        is_log_x=is_log_x and not labels,
        is_log_y=is_log_y,
        has_lines=False,
    )


def _labels(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return the values in order, if they are not all numbers."""
    if all(as_number(cell) is not None for cell in cells):
        return ()
    return tuple(sorted({str(cell) for cell in cells}))
