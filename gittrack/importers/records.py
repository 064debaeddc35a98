"""What a reader of another tracker finds, in words that do not depend on the tracker."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gittrack.core.model import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from gittrack.core.inputs import DatasetInput
    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.model import Metric, ParamValue
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.errors import GittrackError


@dataclass(frozen=True, slots=True)
class FoundExperiment:
    """An experiment of another tracker."""

    experiment_id: str
    name: str
    creation_time: int
    """Milliseconds since the epoch."""
    is_deleted: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


def _nothing() -> Iterable[tuple[str, Path]]:
    return ()


@dataclass(frozen=True, slots=True)
class FoundRun:
    """A run of another tracker; what may be large is read when it is asked for."""

    run_id: str
    experiment_id: str
    name: str
    start_time: int
    """Milliseconds since the epoch."""
    end_time: int | None
    status: RunStatus = RunStatus.FINISHED
    user: str = ""
    is_deleted: bool = False
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetInput, ...] = ()
    model_inputs: tuple[str, ...] = ()
    """Ids of logged models."""
    model_outputs: Mapping[str, int] = field(default_factory=dict)
    """Id of each logged model it made → step."""
    has_own_times: bool = True
    """Whether the tracker kept times; else they are those of files, which may change and mean little."""
    read_metrics: Callable[[], Iterable[Metric]] = tuple
    """Yields every point of every metric, in any order."""
    read_artifacts: Callable[[], Iterable[tuple[str, Path]]] = _nothing
    """Yields path in the run, and the file; a file is looked at before the next one is asked for."""


@dataclass(frozen=True, slots=True)
class UnreadableRun:
    """A run of another tracker that is damaged; the others are taken in all the same."""

    name: str
    error: GittrackError


@dataclass(frozen=True, slots=True)
class FoundLoggedModel:
    """A logged model of another tracker."""

    model: LoggedModel
    """With its metrics; where its files are is not looked at."""
    read_files: Callable[[], Iterable[tuple[str, Path]]] = _nothing
    """Yields path in the model, and the file."""


@dataclass(frozen=True, slots=True)
class FoundRegisteredModel:
    """A registered model of another tracker."""

    model: RegisteredModel
    """With its aliases; ``latest_versions`` are not looked at."""
    versions: tuple[ModelVersion, ...] = ()
    """All that are not deleted."""


class Reader(Protocol):
    """Another tracker's store, as the importer reads it."""

    def experiments(self) -> Iterable[FoundExperiment]:
        """Yield all experiments, deleted ones too.

        Raises:
            GittrackError: They cannot be read.
        """

    def runs(self, experiment: FoundExperiment) -> Iterable[FoundRun | UnreadableRun]:
        """Yield all runs of an experiment, deleted ones too.

        Raises:
            GittrackError: They cannot be read.
        """

    def logged_models(self, experiment: FoundExperiment) -> Iterable[FoundLoggedModel]:
        """Yield the logged models of an experiment.

        Raises:
            GittrackError: They cannot be read.
        """

    def registered_models(self) -> Iterable[FoundRegisteredModel]:
        """Yield all registered models.

        Raises:
            GittrackError: They cannot be read.
        """
