"""Takes what a reader finds into a repository: each run whole or not at all, as often as one likes."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from gittrack.core.events import (
    InputsLogged,
    LifecycleChanged,
    OutputsLogged,
    RunStarted,
    StatusChanged,
    TagsSet,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.model import (
    TAG_BRANCH,
    TAG_COMMIT,
    TAG_PARENT,
    TAG_REPO_URL,
    TAG_RUN_NAME,
    TAG_SOURCE_NAME,
    TAG_SOURCE_TYPE,
    TAG_USER,
    Code,
    LifecycleStage,
    Run,
    RunStatus,
    format_param,
)
from gittrack.core.names import check_name, check_run_id, derive_experiment_id
from gittrack.errors import CorruptDataError, GittrackError, StoreError
from gittrack.importers.records import UnreadableRun
from gittrack.importers.write_models import import_logged_model, import_registered_model
from gittrack.store.digests import digest_file
from gittrack.tracking import artifacts
from gittrack.tracking.context import strip_user_info
from gittrack.tracking.live import LiveRun, check_metric
from gittrack.tracking.logged_models import own_artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gittrack.core.model import Metric
    from gittrack.importers.records import FoundExperiment, FoundRun, Reader
    from gittrack.tracking.client import Client

_FIELD_TAGS = {TAG_RUN_NAME, TAG_USER, TAG_SOURCE_NAME, TAG_SOURCE_TYPE, TAG_PARENT}
_FIELD_TAGS |= {TAG_COMMIT, TAG_BRANCH, TAG_REPO_URL}
"""What is kept in fields of the run; `gittrack.core.model.system_tags` makes tags of them again."""


class Outcome(StrEnum):
    """What became of a run."""

    IMPORTED = "imported"
    WAS_THERE = "here already"
    REFUSED = "refused"


@dataclass(slots=True)
class Report:
    """What an import did, or would do."""

    experiments: int = 0
    """How many are new."""
    models: int = 0
    """How many logged and registered models are new, or got new versions."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    """One line a run that could not be taken in, or that is not what it was there."""


def import_runs(
    client: Client,
    reader: Reader,
    *,
    dry_run: bool = False,
    progress: Callable[[int, str], None] | None = None,
) -> Report:
    """Take in all experiments and runs of another tracker; what is here already stays as it is.

    A run whose import was interrupted is completed by the next one.

    Args:
        client: Where to.
        reader: Where from.
        dry_run: Only say what would be done.
        progress: Called with the number of runs so far and the name of the next.

    Raises:
        StoreError: The disk is full, or failed; what was imported stays.
        GittrackError: The other store cannot be read at all.
    """
    report = Report()
    seen = 0
    for found in reader.experiments():
        experiment_id, is_new = _place_experiment(client, found, dry_run=dry_run)
        report.experiments += is_new
        for run in reader.runs(found):
            if progress is not None:
                progress(seen, run.name)
            seen += 1
            if isinstance(run, UnreadableRun):
                _refuse(report, run)
                continue
            report.outcomes[_import_run(client, run, experiment_id, report, dry_run=dry_run)] += 1
        for model in () if dry_run else reader.logged_models(found):
            with _noting(report, model.model.name):
                report.models += import_logged_model(client, model, experiment_id)
    for registered in () if dry_run else reader.registered_models():
        with _noting(report, registered.model.name):
            report.models += import_registered_model(client, registered)
    return report


def verify_runs(client: Client, reader: Reader) -> Report:
    """Compare every run of another tracker with what is here of it: params, tags, every point, every byte.

    Raises:
        GittrackError: The other store cannot be read at all.
    """
    report = Report()
    for found in reader.experiments():
        for run in reader.runs(found):
            if isinstance(run, UnreadableRun):
                _refuse(report, run)
                continue
            try:
                differences = _list_differences(client, run)
            except GittrackError as error:
                differences = [error.message]
            if differences:
                report.problems.append(f"{run.name} ({run.run_id[:12]}): {', '.join(differences)}")
            report.outcomes[Outcome.REFUSED if differences else Outcome.WAS_THERE] += 1
    return report


def _place_experiment(client: Client, found: FoundExperiment, *, dry_run: bool) -> tuple[str, bool]:
    """Return the id under which an experiment is kept here, and whether it is new.

    An experiment of the same name is the same; an id that another one has here is not taken from it.
    """
    known = {one.experiment_id: one for one in client.store.list_experiments()}
    same = next((one for one in known.values() if one.name == found.name), None)
    if same is not None:
        if same.creation_time == 0 and not dry_run:  # the default one, of which nothing was said yet
            _create_experiment(client, found, same.experiment_id)
        return same.experiment_id, False
    attempt, experiment_id = 0, found.experiment_id
    while experiment_id in known:
        experiment_id = derive_experiment_id(found.name, attempt)
        attempt += 1
    if not dry_run:
        _create_experiment(client, found, experiment_id)
    return experiment_id, True


def _create_experiment(client: Client, found: FoundExperiment, experiment_id: str) -> None:
    name = check_name("experiment", found.name)
    created = ExperimentChange(found.creation_time, created_name=name, set_tags=dict(found.tags))
    deleted = ExperimentChange(found.creation_time + 1, stage=LifecycleStage.DELETED.value)
    client.store.change_experiment(experiment_id, [created, deleted] if found.is_deleted else [created])


def _import_run(
    client: Client, found: FoundRun, experiment_id: str, report: Report, *, dry_run: bool
) -> Outcome:
    outcome = Outcome.REFUSED
    with _noting(report, f"{found.name} ({found.run_id[:12]})"):
        known = client.store.find_run(check_run_id(found.run_id))
        if known is not None and _looks_complete(known, found):
            outcome = Outcome.WAS_THERE
        else:
            if not dry_run:
                _write_run(client, found, experiment_id)
            outcome = Outcome.IMPORTED
    return outcome


def _refuse(report: Report, run: UnreadableRun) -> None:
    hint = f" ({run.error.hint})" if run.error.hint else ""
    report.problems.append(f"{run.name}: {run.error.message}{hint}")
    report.outcomes[Outcome.REFUSED] += 1


@contextmanager
def _noting(report: Report, what: str) -> Iterator[None]:
    """Go on without what cannot be taken in; a disk that fails ends it all."""
    try:
        yield
    except GittrackError as error:
        if isinstance(error, StoreError) and not isinstance(error, CorruptDataError):
            raise
        report.problems.append(f"{what}: {error.message}")


def _looks_complete(known: Run, found: FoundRun) -> bool:
    """Whether a run was taken in whole: its end is written last."""
    stage = LifecycleStage.DELETED if found.is_deleted else LifecycleStage.ACTIVE
    has_ended = known.end_time == found.end_time if found.has_own_times else known.end_time is not None
    was_killed = known.reason is not None
    return has_ended and not was_killed and (known.status, known.lifecycle_stage) == (found.status, stage)


def _write_run(client: Client, found: FoundRun, experiment_id: str) -> None:
    started = _started(found, experiment_id)
    run = Run(found.run_id, found.name, experiment_id, RunStatus.RUNNING, found.start_time)
    sink = client.store.open_journal(found.run_id)
    live = LiveRun(run, sink, clock_ms=lambda: found.start_time)
    try:
        _write_events(client, live, found, started)
    except GittrackError:
        live.close()
        client.store.discard_journal(sink)  # a run comes whole or not at all
        raise
    live.close()
    client.store.end_journal(sink)


def _write_events(client: Client, live: LiveRun, found: FoundRun, started: RunStarted) -> None:
    live.write(started)
    live.log_params(found.params)
    live.write(TagsSet(dict(started.tags), found.start_time))
    for point in found.read_metrics():
        checked = check_metric(point)
        live.log_metric(checked.key, checked.value, checked.step, checked.timestamp)
    for path, file in found.read_artifacts():
        artifacts.log_file(client.store, live, file, path)
    if found.datasets or found.model_inputs:
        live.write(InputsLogged(found.datasets, found.model_inputs, found.start_time))
    if found.model_outputs:
        live.write(OutputsLogged(found.model_outputs, found.start_time))
    end_time = max(found.end_time or 0, found.start_time)
    if found.is_deleted:
        live.write(LifecycleChanged(LifecycleStage.DELETED, end_time))
    live.write(StatusChanged(found.status, end_time, found.end_time))


def _started(found: FoundRun, experiment_id: str) -> RunStarted:
    tags = found.tags
    url = tags.get(TAG_REPO_URL)
    code = Code(tags.get(TAG_COMMIT), tags.get(TAG_BRANCH), remote=strip_user_info(url) if url else None)
    return RunStarted(
        run_id=found.run_id,
        experiment_id=experiment_id,
        name=check_name("run", found.name),
        time=found.start_time,
        user=tags.get(TAG_USER) or found.user or "unknown",
        source=tags.get(TAG_SOURCE_NAME),
        parent=tags.get(TAG_PARENT),
        code=None if code == Code() else code,
        tags=_own_tags(found),
    )


def _own_tags(found: FoundRun) -> dict[str, str]:
    return {key: value for key, value in found.tags.items() if key not in _FIELD_TAGS}


def _list_differences(client: Client, found: FoundRun) -> list[str]:
    """Return what of a run is not here as it is there, in words."""
    run = client.get_run(found.run_id)
    params = {key: format_param(value) for key, value in found.params.items()}
    compared: dict[str, tuple[object, object]] = {
        "params": (run.data.params, params),
        "name": (run.name, found.name),
        "parent": (run.parent, found.tags.get(TAG_PARENT)),
        "tags": (run.tags, _own_tags(found)),
        "status": (run.status, found.status),
        "datasets": (set(run.datasets), {one.key for one in found.datasets}),
        "points of metrics": (
            _collect_points(_read_points(client, run), has_times=found.has_own_times),
            _collect_points(found.read_metrics(), has_times=found.has_own_times),
        ),
        "artifacts": (
            {path: one.digest for path, one in own_artifacts(client, run).items()},
            {path: digest_file(file) for path, file in found.read_artifacts()},
        ),
    }
    if found.has_own_times:
        compared |= {
            "start": (run.start_time, found.start_time),
            "end": (run.end_time, found.end_time),
        }
    return [f"{what} differ" for what, (here, there) in compared.items() if here != there]


def _read_points(client: Client, run: Run) -> Iterator[Metric]:
    for key in run.metrics:
        yield from client.get_metric_history(run.run_id, key)


def _collect_points(points: Iterable[Metric], *, has_times: bool) -> set[tuple[str, int, int, str]]:
    return {(one.key, one.step, one.timestamp if has_times else 0, repr(float(one.value))) for one in points}
