"""What people type or pipe to record a run: ``lr=0.1``, ``loss=0.3@10``, JSON lines."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gittrack.core.names import check_key, shorten
from gittrack.core.values import coerce_metric, coerce_param, coerce_step, coerce_tag, coerce_timestamp
from gittrack.errors import InvalidValueError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.model import ParamValue

_SECTIONS = frozenset({"params", "metrics", "tags"})
_BESIDE = frozenset({"step", "timestamp"})


@dataclass(frozen=True, slots=True)
class Point:
    """One metric value as it was typed."""

    key: str
    value: float
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """Params, metrics and tags that are logged together."""

    params: Mapping[str, ParamValue] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    step: int | None = None
    timestamp: int | None = None
    """Milliseconds since the epoch."""


def parse_param(text: str) -> tuple[str, ParamValue]:
    """Return key and value of ``KEY=VALUE``; the value is JSON if it reads as such, else text.

    Raises:
        UserError: It is no such pair, or cannot be stored.
    """
    key, value = split_pair("param", text)
    return check_key("param", key), coerce_param(key, _parse_value(value))


def parse_tag(text: str) -> tuple[str, str]:
    """Return key and value of ``KEY=VALUE``.

    Raises:
        UserError: It is no such pair, or cannot be stored.
    """
    key, value = split_pair("tag", text)
    return check_key("tag", key), coerce_tag(key, value)


def parse_metric(text: str) -> Point:
    """Return the point of ``KEY=VALUE`` or ``KEY=VALUE@STEP``.

    Raises:
        UserError: It is no such point, or cannot be stored.
    """
    key, value = split_pair("metric", text)
    check_key("metric", key)
    number, at, step = value.partition("@")
    try:
        parsed = float(number)
    except ValueError:
        message = f"metric {key!r} must be a number, not {shorten(number)}"
        raise InvalidValueError(message, hint="e.g. -m loss=0.3, or -m loss=0.3@10 at step 10") from None
    if math.isinf(parsed) and "inf" not in number.lower():
        message = f"metric {key!r}: {shorten(number)} is too large for a float"
        raise InvalidValueError(message, hint="log its logarithm, or inf")
    if not at:
        return Point(key, parsed)
    try:
        return Point(key, parsed, coerce_step(int(step)))
    except ValueError:
        message = f"the step of metric {key!r} must be a whole number, not {shorten(step)}"
        raise InvalidValueError(message, hint="e.g. -m loss=0.3@10") from None


def parse_line(line: bytes) -> Facts:
    """Return what one line of JSON says.

    It is an object of ``params``, ``metrics`` and ``tags``, with ``step`` and ``timestamp`` beside them, or a
    flat object of metrics, ``step`` and ``timestamp``. An empty line says nothing.

    Raises:
        UserError: It is no such line, or cannot be stored.
    """
    if not line.strip():
        return Facts()
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"not JSON: {error}"
        raise InvalidValueError(
            message, hint='each line is an object, e.g. {"loss": 0.3, "step": 1}'
        ) from None
    if not isinstance(row, dict):
        message = f"not an object: {shorten(line.decode(errors='replace').strip())}"
        raise InvalidValueError(message, hint='each line is an object, e.g. {"loss": 0.3, "step": 1}')
    if not _SECTIONS & {key for key, value in row.items() if isinstance(value, dict)}:
        row = {
            "metrics": {key: value for key, value in row.items() if key not in _BESIDE},
            **{key: row[key] for key in _BESIDE if key in row},
        }
    if unknown := sorted(row.keys() - _SECTIONS - _BESIDE):
        message = f"unknown key {shorten(unknown[0])}"
        raise InvalidValueError(message, hint="known are params, metrics, tags, step and timestamp")
    return Facts(
        params={check_key("param", key): coerce_param(key, value) for key, value in _section(row, "params")},
        metrics={check_key("metric", key): _number(key, value) for key, value in _section(row, "metrics")},
        tags={check_key("tag", key): coerce_tag(key, value) for key, value in _section(row, "tags")},
        step=coerce_step(row["step"]) if row.get("step") is not None else None,
        timestamp=coerce_timestamp(row["timestamp"]) if row.get("timestamp") is not None else None,
    )


def collect_pairs(kind: str, pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Return pairs as a dict.

    Raises:
        UserError: A key is given twice with different values.
    """
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found and found[key] != value:
            message = f"{kind} {key!r} is given twice: {found[key]!r} and {value!r}"
            raise UserError(message, hint="give it once")
        found[key] = value
    return found


def split_pair(kind: str, text: str) -> tuple[str, str]:
    """Return both sides of the first ``=``.

    Raises:
        UserError: There is none, or nothing before it.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        message = f"{shorten(text)} is no {kind}"
        example = {"metric": "acc=0.9", "tag": "team=vision"}.get(kind, "lr=0.1")
        raise UserError(message, hint=f"write it as KEY=VALUE, e.g. {example}")
    return key, value


def _parse_value(text: str) -> object:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text
    # What JSON reads as infinite (1e999) is kept as it was written.
    return text if isinstance(value, float) and math.isinf(value) else value


def _refuse(name: str) -> None:
    raise ValueError(name)


def _section(row: Mapping[str, Any], name: str) -> Iterable[tuple[str, Any]]:
    section = row.get(name, {})
    if not isinstance(section, dict):
        message = f"{name!r} must be an object, not {shorten(str(section))}"
        raise InvalidValueError(message, hint=f'e.g. {{"{name}": {{"key": 1}}}}')
    return section.items()


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        message = f"metric {shorten(key)} must be a number, not {shorten(json.dumps(value))}"
        raise InvalidValueError(message, hint='text and settings go under "tags" and "params"')
    return coerce_metric(key, value)
