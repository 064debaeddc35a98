"""Runs as they were at an earlier commit of the hidden branch."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.model import LifecycleStage
from gittrack.core.paths import FORMAT
from gittrack.core.series import join
from gittrack.errors import CorruptDataError, NotFoundError
from gittrack.store.git_store import GitStore
from gittrack.store.run_documents import (
    decode_documents,
    list_experiments,
    list_folders,
    read_documents,
    read_segments,
)

if TYPE_CHECKING:
    from gittrack.core.model import Experiment, Run
    from gittrack.core.series import Series
    from gittrack.store.git_objects import Objects
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class Past:
    """What one commit holds; every run is read when all are asked for."""

    objects: Objects
    tree: str

    def list_experiments(self) -> list[Experiment]:
        """Return the experiments that were active."""
        found = list_experiments(self.objects, self.tree)
        return [one for one in found if one.lifecycle_stage == LifecycleStage.ACTIVE]

    def list_runs(self) -> list[Run]:
        """Return the runs that were active, newest first."""
        active = {one.experiment_id for one in self.list_experiments()}
        documents = (
            read_documents(self.objects, folder) for _, folder in list_folders(self.objects, self.tree)
        )
        runs = [decode_documents(*found) for found in documents if found is not None]
        shown = [
            run
            for run in runs
            if run.lifecycle_stage == LifecycleStage.ACTIVE and run.experiment_id in active
        ]
        return sorted(shown, key=lambda run: (run.start_time, run.run_id), reverse=True)

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric of a run."""
        return join(read_segments(self.objects, self.tree, run_id))


def open_past(client: Client, commit: str) -> Past:
    """Return the runs as they were at a commit of the hidden branch.

    Args:
        client: Of the repository.
        commit: Its full id.

    Raises:
        NotFoundError: It is not in this clone, or no commit of the hidden branch.
    """
    store = client.store
    if isinstance(store, GitStore) and store.objects.has(commit):
        with suppress(CorruptDataError):  # something else than a commit
            tree = store.objects.read_commit(commit).tree
            if FORMAT in store.objects.read_tree(tree):
                return Past(store.objects, tree)
    message = f"no commit {commit[:12]} of refs/gittrack/runs in this clone"
    raise NotFoundError(
        message, hint="`gittrack pull` brings it; if a squash cut it off, freeze the report anew"
    )
