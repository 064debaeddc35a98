"""Facts of a run by name: ``metrics.val/acc``, ``metrics.loss.min``, ``params.lr``, ``start_time``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from gittrack.core.frozen import dataclass
from gittrack.core.messages import best_value
from gittrack.core.model import Code, format_param
from gittrack.core.query_tree import Key
from gittrack.errors import QuerySyntaxError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from gittrack.core.model import MetricSummary, ParamValue, Run

METRIC, PARAM, TAG, ATTRIBUTE = "metrics", "params", "tags", "attributes"
VALUES = ("last", "best", "min", "max")
"""Which value stands for a whole metric."""

_KINDS = {
    "metrics": METRIC,
    "metric": METRIC,
    "params": PARAM,
    "param": PARAM,
    "parameters": PARAM,
    "tags": TAG,
    "tag": TAG,
    "attributes": ATTRIBUTE,
    "attribute": ATTRIBUTE,
    "attr": ATTRIBUTE,
}
_ATTRIBUTES: dict[str, Callable[[Run], ParamValue]] = {
    "run_id": lambda run: run.run_id,
    "name": lambda run: run.name,
    "experiment_id": lambda run: run.experiment_id,
    "status": lambda run: run.status.value,
    "start_time": lambda run: run.start_time,
    "end_time": lambda run: run.end_time,
    "duration": lambda run: run.duration_s,
    "user": lambda run: run.user,
    "source": lambda run: run.source,
    "parent": lambda run: run.parent,
    "commit": lambda run: (run.code or Code()).commit,
    "branch": lambda run: (run.code or Code()).branch,
    "lifecycle_stage": lambda run: run.lifecycle_stage.value,
}
_OTHER_NAMES = {
    "id": "run_id",
    "run": "run_id",
    "run_name": "name",
    "experiment": "experiment_id",
    "created": "start_time",
    "started": "start_time",
    "ended": "end_time",
    "duration_s": "duration",
    "took": "duration",
    "user_id": "user",
    "stage": "lifecycle_stage",
}


class _Null(str):
    __slots__ = ()


NULL: Final = _Null("None")
"""A param that is None, where None says that there is no param."""


@dataclass(frozen=True, slots=True)
class Field:
    """One fact that runs may have."""

    kind: str
    """`METRIC`, `PARAM`, `TAG` or `ATTRIBUTE`."""
    key: str
    part: str | None = None
    """Of a metric: one of `VALUES`, None for whichever is asked for."""

    @property
    def name(self) -> str:
        """What people call it, and what `parse_field` understands."""
        prefix = "" if self.kind == ATTRIBUTE else f"{self.kind}."
        return f"{prefix}{self.key}" + (f".{self.part}" if self.part else "")


def parse_field(
    text: str, known: Collection[Field], kinds: Sequence[str] = (ATTRIBUTE, METRIC, PARAM, TAG)
) -> Field:
    """Return the fact that ``text`` names among those that are ``known``; see `list_fields`.

    The prefix may be left out; then the first of ``kinds`` that has the key is meant.

    Raises:
        QuerySyntaxError: No run has it.
    """
    prefix, dot, rest = text.strip().partition(".")
    if dot and prefix in _KINDS:
        wanted = [(_KINDS[prefix], rest.strip("`"))]
    else:
        wanted = [(kind, text.strip().strip("`")) for kind in kinds]
    for kind, key in wanted:
        name = _OTHER_NAMES.get(key, key) if kind == ATTRIBUTE else key
        if Field(kind, name) in known:
            return Field(kind, name)
        base, dot, part = key.rpartition(".")
        if kind == METRIC and dot and part in VALUES and Field(METRIC, base) in known:
            return Field(METRIC, base, part)
    raise _unknown(text, known)


def list_fields(runs: Iterable[Run]) -> dict[Field, int]:
    """Return every fact that runs have, attributes first, with the number of runs that have it."""
    counts: dict[Field, int] = {}
    total = 0
    for run in runs:
        total += 1
        fields = [Field(METRIC, key) for key in run.metrics]
        fields += [Field(PARAM, key) for key in flatten_params(run.params)]
        fields += [Field(TAG, key) for key in run.tags]
        for field in fields:
            counts[field] = counts.get(field, 0) + 1
    return {**{Field(ATTRIBUTE, name): total for name in _ATTRIBUTES}, **counts}


def attribute_fields() -> list[Field]:
    """Return the facts that every run may have."""
    return [Field(ATTRIBUTE, name) for name in _ATTRIBUTES]


def field_key(field: Field, value: str = "last") -> Key:
    """Return the key of the search language for a fact; ``value`` says which value stands for a metric."""
    match field.kind:
        case "metrics":
            return Key("metrics", field.key, field.part or value)
        case "params":
            return Key("params", field.key)
        case "tags":
            return Key("tags", field.key)
        case _:
            return Key("code" if field.key in {"commit", "branch"} else "attributes", field.key)


def read_field(
    run: Run, field: Field, value: str = "last", directions: Mapping[str, Mapping[str, bool]] | None = None
) -> ParamValue:
    """Return what a run has for a field, None if nothing.

    Args:
        run: The run.
        field: What to read.
        value: Which value stands for a metric.
        directions: Experiment id → metric → whether less is better, where that was declared.
    """
    match field.kind:
        case "metrics":
            summary = run.metrics.get(field.key)
            if summary is None:
                return None
            lower = (directions or {}).get(run.experiment_id, {}).get(field.key)
            return metric_value(field.key, summary, field.part or value, lower=lower)
        case "params":
            plain = run.params.get(field.key)
            if plain is not None and not isinstance(plain, dict):
                return plain
            return flatten_params(run.params).get(field.key)
        case "tags":
            return run.tags.get(field.key)
        case _:
            return _ATTRIBUTES[field.key](run)


def metric_value(key: str, summary: MetricSummary, value: str, *, lower: bool | None = None) -> float:
    """Return the ``last``, ``best``, ``min`` or ``max`` of a metric.

    ``lower`` says whether less is better, where that was declared; else the name tells.
    """
    if value == "best":
        return best_value(key, summary, lower=lower)
    return {"last": summary.last, "min": summary.min, "max": summary.max}[value]


def flatten_params(params: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    """Return params with nested ones under dotted keys, e.g. ``optimizer.name``."""
    if not any(isinstance(value, dict) for value in params.values()):
        return dict(params)
    flat: dict[str, ParamValue] = {}
    for key, value in params.items():
        if isinstance(value, dict) and value:
            for inner, cell in flatten_params(value).items():
                flat.setdefault(f"{key}.{inner}", cell)
        else:
            flat[key] = value
    return flat


def read_param(run: Run, name: str) -> ParamValue:
    """Return a param by its name, a nested one by its dotted name; `NULL` for None, None if there is none."""
    if name in run.params:
        value = run.params[name]
    elif "." in name and name in (flat := flatten_params(run.params)):
        value = flat[name]
    else:
        return None
    return NULL if value is None else value


def is_missing(cell: ParamValue) -> bool:
    """Whether there is nothing to compare."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def order_of(cell: ParamValue) -> tuple[bool, float | int | str]:
    """Return a key that orders any two values: numbers by size, then text."""
    if isinstance(cell, (int, float)):
        return False, cell
    return True, format_param(cell)


def _enumerate(names: Sequence[str], shown: int = 8) -> str:
    return ", ".join(names[:shown]) + (", …" if len(names) > shown else "")


def _unknown(text: str, known: Iterable[Field]) -> QuerySyntaxError:
    from difflib import get_close_matches

    message = f"no run has {text!r}"
    names = [field.name for field in known]
    close = get_close_matches(text, names, 3) or get_close_matches(text, [field.key for field in known], 3)
    hint = f"did you mean {', '.join(map(repr, close))}?" if close else f"there is {_enumerate(names)}"
    return QuerySyntaxError(message, hint=hint)
