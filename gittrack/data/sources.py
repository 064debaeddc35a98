"""Where data come from, said so that they can be had again: Git, files, URLs, Hugging Face, code."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from gittrack.errors import ArtifactNotFoundError, InvalidValueError, NotFoundError, RemoteError, UserError
from gittrack.store.digests import digest_bytes
from gittrack.store.disk import disk_errors
from gittrack.tracking import git_files
from gittrack.tracking.context import current_source, current_user
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.tracking.client import Client

HTTP = frozenset({"http", "https"})
TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """Where data come from."""

    source_type: str
    """``git``, ``local``, ``http``, ``hugging_face``, ``code``, or the scheme of a URI."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What is said of it, as JSON can hold it."""

    def to_dict(self) -> dict[str, Any]:
        """Return what is said of it."""
        return dict(self.about)

    def to_json(self) -> str:
        """Return what is said of it as JSON."""
        return json.dumps(self.to_dict())

    @property
    def uri(self) -> str:
        """Where it is, as people write it."""
        for name in ("uri", "url", "path"):
            if isinstance(self.about.get(name), str):
                return str(self.about[name])
        return self.source_type

    def load(self, dst_path: str | os.PathLike[str] | None = None) -> Any:  # noqa: ANN401  (mostly a path)
        """Bring the data here: return the path of a file, or the dataset of Hugging Face.

        Args:
            dst_path: Folder to write to; a new temporary one if None. Local files are where they are.

        Raises:
            ArtifactNotFoundError: They are not there any more.
            RemoteError: They cannot be reached.
            UserError: Nothing is said of where they are, or a package is missing.
        """
        match self.source_type:
            case "local":
                return _find_local(self.uri)
            case "git":
                return _load_git(self.about, _target(self.uri, dst_path))
            case "http":
                return _download(self.uri, _target(self.uri, dst_path))
            case "hugging_face":
                return _load_huggingface(self.about)
            case "code":
                message = "only the code that made these data is known, not where they are"
                raise UserError(message, hint="pass source= when the dataset is made")
            case _:
                return _load_by_fsspec(self.uri, _target(self.uri, dst_path))


def resolve_source(source: object, client: Client | None = None) -> DatasetSource:
    """Return the source that a path, URI or source says; files that Git has are known by commit and path.

    Args:
        source: A path, a URI, a `DatasetSource` or MLflow's; None for the code that runs.
        client: Of the repository that may have the file.

    Raises:
        InvalidValueError: It is none.
    """
    if source is None:
        return code_source()
    if isinstance(source, DatasetSource):
        return source
    if hasattr(source, "to_dict") and hasattr(source, "_get_source_type"):
        return DatasetSource(source._get_source_type(), source.to_dict())  # noqa: SLF001  (MLflow's interface)
    if not isinstance(source, (str, os.PathLike)) or not os.fspath(source):
        message = f"{source!r} says not where data come from"
        raise InvalidValueError(message, hint="give a path or a URL")
    text = os.fspath(source)
    scheme = urlsplit(text).scheme.lower() if isinstance(text, str) and "://" in text else ""
    if scheme in HTTP:
        return DatasetSource("http", {"url": text})
    if scheme and scheme != "file":
        return DatasetSource(scheme, {"uri": text})
    path = Path(unquote(urlsplit(text).path)) if scheme == "file" else Path(os.fsdecode(text))
    tracked = git_files.find_tracked(client, path) if client is not None else None
    if tracked is not None:
        about = {"uri": tracked.path, "path": tracked.path, "commit": tracked.commit, "blob": tracked.blob}
        return DatasetSource("git", about)
    return DatasetSource("local", {"uri": os.fsdecode(text)})


def code_source() -> DatasetSource:
    """Return the code that runs as a source, in MLflow's words."""
    tags = {"mlflow.user": current_user(), "mlflow.source.type": "LOCAL"}
    if script := current_source():
        tags["mlflow.source.name"] = script
    return DatasetSource("code", {"tags": tags})


def get_source(dataset: Any) -> DatasetSource:  # noqa: ANN401  (whatever has a source)
    """Return the source of a dataset: of `gittrack.data`, of a run's inputs, or of MLflow.

    Raises:
        InvalidValueError: It has none.
    """
    inner = getattr(dataset, "dataset", dataset)
    source = getattr(inner, "source", None)
    if isinstance(source, str):
        try:
            about = json.loads(source)
        except ValueError:
            about = {"uri": source}
        return DatasetSource(inner.source_type, about)
    if source is None:
        message = f"{type(dataset).__name__} has no source"
        raise InvalidValueError(message, hint="pass one of run.inputs.dataset_inputs")
    return resolve_source(source)


def _find_local(uri: str) -> Path:
    path = Path(unquote(urlsplit(uri).path) if uri.startswith("file:") else uri)
    if not path.exists():
        message = f"there is nothing at {str(path)!r} any more"
        raise ArtifactNotFoundError(message, hint="it was a local file: ask whoever made the run for it")
    return path


def _target(uri: str, dst_path: str | os.PathLike[str] | None) -> Path:
    name = Path(unquote(urlsplit(uri).path) if "://" in uri else uri).name or "data"
    with disk_errors("write a dataset"):
        folder = Path(tempfile.mkdtemp(prefix="gittrack-")) if dst_path is None else Path(dst_path)
        folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _load_git(about: Mapping[str, Any], target: Path) -> Path:
    from gittrack.fluent import client

    content = git_files.read_blob(client(), str(about["blob"]))
    if content is None:
        message = f"commit {str(about['commit'])[:12]} with {about['path']!r} is not in this clone"
        raise NotFoundError(message, hint="`git fetch` the branch it is on")
    with disk_errors("write a dataset"):
        target.write_bytes(content)
    return target


def _download(url: str, target: Path) -> Path:
    from urllib.request import Request, urlopen

    request = Request(url, headers={"User-Agent": "gittrack"})  # noqa: S310  (http and https only)
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer, target.open("wb") as file:  # noqa: S310
            shutil.copyfileobj(answer, file, 1 << 20)
    except OSError as error:
        target.unlink(missing_ok=True)
        message = f"cannot download {url}: {error}"
        raise RemoteError(message, hint="check the address and the network") from error
    return target


def _load_huggingface(about: Mapping[str, Any]) -> Any:  # noqa: ANN401
    datasets = import_optional("datasets", "loading from Hugging Face", "datasets")
    names = {"config_name": "name"}
    known = {
        names.get(key, key): value
        for key, value in about.items()
        if value not in (None, "None") and key != "trust_remote_code"
    }
    return datasets.load_dataset(**known)


def _load_by_fsspec(uri: str, target: Path) -> Path:
    fsspec = import_optional("fsspec", f"reading {uri.partition(':')[0]}:", "fsspec")
    try:
        with fsspec.open(uri, "rb") as source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except (OSError, ValueError, ImportError) as error:
        target.unlink(missing_ok=True)
        message = f"cannot read {uri}: {error}"
        raise RemoteError(message, hint="check the address, the network and your credentials") from error
    return target


def digest_of_listing(listing: Mapping[str, str]) -> str:
    """Return the digest of a folder from the digests of its files by path."""
    lines = "".join(f"{digest} {name}\n" for name, digest in sorted(listing.items()))
    return digest_bytes(lines.encode("utf-8", "surrogateescape"))
