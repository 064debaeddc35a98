"""A run of W&B as it stands after all its records, put together one by one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gittrack.core.wandb_records import (
    ConfigChange,
    Environment,
    Exit,
    HistoryRow,
    LoggedArtifact,
    Output,
    RunFacts,
    SummaryChange,
    SystemRow,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gittrack.core.wandb_records import Item, Record

SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
"""How older clients write what JSON lacks."""
TYPE = "_type"
"""In what is a picture, a table, a histogram …"""
OWN_KEYS = frozenset({"_step", "_timestamp", "_runtime", "_wandb"})


@dataclass(frozen=True, slots=True)
class Row:
    """What is new of the metrics, or of what is logged beside them."""

    metrics: Mapping[str, float]
    step: int
    time: int
    """Milliseconds since the epoch."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """What is no number, nested as it was logged."""


@dataclass(slots=True)
class WandbRun:
    """What is known of a run so far."""

    facts: RunFacts = field(default_factory=RunFacts)
    environment: Environment = field(default_factory=Environment)
    config: dict[str, Any] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    artifacts: list[LoggedArtifact] = field(default_factory=list)
    end: Exit | None = None
    start_time: int = 0
    """Milliseconds since the epoch, as the next."""
    end_time: int = 0
    """When something was heard of it last."""
    last_step: int = 0
    _system_rows: int = 0

    def add(self, record: Record) -> Row | None:
        """Add a record; return the row it holds, if any."""
        match record:
            case RunFacts():
                self._add_facts(record)
            case Environment():
                known = {name: value for name in Environment.__slots__ if (value := getattr(record, name))}
                self.environment = replace(self.environment, **known)
            case ConfigChange(items):
                apply_items(self.config, items)
            case SummaryChange(items):
                apply_items(self.summary, items)
            case LoggedArtifact():
                self.artifacts = [one for one in self.artifacts if one.name != record.name] + [record]
            case Exit():
                self.end = record
                self.end_time = max(self.end_time, self.facts.start_time + record.runtime_s * 1000)
            case HistoryRow():
                return self._read_history(record)
            case SystemRow():
                return self._read_system(record)
            case Output():
                pass
        return None

    def summary_metrics(self) -> dict[str, float]:
        """Return the numbers of the summary, those of the history too."""
        return _split(self.summary)[0]

    def _add_facts(self, facts: RunFacts) -> None:
        self.facts = facts
        self.end = None  # a run that is resumed has not ended
        self.start_time = min(self.start_time or facts.start_time, facts.start_time)
        self.end_time = max(self.end_time, facts.start_time)
        apply_items(self.config, facts.config)

    def _read_history(self, record: HistoryRow) -> Row:
        values: dict[str, Any] = {}
        apply_items(values, record.items)
        said_step, said_time = values.get("_step"), _number(values.get("_timestamp"))
        step = record.step if record.step is not None else said_step
        if not isinstance(step, int):
            step = self.last_step + 1
        time = self.end_time
        if said_time is not None and 0 <= said_time < float("inf"):
            time = round(said_time * 1000)
        self.last_step, self.end_time = max(self.last_step, step), max(self.end_time, time)
        metrics, others = _split(values)
        return Row(metrics, step, time, others)

    def _read_system(self, record: SystemRow) -> Row:
        metrics = {
            name_system_metric("/".join(item.path)): number
            for item in record.items
            if (number := _number(item.value)) is not None
        }
        self._system_rows += 1
        self.end_time = max(self.end_time, record.time)
        return Row(metrics, self._system_rows - 1, record.time)


def apply_items(values: dict[str, Any], items: Iterable[Item]) -> None:
    """Set or remove items in nested dictionaries."""
    for item in items:
        if not item.path:
            continue
        inner = values
        for part in item.path[:-1]:
            below = inner.get(part)
            if not isinstance(below, dict):
                below = inner[part] = {}
            inner = below
        if item.has_value:
            inner[item.path[-1]] = item.value
        else:
            inner.pop(item.path[-1], None)


def name_system_metric(name: str) -> str:
    """Return our name of what W&B measures of the machine; what both measure has the same name."""
    known = _SYSTEM.get(name)
    if known is None and name.startswith("gpu.") and name.count(".") == 2:  # noqa: PLR2004  (gpu.0.temp)
        _, index, what = name.split(".")
        known = f"gpu_{index}_{_GPU[what]}" if what in _GPU else None
    return f"system/{known or name}"


_SYSTEM = {
    "cpu": "cpu_utilization_percentage",
    "memory": "system_memory_usage_percentage",
    "memory_percent": "system_memory_usage_percentage",
    "disk": "disk_usage_percentage",
    "disk./.usagePercent": "disk_usage_percentage",
    "proc.memory.rssMB": "process_memory_usage_megabytes",
}
_GPU = {
    "gpu": "utilization_percentage",
    "memoryAllocated": "memory_usage_percentage",
    "powerWatts": "power_usage_watts",
    "powerPercent": "power_usage_percentage",
}


def _split(values: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return numbers by the paths of their keys, and what else there is, by its top key."""
    metrics: dict[str, float] = {}
    others: dict[str, Any] = {}
    for key, value in values.items():
        if key in OWN_KEYS:
            continue
        found = dict(_find_numbers(key, value))
        metrics |= found
        if len(found) < _count_leaves(value):
            others[key] = value
    return metrics, others


def _find_numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:  # noqa: ANN401  (of JSON)
    if isinstance(value, dict) and TYPE not in value:
        for key, item in value.items():
            yield from _find_numbers(f"{path}/{key}", item)
    elif (number := _number(value)) is not None:
        yield path, number


def _count_leaves(value: Any) -> int:  # noqa: ANN401  (of JSON)
    if isinstance(value, dict) and TYPE not in value:
        return sum(map(_count_leaves, value.values()))
    return 1


def _number(value: Any) -> float | None:  # noqa: ANN401  (of JSON)
    if isinstance(value, str):
        return SPECIAL.get(value)
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
