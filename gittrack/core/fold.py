"""A run is a fold of events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.events import (
    ArtifactLogged,
    ArtifactRemoved,
    ArtifactUsed,
    EnvironmentRecorded,
    Event,
    FolderLogged,
    InputsLogged,
    LifecycleChanged,
    OutputsLogged,
    ParamsLogged,
    Renamed,
    RunResumed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagDeleted,
    TagsSet,
    logged_artifacts,
)
from gittrack.core.frozen import dataclass
from gittrack.core.model import (
    DEFAULT_EXPERIMENT_ID,
    TAG_PARENT,
    TAG_RUN_NAME,
    LifecycleStage,
    Run,
    RunStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.model import Artifact


def blank_run(run_id: str) -> Run:
    """Return the run that events without a beginning are folded onto."""
    return Run(run_id, run_id[:12], DEFAULT_EXPERIMENT_ID, RunStatus.RUNNING, 0)


def fold(run: Run | None, run_id: str, events: Iterable[Event], *, writer: str = "") -> Run:
    """Return the run after ``events``.

    Args:
        run: The run as it was committed before, None if it never was.
        run_id: Its id.
        events: In the order in which one writer wrote them.
        writer: Names that writer in the stamps which changes of an already committed run get; they are what
            lets two clones agree on the later of two edits.

    Folding in two steps is folding at once, but for stamps, which only edits carry: what is written to a run
    beside the journal that began it, or after that was committed. What has a later stamp stays as it is: a
    journal may be folded long after it was written.
    """
    listed = list(events)
    is_begun = run is not None and run.start_time != 0
    is_edit = is_begun or not any(isinstance(event, RunStarted) for event in listed)
    state = run or blank_run(run_id)
    grown = _Grown(dict(state.params), dict(state.tags), dict(state.artifacts), dict(state.edits))
    state = replace(state, params=grown.params, tags=grown.tags, artifacts=grown.artifacts, edits=grown.edits)
    latest = 0
    for sequence, event in enumerate(listed):
        latest = max(latest, event.time)  # a clock that jumps back does not undo what was logged before
        fields = _current_fields(state, event, latest) if is_edit else []
        state = _apply(state, grown, event, latest)
        if fields:
            grown.edits.update(dict.fromkeys(fields, f"{latest:012x}-{sequence:06x}-{writer}"))
    return state


def fold_side_files(run: Run | None, events: Iterable[Event]) -> dict[str, bytes | None]:
    """Return the content that ``events`` leave in the side files they set, None for those they remove.

    Args:
        run: The run as it was committed before: what was set there later stays, as in `fold`.
        events: In the order in which one writer wrote them.
    """
    files: dict[str, bytes | None] = {}
    latest = 0
    for event in events:
        latest = max(latest, event.time)
        if isinstance(event, SideFileSet) and not (
            run and _is_later(run, side_file_field(event.name), latest)
        ):
            files[event.name] = event.content
    return files


def _current_fields(run: Run, event: Event, time: int) -> list[str]:
    """Return the fields that an event of ``time`` changes, without those that were changed later."""
    return [field for field in changed_fields(event) if not _is_later(run, field, time)]


def _is_later(run: Run, field: str, time: int) -> bool:
    """Whether a field was changed after ``time``."""
    return run.edits.get(field, "")[:12] > f"{time:012x}"


@dataclass(frozen=True, slots=True)
class _Grown:
    """The mappings of a run that grow with every event: copied once a fold, not once an event."""

    params: dict[str, Any]
    tags: dict[str, str]
    artifacts: dict[str, Artifact]
    edits: dict[str, str]


def _apply(run: Run, grown: _Grown, event: Event, time: int) -> Run:
    """Return the run after one event; ``grown`` holds its own mappings, and is changed."""
    match event:
        case RunStarted():
            return _start(run, grown, event, time)
        case TagsSet():
            return _set_tags(run, grown, event.values, time)
        case ParamsLogged():
            for key, value in event.values.items():
                grown.params.setdefault(key, value)
            return run
        case InputsLogged() | OutputsLogged() | ArtifactUsed():
            return _link(run, event)
        case ArtifactLogged() | FolderLogged():
            for one in logged_artifacts([event]):
                if not (run.edits and _is_later(run, artifact_field(one.path), time)):
                    grown.artifacts[one.path] = one
            return run
        case _ if run.edits and len(_current_fields(run, event, time)) < len(changed_fields(event)):
            return run
        case RunResumed():
            return replace(run, status=RunStatus.RUNNING, end_time=None, reason=None)
        case TagDeleted():
            if event.key == TAG_PARENT:
                return replace(run, parent=None)
            grown.tags.pop(event.key, None)
            return run
        case ArtifactRemoved():
            grown.artifacts.pop(event.path, None)
            return run
        case StatusChanged() if not event.status.is_terminated and time < (run.end_time or 0):
            return run  # somebody beside the run's own process said so before that ended it
        case StatusChanged():
            return replace(run, status=event.status, end_time=event.end_time, reason=event.reason)
        case Renamed():
            return replace(run, name=event.name)
        case LifecycleChanged():
            return replace(run, lifecycle_stage=event.stage)
        case SideFileSet():  # beside the run: see `fold_side_files`
            return run
        case EnvironmentRecorded():
            return replace(run, environment=run.environment or event.digest)


def _link(run: Run, event: InputsLogged | OutputsLogged | ArtifactUsed) -> Run:
    """Return the run after it read or made something."""
    match event:
        case InputsLogged():
            fresh = {one.key: one for one in event.datasets if one.key not in run.datasets}
            models = tuple(sorted({*run.model_inputs, *event.models}))
            return replace(run, datasets={**run.datasets, **fresh}, model_inputs=models)
        case OutputsLogged():
            return replace(run, model_outputs={**event.models, **run.model_outputs})
        case ArtifactUsed():
            return run if event.uri in run.used else replace(run, used={**run.used, event.uri: event.digest})


def _start(run: Run, grown: _Grown, event: RunStarted, time: int) -> Run:
    # Another writer's journal may have been folded first, and may have ended the run, or ended it later.
    has_ended = (run.start_time == 0 and run.end_time is not None) or _is_later(run, "status", time)
    started = replace(
        run,
        name=run.name if _is_later(run, "name", time) else event.name,
        experiment_id=event.experiment_id,
        status=run.status if has_ended else RunStatus.RUNNING,
        start_time=event.time,
        user=event.user,
        source=event.source,
        parent=run.parent if _is_later(run, "parent", time) else event.parent,
        code=event.code,
    )
    return _set_tags(started, grown, event.tags, time) if event.tags else started


def _set_tags(run: Run, grown: _Grown, tags: Mapping[str, str], time: int) -> Run:
    values = {key: value for key, value in tags.items() if not _is_later(run, _tag_field(key), time)}
    name = values.pop(TAG_RUN_NAME, run.name)
    parent = values.pop(TAG_PARENT, run.parent)
    grown.tags.update(values)
    return replace(run, name=name, parent=parent)


def changed_fields(event: Event) -> list[str]:
    """Return the fields of a committed run that an event changes, as its ``edits`` name them."""
    match event:
        case RunResumed() | StatusChanged():
            return ["status"]
        case TagsSet():
            return [_tag_field(key) for key in event.values]
        case TagDeleted():
            return [_tag_field(event.key)]
        case Renamed():
            return ["name"]
        case LifecycleChanged():
            return ["lifecycle_stage"]
        case ArtifactLogged() | FolderLogged():
            return [artifact_field(one.path) for one in logged_artifacts([event])]
        case ArtifactRemoved():
            return [artifact_field(event.path)]
        case SideFileSet():
            return [side_file_field(event.name)]
        case RunStarted() | ParamsLogged() | EnvironmentRecorded():
            return []
        case InputsLogged() | OutputsLogged() | ArtifactUsed():
            return []


def artifact_field(path: str) -> str:
    """Return how a run's ``edits`` name one of its artifacts."""
    return f"artifacts.{path}"


def side_file_field(name: str) -> str:
    """Return how a run's ``edits`` name one of its side files."""
    return f"side_files.{name}"


def _tag_field(key: str) -> str:
    return {TAG_RUN_NAME: "name", TAG_PARENT: "parent"}.get(key, f"tags.{key}")


def latest_edit(run: Run) -> int:
    """Return when a run was started or last edited, as far as it says so, ms."""
    return max([run.start_time, *map(_stamp_time, run.edits.values())])


def _stamp_time(stamp: str) -> int:
    try:
        return int(stamp[:12], 16)
    except ValueError:  # whoever wrote that, it is no reason to refuse an edit
        return 0


def kill(run: Run, time: int) -> Run:
    """Return a run whose process died: failed at the time of its last event, if it was still running."""
    if run.status is not RunStatus.RUNNING:
        return run
    return replace(run, status=RunStatus.FAILED, end_time=time, reason="killed")


def is_active(run: Run) -> bool:
    """Whether the run is not (softly) deleted."""
    return run.lifecycle_stage is LifecycleStage.ACTIVE
