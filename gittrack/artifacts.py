"""Artifacts by URI, as ``mlflow.artifacts`` has them, and by URIs of our own."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

from gittrack import fluent
from gittrack.core.artifact_uri import RUNS, ContentDigest, parse_uri
from gittrack.errors import ArtifactNotFoundError, InvalidValueError, UserError
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    import os

    from gittrack.core.model import FileInfo
    from gittrack.tracking.client import Client

__all__ = ["download_artifacts", "list_artifacts", "load_dict", "load_image", "load_table", "load_text"]


def download_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    dst_path: str | os.PathLike[str] | None = None,
    tracking_uri: str | None = None,
    registry_uri: str | None = None,
) -> str:
    """Write an artifact or a folder of them to the disk, verified; return where it is.

    Args:
        artifact_uri: ``runs:/<run id>/<path>``, ``models:/<name>@<alias>`` or another model's,
            ``gittrack:/<run>/<path>`` with anything that names a run, or ``gittrack:blake3/<digest>``; or
            give ``run_id``.
        run_id: The run.
        artifact_path: What of the run: a file, a folder or a glob such as ``checkpoints/*.pt``; all if None.
        dst_path: The folder to write to, made if need be; a temporary one if None.
        tracking_uri: The repository; the active one if None.
        registry_uri: Accepted for MLflow's sake.

    Raises:
        ArtifactNotFoundError: There is nothing at this path, or its content is not here.
        RunNotFoundError: There is no such run.
        UserError: The arguments contradict one another.
        CorruptDataError: The content is damaged.
        StoreError: The disk is full, or failed.
    """
    del registry_uri
    client = _client(tracking_uri)
    run_id, path = _locate(client, artifact_uri, run_id, artifact_path)
    return client.download_artifacts(run_id, path, dst_path)


def list_artifacts(
    artifact_uri: str | None = None,
    run_id: str | None = None,
    artifact_path: str | None = None,
    tracking_uri: str | None = None,
) -> list[FileInfo]:
    """Return the files and folders directly at a URI or path; see `download_artifacts`.

    Raises:
        RunNotFoundError: There is no such run.
        UserError: The arguments contradict one another.
    """
    client = _client(tracking_uri)
    run_id, path = _locate(client, artifact_uri, run_id, artifact_path)
    return client.list_artifacts(run_id, path)


def load_text(artifact_uri: str) -> str:
    """Return the text of an artifact.

    Raises:
        ArtifactNotFoundError: There is none.
        InvalidValueError: It is not UTF-8.
    """
    try:
        return _read(artifact_uri).decode()
    except UnicodeDecodeError as error:
        message = f"{artifact_uri!r} is no UTF-8 text: {error.reason} at byte {error.start}"
        raise InvalidValueError(message, hint="download_artifacts() brings the file as it is") from None


def load_dict(artifact_uri: str) -> Any:  # noqa: ANN401  (whatever JSON holds)
    """Return what a JSON artifact holds.

    Raises:
        ArtifactNotFoundError: There is none.
        InvalidValueError: It is no JSON.
    """
    try:
        return json.loads(load_text(artifact_uri))
    except (json.JSONDecodeError, RecursionError) as error:
        message = f"{artifact_uri!r} is no JSON: {error}"
        raise InvalidValueError(message, hint="load_text() returns it as it is") from None


def load_image(artifact_uri: str) -> Any:  # noqa: ANN401  (Pillow is optional)
    """Return an image artifact as a Pillow image.

    Raises:
        ArtifactNotFoundError: There is none.
        InvalidValueError: It is no image.
        UserError: Pillow is missing.
    """
    pillow = import_optional("PIL.Image", "loading an image", "pillow")
    try:
        image = pillow.open(io.BytesIO(_read(artifact_uri)))
        image.load()
    except (OSError, ValueError, SyntaxError) as error:
        message = f"{artifact_uri!r} is no image: {error}"
        raise InvalidValueError(message, hint="download_artifacts() brings the file as it is") from None
    return image


def load_table(artifact_uri: str) -> Any:  # noqa: ANN401  (pandas is optional)
    """Return a table artifact as a pandas frame: JSON as `gittrack.log_table` writes it, CSV, TSV or Parquet.

    Raises:
        ArtifactNotFoundError: There is none.
        InvalidValueError: It is no table.
        UserError: pandas is missing, or what it needs for this kind of file.
    """
    pandas = import_optional("pandas", "loading a table", "pandas")
    run_id, path = _locate(fluent.client(), artifact_uri, None, None)
    content = io.BytesIO(fluent.client().read_artifact(run_id, path))
    suffix = path.rpartition(".")[2].lower()
    try:
        if suffix == "json":
            return pandas.read_json(content, orient="split")
        if suffix == "parquet":
            return pandas.read_parquet(content)
        return pandas.read_csv(content, sep="\t" if suffix == "tsv" else ",")
    except ImportError as error:
        message = f"{artifact_uri!r} cannot be read: {error}"
        raise UserError(message, hint="install what pandas asks for, e.g. pip install pyarrow") from None
    except (ValueError, TypeError) as error:
        message = f"{artifact_uri!r} is no table: {error}"
        raise InvalidValueError(message, hint="download_artifacts() brings the file as it is") from None


def _locate(
    client: Client, artifact_uri: str | None, run_id: str | None, artifact_path: str | None
) -> tuple[str, str]:
    """Return run id and path.

    Raises:
        ArtifactNotFoundError: No run has this content.
        RunNotFoundError: No run is named so.
        UserError: The arguments contradict one another, or the URI is none of a run.
    """
    if (artifact_uri is None) == (run_id is None) or (artifact_uri is not None and artifact_path is not None):
        message = "give artifact_uri alone, or run_id with artifact_path if you like"
        raise UserError(message, hint=f"e.g. artifact_uri='{RUNS}<run id>/model.pt'")
    if run_id is not None:
        return run_id, artifact_path or ""
    uri = str(artifact_uri)
    if uri.startswith("models:/"):
        from gittrack.tracking.registering import locate_model

        return locate_model(client, uri)
    target = parse_uri(uri)
    if isinstance(target, ContentDigest):
        return _find_content(client, target.digest)
    if uri.startswith(RUNS):
        return target.run, target.path
    from gittrack.tracking.select import find_run

    return find_run(client, target.run).run_id, target.path


def _find_content(client: Client, digest: str) -> tuple[str, str]:
    for run in client.iter_runs():
        for path, artifact in run.artifacts.items():
            if artifact.digest == digest:
                return run.run_id, path
    message = f"no run has content with the digest {digest[:12]}…"
    raise ArtifactNotFoundError(message, hint="`gittrack artifacts ls RUN` shows the digests of a run")


def _read(artifact_uri: str) -> bytes:
    client = fluent.client()
    return client.read_artifact(*_locate(client, artifact_uri, None, None))


def _client(tracking_uri: str | None) -> Client:
    if tracking_uri is None:
        return fluent.client()
    from gittrack.tracking.client import Client

    return Client(tracking_uri)
