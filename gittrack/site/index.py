"""The index of all runs: columnar, dictionary-coded, cut into segments by run id."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gittrack.core.late import extremes_of, list_lasts
from gittrack.site.columns import (
    HIGHEST,
    LOWEST,
    METRIC,
    PARAM,
    TAG,
    Column,
    count_groups,
    is_seed,
    is_system_metric,
    visible_tags,
)
from gittrack.site.paths import bucket_of, run_slug
from gittrack.site.run_note import decode_note
from gittrack.site.scripts import encode_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.column_facts import Cell
    from gittrack.site.columns import Columns
    from gittrack.site.gather import Contents

STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
_MAX_TAG = 200
_COMMIT_DIGITS = 10


def assign_groups(contents: Contents) -> list[list[Column]]:
    """Return the columns in groups: first those that show, then the others by hash of their name."""
    columns = contents.columns
    shown = set(columns.shown)
    count = count_groups(columns)
    groups: list[list[Column]] = [[] for _ in range(count + 1)]
    for column in (*columns.all, *columns.extremes):
        groups[0 if column.name in shown else 1 + bucket_of(column.name, count)].append(column)
    return groups


def describe_runs(runs: Sequence[Run], notes: Mapping[str, str]) -> dict[str, object]:
    """Return the columns every run has: identity, times, state, its data script and sparkline.

    The last two are in ``notes``, by run id.
    """
    noted = [decode_note(notes[run.run_id]) for run in runs]
    slugs = {i: slug for i, run in enumerate(runs) if (slug := run_slug(run.run_id)) != run.run_id}
    commits = [run.code.commit[:_COMMIT_DIGITS] if run.code and run.code.commit else None for run in runs]
    optional = {
        "commit": commits,
        "parent": [run.parent for run in runs],
        "datasets": [_describe_datasets(run) for run in runs],
    }
    return {
        "id": [run.run_id for run in runs],
        "name": [run.name for run in runs],
        "status": [STATUSES.index(run.status.value) for run in runs],
        "start": [run.start_time for run in runs],
        "end": [run.end_time for run in runs],
        "experiment": encode_column([run.experiment_id for run in runs]),
        "user": encode_column([run.user for run in runs]),
        "file": [note.data for note in noted],
        "spark": [note.spark for note in noted],
        "slug": slugs,
        **{key: encode_column(cells) for key, cells in optional.items() if any(cells)},
    }


def _describe_datasets(run: Run) -> str | None:
    """Return name, digest and context of the datasets that a run read, as one text that columns can code."""
    inputs = [[one.dataset.name, one.dataset.digest, one.context] for _, one in sorted(run.datasets.items())]
    return json.dumps(inputs, ensure_ascii=False) if inputs else None


def describe_cells(runs: Sequence[Run], columns: Sequence[Column], contents: Contents) -> dict[str, object]:
    """Return the coded columns of one group, those that no run here has left out."""
    tags = [visible_tags(run) for run in runs] if any(column.kind == TAG for column in columns) else []
    coded: dict[str, object] = {}
    for column in columns:
        key = column.key
        cells: list[Cell | None]
        if column.kind == METRIC:
            cells = list(list_lasts((run.metrics for run in runs), key))
        elif column.kind in {LOWEST, HIGHEST}:
            cells = [_extreme(run, column) for run in runs]
        elif column.kind == PARAM:
            cells = [contents.params[run.run_id].get(key) for run in runs]
        else:
            cells = [value[:_MAX_TAG] if (value := tag.get(key)) is not None else None for tag in tags]
        if any(cell is not None for cell in cells):
            coded[column.name] = encode_column(cells)
    return coded


def _extreme(run: Run, column: Column) -> float | None:
    """Return the lowest or highest value of a metric, None where it is the last one too."""
    found = extremes_of(run.metrics, column.key)
    if found is None:
        return None
    last, least, greatest = found
    value = least if column.kind == LOWEST else greatest
    return None if value == last else value


def encode_column(cells: Sequence[Cell | None]) -> dict[str, object]:
    """Return a column plain (``n``), or as a dictionary (``d``) and codes (``c``, -1 for none)."""
    values = [encode_number(cell) if isinstance(cell, (int, float)) else cell for cell in cells]
    codes: dict[tuple[bool, object], int] = {}
    numbered = [
        -1 if value is None else codes.setdefault((isinstance(value, str), value), len(codes))
        for value in values
    ]
    if len(codes) * 2 > len(values) and not any(isinstance(cell, str) for cell in cells):
        return {"n": values}
    return {"d": [value for _, value in codes], "c": numbered}


def describe_site(contents: Contents, segments: Sequence[Sequence[str | None]]) -> dict[str, object]:
    """Return the manifest: what the site holds and under which names its index lies.

    ``segments`` has, for each segment, the path of each group's script, None where it is empty.
    """
    groups = {column.name: i for i, group in enumerate(assign_groups(contents)) for column in group}
    return {
        "title": contents.title,
        "head": contents.head,
        "runs": len(contents.runs),
        "artifacts": _measure_artifacts(contents),
        "experiments": [[key, name] for key, name in contents.experiments.items()],
        "primary": contents.columns.primary,
        "shown": list(contents.columns.shown),
        **({"axes": True} if contents.axes else {}),
        "columns": [
            [column.name, groups[column.name], _flags(column, contents.columns)]
            for column in contents.columns.all
        ],
        "groups": count_groups(contents.columns),
        "segments": [list(paths) for paths in segments],
    }


def _measure_artifacts(contents: Contents) -> list[int]:
    """Return how many contents runs have, and their bytes: what several have alike is counted once."""
    sizes = {one.digest: one.size for run in contents.runs for one in run.artifacts.values()}
    return [len(sizes), sum(sizes.values())]


def _flags(column: Column, columns: Columns) -> int:
    lower = column.kind == METRIC and column.key in columns.lower
    system = column.kind == METRIC and is_system_metric(column.key)
    seed = column.kind == PARAM and is_seed(column.key)
    return column.numeric + 2 * column.varies + 4 * lower + 8 * system + 16 * seed
