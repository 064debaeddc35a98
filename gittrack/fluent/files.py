"""MLflow's functions that store and load artifacts of the active run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from gittrack.fluent.active import live_run
from gittrack.fluent.current import active_experiment_id, client

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence


def log_artifact(
    local_path: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
    *,
    link: bool = False,
) -> None:
    """Store a file, or a folder under its own name, in the active run.

    Args:
        local_path: The file or folder.
        artifact_path: Folder in the run, the top if None.
        run_id: The run, the active one if None.
        link: Take large files themselves rather than copies, where the file system can: no byte is copied,
            a thread hashes while you go on, the file becomes read-only, and whoever changes it nevertheless
            damages what is stored. It may be moved or removed at once.

    Raises:
        ArtifactNotFoundError: There is nothing at ``local_path``.
        UserError: A path cannot be stored, or something is no file.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    client().log_artifact(run_id or live_run().run_id, local_path, artifact_path, link=link)


def log_artifacts(
    local_dir: str | os.PathLike[str],
    artifact_path: str | None = None,
    run_id: str | None = None,
    *,
    link: bool = False,
) -> None:
    """Store the content of a folder in the active run.

    Args:
        local_dir: The folder.
        artifact_path: Folder in the run, the top if None.
        run_id: The run, the active one if None.
        link: Take large files themselves rather than copies, where the file system can: no byte is copied,
            a thread hashes while you go on, the file becomes read-only, and whoever changes it nevertheless
            damages what is stored. It may be moved or removed at once.

    Raises:
        ArtifactNotFoundError: There is nothing at ``local_dir``.
        UserError: It is no folder, or a path in it cannot be stored.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    client().log_artifacts(run_id or live_run().run_id, local_dir, artifact_path, link=link)


def log_text(text: str, artifact_file: str, run_id: str | None = None) -> None:
    """Store text as an artifact of the active run, in UTF-8.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no text, or no valid Unicode.
        StoreError: The disk is full, or failed.
    """
    client().log_text(run_id or live_run().run_id, text, artifact_file)


def log_dict(dictionary: Any, artifact_file: str, run_id: str | None = None) -> None:  # noqa: ANN401
    """Store a dict or list in the active run: YAML for ``.yml`` and ``.yaml``, else JSON.

    What JSON lacks becomes ``str`` of itself; NaN and infinities are written as Python's ``json`` reads
    them again.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It cannot be said in JSON.
        UserError: PyYAML is missing.
        StoreError: The disk is full, or failed.
    """
    client().log_dict(run_id or live_run().run_id, dictionary, artifact_file)


def log_figure(figure: Any, artifact_file: str, *, save_kwargs: Mapping[str, Any] | None = None) -> None:  # noqa: ANN401
    """Store a figure in the active run, in the format its path ends in.

    Args:
        figure: Of matplotlib (what its ``savefig`` knows), plotly (``.html``, ``.json``, pictures with
            kaleido) or Altair (``.html``, ``.json``, pictures with vl-convert).
        artifact_file: The path.
        save_kwargs: For the figure's own way of saving.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no figure, or cannot be saved so.
        UserError: A package for this format is missing.
        StoreError: The disk is full, or failed.
    """
    client().log_figure(live_run().run_id, figure, artifact_file, save_kwargs=save_kwargs)


def log_image(
    image: Any,  # noqa: ANN401
    artifact_file: str | None = None,
    key: str | None = None,
    step: int | None = None,
    timestamp: int | None = None,
    synchronous: bool | None = False,
) -> None:
    """Store an image in the active run: at a path, or under a key as one of a series over steps.

    Args:
        image: A Pillow image, or a numpy array of H x W, H x W x 1, 3 or 4: bool, integers from 0 to 255, or
            floats from 0 to 1.
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
    client().log_image(live_run().run_id, image, artifact_file, key, step, timestamp, synchronous)


def log_table(data: Any, artifact_file: str, run_id: str | None = None) -> None:  # noqa: ANN401
    """Store a dict or data frame as a table of the active run, or append its rows to the one that is there.

    Raises:
        InvalidNameError: The path cannot be one of a table.
        InvalidValueError: The data are no table, or cannot be written.
        UserError: pandas is missing.
        StoreError: The disk is full, or failed.
    """
    client().log_table(run_id or live_run().run_id, data, artifact_file)


def load_table(
    artifact_file: str, run_ids: Sequence[str] | None = None, extra_columns: Sequence[str] | None = None
) -> Any:  # noqa: ANN401
    """Return the rows of a table of all runs of the active experiment as a data frame.

    Args:
        artifact_file: The table's path.
        run_ids: Of these runs only.
        extra_columns: Facts of the run to add to each row: ``run_id``, ``status``, ``params.lr``, ….

    Raises:
        ArtifactNotFoundError: No run has such a table.
        InvalidValueError: An extra column is none, or an artifact is no table.
        UserError: pandas is missing.
    """
    return client().load_table(active_experiment_id(), artifact_file, run_ids, extra_columns)


def log_stream(stream: BinaryIO, artifact_file: str, run_id: str | None = None) -> None:
    """Store what a binary stream holds, from where it stands, in the active run.

    Raises:
        InvalidNameError: The path cannot be stored.
        InvalidValueError: It is no binary stream.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    client().log_stream(run_id or live_run().run_id, stream, artifact_file)


def log_reference(
    uri: str,
    artifact_path: str | None = None,
    *,
    digest: str | None = None,
    size: int | None = None,
    run_id: str | None = None,
) -> None:
    """Log an artifact of the active run whose content stays where it is; see `Client.log_reference`.

    Raises:
        InvalidNameError: The path cannot be one of an artifact.
        InvalidValueError: The URI, digest or size makes no sense.
        StoreError: The disk is full, or failed.
    """
    client().log_reference(run_id or live_run().run_id, uri, artifact_path, digest=digest, size=size)


def use_artifact(
    artifact_uri: str, dst_path: str | os.PathLike[str] | None = None, run_id: str | None = None
) -> str:
    """Say that the active run uses an artifact of another run, and write it to a folder; return where it is.

    Args:
        artifact_uri: ``runs:/<run id>/<path>``, or ``gittrack:/<run>/<path>`` with anything that names a run.
        dst_path: The folder to write to; a temporary one if None.
        run_id: The run that uses it; the active one if None.

    Raises:
        RunNotFoundError: The other run is not here.
        ArtifactNotFoundError: It has nothing there, or the content is nowhere to be had.
        UserError: It is no such URI, or of the run itself.
        StoreError: The disk is full, or failed.
    """
    user = client()
    use = user.use_artifact(run_id or live_run().run_id, artifact_uri)
    return user.download_artifacts(use.run_id, use.path, dst_path)


def get_artifact_uri(artifact_path: str | None = None) -> str:
    """Return the URI of an artifact of the active run, or of all of them: ``runs:/<run id>/<path>``."""
    uri = f"runs:/{live_run().run_id}"
    return f"{uri}/{artifact_path.strip('/')}" if artifact_path else uri
