"""The data scripts of one run: its facts, exact summaries and curves, thinned and whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gittrack.site.curves import (
    FULL_POINTS,
    MAX_POINTS,
    decimate,
    encode_steps,
    encode_times,
    order_points,
    round_value,
)
from gittrack.site.gather import describe_lineage
from gittrack.site.scripts import encode_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import MetricSummary, Run
    from gittrack.core.series import Series
    from gittrack.site.gather import Contents

TIME_AXES = frozenset({"time", "relative"})
_DIGEST = 12
_TICKS = 10_000
"""Into at least so many a run's time is divided, where milliseconds allow it."""


class Columns:
    """Columns that curves share, since metrics are mostly logged together: each distinct one once."""

    def __init__(self) -> None:
        """Start without columns."""
        self.all: list[object] = []
        self._numbers: dict[str, int] = {}

    def number(self, column: object) -> int:
        """Return the place of an equal column, which is added if there is none."""
        place = self._numbers.setdefault(json.dumps(column), len(self.all))
        if place == len(self.all):
            self.all.append(column)
        return place


def describe_run(
    run: Run,
    contents: Contents,
    series: Mapping[str, Series],
    *,
    limit: int = MAX_POINTS,
    full: Mapping[str, str] | None = None,
    pictures: Mapping[str, str] | None = None,
    environment: str | None = None,
    tree: str | None = None,
) -> dict[str, object]:
    """Return what other pages load of a run.

    ``steps`` and ``times`` hold columns; ``curves`` maps a metric to the number of its steps, its values
    and the number of its times. ``full``, ``pictures`` and ``environment`` are paths, of whole curves by
    metric, of images by artifact, and of the packages; ``tree`` is that of
    the code, if it can be shown.
    """
    inputs, users = describe_lineage(run, contents)
    axes = _axes(series, contents.axes.get(run.experiment_id, {}))
    return {
        "id": run.run_id,
        "name": run.name,
        "params": {
            key: encode_number(cell) if isinstance(cell, (int, float)) else cell
            for key, cell in contents.params[run.run_id].items()
        },
        "metrics": {key: _numbers(summary) for key, summary in sorted(run.metrics.items())},
        "used": inputs,
        "usedBy": users,
        **describe_curves(run, series, limit=limit),
        **({"axes": axes} if axes else {}),
        **({"full": dict(full)} if full else {}),
        **({"pictures": dict(pictures)} if pictures else {}),
        **({"artifacts": _artifacts(run)} if run.artifacts else {}),
        **({"datasets": _datasets(run)} if run.datasets else {}),
        **({"tree": tree} if tree else {}),
        **({"environment": [run.environment, environment]} if environment else {}),
    }


def _axes(series: Mapping[str, Series], declared: Mapping[str, str]) -> dict[str, str]:
    """Return metric → what its curve is drawn over, as the pages call it, where something else than steps."""
    curves = {key for key, column in series.items() if column.steps}
    return {
        key: axis if axis in TIME_AXES else f"m:{axis}"
        for key, axis in sorted(declared.items())
        if key in curves and (axis in TIME_AXES or (axis != "step" and axis in curves))
    }


def describe_curves(run: Run, series: Mapping[str, Series], *, limit: int = MAX_POINTS) -> dict[str, object]:
    """Return the curves of a run, with the columns they share; see `describe_run`."""
    steps, times = Columns(), Columns()
    unit = _time_unit(series)
    curves = {
        key: _curve(series[key], run, unit, limit, steps, times)
        for key in sorted(series)
        if series[key].steps
    }
    return {"unit": unit, "steps": steps.all, "times": times.all, "curves": curves}


def _artifacts(run: Run) -> dict[str, list[str | int]]:
    """Return the beginning of each artifact's digest, and its size, by path."""
    return {path: [one.digest[:_DIGEST], one.size] for path, one in sorted(run.artifacts.items())}


def _datasets(run: Run) -> list[list[str | None]]:
    """Return name, digest and context of what the run read."""
    return [[one.dataset.name, one.dataset.digest, one.context] for _, one in sorted(run.datasets.items())]


def describe_full(run: Run, series: Series) -> dict[str, object]:
    """Return a whole curve, in the form of the thinned ones."""
    steps, times = Columns(), Columns()
    unit = _time_unit({"": series})
    curve = _curve(series, run, unit, FULL_POINTS, steps, times)
    return {"unit": unit, "steps": steps.all, "times": times.all, "curve": curve}


def _curve(series: Series, run: Run, unit: int, limit: int, steps: Columns, times: Columns) -> list[object]:
    order = order_points(series)
    values = [series.values[i] for i in order]
    kept = decimate(values, limit)
    places = [order[i] for i in kept]
    return [
        steps.number(encode_steps([series.steps[i] for i in places])),
        [encode_number(round_value(values[i])) for i in kept],
        times.number(encode_times([series.times[i] for i in places], run.start_time, unit)),
    ]


def _time_unit(series: Mapping[str, Series]) -> int:
    """Return how many milliseconds one tick of the times is: a power of ten."""
    all_times: list[Sequence[int]] = [column.times for column in series.values() if column.times]
    if not all_times:
        return 1
    span = max(map(max, all_times)) - min(map(min, all_times))
    unit = 1
    while span // (unit * 10) >= _TICKS:
        unit *= 10
    return unit


def _numbers(summary: MetricSummary) -> list[float | int | str]:
    values = (
        summary.last,
        summary.last_step,
        summary.min,
        summary.min_step,
        summary.max,
        summary.max_step,
        summary.count,
    )
    return [encode_number(value) for value in values]
