"""Takes logged and registered models of another tracker in, with their ids, times and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.logged_model import LOGGED_MODELS, metric_field, metric_row
from gittrack.core.names import derive_id
from gittrack.core.registry import MODELS, VERSIONS, check_model_name, name_models
from gittrack.core.stamped import DocumentChange
from gittrack.tracking.logged_models import claim_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import ParamValue
    from gittrack.core.registry import ModelVersion
    from gittrack.importers.records import FoundLoggedModel, FoundRegisteredModel
    from gittrack.tracking.client import Client


def import_logged_model(client: Client, found: FoundLoggedModel, experiment_id: str) -> bool:
    """Take in a logged model with its files; return whether it was new. One that is here stays as it is.

    Raises:
        UserError: Something cannot be stored.
        StoreError: The disk is full, or failed.
    """
    model = found.model
    known = client.store.find_document(LOGGED_MODELS, model.model_id)
    if known is not None and "status" in known.fields:
        return False
    about: dict[str, ParamValue] = {
        "name": model.name,
        "experiment_id": experiment_id,
        "source_run_id": model.source_run_id,
        "model_type": model.model_type,
        "creation_timestamp": model.creation_timestamp,
        "last_updated_timestamp": model.last_updated_timestamp,
        **{f"tags.{key}": value for key, value in model.tags.items()},
        **{f"params.{key}": value for key, value in model.params.items()},
        **{metric_field(one): metric_row(one) for one in model.metrics or ()},
    }
    time = model.last_updated_timestamp
    _change(client, LOGGED_MODELS, model.model_id, time, about, f"logged model {model.name}: imported")
    run_id = None
    for path, file in found.read_files():
        run_id, _ = claim_files(client, model.model_id)
        folder, _, _ = path.rpartition("/")
        client.log_model_artifact(model.model_id, file, folder or None)
    if run_id is not None:
        client.release(run_id)
    # The status comes last: without one an interrupted import goes on with this model.
    status: dict[str, ParamValue] = {"status": model.status.value}
    _change(client, LOGGED_MODELS, model.model_id, time, status, f"logged model {model.name}: complete")
    return True


def import_registered_model(client: Client, found: FoundRegisteredModel) -> bool:
    """Take in a registered model, or those of its versions that are not here; return whether any was new.

    Raises:
        InvalidNameError: The name cannot be stored.
        StoreError: The disk is full, or failed.
    """
    model = found.model
    name = check_model_name(model.name)
    documents = client.store.list_documents(MODELS)
    known = name_models(documents).get(name)
    document_id = known.document_id if known else _free_id(name, {one.document_id for one in documents})
    kind = f"{VERSIONS}/{document_id}"
    here = {one.document_id for one in client.store.list_documents(kind)}
    ids = {one.version: derive_id("version", f"{document_id} {one.version}") for one in found.versions}
    time = model.last_updated_timestamp
    changes = [
        DocumentChange(kind, ids[one.version], one.last_updated_timestamp, _version_fields(one))
        for one in found.versions
        if ids[one.version] not in here
    ]
    if known is None:
        about: dict[str, ParamValue] = {
            "name": name,
            "description": model.description,
            "creation_timestamp": model.creation_timestamp,
            "last_updated_timestamp": model.last_updated_timestamp,
            **{f"tags.{key}": value for key, value in model.tags.items()},
            **{f"aliases.{alias}": ids[number] for alias, number in model.aliases.items() if number in ids},
        }
        changes.append(DocumentChange(MODELS, document_id, time, _present(about)))
    if changes:
        client.store.change_documents(changes, f"model {name}: imported")
    return bool(changes)


def _free_id(name: str, taken: set[str]) -> str:
    attempt = 0
    while (document_id := derive_id("model", name, attempt)) in taken:
        attempt += 1
    return document_id


def _version_fields(version: ModelVersion) -> dict[str, ParamValue]:
    about: dict[str, ParamValue] = {
        "version": version.version,
        "source": version.source,
        "run_id": version.run_id,
        "run_link": version.run_link,
        "model_id": version.model_id,
        "description": version.description,
        "user_id": version.user_id,
        "status": version.status,
        "current_stage": version.current_stage,
        "creation_timestamp": version.creation_timestamp,
        "last_updated_timestamp": version.last_updated_timestamp,
        **{f"tags.{key}": value for key, value in version.tags.items()},
    }
    return _present(about)


def _present(values: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    return {key: value for key, value in values.items() if value is not None}


def _change(
    client: Client, kind: str, document_id: str, time: int, values: Mapping[str, ParamValue], subject: str
) -> None:
    client.store.change_documents([DocumentChange(kind, document_id, time, _present(values))], subject)
