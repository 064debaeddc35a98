"""What the runs page shows first, so that it loads no segment of the index for it."""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import TYPE_CHECKING

from gittrack.core.late import lasts_of
from gittrack.site.columns import METRIC
from gittrack.site.index import describe_cells, describe_runs
from gittrack.site.scripts import encode_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.columns import Column
    from gittrack.site.gather import Contents

MAX_ROWS = 100
"""More than fit on any screen."""
MAX_SIZE = 200_000
"""Characters of these rows: other pages read the manifest too."""
_LEFT_OUT = frozenset({"file", "parent", "datasets"})
"""Columns of the index that no row shows."""


def describe_newest(
    contents: Contents, columns: Sequence[Column], notes: Mapping[str, str]
) -> dict[str, object] | None:
    """Return the first rows of the table in the form of a segment, None where these are all runs or too long.

    With them comes what else their cells need: of each metric in ``columns`` the least and the greatest value
    any run has, and where runs are nested, how deep each row is and how many are directly below it.
    """
    if len(contents.runs) <= MAX_ROWS:
        return None
    rows = list_first(contents, MAX_ROWS)
    runs = [run for run, _, _ in rows]
    described = {key: value for key, value in describe_runs(runs, notes).items() if key not in _LEFT_OUT}
    if any(depth or children for _, depth, children in rows):
        described["depth"] = [depth for _, depth, _ in rows]
        described["children"] = [children for _, _, children in rows]
    metrics = {one.key: one.name for one in columns if one.kind == METRIC}
    lasts = lasts_of((run.metrics for run in contents.runs), metrics)
    ranges = {name: found for key, name in metrics.items() if (found := _find_range(chain(*lasts[key])))}
    newest = {**described, "columns": describe_cells(runs, columns, contents), "ranges": ranges}
    return newest if len(json.dumps(newest, ensure_ascii=False)) <= MAX_SIZE else None


def list_first(contents: Contents, count: int) -> list[tuple[Run, int, int]]:
    """Return the first rows of the tree of nested runs, as `arrange.js` has them in whole.

    Each is a run, its depth and the number of runs directly below it.
    """
    roots = [
        run for run in contents.runs if run.parent in {None, run.run_id} or run.parent not in contents.by_id
    ]
    rows: list[tuple[Run, int, int]] = []
    seen = set()
    # Runs that name one another as parents have no root: they come last.
    for root in (*roots, *contents.runs):
        waiting = [(root, 0)]
        while waiting:
            run, depth = waiting.pop()
            if run.run_id in seen:
                continue
            if len(rows) == count:
                return rows
            seen.add(run.run_id)
            below = contents.children.get(run.run_id, ())
            rows.append((run, depth, len(below)))
            waiting.extend((child, depth + 1) for child in below)
    return rows


def _find_range(values: Iterable[float]) -> list[float | int | str] | None:
    """Return the least and the greatest finite value, None where there is none."""
    finite = list(filter(math.isfinite, values))
    return [encode_number(min(finite)), encode_number(max(finite))] if finite else None
