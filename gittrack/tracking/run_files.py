"""The artifacts of a run: files, texts, figures, images and tables logged to it, and read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from gittrack.core.names import check_artifact_path
from gittrack.errors import InvalidValueError
from gittrack.tracking import artifacts as files
from gittrack.tracking import media, tables

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Artifact, FileInfo
    from gittrack.tracking.client import Client


def log_artifact(
    client: Client,
    run_id: str,
    local_path: str | os.PathLike[str],
    artifact_path: str | None = None,
    *,
    link: bool = False,
) -> None:
    """Store a file, or a folder under its own name.

    Args:
        client: Of the run.
        run_id: The run.
        local_path: The file or folder.
        artifact_path: Folder in the run, the top if None.
        link: Take large files themselves rather than copies, where the file system can: no byte is copied,
            a thread hashes while you go on, the file becomes read-only, and whoever changes it nevertheless
            damages what is kept. It may be moved or removed at once.

    Raises:
        ArtifactNotFoundError: There is nothing at ``local_path``.
        UserError: A path cannot be stored, or something is no file.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    from gittrack.tracking import folders

    source = files.check_source(local_path)
    live = client.live(run_id)
    name = source.name or source.resolve().name
    if source.is_dir():
        folders.log_folder(client.store, live, source, files.join_path(artifact_path, name), link=link)
    else:
        files.log_file(client.store, live, source, files.join_path(artifact_path, name), link=link)


def log_artifacts(
    client: Client,
    run_id: str,
    local_dir: str | os.PathLike[str],
    artifact_path: str | None = None,
    *,
    link: bool = False,
) -> None:
    """Store the content of a folder.

    Args:
        client: Of the run.
        run_id: The run.
        local_dir: The folder.
        artifact_path: Folder in the run, the top if None.
        link: Take large files themselves rather than copies, where the file system can: no byte is copied,
            a thread hashes while you go on, the file becomes read-only, and whoever changes it nevertheless
            damages what is kept. It may be moved or removed at once.

    Raises:
        ArtifactNotFoundError: There is nothing at ``local_dir``.
        UserError: It is no folder, or a path in it cannot be stored.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    from gittrack.tracking import folders

    source = files.check_source(local_dir)
    if not source.is_dir():
        message = f"{str(source)!r} is no folder"
        raise InvalidValueError(message, hint="log_artifact() logs a file")
    folders.log_folder(client.store, client.live(run_id), source, artifact_path, link=link)


def log_content(client: Client, run_id: str, content: bytes, artifact_file: str) -> Artifact:
    """Store bytes as an artifact.

    Raises:
        InvalidNameError: The path cannot be stored.
        StoreError: The disk is full, or failed.
    """
    return files.log_content(client.store, client.live(run_id), check_artifact_path(artifact_file), content)


def log_text(client: Client, run_id: str, text: str, artifact_file: str) -> None:
    """Store text as an artifact, in UTF-8.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no text, or no valid Unicode.
        StoreError: The disk is full, or failed.
    """
    client.log_content(run_id, media.encode_text(text), media.check_file(artifact_file))


def log_dict(client: Client, run_id: str, dictionary: Any, artifact_file: str) -> None:  # noqa: ANN401
    """Store a dict or list: YAML for ``.yml`` and ``.yaml``, else JSON; see `media.encode_dict`.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It cannot be said in JSON.
        UserError: PyYAML is missing.
        StoreError: The disk is full, or failed.
    """
    path = media.check_file(artifact_file)
    client.log_content(run_id, media.encode_dict(dictionary, path), path)


def log_figure(
    client: Client,
    run_id: str,
    figure: Any,  # noqa: ANN401
    artifact_file: str,
    *,
    save_kwargs: Mapping[str, Any] | None = None,
) -> None:
    """Store a figure in the format its path ends in; see `media.encode_figure`.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no figure, or cannot be saved so.
        UserError: A package for this format is missing.
        StoreError: The disk is full, or failed.
    """
    path = media.check_file(artifact_file)
    client.log_content(run_id, media.encode_figure(figure, path, save_kwargs), path)


def log_image(
    client: Client,
    run_id: str,
    image: Any,  # noqa: ANN401
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = None,  # noqa: FBT001
) -> None:
    """Store an image: at a path, or under a key as one of a series over steps.

    Args:
        client: Of the run.
        run_id: The run.
        image: A Pillow image or a numpy array; see `media.encode_image`.
        artifact_file: The path; not together with the other three.
        key: The series it belongs to.
        step: Any signed 64-bit integer, 0 if None.
        timestamp: Milliseconds since the epoch, now if None.
        synchronous: Accepted for MLflow's sake: logging is always done when the call returns.

    Raises:
        InvalidNameError: The path or key cannot be stored.
        InvalidValueError: It is no image, or neither or both of path and key are given.
        UserError: Pillow is missing.
        StoreError: The disk is full, or failed.
    """
    del synchronous
    by_key = key is not None or step is not None or timestamp is not None
    if (artifact_file is None) != by_key or (by_key and key is None):
        message = "give artifact_file alone, or key with step and timestamp if you like"
        raise InvalidValueError(
            message, hint="log_image(image, 'a.png') or log_image(image, key='a', step=3)"
        )
    if artifact_file is not None:
        path = media.check_file(artifact_file)
        client.log_content(run_id, media.encode_image(image, path), path)
        return
    time_ms = client.time_ms() if timestamp is None else timestamp
    for path, content in media.encode_keyed_image(image, key, step, time_ms).items():
        client.log_content(run_id, content, path)
    client.set_tag(run_id, media.TAG_IMAGES, value=True)


def log_table(client: Client, run_id: str, data: Any, artifact_file: str) -> None:  # noqa: ANN401
    """Store a table, or append its rows to the one that is there; see `tables.log_table`.

    Raises:
        InvalidNameError: The path cannot be one of a table.
        InvalidValueError: The data are no table, or cannot be written.
        UserError: pandas is missing.
        StoreError: The disk is full, or failed.
    """
    tables.log_table(client, run_id, data, artifact_file)


def load_table(
    client: Client,
    experiment_id: str,
    artifact_file: str,
    run_ids: Sequence[str] | None = None,
    extra_columns: Sequence[str] | None = None,
) -> Any:  # noqa: ANN401
    """Return the rows of a table of all runs of an experiment as a data frame; see `tables.load_table`.

    Raises:
        ArtifactNotFoundError: No run has such a table.
        InvalidValueError: An extra column is none, or an artifact is no table.
        UserError: pandas is missing.
    """
    return tables.load_table(client, experiment_id, artifact_file, run_ids, extra_columns)


def log_stream(client: Client, run_id: str, stream: BinaryIO, artifact_file: str) -> None:
    """Store what a binary stream holds from where it stands; memory stays flat whatever its size.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no binary stream.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    files.log_stream(client.store, client.live(run_id), media.check_file(artifact_file), stream)


def list_artifacts(client: Client, run_id: str, path: str | None = None) -> list[FileInfo]:
    """Return the files and folders directly at ``path`` (default: the top).

    Raises:
        RunNotFoundError: There is no run with this id.
    """
    return files.list_folder(client.get_run(run_id).artifacts, path)


def read_artifact(client: Client, run_id: str, path: str, *, fetch: bool = True) -> bytes:
    """Return the content of one artifact, verified; what is damaged here is fetched again.

    Args:
        client: Of the run.
        run_id: The run.
        path: In the run.
        fetch: Whether to bring it from a remote if it is not here.

    Raises:
        ArtifactNotFoundError: The run has none there, or its content is nowhere to be had.
        CorruptDataError: The content is damaged.
        RemoteError: No remote that has it can be reached.
    """
    from gittrack.tracking import contents, downloads

    run = client.get_run(run_id)
    if not fetch:
        return downloads.read_artifact(client.store, run, path)
    contents.bring(client, run, path)
    return downloads.read_artifact(client.store, run, path, contents.mender(client, run))


def download_artifacts(
    client: Client, run_id: str, path: str = "", dst_path: str | os.PathLike[str] | None = None
) -> str:
    """Write an artifact, a folder (default: all) or what a glob means to a folder; return where it is.

    What is not here, or damaged here, comes from a remote; everything is verified.

    Raises:
        ArtifactNotFoundError: There is nothing at ``path``, or its content is nowhere to be had.
        CorruptDataError: The content is damaged.
        RemoteError: No remote that has it can be reached.
        StoreError: The disk is full, or failed.
    """
    from pathlib import Path

    from gittrack.tracking import contents, downloads

    destination = None if dst_path is None else Path(dst_path)
    run = client.get_run(run_id)
    contents.bring(client, run, path)
    return str(downloads.download(client.store, run, path, destination, contents.mender(client, run)))
