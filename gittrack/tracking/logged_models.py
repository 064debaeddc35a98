"""Logged models: created, finished, tagged, measured, searched, and their files."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gittrack.core.logged_model import (
    LOGGED_MODELS,
    LoggedModel,
    LoggedModelStatus,
    ModelMetric,
    check_logged_model_name,
    check_status,
    metric_field,
    metric_row,
    read_logged_model,
)
from gittrack.core.model import format_param
from gittrack.core.names import check_key, make_run_name
from gittrack.core.stamped import DocumentChange
from gittrack.core.values import coerce_metric, coerce_param, coerce_step, coerce_timestamp
from gittrack.errors import InvalidValueError, ModelNotFoundError, RunNotFoundError, TagNotFoundError
from gittrack.tracking import artifacts as files
from gittrack.tracking.registry import tag_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Artifact, FileInfo, ParamValue, Run
    from gittrack.tracking.client import Client


def create_logged_model(
    client: Client,
    experiment_id: str,
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, object] | None = None,
    params: Mapping[str, object] | None = None,
    model_type: str | None = None,
) -> LoggedModel:
    """Create a logged model; it is ``PENDING`` until `finalize_logged_model`.

    Args:
        client: Of the store.
        experiment_id: An active experiment.
        name: Not unique; a readable one is made up if None.
        source_run_id: The run that makes it, which holds its files.
        tags: To set at once.
        params: To log at once.
        model_type: E.g. ``classifier``.

    Raises:
        ExperimentNotFoundError: There is no such experiment.
        RunNotFoundError: There is no such run.
        UserError: Something cannot be stored.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking import experiments

    experiments.get_active_experiment(client, str(experiment_id))
    chosen = check_logged_model_name(name or make_run_name(int.from_bytes(os.urandom(6))))
    if source_run_id is not None:
        client.get_run(source_run_id)
    time = client.time_ms()
    values: dict[str, ParamValue] = {
        "name": chosen,
        "experiment_id": str(experiment_id),
        "source_run_id": source_run_id,
        "model_type": model_type,
        "status": LoggedModelStatus.PENDING.value,
        "creation_timestamp": time,
        "last_updated_timestamp": time,
        **tag_fields(tags or {}),
        **_param_fields(params or {}),
    }
    present = {key: value for key, value in values.items() if value is not None}
    model_id = f"m-{os.urandom(16).hex()}"
    _change(client, model_id, time, present, f"logged model {chosen}: begun")
    return get_logged_model(client, model_id)


def get_logged_model(client: Client, model_id: str) -> LoggedModel:
    """Return a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
    """
    document = client.store.find_document(LOGGED_MODELS, str(model_id)) if _may_be_id(model_id) else None
    if document is None or "name" not in document.fields or "deleted" in document.fields:
        message = f"no logged model with id {model_id!r}"
        raise ModelNotFoundError(message, hint="search_logged_models() lists them")
    return read_logged_model(document)


def finalize_logged_model(client: Client, model_id: str, status: str) -> LoggedModel:
    """Say that a logged model is whole (``READY``), or never will be (``FAILED``).

    Raises:
        ModelNotFoundError: There is none with this id.
        InvalidValueError: The status is none.
    """
    checked = check_status(status)
    model = get_logged_model(client, model_id)
    time = client.time_ms()
    fields: dict[str, ParamValue] = {"status": checked.value, "last_updated_timestamp": time}
    _change(client, model_id, time, fields, f"logged model {model.name}: {checked.value.lower()}")
    return get_logged_model(client, model_id)


def delete_logged_model(client: Client, model_id: str) -> None:
    """Delete a logged model; its files stay in the run that holds them.

    Raises:
        ModelNotFoundError: There is none with this id.
    """
    model = get_logged_model(client, model_id)
    time = client.time_ms()
    _change(client, model_id, time, {"deleted": time}, f"logged model {model.name}: deleted")


def set_logged_model_tags(client: Client, model_id: str, tags: Mapping[str, object]) -> None:
    """Set tags of a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
        UserError: A key or value cannot be stored.
    """
    fields = tag_fields(tags)
    model = get_logged_model(client, model_id)
    if fields:
        _change(client, model_id, client.time_ms(), fields, f"logged model {model.name}: tagged")


def delete_logged_model_tag(client: Client, model_id: str, key: str) -> None:
    """Remove a tag of a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
        TagNotFoundError: It has no such tag.
    """
    model = get_logged_model(client, model_id)
    if key not in model.tags:
        message = f"no tag with name {key!r} in logged model {model.name!r}"
        raise TagNotFoundError(message, hint=f"its tags: {', '.join(sorted(model.tags)) or 'none'}")
    _change(client, model_id, client.time_ms(), {f"tags.{key}": None}, f"logged model {model.name}: untagged")


def log_model_params(client: Client, model_id: str, params: Mapping[str, object]) -> None:
    """Log params of a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
        UserError: A key or value cannot be stored, or a param has another value already.
    """
    fields = _param_fields(params)
    model = get_logged_model(client, model_id)
    for field, value in fields.items():
        before = model.params.get(field.removeprefix("params."))
        if before is not None and before != value:
            message = f"param {field.removeprefix('params.')!r} is {before!r} already, not {value!r}"
            raise InvalidValueError(message, hint="params do not change")
    if fields:
        _change(client, model_id, client.time_ms(), fields, f"logged model {model.name}: params")


def log_model_metrics(
    client: Client,
    model_id: str,
    metrics: Mapping[str, float],
    *,
    step: int | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    dataset_name: str | None = None,
    dataset_digest: str | None = None,
) -> None:
    """Log what a run measured of a logged model; the latest value of each run and dataset stays.

    This is for results, not for curves: each call is a commit.

    Raises:
        ModelNotFoundError: There is none with this id.
        UserError: A key or value cannot be stored.
    """
    model = get_logged_model(client, model_id)
    time = client.time_ms()
    at = time if timestamp is None else coerce_timestamp(timestamp)
    known = {metric_field(one): (one.step, one.timestamp) for one in model.metrics or ()}
    fields: dict[str, ParamValue] = {}
    for key, value in metrics.items():
        number = coerce_metric(check_key("metric", key), value)
        point = ModelMetric(
            key, number, at, coerce_step(step), model_id, run_id, dataset_name, dataset_digest
        )
        field = metric_field(point)
        if known.get(field, (point.step, at)) <= (point.step, at):
            fields[field] = metric_row(point)
    if fields:
        _change(client, model_id, time, fields, f"logged model {model.name}: {', '.join(metrics)}")


# Files


def log_model_artifact(
    client: Client, model_id: str, local_path: str | os.PathLike[str], artifact_path: str | None = None
) -> None:
    """Store a file with a logged model: an artifact of the run that made it.

    Raises:
        ModelNotFoundError: There is none with this id.
        ArtifactNotFoundError: There is nothing at ``local_path``.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    run_id, folder = claim_files(client, model_id)
    client.log_artifact(run_id, local_path, f"{folder}/{artifact_path}" if artifact_path else folder)


def log_model_artifacts(
    client: Client, model_id: str, local_dir: str | os.PathLike[str], artifact_path: str | None = None
) -> None:
    """Store the content of a folder with a logged model: artifacts of the run that made it.

    Raises:
        ModelNotFoundError: There is none with this id.
        ArtifactNotFoundError: There is nothing at ``local_dir``.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    run_id, folder = claim_files(client, model_id)
    client.log_artifacts(run_id, local_dir, f"{folder}/{artifact_path}" if artifact_path else folder)


def list_logged_model_artifacts(client: Client, model_id: str, path: str | None = None) -> list[FileInfo]:
    """Return the files and folders of a logged model, or of a folder in it; paths are relative to it.

    Raises:
        ModelNotFoundError: There is none with this id.
    """
    model = get_logged_model(client, model_id)
    if model.files_run_id is None:
        return []
    begin = f"{model.files_path}/"
    artifacts = {
        name.removeprefix(begin): one
        for name, one in client.get_run(model.files_run_id).artifacts.items()
        if name.startswith(begin)
    }
    return files.list_folder(artifacts, path)


def claim_files(client: Client, model_id: str) -> tuple[str, str]:
    """Return the run that holds the files of a logged model, and the folder in it.

    A model that no run made gets a run of its own, so that its files are kept, sent and verified like others.

    Raises:
        ModelNotFoundError: There is none with this id.
        StoreError: The disk is full, or failed.
    """
    model = get_logged_model(client, model_id)
    if model.files_run_id is not None:
        return model.files_run_id, model.files_path
    run_id = model.source_run_id
    if run_id is None:
        run_id = client.create_run(model.experiment_id, run_name=f"files of {model.name}").run_id
        client.set_terminated(run_id)
    folder = model.name
    taken = {one.files_path for one in _of_run(client, run_id)}
    paths = client.get_run(run_id).artifacts
    if folder in taken or any(path == folder or path.startswith(f"{folder}/") for path in paths):
        folder = f"{folder}-{model_id[2:10]}"
    fields: dict[str, ParamValue] = {"files_run_id": run_id, "files_path": folder}
    _change(client, model_id, client.time_ms(), fields, f"logged model {model.name}: files")
    return run_id, folder


def find_in_run(client: Client, run_id: str, name: str) -> LoggedModel | None:
    """Return the logged model by that name that a run made, the last one by step and time."""
    try:
        steps = client.get_run(run_id).model_outputs
    except RunNotFoundError:
        return None
    named = [one for one in _of_run(client, run_id) if one.name == name]
    order = {one.model_id: (steps.get(one.model_id, 0), one.creation_timestamp) for one in named}
    return max(named, key=lambda one: order[one.model_id], default=None)


def own_artifacts(client: Client, run: Run) -> dict[str, Artifact]:
    """Return the artifacts of a run that are no files of logged models."""
    models = tuple(
        f"{one.files_path}/" for one in _of_run(client, run.run_id) if one.files_run_id == run.run_id
    )
    return {path: one for path, one in run.artifacts.items() if not path.startswith(models)}


def _of_run(client: Client, run_id: str) -> list[LoggedModel]:
    documents = client.store.list_documents(LOGGED_MODELS)
    models = [
        read_logged_model(one) for one in documents if "name" in one.fields and "deleted" not in one.fields
    ]
    return [one for one in models if run_id in {one.source_run_id, one.files_run_id}]


def _change(client: Client, model_id: str, time: int, values: Mapping[str, ParamValue], subject: str) -> None:
    client.store.change_documents([DocumentChange(LOGGED_MODELS, model_id, time, values)], subject)


def _param_fields(params: Mapping[str, object]) -> dict[str, ParamValue]:
    return {
        f"params.{check_key('param', key)}": format_param(coerce_param(key, value))
        for key, value in params.items()
    }


def _may_be_id(model_id: object) -> bool:
    return isinstance(model_id, str) and model_id.replace("-", "").replace("_", "").isalnum()
