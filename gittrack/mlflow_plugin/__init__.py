"""What MLflow loads of gittrack: factories that its entry points name.

MLflow looks them up while ``import mlflow`` is half done, so each loads what it needs when it is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gittrack.mlflow_plugin.artifact_repository import GittrackArtifactRepository
    from gittrack.mlflow_plugin.registry_store import GittrackRegistryStore
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore


def tracking_store(store_uri: str, artifact_uri: str | None = None) -> GittrackTrackingStore:
    """Return the tracking store of a repository.

    Args:
        store_uri: ``gittrack:``, ``gittrack:.``, ``gittrack:PATH`` or ``gittrack:/absolute/path``.
        artifact_uri: Under which experiments without a location of their own keep artifacts; None for the
            repository itself.

    Raises:
        MlflowException: There is no Git repository.
    """
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

    return GittrackTrackingStore(store_uri, artifact_uri)


def registry_store(store_uri: str, tracking_uri: str | None = None) -> GittrackRegistryStore:
    """Return the model registry of a repository.

    Raises:
        MlflowException: There is no Git repository.
    """
    from gittrack.mlflow_plugin.registry_store import GittrackRegistryStore

    return GittrackRegistryStore(store_uri, tracking_uri)


def artifact_repository(
    artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
) -> GittrackArtifactRepository:
    """Return the artifact repository at a ``gittrack:`` URI.

    Raises:
        MlflowException: There is no Git repository, or the URI names no place in it.
    """
    from gittrack.mlflow_plugin.artifact_repository import GittrackArtifactRepository

    return GittrackArtifactRepository(artifact_uri, tracking_uri, registry_uri)
