"""Logged models, and what runs read and made, between MLflow's entities and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow import entities as theirs
from mlflow.entities.dataset_summary import _DatasetSummary
from mlflow.store.entities import PagedList

from gittrack.core.logged_model import LOGGED_MODELS, read_logged_model
from gittrack.mlflow_plugin.uris import model_location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.logged_model import LoggedModel
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

MAX_SUMMARIES = 1000
"""Datasets that MLflow's UI offers to choose from."""


def create_logged_model(
    store: GittrackTrackingStore,
    experiment_id: str,
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Sequence[theirs.LoggedModelTag] | None = None,
    params: Sequence[theirs.LoggedModelParameter] | None = None,
    model_type: str | None = None,
) -> theirs.LoggedModel:
    """Begin a logged model."""
    model = store.client.create_logged_model(
        str(experiment_id),
        name or None,
        source_run_id or None,  # over REST what is missing is empty
        {tag.key: tag.value for tag in tags or ()},
        {param.key: param.value for param in params or ()},
        model_type or None,
    )
    return to_logged_model(store, model)


def get_logged_model(
    store: GittrackTrackingStore,
    model_id: str,
    allow_deleted: bool = False,  # noqa: FBT001, FBT002  (MLflow's)
) -> theirs.LoggedModel:
    """Return a logged model."""
    document = store.client.store.find_document(LOGGED_MODELS, model_id) if allow_deleted else None
    model = store.client.get_logged_model(model_id) if document is None else read_logged_model(document)
    return to_logged_model(store, model)


def finalize_logged_model(
    store: GittrackTrackingStore, model_id: str, status: theirs.LoggedModelStatus
) -> theirs.LoggedModel:
    """Say that a logged model is whole, or never will be."""
    name = getattr(status, "value", status)
    return to_logged_model(store, store.client.finalize_logged_model(model_id, str(name)))


def set_logged_model_tags(
    store: GittrackTrackingStore, model_id: str, tags: Sequence[theirs.LoggedModelTag]
) -> None:
    """Set tags of a logged model."""
    store.client.set_logged_model_tags(model_id, {tag.key: tag.value for tag in tags})


def delete_logged_model_tag(store: GittrackTrackingStore, model_id: str, key: str) -> None:
    """Remove a tag of a logged model."""
    store.client.delete_logged_model_tag(model_id, key)


def log_logged_model_params(
    store: GittrackTrackingStore, model_id: str, params: Sequence[theirs.LoggedModelParameter]
) -> None:
    """Log params of a logged model."""
    store.client.log_model_params(model_id, {param.key: param.value for param in params})


def delete_logged_model(store: GittrackTrackingStore, model_id: str) -> None:
    """Delete a logged model."""
    store.client.delete_logged_model(model_id)


def search_logged_models(
    store: GittrackTrackingStore,
    experiment_ids: Sequence[str],
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, Any]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    page_token: str | None = None,
) -> PagedList[theirs.LoggedModel]:
    """Return a page of the logged models that a filter means."""
    page = store.client.search_logged_models(
        experiment_ids, filter_string, datasets, max_results, order_by, page_token or None
    )
    return PagedList([to_logged_model(store, one) for one in page], page.token)


def log_model_metrics(store: GittrackTrackingStore, run_id: str, metrics: Sequence[theirs.Metric]) -> None:
    """Log those of a run's metrics that measure a logged model as results of that model too."""
    for metric in metrics:
        if metric.model_id:
            store.client.log_model_metrics(
                metric.model_id,
                {metric.key: metric.value},
                step=metric.step,
                timestamp=metric.timestamp,
                run_id=run_id,
                dataset_name=metric.dataset_name or None,
                dataset_digest=metric.dataset_digest or None,
            )


def log_inputs(
    store: GittrackTrackingStore,
    run_id: str,
    datasets: Sequence[theirs.DatasetInput] | None = None,
    models: Sequence[theirs.LoggedModelInput] | None = None,
) -> None:
    """Log the datasets a run reads and the logged models it uses."""
    store.client.log_inputs(run_id, datasets, models)


def log_outputs(
    store: GittrackTrackingStore, run_id: str, models: Sequence[theirs.LoggedModelOutput]
) -> None:
    """Log the logged models that a run makes."""
    store.client.log_outputs(run_id, models)


def search_datasets(store: GittrackTrackingStore, experiment_ids: Sequence[str]) -> list[_DatasetSummary]:
    """Return the datasets that runs of experiments read, for the UI to choose from."""
    found: dict[tuple[str, str, str, str | None], None] = {}
    for run in store.client.iter_runs([str(one) for one in experiment_ids]):
        for one in run.datasets.values():
            found[run.experiment_id, one.dataset.name, one.dataset.digest, one.context] = None
    return [_DatasetSummary(*one) for one in list(found)[:MAX_SUMMARIES]]


def to_logged_model(store: GittrackTrackingStore, model: LoggedModel) -> theirs.LoggedModel:
    """Return a logged model as MLflow's; its files are found under a location that names the model."""
    experiment = store.client.get_experiment(model.experiment_id)
    metrics = [
        theirs.Metric(
            one.key,
            one.value,
            one.timestamp,
            one.step,
            model_id=model.model_id,
            dataset_name=one.dataset_name,
            dataset_digest=one.dataset_digest,
            run_id=one.run_id,
        )
        for one in model.metrics or ()
    ]
    return theirs.LoggedModel(
        experiment_id=model.experiment_id,
        model_id=model.model_id,
        name=model.name,
        artifact_location=model_location(store.artifact_root_uri, experiment, model.model_id),
        creation_timestamp=model.creation_timestamp,
        last_updated_timestamp=model.last_updated_timestamp,
        model_type=model.model_type,
        source_run_id=model.source_run_id,
        status=theirs.LoggedModelStatus(str(model.status)),
        tags=dict(model.tags),
        params=dict(model.params),
        metrics=metrics or None,
    )
