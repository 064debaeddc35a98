"""An experiment is a fold of changes, as a run is of events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass
from gittrack.core.model import Experiment, LifecycleStage

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class ExperimentChange:
    """One change of an experiment: only the fields that are not None are changed."""

    time: int
    """Milliseconds since the epoch."""
    created_name: str | None = None
    """The name, if this change creates the experiment; nothing happens if it exists already."""
    artifact_location: str | None = None
    name: str | None = None
    stage: str | None = None
    set_tags: dict[str, str] | None = None
    deleted_tag: str | None = None


def fold_experiment(
    experiment: Experiment | None,
    experiment_id: str,
    changes: Iterable[ExperimentChange],
    *,
    writer: str = "",
) -> Experiment:
    """Return the experiment after ``changes``; each changed field is stamped with its time and writer."""
    state = experiment
    for sequence, change in enumerate(changes):
        if state is None:
            name = change.created_name or experiment_id
            location = change.artifact_location or ""
            tags = dict(change.set_tags or {})
            state = Experiment(
                experiment_id, name, LifecycleStage.ACTIVE.value, change.time, change.time, tags, location
            )
        elif change.created_name is None:
            state = _change(state, change, f"{change.time:012x}-{sequence:06x}-{writer}")
    return state or Experiment(experiment_id, experiment_id)


def change_row(change: ExperimentChange) -> dict[str, object]:
    """Return a change as JSON can hold it."""
    row = {
        "time": change.time, "created_name": change.created_name, "name": change.name, "stage": change.stage,
        "artifact_location": change.artifact_location,
        "set_tags": change.set_tags, "deleted_tag": change.deleted_tag,
    }  # fmt: skip
    return {key: value for key, value in row.items() if value is not None}


def parse_change(row: dict[str, Any]) -> ExperimentChange:
    """Return the change `change_row` wrote."""
    return ExperimentChange(**row)


def _change(state: Experiment, change: ExperimentChange, stamp: str) -> Experiment:
    fields = []
    tags = dict(state.tags)
    if change.name is not None:
        fields.append("name")
    if change.stage is not None:
        fields.append("lifecycle_stage")
    for key, value in (change.set_tags or {}).items():
        tags[key] = value
        fields.append(f"tags.{key}")
    if change.deleted_tag is not None:
        tags.pop(change.deleted_tag, None)
        fields.append(f"tags.{change.deleted_tag}")
    return replace(
        state,
        name=state.name if change.name is None else change.name,
        lifecycle_stage=state.lifecycle_stage if change.stage is None else change.stage,
        tags=tags,
        last_update_time=max(state.last_update_time, change.time),
        edits={**state.edits, **dict.fromkeys(fields, stamp)},
    )
