"""The nouns of tracking, as frozen values.

`Run` is what `gittrack.core.fold.fold` makes of events. Its ``info`` and ``data`` have the shapes
of MLflow's entities, so that code written for MLflow reads them unchanged.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.inputs import DatasetInput, RunInputs, RunOutputs

ParamValue: TypeAlias = "str | int | float | bool | list[ParamValue] | dict[str, ParamValue] | None"
"""What a param may hold: anything JSON can say exactly."""


class RunStatus(StrEnum):
    """Where a run is in its life, in MLflow's words."""

    RUNNING = "RUNNING"
    SCHEDULED = "SCHEDULED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"

    @property
    def is_terminated(self) -> bool:
        """Whether the run has ended."""
        return self in {RunStatus.FINISHED, RunStatus.FAILED, RunStatus.KILLED}


class LifecycleStage(StrEnum):
    """Whether an entity is shown or (softly) deleted."""

    ACTIVE = "active"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Metric:
    """One point of a metric."""

    key: str
    value: float
    timestamp: int
    """Milliseconds since the epoch."""
    step: int
    """Any signed 64-bit integer; points may arrive out of order and with gaps."""


@dataclass(frozen=True, slots=True)
class MetricSummary:
    """What listing, searching and comparing need of a metric, without its history."""

    last: float
    """The value with the highest (step, timestamp, value), as MLflow defines "latest"."""
    last_step: int
    last_time: int
    """Milliseconds since the epoch."""
    min: float
    """Smallest value that is not NaN; NaN if there is none."""
    min_step: int
    max: float
    """Largest value that is not NaN; NaN if there is none."""
    max_step: int
    count: int
    """Number of distinct points."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of a run, known by the digest of its content."""

    path: str
    """POSIX path inside the run."""
    digest: str
    """BLAKE3 of the content, 64 hex digits."""
    size: int
    """Bytes."""
    inline: bool = False
    """Whether the content is in the hidden branch itself (small files)."""
    uri: str | None = None
    """Where the content is, if gittrack only refers to it. Then ``digest`` is what the user said, such as
    ``sha256:…``, or empty, and ``size`` may be 0 for unknown."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One entry of an artifact listing, in MLflow's shape."""

    path: str
    is_dir: bool
    file_size: int | None


@dataclass(frozen=True, slots=True)
class Code:
    """Which code made a run."""

    commit: str | None = None
    """HEAD when the run started, or None on an unborn branch."""
    branch: str | None = None
    dirty: bool | None = None
    """Whether the work tree differed from HEAD, untracked files included; None when that is not known."""
    remote: str | None = None
    """URL of the remote, without user info."""
    entry: str | None = None
    """The script or notebook that started the run, relative to the repository's top."""
    snapshot: str | None = None
    """The commit that holds exactly this code: ``commit`` itself if nothing differed; None: see ``reason``"""
    tree: str | None = None
    """Of the snapshot. Equal trees are equal code, whatever the history."""
    changed: int = 0
    """How many files of the snapshot differ from HEAD; ``code.json``, a side file, names them."""
    skipped: int = 0
    """How many files that differ were left out; ``code.json`` says why."""
    reason: str | None = None
    """Why there is no snapshot, or not all is known."""


@dataclass(frozen=True, slots=True)
class Param:
    """One param, its value in MLflow's string form."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunTag:
    """One tag."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class RunInfo:
    """MLflow's ``run.info``."""

    run_id: str
    run_name: str
    experiment_id: str
    user_id: str
    status: str
    start_time: int
    """Milliseconds since the epoch."""
    end_time: int | None
    """Milliseconds since the epoch, None while the run is live."""
    lifecycle_stage: str
    artifact_uri: str


@dataclass(frozen=True, slots=True)
class RunData:
    """MLflow's ``run.data``: params as strings, metrics as their latest values."""

    params: dict[str, str]
    metrics: dict[str, float]
    tags: dict[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One run as it stands after all events seen so far."""

    run_id: str
    """32 lowercase hex digits whose first 12 are a millisecond timestamp, or as the caller gave it."""
    name: str
    experiment_id: str
    status: RunStatus
    start_time: int
    """Milliseconds since the epoch."""
    end_time: int | None = None
    """Milliseconds since the epoch, None while the run is live."""
    lifecycle_stage: LifecycleStage = LifecycleStage.ACTIVE
    reason: str | None = None
    """Why the run ended as it did, when that is not its own doing, e.g. ``killed``."""
    user: str = "unknown"
    source: str | None = None
    """The script or command, as the user started it."""
    parent: str | None = None
    """Run id of the parent run."""
    code: Code | None = None
    environment: str | None = None
    """Digest of the list of packages that were installed; equal digests are equal environments."""
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    """Typed and possibly nested; ``data.params`` has MLflow's string form."""
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    """What users set. ``data.tags`` adds the system tags derived from the fields above."""
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    """By path."""
    datasets: Mapping[str, DatasetInput] = field(default_factory=dict)
    """What it read, by name and digest: the `key` of each."""
    used: Mapping[str, str] = field(default_factory=dict)
    """Artifacts of other runs that it used: ``runs:/<run id>/<path>`` → digest of what it found there."""
    model_inputs: tuple[str, ...] = ()
    """Ids of the logged models it used."""
    model_outputs: Mapping[str, int] = field(default_factory=dict)
    """Id of each logged model it made → step."""
    edits: Mapping[str, str] = field(default_factory=dict)
    """Field → stamp of its last change after the run was first committed; sparse."""
    digest: bytes = field(default_factory=bytes, init=False, repr=False, compare=False)
    """What `digest_run` makes of all this, where whoever read the run knew it. No changed copy has it."""

    def _repr_html_(self) -> str:
        """Return the run for notebooks."""
        from gittrack.core.notebook import show_run

        return show_run(self)

    @property
    def info(self) -> RunInfo:
        """The run in the shape of MLflow's ``RunInfo``."""
        return RunInfo(
            run_id=self.run_id,
            run_name=self.name,
            experiment_id=self.experiment_id,
            user_id=self.user,
            status=self.status.value,
            start_time=self.start_time,
            end_time=self.end_time,
            lifecycle_stage=self.lifecycle_stage.value,
            artifact_uri=f"runs:/{self.run_id}",
        )

    @property
    def data(self) -> RunData:
        """The run in the shape of MLflow's ``RunData``."""
        return RunData(
            params={key: format_param(value) for key, value in self.params.items()},
            metrics={key: summary.last for key, summary in self.metrics.items()},
            tags={**dict(self.tags), **system_tags(self)},
        )

    @property
    def inputs(self) -> RunInputs:
        """The run in the shape of MLflow's ``RunInputs``."""
        from gittrack.core.inputs import LoggedModelInput, RunInputs

        return RunInputs(list(self.datasets.values()), [LoggedModelInput(one) for one in self.model_inputs])

    @property
    def outputs(self) -> RunOutputs:
        """The run in the shape of MLflow's ``RunOutputs``."""
        from gittrack.core.inputs import LoggedModelOutput, RunOutputs

        return RunOutputs([LoggedModelOutput(one, step) for one, step in self.model_outputs.items()])

    @property
    def duration_s(self) -> float | None:
        """Seconds from start to end, None while the run is live, or where only its end is known."""
        return (
            None if self.end_time is None or not self.start_time else (self.end_time - self.start_time) / 1000
        )


@dataclass(frozen=True, slots=True)
class Experiment:
    """A named group of runs."""

    experiment_id: str
    name: str
    lifecycle_stage: str = LifecycleStage.ACTIVE.value
    creation_time: int = 0
    """Milliseconds since the epoch."""
    last_update_time: int = 0
    """Milliseconds since the epoch."""
    tags: Mapping[str, str] = field(default_factory=dict)
    artifact_location: str = ""
    edits: Mapping[str, str] = field(default_factory=dict)
    """Field → stamp of its last change; sparse."""


DEFAULT_EXPERIMENT_ID = "0"
DEFAULT_EXPERIMENT = Experiment(DEFAULT_EXPERIMENT_ID, "Default")

TRACEBACK_FILE = "traceback.txt"
"""The side file with the traceback that ended a run."""
TAG_RUN_NAME = "mlflow.runName"
TAG_NOTE = "mlflow.note.content"
TAG_PARENT = "mlflow.parentRunId"
TAG_USER = "mlflow.user"
TAG_SOURCE_NAME = "mlflow.source.name"
TAG_SOURCE_TYPE = "mlflow.source.type"
TAG_COMMIT = "mlflow.source.git.commit"
TAG_BRANCH = "mlflow.source.git.branch"
TAG_REPO_URL = "mlflow.source.git.repoURL"
TAG_RERUN = "gittrack.rerunOf"
"""Set where a run was done again: the id of the run it repeats."""


def format_param(value: ParamValue) -> str:
    """Return a param's value in MLflow's string form, which is ``str(value)``."""
    return value if isinstance(value, str) else str(value)


def system_tags(run: Run) -> dict[str, str]:
    """Return the tags MLflow sets by itself, derived from the run's own fields."""
    code = run.code or Code()
    derived = {
        TAG_RUN_NAME: run.name,
        TAG_USER: run.user,
        TAG_SOURCE_NAME: run.source,
        TAG_SOURCE_TYPE: "LOCAL" if run.source else None,
        TAG_PARENT: run.parent,
        TAG_COMMIT: code.commit,
        TAG_BRANCH: code.branch,
        TAG_REPO_URL: code.remote,
    }
    return {key: value for key, value in derived.items() if value is not None}
