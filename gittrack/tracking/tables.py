"""Tables as artifacts that grow: rows of dicts and data frames, in MLflow's format."""

from __future__ import annotations

import io
import json
import os
import posixpath
import threading
from typing import TYPE_CHECKING, Any

from gittrack.core.names import shorten
from gittrack.errors import ArtifactNotFoundError, InvalidNameError, InvalidValueError
from gittrack.tracking import media

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

TAG_TABLES = "mlflow.loggedArtifacts"
ENDINGS = (".json", ".parquet")


class _Process:
    appending = threading.Lock()
    """Held while a table is read, extended and stored again, so that threads lose no rows."""


def log_table(client: Client, run_id: str, data: Any, artifact_file: str) -> None:  # noqa: ANN401
    """Store a table, or append its rows to the one that is there.

    Args:
        client: Whose run it is.
        run_id: The run.
        data: A dict of columns or of one row, or a data frame; columns of images become files.
        artifact_file: A path that ends in ``.json`` or ``.parquet``.

    Raises:
        InvalidNameError: The path cannot be one of a table.
        InvalidValueError: The data are no table, or cannot be written.
        UserError: pandas, or pyarrow for Parquet, is missing.
        StoreError: The disk is full, or failed.
    """
    path = _check_path(artifact_file)
    frame = _make_frame(data)
    for column in frame.columns:
        _store_images(client, run_id, frame, column, path)
    with _Process.appending:
        run = client.get_run(run_id)
        if path in run.artifacts:
            known = _decode(client.read_artifact(run_id, path), path)
            frame = _pandas().concat([known, frame], ignore_index=True)
        client.log_content(run_id, _encode(frame, path), path)
        tables = _listed_tables(run)
        entry = {"path": path, "type": "table"}
        if entry not in tables:
            client.set_tag(run_id, TAG_TABLES, json.dumps([*tables, entry]))


def load_table(
    client: Client,
    experiment_id: str,
    artifact_file: str,
    run_ids: Sequence[str] | None = None,
    extra_columns: Sequence[str] | None = None,
) -> Any:  # noqa: ANN401  (a data frame)
    """Return the rows of a table of all runs of an experiment, newest run first.

    Args:
        client: Whose runs they are.
        experiment_id: The experiment.
        artifact_file: The table's path.
        run_ids: Of these runs only.
        extra_columns: Facts of the run to add to each row: ``run_id``, ``status``, ``params.lr``, ….

    Raises:
        ArtifactNotFoundError: No run has such a table.
        InvalidValueError: An extra column is none, or an artifact is no table.
        UserError: pandas is missing.
    """
    path = _check_path(artifact_file)
    wanted = None if run_ids is None else set(run_ids)
    frames = []
    for run in client.list_runs([experiment_id]):
        if wanted is not None and run.run_id not in wanted:
            continue
        if not any(entry.get("path") == path for entry in _listed_tables(run)):
            continue
        frame = _decode(client.read_artifact(run.run_id, path), path)
        for column in extra_columns or ():
            frame[f"{column}_" if column in frame else column] = [_fact(run, column)] * len(frame)
        frames.append(frame)
    if not frames:
        message = f"no run has a table {path!r}"
        raise ArtifactNotFoundError(
            message, hint="log_table() logs one; load_table() looks in one experiment"
        )
    return _pandas().concat(frames, ignore_index=True)


def _check_path(artifact_file: str) -> str:
    path = media.check_file(artifact_file)
    if not path.endswith(ENDINGS):
        message = f"a table cannot be stored as {shorten(path)}"
        raise InvalidNameError(message, hint="use a path that ends in .json or .parquet")
    if found := sorted(set("\"',:[]{}") & set(path)):
        message = f"the path of a table cannot hold {found[0]!r}: {shorten(path)}"
        raise InvalidNameError(message, hint="leave out quotes, brackets, ':' and ','")
    return path


def _make_frame(data: Any) -> Any:  # noqa: ANN401
    pandas = _pandas()
    if isinstance(data, pandas.DataFrame):
        return data.copy(deep=False)
    if not isinstance(data, dict):
        message = f"a table must be a dict or a data frame, not {type(data).__name__}"
        raise InvalidValueError(message, hint="pass {'column': [values]}, or pandas.DataFrame(data)")
    try:
        return pandas.DataFrame(data)
    except ValueError:  # a single row, which pandas wants in a list
        return pandas.DataFrame([data])


def _store_images(client: Client, run_id: str, frame: Any, column: Any, path: str) -> None:  # noqa: ANN401
    """Replace a column of images by where they are stored."""
    from uuid import uuid4

    flags = [_is_image(value) for value in frame[column]]
    if not any(flags):
        return
    if not all(flags):
        message = f"column {column!r} holds images and other values"
        raise InvalidValueError(message, hint="make two columns of it")
    folder = f"table_images/{posixpath.splitext(path)[0]}"
    places = []
    for image in frame[column]:
        stem = f"{folder}/{uuid4()}"
        png = media.encode_image(image, ".png")
        client.log_content(run_id, png, f"{stem}.png")
        client.log_content(run_id, media.encode_preview(png) or png, f"{stem}.webp")
        places.append({"type": "image", "filepath": f"{stem}.png", "compressed_filepath": f"{stem}.webp"})
    frame[column] = places


def _is_image(value: object) -> bool:
    return all(hasattr(value, name) for name in ("save", "resize", "size"))


def _encode(frame: Any, path: str) -> bytes:  # noqa: ANN401
    target = io.BytesIO()
    try:
        if path.endswith(".json"):
            return str(frame.to_json(orient="split", index=False, date_format="iso")).encode()
        media.import_optional("pyarrow", "writing Parquet", "pyarrow")
        frame.to_parquet(target, index=False)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"the table cannot be written to {path!r}: {error}"
        raise InvalidValueError(message, hint="use columns of numbers, text, dates or images") from None
    return target.getvalue()


def _decode(content: bytes, path: str) -> Any:  # noqa: ANN401
    pandas = _pandas()
    try:
        if path.endswith(".json"):
            return pandas.read_json(io.BytesIO(content), orient="split")
        media.import_optional("pyarrow", "reading Parquet", "pyarrow")
        return pandas.read_parquet(io.BytesIO(content))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        message = f"the artifact {path!r} is no table: {error}"
        raise InvalidValueError(message, hint="log the table under another path") from None


def _listed_tables(run: Run) -> list[dict[str, str]]:
    try:
        entries = json.loads(run.tags.get(TAG_TABLES, "[]"))
    except ValueError:
        return []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _fact(run: Run, column: str) -> object:
    """Return what MLflow's table of runs has in a column."""
    kind, _, name = column.partition(".")
    if name and kind in {"params", "metrics", "tags"}:
        found: object = getattr(run.data, kind).get(name)
        return found
    if column in {"start_time", "end_time"}:
        return _pandas().to_datetime(getattr(run, column), unit="ms", utc=True)
    if column in {"run_id", "experiment_id", "status", "artifact_uri"}:
        return str(getattr(run.info, column))
    message = f"{column!r} is no column of a run"
    raise InvalidValueError(message, hint="use run_id, status, start_time, params.…, metrics.… or tags.…")


def _pandas() -> Any:  # noqa: ANN401  (the module)
    return media.import_optional("pandas", "a table", "pandas")


def _after_fork() -> None:
    _Process.appending = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
