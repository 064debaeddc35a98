"""Which facts of runs a table shows first: what was achieved, then what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.direction import is_lower_better
from gittrack.core.fields import ATTRIBUTE, METRIC, PARAM, TAG, Field, flatten_params, list_fields
from gittrack.core.messages import pick_primary_metric
from gittrack.core.model import format_param

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.model import Run

FIRST_METRICS = 2
_RARELY_TELLING = frozenset("seed random_seed random_state name id path output_dir".split())


def choose_columns(runs: Sequence[Run]) -> list[Field]:
    """Return what says most first: the leading metrics, params that vary, other metrics, tags that vary."""
    counts = list_fields(runs)
    metrics = rank_metrics(
        field.key for field, count in counts.items() if _is_common(field, METRIC, count, runs)
    )
    leading = _leading(metrics)
    params = sorted(_varying(runs, counts, PARAM), key=lambda field: _telling(field, counts[field]))
    rest = [Field(METRIC, key) for key in metrics if key not in leading]
    tags = [field for field in _varying(runs, counts, TAG) if not is_system_tag(field.key)]
    return [*(Field(METRIC, key) for key in leading), *params, *rest, *tags]


def all_columns(known: Iterable[Field]) -> list[Field]:
    """Return every param, metric and tag among fields, for exports."""
    fields = [field for field in known if field.kind != ATTRIBUTE]
    order = {PARAM: 0, METRIC: 1, TAG: 2}
    return sorted(fields, key=lambda field: (order[field.kind], field.key))


def rank_metrics(keys: Iterable[str]) -> list[str]:
    """Return metrics, the one that says most first, those about the machine last."""
    left = set(keys)
    ranked = []
    while (key := pick_primary_metric(left)) is not None:
        ranked.append(key)
        left.discard(key)
    return ranked + sorted(left)


def _leading(metrics: Sequence[str]) -> list[str]:
    """Return the primary metric and one that pulls the other way: an accuracy and a loss."""
    if not metrics:
        return []
    other = [key for key in metrics if is_lower_better(key) != is_lower_better(metrics[0])]
    return [metrics[0], *other[: FIRST_METRICS - 1]]


def _is_common(field: Field, kind: str, count: int, runs: Sequence[Run]) -> bool:
    return field.kind == kind and count * 20 >= len(runs)


def _varying(runs: Sequence[Run], counts: dict[Field, int], kind: str) -> list[Field]:
    seen: dict[str, set[str]] = {}
    for run in runs:
        cells = flatten_params(run.params) if kind == PARAM else run.tags
        for key, value in cells.items():
            seen.setdefault(key, set()).add(format_param(value))
    found = [Field(kind, key) for key in sorted(seen)]
    if len(runs) <= 1:
        return found
    return [field for field in found if len(seen[field.key]) > 1 or counts[field] < len(runs)]


def _telling(field: Field, count: int) -> tuple[bool, int, str]:
    return field.key.rpartition(".")[2].lower() in _RARELY_TELLING, -count, field.key


def is_system_tag(key: str) -> bool:
    """Whether a tag was set by the tracker and has its own place where runs are shown."""
    return key.startswith(("mlflow.", "gittrack."))
