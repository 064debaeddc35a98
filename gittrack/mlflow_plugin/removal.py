"""What ``mlflow gc`` asks for: deleted runs and models, removed for good.

Experiments stay, deleted: nothing of them could come back by a merge, but another clone may still log to one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.logged_model import LOGGED_MODELS
from gittrack.core.stamped import DocumentChange
from gittrack.tracking.gc import deletion_time
from gittrack.tracking.live import now_ms
from gittrack.tracking.sync import git_store
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore


def list_deleted_runs(store: GittrackTrackingStore, older_than: int = 0) -> list[str]:
    """Return the ids of runs that were deleted at least ``older_than`` milliseconds ago."""
    latest = now_ms() - older_than
    runs = store.client.iter_runs(view_type=ViewType.DELETED_ONLY)
    return [run.run_id for run in runs if deletion_time(run) <= latest]


def remove_run(store: GittrackTrackingStore, run_id: str) -> None:
    """Remove a run for good, here and wherever this is merged; `gittrack gc` frees its content."""
    git_store(store.client).bury_runs([store.client.get_run(run_id).run_id], now_ms())


def list_deleted_models(store: GittrackTrackingStore, older_than: int = 0) -> list[str]:
    """Return the ids of logged models that were deleted at least ``older_than`` milliseconds ago."""
    latest = now_ms() - older_than
    deleted = [one for one in store.client.store.list_documents(LOGGED_MODELS) if "deleted" in one.fields]
    return [one.document_id for one in deleted if one.latest_time <= latest]


def remove_model(store: GittrackTrackingStore, model_id: str) -> None:
    """Remove a logged model for good; its files stay with the run that made it."""
    change = DocumentChange(LOGGED_MODELS, model_id, now_ms(), removes=True)
    store.client.store.change_documents([change], f"logged model {model_id}: removed")
