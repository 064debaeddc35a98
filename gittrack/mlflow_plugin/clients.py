"""One client a repository and process, shared by all stores that MLflow opens on it."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from gittrack.mlflow_plugin.uris import split_uri
from gittrack.tracking.client import Client

if TYPE_CHECKING:
    from typing import Final

IDLE_S: Final = 10.0
"""A server gives a run's journal back when nothing was written to it for one to two times this long."""

_clients: dict[str, Client] = {}
_lock = threading.Lock()


def open_client(uri: str) -> Client:
    """Return the client of the repository that a ``gittrack:`` URI names; it stays open.

    Raises:
        RepositoryNotFoundError: There is no Git repository.
        StoreError: It cannot be read.
    """
    repository, _ = split_uri(uri)
    with _lock:
        # The working folder may have changed since the same relative URI was opened.
        client = _clients.get(repository) if _is_absolute(repository) else None
        if client is None:
            client = Client(repository)
            known = _clients.setdefault(client.tracking_uri, client)
            if known is not client:
                client.close()
                client = known
            elif is_server():
                _start_releasing(client)
            _clients[repository] = client
    return client


def is_server() -> bool:
    """Tell whether this process answers for others, as ``mlflow server`` does, instead of training itself."""
    return "_MLFLOW_SERVER_FILE_STORE" in os.environ


def server_artifact_root() -> str | None:
    """Return under which a server keeps the artifacts of experiments; None if this process is none."""
    return os.environ.get("_MLFLOW_SERVER_ARTIFACT_ROOT") if is_server() else None


def _is_absolute(repository: str) -> bool:
    return repository.partition(":")[2].lstrip("/") != "" and ":/" in repository


def _start_releasing(client: Client) -> None:
    def release() -> None:
        while not stopped.wait(IDLE_S):
            client.release_idle()

    stopped = threading.Event()
    threading.Thread(target=release, name="gittrack-release", daemon=True).start()
