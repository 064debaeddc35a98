"""Models of runs into the registry, and the files of models out of it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.model_uri import parse_model_uri
from gittrack.errors import ConflictError, InvalidValueError, ModelNotFoundError
from gittrack.tracking import logged_models
from gittrack.tracking.model_versions import MAX_VERSIONS, get_version_of
from gittrack.tracking.select import find_run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.model import Run
    from gittrack.core.registry import ModelVersion
    from gittrack.tracking.client import Client

MODEL_FILE = "MLmodel"


def register_source(
    client: Client, model_uri: str, name: str, tags: Mapping[str, object] | None = None
) -> ModelVersion:
    """Add what a URI names as a version to a registered model, which is created if need be.

    Raises:
        ModelNotFoundError: There is no model at a ``models:`` or ``runs:`` URI.
        UserError: A name or tag cannot be stored.
        StoreError: The disk is full, or failed.
    """
    source, run_id, model_id = _resolve(client, model_uri)
    with contextlib.suppress(ConflictError):  # it is there
        client.create_registered_model(name)
    return client.create_model_version(name, source, run_id, tags, model_id=model_id)


def download_model(client: Client, uri: str, target: Path) -> Path:
    """Write the files of a model under ``target``, each verified; return their folder.

    Args:
        client: Of the store.
        uri: ``models:/…`` or ``runs:/…``.
        target: A folder.

    Raises:
        ModelNotFoundError: There is no model there.
        InvalidValueError: It is another URI.
        ArtifactNotFoundError: Content is not here.
        CorruptDataError: Content is not what was logged.
    """
    run_id, path = locate_model(client, uri)
    return Path(client.download_artifacts(run_id, path, target))


def locate_model(client: Client, uri: str) -> tuple[str, str]:
    """Return the run that holds the files of a model, and their folder in it.

    Raises:
        ModelNotFoundError: There is no model there.
        InvalidValueError: It is no URI of a model, or one of files elsewhere.
    """
    parsed = parse_model_uri(uri)
    if parsed is None:
        message = f"the files of {uri!r} are not kept here"
        raise InvalidValueError(message, hint="download them from there")
    if parsed.name is not None:
        version = get_version_of(client, uri)
        return locate_model(
            client, f"models:/{version.model_id}" if version.model_id else version.source or ""
        )
    if parsed.model_id is not None:
        made: LoggedModel | None = client.get_logged_model(parsed.model_id)
    else:
        run = find_run(client, parsed.run_id or "")
        made = logged_models.find_in_run(client, run.run_id, parsed.path)
        if made is None:
            _check_path(run, parsed.path)
            return run.run_id, parsed.path
    if made is None or made.files_run_id is None:
        message = f"the logged model at {uri!r} has no files"
        raise ModelNotFoundError(message, hint="it was never finished, or is only a name for one elsewhere")
    return made.files_run_id, made.files_path


def find_model_path(client: Client, run: Run) -> str:
    """Return where the only model of a run is.

    Raises:
        ModelNotFoundError: It has none.
        InvalidValueError: It has several.
    """
    del client
    paths = list_model_paths(run)
    if not paths:
        message = f"run {run.name!r} has no model"
        raise ModelNotFoundError(message, hint="log one with log_model(), or say where: --path PATH")
    if len(paths) > 1:
        message = f"run {run.name!r} has several models"
        raise InvalidValueError(message, hint=f"say which: --path {' | '.join(paths)}")
    return paths[0]


def runs_of_versions(client: Client) -> frozenset[str]:
    """Return the runs that hold the files of registered versions."""
    held = set()
    for version in client.search_model_versions(max_results=MAX_VERSIONS):
        uri = parse_model_uri(version.source or "")
        if uri is not None and uri.run_id is not None:
            held.add(uri.run_id)
        if version.model_id is not None:
            with contextlib.suppress(ModelNotFoundError):  # it was deleted: nothing of it is left to hold
                held.add(client.get_logged_model(version.model_id).files_run_id or "")
    return frozenset(held)


def list_model_paths(run: Run) -> list[str]:
    """Return the folders of a run that hold models."""
    end = f"/{MODEL_FILE}"
    return sorted(path.removesuffix(end) for path in run.artifacts if path.endswith(end))


def _resolve(client: Client, model_uri: str) -> tuple[str, str | None, str | None]:
    """Return source, run id and model id that a version made of a URI has."""
    uri = parse_model_uri(model_uri)
    if uri is None or uri.name is not None:
        return model_uri, None, None
    if uri.model_id is not None:
        model = client.get_logged_model(uri.model_id)
        return model_uri, model.source_run_id, model.model_id
    run = find_run(client, uri.run_id or "")
    made = logged_models.find_in_run(client, run.run_id, uri.path)
    if made is not None:
        return made.model_uri, run.run_id, made.model_id
    _check_path(run, uri.path)
    return f"runs:/{run.run_id}/{uri.path}", run.run_id, None


def _check_path(run: Run, path: str) -> None:
    begin = f"{path}/" if path else ""
    if not any(name.startswith(begin) or name == path for name in run.artifacts):
        message = f"run {run.name!r} has no model at {path!r}"
        known = ", ".join(list_model_paths(run)) or "no path at all"
        raise ModelNotFoundError(message, hint=f"it has models at: {known}")
