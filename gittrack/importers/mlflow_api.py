"""Reads any store that MLflow itself can open: SQLite and other databases, servers, folders."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.logged_model import LoggedModel, ModelMetric, check_status
from gittrack.core.model import Metric, RunStatus
from gittrack.core.registry import ModelVersion, RegisteredModel
from gittrack.errors import GittrackError, StoreError
from gittrack.importers.records import FoundExperiment, FoundLoggedModel, FoundRegisteredModel, FoundRun
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALL = 3
"""MLflow's view type: deleted ones too."""
PAGE = 1000


class MlflowReader:
    """The experiments and runs behind one tracking URI."""

    def __init__(self, tracking_uri: str) -> None:
        """Open the store at ``tracking_uri``.

        Raises:
            UserError: MLflow is missing.
            StoreError: The store cannot be opened.
        """
        mlflow = import_optional("mlflow", f"reading {tracking_uri}", "mlflow")
        self._uri = tracking_uri
        self._failure = mlflow.exceptions.MlflowException
        self._client = self._ask(mlflow.MlflowClient, tracking_uri, tracking_uri)

    def experiments(self) -> Iterator[FoundExperiment]:
        """Yield all experiments, deleted ones too."""
        for one in self._pages(lambda token: self._client.search_experiments(ALL, PAGE, page_token=token)):
            is_deleted = one.lifecycle_stage == "deleted"
            yield FoundExperiment(
                one.experiment_id, one.name, one.creation_time or 0, is_deleted, dict(one.tags)
            )

    def runs(self, experiment: FoundExperiment) -> Iterator[FoundRun]:
        """Yield all runs of an experiment, deleted ones too, oldest first."""
        ids, order = [experiment.experiment_id], ["attributes.start_time ASC"]
        for run in self._pages(lambda token: self._client.search_runs(ids, "", ALL, PAGE, order, token)):
            yield self._to_run(run)

    def logged_models(self, experiment: FoundExperiment) -> Iterator[FoundLoggedModel]:
        """Yield the logged models of an experiment."""
        if not hasattr(self._client, "search_logged_models"):
            return
        search = self._client.search_logged_models
        for one in self._pages(partial(search, [experiment.experiment_id], None, None, PAGE, None)):
            yield FoundLoggedModel(_to_logged_model(one), partial(self._read_files, one.artifact_location))

    def registered_models(self) -> Iterator[FoundRegisteredModel]:
        """Yield all registered models, prompts too."""
        for clause in ("", "tags.`mlflow.prompt.is_prompt` = 'true'"):
            for one in self._pages(partial(self._client.search_registered_models, clause, PAGE, None)):
                versions = tuple(self._read_versions(one.name, clause))
                yield FoundRegisteredModel(_to_registered_model(one), versions)

    def _read_versions(self, name: str, clause: str) -> Iterator[ModelVersion]:
        quoted = name.replace("'", "''")
        wanted = f"name = '{quoted}'" + (f" AND {clause}" if clause else "")
        for one in self._pages(partial(self._client.search_model_versions, wanted, PAGE, None)):
            yield _to_version(one)

    def _read_files(self, location: str) -> Iterator[tuple[str, Path]]:
        """Yield the files under an artifact location, fetched together."""
        with tempfile.TemporaryDirectory(prefix="gittrack-") as place:
            fetch = import_optional(
                "mlflow", "reading files of models", "mlflow"
            ).artifacts.download_artifacts
            top = Path(self._ask(lambda: fetch(location, dst_path=place, tracking_uri=self._uri)))
            for file in sorted(one for one in top.rglob("*") if one.is_file()):
                yield file.relative_to(top).as_posix(), file

    def _to_run(self, run: Any) -> FoundRun:  # noqa: ANN401  (an entity of MLflow)
        info, data = run.info, run.data
        return FoundRun(
            run_id=info.run_id,
            experiment_id=info.experiment_id,
            name=info.run_name or info.run_id[:12],
            start_time=info.start_time,
            end_time=info.end_time,
            status=RunStatus(info.status),
            user=info.user_id or "",
            is_deleted=info.lifecycle_stage == "deleted",
            params=dict(data.params),
            tags=dict(data.tags),
            datasets=tuple(_to_input(one) for one in run.inputs.dataset_inputs) if run.inputs else (),
            model_inputs=tuple(one.model_id for one in getattr(run.inputs, "model_inputs", None) or ()),
            model_outputs={
                one.model_id: one.step for one in getattr(run.outputs, "model_outputs", None) or ()
            },
            read_metrics=lambda: self._read_metrics(info.run_id, list(data.metrics)),
            read_artifacts=lambda: self._read_artifacts(info.run_id),
        )

    def _read_metrics(self, run_id: str, keys: list[str]) -> Iterator[Metric]:
        for key in keys:
            for one in self._ask(self._client.get_metric_history, run_id, key):
                yield Metric(key, one.value, one.timestamp, one.step)

    def _read_artifacts(self, run_id: str) -> Iterator[tuple[str, Path]]:
        folders: list[str | None] = [None]
        while folders:
            for one in self._ask(self._client.list_artifacts, run_id, folders.pop()):
                if one.is_dir:
                    folders.append(one.path)
                    continue
                with tempfile.TemporaryDirectory(prefix="gittrack-") as place:
                    yield one.path, Path(self._ask(self._client.download_artifacts, run_id, one.path, place))

    def _pages(self, ask: Callable[[str | None], Any]) -> Iterator[Any]:
        token: str | None = None
        while True:
            page = self._ask(ask, token)
            yield from page
            token = page.token
            if not token:
                return

    def _ask(self, call: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  (MLflow's)
        try:
            return call(*arguments)
        except GittrackError:
            raise
        except (self._failure, OSError) as error:
            reason = str(error).partition("\n")[0]
            message = f"MLflow cannot read it: {reason}"
            raise StoreError(message, hint="does `mlflow.MlflowClient(URI)` open it?") from error


def _to_input(one: Any) -> DatasetInput:  # noqa: ANN401  (an entity of MLflow)
    about = one.dataset
    dataset = Dataset(
        about.name, about.digest, about.source_type, about.source, about.schema or None, about.profile or None
    )
    return DatasetInput(dataset, tuple(InputTag(tag.key, tag.value) for tag in one.tags))


def _to_logged_model(one: Any) -> LoggedModel:  # noqa: ANN401  (an entity of MLflow)
    metrics = [
        ModelMetric(
            each.key,
            each.value,
            each.timestamp,
            each.step,
            one.model_id,
            each.run_id or None,
            each.dataset_name or None,
            each.dataset_digest or None,
        )
        for each in one.metrics or ()
    ]
    return LoggedModel(
        experiment_id=one.experiment_id,
        model_id=one.model_id,
        name=one.name,
        artifact_location="",
        creation_timestamp=one.creation_timestamp,
        last_updated_timestamp=one.last_updated_timestamp,
        model_type=one.model_type or None,
        source_run_id=one.source_run_id or None,
        status=check_status(str(getattr(one.status, "value", one.status))),
        tags=dict(one.tags),
        params=dict(one.params),
        metrics=metrics or None,
    )


def _to_registered_model(one: Any) -> RegisteredModel:  # noqa: ANN401  (an entity of MLflow)
    return RegisteredModel(
        name=one.name,
        creation_timestamp=one.creation_timestamp,
        last_updated_timestamp=one.last_updated_timestamp,
        description=one.description or None,
        tags={**one.tags, **getattr(one, "_tags", {})},  # MLflow hides the tags that make it a prompt
        aliases={alias: int(version) for alias, version in one.aliases.items()},
    )


def _to_version(one: Any) -> ModelVersion:  # noqa: ANN401  (an entity of MLflow)
    return ModelVersion(
        name=one.name,
        version=int(one.version),
        creation_timestamp=one.creation_timestamp,
        last_updated_timestamp=one.last_updated_timestamp,
        description=one.description or None,
        user_id=one.user_id or None,
        current_stage=one.current_stage or "None",
        source=one.source or None,
        run_id=one.run_id or None,
        run_link=one.run_link or None,
        status=one.status,
        tags=dict(one.tags),
        model_id=getattr(one, "model_id", None) or None,
    )
