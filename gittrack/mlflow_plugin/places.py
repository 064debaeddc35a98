"""Whose artifacts are meant: those of a run, of a logged model, or of a trace; each kept in its own way."""

from __future__ import annotations

import base64
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gittrack.core.model import FileInfo
from gittrack.core.stamped import DocumentChange
from gittrack.errors import ArtifactNotFoundError, InvalidValueError
from gittrack.mlflow_plugin.uris import parse_place
from gittrack.tracking.artifacts import list_folder
from gittrack.tracking.live import now_ms
from gittrack.tracking.logged_models import own_artifacts

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

TRACE_FILES = "trace-files"
"""Kind of the documents that hold the attachments of traces."""
MAX_ATTACHMENT_BYTES = 8 << 20


class Place(Protocol):
    """A folder of artifacts, or one artifact."""

    def put(self, file: Path) -> None:
        """Store a file in this folder."""

    def put_all(self, folder: Path) -> None:
        """Store the content of a folder in this one."""

    def list(self) -> list[FileInfo]:
        """Return what is in this folder, by paths from the top; nothing for a file."""

    def get(self, target: Path) -> None:
        """Write this artifact to a file that appears when it is whole."""


def find_place(client: Client, path: str) -> Place:
    """Return the place that a path such as ``<experiment>/<run id>/artifacts/<path>`` means.

    Raises:
        InvalidNameError: It is no such path.
        NotFoundError: There is no such logged model.
    """
    owner, owner_id, inside = parse_place(path)
    match owner:
        case "model":
            return ModelPlace(client, owner_id, inside)
        case "trace":
            return TracePlace(client, owner_id, inside)
        case _:
            return RunPlace(client, owner_id, inside)


@dataclass(frozen=True, slots=True)
class RunPlace:
    """Artifacts of a run."""

    client: Client
    run_id: str
    path: str

    def put(self, file: Path) -> None:
        """Store a file."""
        self.client.log_artifact(self.run_id, file, self.path or None)

    def put_all(self, folder: Path) -> None:
        """Store the content of a folder."""
        self.client.log_artifacts(self.run_id, folder, self.path or None)

    def list(self) -> list[FileInfo]:
        """Return what is there, without the files of logged models, which MLflow lists by itself."""
        own = own_artifacts(self.client, self.client.get_run(self.run_id))
        return [one for one in list_folder(own, self.path or None) if one.path != self.path]

    def get(self, target: Path) -> None:
        """Write the artifact to a file."""
        _download(self.client, self.run_id, self.path, target)


@dataclass(frozen=True, slots=True)
class ModelPlace:
    """Artifacts of a logged model, which the run that made it holds."""

    client: Client
    model_id: str
    path: str

    def put(self, file: Path) -> None:
        """Store a file."""
        self.client.log_model_artifact(self.model_id, file, self.path or None)

    def put_all(self, folder: Path) -> None:
        """Store the content of a folder."""
        self.client.log_model_artifacts(self.model_id, folder, self.path or None)

    def list(self) -> list[FileInfo]:
        """Return what is there."""
        found = self.client.list_logged_model_artifacts(self.model_id, self.path or None)
        return [one for one in found if one.path != self.path]

    def get(self, target: Path) -> None:
        """Write the artifact to a file."""
        model = self.client.get_logged_model(self.model_id)
        if model.files_run_id is None:
            message = f"logged model {model.name!r} has no files"
            raise ArtifactNotFoundError(message)
        path = posixpath.join(model.files_path, self.path)
        _download(self.client, model.files_run_id, path, target)


@dataclass(frozen=True, slots=True)
class TracePlace:
    """Attachments of a trace: small, and kept in a document."""

    client: Client
    trace_id: str
    path: str

    def put(self, file: Path) -> None:
        """Store a file."""
        if file.stat().st_size > MAX_ATTACHMENT_BYTES:
            limit = MAX_ATTACHMENT_BYTES >> 20
            message = f"{file.name!r} has more than {limit} MiB, too much for an attachment of a trace"
            raise InvalidValueError(message, hint="log it as an artifact of a run")
        path = posixpath.join(self.path, file.name)
        values = {f"files.{path}": base64.b64encode(file.read_bytes()).decode()}
        change = DocumentChange(TRACE_FILES, self.trace_id, now_ms(), values)
        self.client.store.change_documents([change], f"trace {self.trace_id[:12]}: {path}")

    def put_all(self, folder: Path) -> None:
        """Store the content of a folder."""
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            inside = file.parent.relative_to(folder).as_posix()
            TracePlace(self.client, self.trace_id, posixpath.normpath(posixpath.join(self.path, inside))).put(
                file
            )

    def list(self) -> list[FileInfo]:
        """Return what is there."""
        begin = f"{self.path}/" if self.path else ""
        files = {path: text for path, text in self._files().items() if path.startswith(begin)}
        return [
            FileInfo(path, is_dir=False, file_size=len(text) * 3 // 4) for path, text in sorted(files.items())
        ]

    def get(self, target: Path) -> None:
        """Write the attachment to a file."""
        text = self._files().get(self.path)
        if text is None:
            message = f"trace {self.trace_id!r} has no file {self.path!r}"
            raise ArtifactNotFoundError(message)
        target.write_bytes(base64.b64decode(text))

    def _files(self) -> dict[str, str]:
        document = self.client.store.find_document(TRACE_FILES, self.trace_id)
        return document.group("files") if document else {}


def _download(client: Client, run_id: str, path: str, target: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory(prefix=".gittrack-", dir=target.parent) as folder:
        Path(client.download_artifacts(run_id, path, folder)).replace(target)
