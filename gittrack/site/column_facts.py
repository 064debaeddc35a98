"""What columns the runs of a segment have: facts that the next build takes over."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.core.plain import pack_plain
from gittrack.core.run_digest import digest_run
from gittrack.core.shared import count_keys, group_alike

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.model import Run

Cell: TypeAlias = "str | int | float"
Facts: TypeAlias = "Mapping[str, Any]"
"""In JSON: ``runs``, their number; ``metrics``, key → how many have it; ``params`` and ``tags``, key → how
many have it, whether each value is a number or reads as one, and a digest of the only value, empty where
there are more."""

_DIGITS = 16
_HIDDEN_TAGS = ("mlflow.", "gittrack.")
"""How the names of tags begin that are not people's."""


def digest_runs(runs: Iterable[Run]) -> str:
    """Return a digest of runs and of their order: the same runs have the same facts."""
    return hashlib.sha256(b"".join(map(digest_run, runs))).hexdigest()


def list_facts(runs: Sequence[Run], params: Mapping[str, Mapping[str, Cell]]) -> Facts:
    """Return the facts of some runs; ``params`` has their flat ones by run id."""
    return {
        "runs": len(runs),
        "metrics": count_keys(run.metrics for run in runs),
        "params": _describe_cells(params[run.run_id] for run in runs),
        "tags": {
            key: found for key, found in _describe_cells(run.tags for run in runs).items() if is_visible(key)
        },
    }


def is_visible(tag: str) -> bool:
    """Return whether people set a tag, rather than gittrack or MLflow."""
    return not tag.startswith(_HIDDEN_TAGS)


def _describe_cells(rows: Iterable[Mapping[str, Cell]]) -> dict[str, tuple[int, int, str]]:
    # Rows with the same keys are looked at column by column, which is many times quicker than cell by cell.
    distinct: dict[str, set[Cell]] = {}
    counts: dict[str, int] = {}
    for keys, cells in group_alike(rows).items():
        for key, column in zip(keys, zip(*cells, strict=True), strict=True):
            distinct.setdefault(key, set()).update(column)
            counts[key] = counts.get(key, 0) + len(column)
    return {
        key: (counts[key], int(all(map(reads_as_number, values))), _digest_only(values))
        for key, values in distinct.items()
    }


def _digest_only(values: set[Cell]) -> str:
    """Return a digest of the only value, the same of equal numbers, or nothing if there are more."""
    if len(values) > 1:
        return ""
    (value,) = values
    return hashlib.sha256(pack_plain(unify(value))).hexdigest()[:_DIGITS]


def unify(cell: Cell) -> Cell:
    """Return the same of equal numbers, whole ones or not."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def count_metrics(segments: Iterable[Facts]) -> dict[str, int]:
    """Return how many runs have each metric."""
    counts: dict[str, int] = {}
    for facts in segments:
        for key, count in facts["metrics"].items():
            counts[key] = counts.get(key, 0) + count
    return counts


def merge_cells(segments: Sequence[Facts], kind: str) -> list[tuple[str, bool, int, bool]]:
    """Return of all ``params`` or ``tags``, by their names, what a column has.

    That is the key, whether every value reads as a number, how many runs have it, whether two differ in it.
    """
    total = sum(facts["runs"] for facts in segments)
    counts: dict[str, int] = {}
    texts: set[str] = set()
    alike: dict[str, set[str]] = {}
    for facts in segments:
        for key, (count, is_numeric, same) in facts[kind].items():
            counts[key] = counts.get(key, 0) + count
            alike.setdefault(key, set()).add(same)
            if not is_numeric:
                texts.add(key)
    return [
        (
            key,
            key not in texts,
            counts[key],
            len(alike[key]) > 1 or "" in alike[key] or counts[key] < total,
        )
        for key in sorted(counts)
    ]


def reads_as_number(cell: Cell) -> bool:
    """Return whether a cell is a number or text that says one."""
    if isinstance(cell, str):
        try:
            return math.isfinite(float(cell)) and "_" not in cell
        except ValueError:
            return False
    return True
