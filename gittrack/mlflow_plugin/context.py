"""What MLflow's fluent functions know of a repository: its code, and its experiment.

Both keep silent unless MLflow tracks to a repository: the plugin may be installed where it is not used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mlflow.tracking.context.abstract_context import RunContextProvider
from mlflow.tracking.default_experiment.abstract_context import DefaultExperimentProvider

from gittrack.core.model import TAG_BRANCH, TAG_COMMIT, TAG_REPO_URL

if TYPE_CHECKING:
    from gittrack.store.git_database import GitDatabase
    from gittrack.tracking.client import Client

SETTING = ("gittrack", "experiment")
"""``git config gittrack.experiment NAME``: where runs of this repository go that name no experiment."""


def is_tracking_here() -> bool:
    """Tell whether MLflow tracks to a repository."""
    import mlflow

    return str(mlflow.get_tracking_uri()).startswith("gittrack:")


class GittrackRunContext(RunContextProvider):
    """Which code runs, by MLflow's tags, without GitPython."""

    def in_context(self) -> bool:
        """Tell whether there is anything to say."""
        return is_tracking_here()

    def tags(self) -> dict[str, str]:
        """Return the tags of commit, branch and remote, as far as they are known."""
        from gittrack.tracking.context import strip_user_info

        database = _database()
        commit, branch = database.read_head()
        url = database.remote_url()
        found = {TAG_COMMIT: commit, TAG_BRANCH: branch, TAG_REPO_URL: strip_user_info(url) if url else None}
        return {key: value for key, value in found.items() if value is not None}


class GittrackDefaultExperiment(DefaultExperimentProvider):
    """The experiment that gittrack has set in this process, or that the repository's configuration names."""

    def in_context(self) -> bool:
        """Tell whether an experiment is set or configured."""
        return is_tracking_here() and (_set_id() or _configured_name()) is not None

    def get_experiment_id(self) -> str:
        """Return its id; the first run makes one that is only configured."""
        if (chosen := _set_id()) is not None:
            return chosen
        client = _client()
        name = _configured_name() or ""
        known = client.get_experiment_by_name(name)
        return known.experiment_id if known else client.create_experiment(name)


def _set_id() -> str | None:
    return os.environ.get("GITTRACK_EXPERIMENT_ID")


def _configured_name() -> str | None:
    return os.environ.get("GITTRACK_EXPERIMENT_NAME") or _database().read_config(*SETTING)


def _database() -> GitDatabase:
    from gittrack.tracking.sync import git_store

    database = git_store(_client()).database
    assert database is not None  # noqa: S101  (a store in a repository has one)
    return database


def _client() -> Client:
    import mlflow

    from gittrack.mlflow_plugin.clients import open_client  # not while MLflow itself is being imported

    return open_client(str(mlflow.get_tracking_uri()))
