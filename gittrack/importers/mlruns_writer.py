"""Writes runs as the folder ``mlruns`` that MLflow reads, with their ids, times, histories and files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gittrack.core.model import LifecycleStage, RunStatus
from gittrack.errors import UserError
from gittrack.importers.mlruns import META, MODEL_STATUSES, STATUSES, TRASH
from gittrack.store.disk import disk_errors
from gittrack.tracking.logged_models import own_artifacts
from gittrack.tracking.media import import_optional
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gittrack.core.inputs import DatasetInput
    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.model import Experiment, Run
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.tracking.client import Client

_NUMBERS = {name: number for number, name in STATUSES.items()}
_MODEL_NUMBERS = {name: number for number, name in MODEL_STATUSES.items()}
LOCAL = 4
"""MLflow's number for a run that a script on this machine made."""
PAGE = 1000
PARTS = ("metrics", "params", "tags", "artifacts")


class MlrunsWriter:
    """One ``mlruns`` folder in the making."""

    def __init__(self, client: Client, folder: Path) -> None:
        """Write runs of ``client`` into ``folder``, which must be new or empty.

        Raises:
            UserError: There is something in the folder, or PyYAML is missing.
        """
        self._client = client
        self._top = folder.absolute()
        self._yaml = import_optional("yaml", "writing mlruns folders", "pyyaml")
        if self._top.exists() and any(self._top.iterdir()):
            message = f"{str(folder)!r} is not empty"
            raise UserError(message, hint="name a new folder: nothing is ever overwritten")

    def write(self, progress: Callable[[int, str], None] | None = None) -> int:
        """Write everything; return how many runs there are.

        Raises:
            ArtifactNotFoundError: Content of an artifact is not here.
            CorruptDataError: Something cannot be read, or is not what was logged.
            StoreError: The disk is full, or failed.
        """
        with disk_errors("write the mlruns folder"):
            places = {}
            for experiment in self._client.store.list_experiments():
                places[experiment.experiment_id] = self._write_experiment(experiment)
            seen = 0
            for run in self._client.iter_runs(view_type=ViewType.ALL):
                if progress is not None:
                    progress(seen, run.name)
                self._write_run(run, places[run.experiment_id])
                seen += 1
            self._write_models(places)
        return seen

    def _write_experiment(self, experiment: Experiment) -> Path:
        is_deleted = experiment.lifecycle_stage == LifecycleStage.DELETED
        folder = (self._top / TRASH if is_deleted else self._top) / experiment.experiment_id
        self._meta(
            folder,
            artifact_location=(self._top / experiment.experiment_id).as_uri(),
            creation_time=experiment.creation_time,
            experiment_id=experiment.experiment_id,
            last_update_time=experiment.last_update_time,
            lifecycle_stage=experiment.lifecycle_stage,
            name=experiment.name,
        )
        _values(folder / "tags", experiment.tags)
        return folder

    def _write_run(self, stored: Run, experiment: Path) -> None:
        run = self._client.get_run(stored.run_id)
        folder = experiment / run.run_id
        # iter_runs shows runs of deleted experiments as deleted; what a run itself is, only it knows.
        self._meta(
            folder,
            artifact_uri=(folder / "artifacts").as_uri(),
            end_time=run.end_time,
            entry_point_name="",
            experiment_id=run.experiment_id,
            lifecycle_stage=run.lifecycle_stage.value,
            run_id=run.run_id,
            run_name=run.name,
            run_uuid=run.run_id,
            source_name="",
            source_type=LOCAL,
            source_version="",
            start_time=run.start_time,
            status=_NUMBERS[RunStatus(run.status).value],
            tags=[],
            user_id=run.user,
        )
        for part in PARTS:
            (folder / part).mkdir()  # MLflow takes a folder without them for none of a run
        _values(folder / "params", run.data.params)
        _values(folder / "tags", run.data.tags)
        for key in run.metrics:
            points = self._client.get_metric_history(run.run_id, key)
            _put(
                folder / "metrics" / key,
                "".join(f"{one.timestamp} {one.value} {one.step}\n" for one in points),
            )
        for number, one in enumerate(run.inputs.dataset_inputs):
            self._write_input(one, number, folder, experiment)
        for model_id in run.model_inputs:
            self._link(folder / "inputs" / model_id, model_id, "RUN_INPUT", "MODEL_INPUT")
        for model_id, step in run.model_outputs.items():
            self._link(folder / "outputs" / model_id, model_id, "RUN_OUTPUT", "MODEL_OUTPUT", step=step)
        for path in own_artifacts(self._client, run):
            self._client.download_artifacts(run.run_id, path, folder / "artifacts")

    def _write_input(self, one: DatasetInput, number: int, folder: Path, experiment: Path) -> None:
        about = one.dataset
        dataset_id = hashlib.md5(f"{about.name}{about.digest}".encode(), usedforsecurity=False).hexdigest()
        self._meta(
            experiment / "datasets" / dataset_id,
            digest=about.digest,
            name=about.name,
            profile=about.profile,
            schema=about.schema,
            source=about.source,
            source_type=about.source_type,
        )
        tags = {tag.key: tag.value for tag in one.tags}
        link = {"source_type": "DATASET", "source_id": dataset_id, "destination_type": "RUN"}
        self._meta(folder / "inputs" / f"{dataset_id}-{number}", **link, destination_id=dataset_id, tags=tags)

    def _link(self, folder: Path, model_id: str, source: str, destination: str, **others: Any) -> None:  # noqa: ANN401
        ids = {"source_id": model_id, "destination_id": model_id}
        self._meta(folder, **ids, source_type=source, destination_type=destination, tags={}, **others)

    def _write_models(self, places: Mapping[str, Path]) -> None:
        for model in self._client.search_logged_models(max_results=10 * PAGE):
            self._write_logged_model(model, places[model.experiment_id] / "models" / model.model_id)
        for clause in (None, "tags.`mlflow.prompt.is_prompt` = 'true'"):
            for registered in self._client.search_registered_models(clause, PAGE):
                self._write_registered_model(registered)

    def _write_logged_model(self, model: LoggedModel, folder: Path) -> None:
        self._meta(
            folder,
            artifact_location=(folder / "artifacts").as_uri(),
            creation_timestamp=model.creation_timestamp,
            experiment_id=model.experiment_id,
            last_updated_timestamp=model.last_updated_timestamp,
            model_id=model.model_id,
            model_type=model.model_type,
            name=model.name,
            source_run_id=model.source_run_id,
            status=_MODEL_NUMBERS[model.status.value],
            status_message=model.status_message,
        )
        _values(folder / "tags", model.tags)
        _values(folder / "params", model.params)
        for one in model.metrics or ():
            words = [one.timestamp, one.value, one.step, one.run_id or ""]
            words += [one.dataset_name, one.dataset_digest] if one.dataset_name else []
            with (_parent(folder / "metrics" / one.key)).open("a", encoding="utf-8") as file:
                file.write(" ".join(map(str, words)) + "\n")
        if model.files_run_id is not None:
            place = folder / "files"
            self._client.download_artifacts(model.files_run_id, model.files_path, place)
            (place / model.files_path).replace(folder / "artifacts")
            place.rmdir()

    def _write_registered_model(self, model: RegisteredModel) -> None:
        folder = self._top / "models" / model.name
        self._meta(
            folder,
            creation_timestamp=model.creation_timestamp,
            description=model.description,
            last_updated_timestamp=model.last_updated_timestamp,
            name=model.name,
        )
        _values(folder / "tags", model.tags)
        _values(folder / "aliases", {alias: str(version) for alias, version in model.aliases.items()})
        quoted = model.name.replace("'", "''")
        for clause in (
            f"name = '{quoted}'",
            f"name = '{quoted}' AND tags.`mlflow.prompt.is_prompt` = 'true'",
        ):
            for version in self._client.search_model_versions(clause, PAGE):
                self._write_version(version, folder / f"version-{version.version}")

    def _write_version(self, version: ModelVersion, folder: Path) -> None:
        if not folder.exists():
            self._meta(
                folder,
                creation_timestamp=version.creation_timestamp,
                current_stage=version.current_stage,
                description=version.description,
                last_updated_timestamp=version.last_updated_timestamp,
                model_id=version.model_id,
                name=version.name,
                run_id=version.run_id,
                run_link=version.run_link,
                source=version.source,
                status=version.status,
                status_message=version.status_message,
                storage_location=version.source,
                user_id=version.user_id,
                version=version.version,
            )
            _values(folder / "tags", version.tags)

    def _meta(self, folder: Path, **content: Any) -> None:  # noqa: ANN401
        _put(folder / META, self._yaml.safe_dump(content, allow_unicode=True))


def _values(folder: Path, values: Mapping[str, str]) -> None:
    for key, value in values.items():
        _put(folder / key, value)


def _put(file: Path, text: str) -> None:
    _parent(file).write_bytes(text.encode())


def _parent(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    return file
