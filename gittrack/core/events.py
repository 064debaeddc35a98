"""What can happen to a run."""

from __future__ import annotations

import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gittrack.core.inputs import DatasetInput
    from gittrack.core.model import Artifact, Code, LifecycleStage, ParamValue, RunStatus


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins."""

    run_id: str
    experiment_id: str
    name: str
    time: int
    """Milliseconds since the epoch, as in every event."""
    user: str = "unknown"
    source: str | None = None
    parent: str | None = None
    code: Code | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunResumed:
    """A run that ended goes on."""

    time: int


@dataclass(frozen=True, slots=True)
class ParamsLogged:
    """Params got their values."""

    values: Mapping[str, ParamValue]
    time: int


@dataclass(frozen=True, slots=True)
class TagsSet:
    """Tags got new values."""

    values: Mapping[str, str]
    time: int


@dataclass(frozen=True, slots=True)
class TagDeleted:
    """A tag was removed."""

    key: str
    time: int


@dataclass(frozen=True, slots=True)
class ArtifactLogged:
    """A file was stored."""

    artifact: Artifact
    time: int
    content: bytes | None = None
    """The content itself, if it is small enough to ride along."""


@dataclass(frozen=True, slots=True)
class FolderLogged:
    """Many files whose content does not ride along were stored at one time."""

    artifacts: tuple[Artifact, ...]
    time: int


@dataclass(frozen=True, slots=True)
class ArtifactRemoved:
    """A file was taken out of a run; its content goes when nobody else refers to it."""

    path: str
    time: int


@dataclass(frozen=True, slots=True)
class ArtifactUsed:
    """A run used a file or folder of another run."""

    uri: str
    """``runs:/<run id>/<path>``."""
    digest: str
    """Of the file or folder as it was then."""
    time: int


@dataclass(frozen=True, slots=True)
class SideFileSet:
    """A small file beside the run's document, such as its environment, got this content."""

    name: str
    time: int
    content: bytes | None
    """None: it was removed."""


@dataclass(frozen=True, slots=True)
class InputsLogged:
    """A run read datasets, or used logged models."""

    datasets: tuple[DatasetInput, ...]
    models: tuple[str, ...]
    """Ids."""
    time: int


@dataclass(frozen=True, slots=True)
class OutputsLogged:
    """A run made logged models."""

    models: Mapping[str, int]
    """Id → step."""
    time: int


@dataclass(frozen=True, slots=True)
class EnvironmentRecorded:
    """It was recorded which packages a run has; of several environments the first counts."""

    digest: str
    """SHA-256 of the text, 64 hex digits."""
    time: int
    text: str | None = None
    """The lock itself, None if it is known to be stored already."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A run ended, or was scheduled."""

    status: RunStatus
    time: int
    end_time: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    """A run got another name."""

    name: str
    time: int


@dataclass(frozen=True, slots=True)
class LifecycleChanged:
    """A run was (softly) deleted or restored."""

    stage: LifecycleStage
    time: int


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | ParamsLogged
    | TagsSet
    | TagDeleted
    | ArtifactLogged
    | FolderLogged
    | ArtifactRemoved
    | ArtifactUsed
    | SideFileSet
    | EnvironmentRecorded
    | InputsLogged
    | OutputsLogged
    | StatusChanged
    | Renamed
    | LifecycleChanged
)
"""Everything but metric points, which have a faster way."""


def logged_artifacts(events: Iterable[Event]) -> Iterator[Artifact]:
    """Yield all artifacts that events log."""
    for event in events:
        if isinstance(event, ArtifactLogged):
            yield event.artifact
        elif isinstance(event, FolderLogged):
            yield from event.artifacts


def digest_environment(text: str) -> str:
    """Return what an environment is known by."""
    return hashlib.sha256(text.encode()).hexdigest()


def is_reference_digest(digest: str) -> bool:
    """Whether this may be the digest of what is only referred to: ``<algorithm>:<value>``, or none."""
    algorithm, colon, value = digest.partition(":")
    plain = algorithm.isascii() and algorithm.isalnum() and value.isascii() and value.isprintable()
    return not digest or (bool(colon and value) and plain and " " not in value)
