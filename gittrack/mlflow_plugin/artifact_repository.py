"""MLflow's artifact repository on the content that runs refer to by digest."""

from __future__ import annotations

import posixpath
from pathlib import Path

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository

from gittrack.mlflow_plugin.border import at_the_border
from gittrack.mlflow_plugin.clients import open_client
from gittrack.mlflow_plugin.places import Place, find_place
from gittrack.mlflow_plugin.uris import split_uri


@at_the_border
class GittrackArtifactRepository(ArtifactRepository):
    """The artifacts under one ``gittrack:`` URI: those of a run, or, for a server, of all runs."""

    def __init__(
        self, artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> None:
        """Open the repository that the URI names."""
        super().__init__(artifact_uri, tracking_uri, registry_uri)
        _, self._inside = split_uri(artifact_uri)
        self._client = open_client(artifact_uri)

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Store a file in a folder of the artifacts."""
        self._place(artifact_path).put(Path(local_file))

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Store all files of a folder."""
        self._place(artifact_path).put_all(Path(local_dir))

    def list_artifacts(self, path: str | None = None) -> list[FileInfo]:
        """Return what is in a folder; nothing for a file, as MLflow has it."""
        prefix = path.rstrip("/") if path else ""
        found = self._place(path).list()
        return [
            FileInfo(posixpath.join(prefix, posixpath.basename(one.path)), one.is_dir, one.file_size)
            for one in found
        ]

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Leave content alone: `gittrack gc` frees what no run refers to any more."""
        del artifact_path

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        self._place(remote_file_path).get(Path(local_path))

    def _place(self, path: str | None) -> Place:
        return find_place(self._client, posixpath.join(self._inside, path or ""))
