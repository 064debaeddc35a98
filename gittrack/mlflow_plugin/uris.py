"""Where things are, as MLflow names them: ``gittrack:/repository/-/0/<run id>/artifacts``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.names import check_artifact_path
from gittrack.errors import InvalidNameError

if TYPE_CHECKING:
    from gittrack.core.model import Experiment

INSIDE = "/-/"
"""Stands between the path of a repository and what is inside; no Git host allows a folder of this name."""
FOLDER = "artifacts"


def split_uri(uri: str) -> tuple[str, str]:
    """Return the part of a ``gittrack:`` URI that names the repository, and the path inside, maybe empty."""
    repository, _, inside = uri.partition(INSIDE)
    return repository, inside.strip("/")


def artifact_root(repository_uri: str) -> str:
    """Return under which experiments keep their artifacts."""
    return repository_uri + INSIDE.rstrip("/")


def experiment_location(root: str, experiment: Experiment) -> str:
    """Return where an experiment keeps artifacts; only what users gave is stored, no path of a machine."""
    return experiment.artifact_location or f"{root.rstrip('/')}/{experiment.experiment_id}"


def model_location(root: str, experiment: Experiment, model_id: str) -> str:
    """Return where the files of a logged model are."""
    return f"{experiment_location(root, experiment).rstrip('/')}/models/{model_id}/{FOLDER}"


def parse_place(path: str) -> tuple[str, str, str]:
    """Return what owns the artifacts at ``<experiment>/<…>/artifacts/<path>``, and the path in there.

    Returns:
        ``run``, ``model`` or ``trace``; its id; the path of the artifact, empty for all of them.

    Raises:
        InvalidNameError: It is no such path.
    """
    match path.strip("/").split("/"):
        case [_, "models", model_id, folder, *rest] if folder == FOLDER:
            owner, owner_id = "model", model_id
        case [_, "traces", trace_id, folder, *rest] if folder == FOLDER:
            owner, owner_id = "trace", trace_id
        case [_, run_id, folder, *rest] if folder == FOLDER:
            owner, owner_id = "run", run_id
        case _:
            message = f"no artifacts can be at {path!r}"
            raise InvalidNameError(message, hint="they are at <experiment id>/<run id>/artifacts")
    inside = "/".join(rest)
    return owner, owner_id, check_artifact_path(inside) if inside else ""
