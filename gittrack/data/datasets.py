"""Datasets made of what is in memory, in files or behind URLs, with MLflow's fields."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.schema import Schema
from gittrack.data.digests import digest_arrays, digest_frame
from gittrack.data.sources import DatasetSource, digest_of_listing, resolve_source
from gittrack.errors import ArtifactNotFoundError, GittrackError, InvalidValueError
from gittrack.store.digests import digest_file
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import infer_schema, is_a, is_array

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

DIGEST_LENGTH = 32
"""Hex digits of BLAKE3 that name the state of a file."""
MAX_ROWS = 10_000
"""Rows of Hugging Face's that schema and digest are made of."""
READERS = {".csv": "read_csv", ".parquet": "read_parquet", ".json": "read_json", ".jsonl": "read_json"}


@dataclass(frozen=True, slots=True)
class Dataset:
    """Some data, and what is known of them; `gittrack.log_input` logs the latter."""

    name: str
    digest: str
    source: DatasetSource
    schema: Schema | dict[str, Any] | None = None
    """Of columns; of arrays a dict, as in MLflow."""
    profile: dict[str, Any] | None = None
    data: Any = None
    """The data frame, array, Hugging Face dataset, or the path of the file or folder."""
    targets: Any = None
    """Name of the column, or array, with what is to be predicted."""
    predictions: str | None = None
    """Name of the column with predictions."""

    @property
    def df(self) -> Any:  # noqa: ANN401  (MLflow's name)
        """The data frame."""
        return self.data

    @property
    def features(self) -> Any:  # noqa: ANN401  (MLflow's name)
        """The array of features."""
        return self.data

    @property
    def ds(self) -> Any:  # noqa: ANN401  (MLflow's name)
        """The dataset of Hugging Face."""
        return self.data

    def to_dict(self) -> dict[str, str | None]:
        """Return MLflow's fields, as text."""
        schema = {"mlflow_colspec": self.schema.to_dict()} if isinstance(self.schema, Schema) else self.schema
        return {
            "name": self.name,
            "digest": self.digest,
            "source": self.source.to_json(),
            "source_type": self.source.source_type,
            "schema": None if schema is None else json.dumps(schema),
            "profile": None if self.profile is None else json.dumps(self.profile),
        }

    def to_json(self) -> str:
        """Return MLflow's fields as JSON."""
        return json.dumps(self.to_dict())


def from_pandas(
    df: Any,  # noqa: ANN401
    source: str | os.PathLike[str] | DatasetSource | None = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> Dataset:
    """Make a dataset of a data frame.

    Args:
        df: The data frame.
        source: Path or URI it was read from; a file that Git has is known by its commit and path.
        targets: Column with what is to be predicted.
        name: E.g. ``wiki_train``; ``dataset`` if None.
        digest: Computed if None.
        predictions: Column with predictions of a model.

    Raises:
        InvalidValueError: It is no data frame, or has no such column.
    """
    if not is_a(df, "pandas", "DataFrame"):
        message = f"{type(df).__name__} is no data frame of pandas"
        raise InvalidValueError(message, hint="from_numpy() takes arrays, from_file() files")
    for kind, column in (("targets", targets), ("predictions", predictions)):
        if column is not None and column not in df.columns:
            message = f"the data frame has no column {column!r} for {kind}"
            raise InvalidValueError(message, hint=f"it has {', '.join(map(str, list(df.columns)[:8]))}")
    return Dataset(
        name=name or "dataset",
        digest=digest or digest_frame(df),
        source=resolve_source(source, _client()),
        schema=_try_schema(df),
        profile={"num_rows": len(df), "num_elements": int(df.size)},
        data=df,
        targets=targets,
        predictions=predictions,
    )


def from_polars(df: Any, *args: Any, **kwargs: Any) -> Dataset:  # noqa: ANN401
    """Make a dataset of a polars data frame; see `from_pandas`.

    Raises:
        InvalidValueError: It is no data frame of polars, or has no such column.
        UserError: pandas or pyarrow is missing.
    """
    if not is_a(df, "polars", "DataFrame"):
        message = f"{type(df).__name__} is no data frame of polars"
        raise InvalidValueError(message, hint="from_pandas() takes those of pandas")
    return from_pandas(df.to_pandas(), *args, **kwargs)


def from_numpy(
    features: Any,  # noqa: ANN401
    source: str | os.PathLike[str] | DatasetSource | None = None,
    targets: Any = None,  # noqa: ANN401
    name: str | None = None,
    digest: str | None = None,
) -> Dataset:
    """Make a dataset of arrays.

    Args:
        features: An array, or a dict of arrays.
        source: Path or URI they were read from.
        targets: Likewise, what is to be predicted.
        name: ``dataset`` if None.
        digest: Computed if None.

    Raises:
        InvalidValueError: It is no array.
    """
    for one in (features, *(() if targets is None else (targets,))):
        arrays = one.values() if isinstance(one, dict) else (one,)
        if not all(is_array(array) for array in arrays):
            message = f"{type(one).__name__} is no array of numpy, nor a dict of them"
            raise InvalidValueError(message, hint="numpy.asarray() makes one")
    schema: dict[str, Any] | None = None
    found = _try_schema(features), None if targets is None else _try_schema(targets)
    if found[0] is not None:
        texts = {"features": found[0].to_json(), "targets": found[1].to_json() if found[1] else None}
        schema = {"mlflow_tensorspec": texts}
    profile: dict[str, Any] = {}
    for kind, value in (("features", features), ("targets", targets)):
        for attribute in () if value is None else ("shape", "size", "nbytes"):
            profile[f"{kind}_{attribute}"] = (
                {key: getattr(array, attribute) for key, array in value.items()}
                if isinstance(value, dict)
                else getattr(value, attribute)
            )
    made_digest = digest or digest_arrays(features, targets)
    where = resolve_source(source, _client())
    return Dataset(name or "dataset", made_digest, where, schema, profile, features, targets)


def from_huggingface(
    ds: Any,  # noqa: ANN401
    path: str | None = None,
    targets: str | None = None,
    data_dir: str | None = None,
    data_files: Any = None,  # noqa: ANN401
    revision: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    trust_remote_code: bool | None = None,  # noqa: FBT001  (MLflow's)
    source: str | DatasetSource | None = None,
) -> Dataset:
    """Make a dataset of a ``datasets.Dataset`` of Hugging Face.

    Args:
        ds: The dataset.
        path: What ``load_dataset`` was called with.
        targets: Column with what is to be predicted.
        data_dir: As for ``load_dataset``.
        data_files: As for ``load_dataset``.
        revision: As for ``load_dataset``.
        name: ``dataset`` if None.
        digest: Computed from the first 10,000 rows if None.
        trust_remote_code: Accepted for MLflow's sake, and never done.
        source: Path or URI it came from, instead of ``path``.

    Raises:
        InvalidValueError: It is no such dataset, has no such column, or both path and source are given.
    """
    del trust_remote_code
    if not is_a(ds, "datasets", "Dataset"):
        message = f"{type(ds).__name__} is no datasets.Dataset"
        raise InvalidValueError(message, hint="of a DatasetDict take one split: ds['train']")
    if targets is not None and targets not in ds.column_names:
        message = f"the dataset has no column {targets!r} for targets"
        raise InvalidValueError(message, hint=f"it has {', '.join(ds.column_names[:8])}")
    if path is not None and source is not None:
        message = "path and source say the same"
        raise InvalidValueError(message, hint="give one of them")
    if path is not None:
        about = {
            "path": path, "config_name": ds.config_name, "data_dir": data_dir, "data_files": data_files,
            "split": str(ds.split), "revision": str(revision or ds.version),
        }  # fmt: skip
        where = DatasetSource("hugging_face", about)
    else:
        where = resolve_source(source, _client())
    frame = ds.select(range(min(MAX_ROWS, ds.num_rows))).to_pandas()
    profile = {"num_rows": ds.num_rows, "dataset_size": ds.dataset_size, "size_in_bytes": ds.size_in_bytes}
    made_digest = digest or digest_frame(frame)
    return Dataset(name or "dataset", made_digest, where, _try_schema(frame), profile, ds, targets)


def from_file(
    path: str | os.PathLike[str],
    *,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    read: bool | None = None,
) -> Dataset:
    """Make a dataset of a file; its digest is BLAKE3 of its bytes.

    Args:
        path: Of the file. One that Git has in just this state is known by commit and path, else by its place.
        targets: Column with what is to be predicted.
        name: The file's name if None.
        digest: Computed if None.
        read: Read it with pandas for its schema and `df`; None: if it is CSV, Parquet or JSON and pandas is
            there.

    Raises:
        ArtifactNotFoundError: There is no such file.
        InvalidValueError: It has no such column, or cannot be read.
        UserError: ``read`` is true, and pandas is missing.
        StoreError: It cannot be read.
    """
    file = Path(path)
    if not file.is_file():
        message = f"no file at {os.fspath(path)!r}"
        raise ArtifactNotFoundError(message, hint="from_folder() takes folders, from_url() URLs")
    with disk_errors("read the file"):
        found, size = digest or digest_file(file)[:DIGEST_LENGTH], file.stat().st_size
    reader = READERS.get(file.suffix.lower())
    wants = read is True or (read is None and reader is not None and _has_pandas())
    frame = _read_frame(file, reader) if wants else None
    source = resolve_source(file, _client())
    if frame is None:
        return Dataset(name or file.name, found, source, None, {"num_bytes": size}, file, targets)
    made = from_pandas(frame, source, targets, name or file.name, found)
    profile = {**(made.profile or {}), "num_bytes": size}
    return Dataset(made.name, found, source, made.schema, profile, frame, targets)


def from_folder(
    path: str | os.PathLike[str], *, name: str | None = None, digest: str | None = None
) -> Dataset:
    """Make a dataset of all files in a folder; its digest is BLAKE3 of their digests and paths.

    Raises:
        ArtifactNotFoundError: There is no such folder.
        StoreError: A file cannot be read.
    """
    folder = Path(path)
    if not folder.is_dir():
        message = f"no folder at {os.fspath(path)!r}"
        raise ArtifactNotFoundError(message, hint="from_file() takes files")
    with disk_errors("read the folder"):
        files = sorted(one for one in folder.rglob("*") if one.is_file())
        size = sum(one.stat().st_size for one in files)
        listing = {} if digest else {one.relative_to(folder).as_posix(): digest_file(one) for one in files}
    found = digest or digest_of_listing(listing)[:DIGEST_LENGTH]
    profile = {"num_files": len(files), "num_bytes": size}
    source = resolve_source(folder, _client())
    return Dataset(name or folder.resolve().name, found, source, None, profile, folder)


def from_url(url: str, *, name: str | None = None, digest: str | None = None) -> Dataset:
    """Make a dataset of what is behind a URL, by reference.

    Args:
        url: ``https://…``, or anything fsspec reads.
        name: The last part of the URL if None.
        digest: What tells its states apart; if None, it is read to compute it.

    Raises:
        InvalidValueError: It is no URL.
        RemoteError: It cannot be read.
        UserError: Only fsspec could read it, and that is missing.
    """
    source = resolve_source(url)
    if source.source_type in {"local", "code"}:
        message = f"{url!r} is no URL"
        raise InvalidValueError(message, hint="from_file() takes files")
    last = name or url.split("?", maxsplit=1)[0].rstrip("/").rpartition("/")[2] or "dataset"
    if digest is not None:
        return Dataset(last, digest, source)
    with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
        file = source.load(folder)
        profile = {"num_bytes": file.stat().st_size}
        return Dataset(last, digest_file(file)[:DIGEST_LENGTH], source, None, profile)


def _try_schema(data: Any) -> Schema | None:  # noqa: ANN401
    """Return the schema, None where there is none: a dataset can be logged without."""
    try:
        return infer_schema(data)
    except InvalidValueError:
        return None


def _read_frame(file: Path, reader: str | None) -> Any:  # noqa: ANN401
    pandas = import_optional("pandas", f"reading {file.name}", "pandas")
    if reader is None:
        message = f"{file.name!r} is neither CSV nor Parquet nor JSON"
        raise InvalidValueError(message, hint="read it yourself, then from_pandas(df, source=path)")
    options = {"lines": True} if file.suffix.lower() == ".jsonl" else {}
    try:
        return getattr(pandas, reader)(file, **options)
    except (ValueError, OSError, ImportError) as error:
        message = f"{str(file)!r} cannot be read: {error}"
        raise InvalidValueError(message, hint="from_file(path, read=False) logs it unread") from error


def _has_pandas() -> bool:
    from importlib.util import find_spec

    return find_spec("pandas") is not None


def _client() -> Client | None:
    """Return the client of the fluent functions, None where there is no repository."""
    from gittrack.fluent import client

    try:
        return client()
    except GittrackError:
        return None
