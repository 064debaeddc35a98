"""Garbage: deleted runs and content that nobody refers to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import UserError
from gittrack.store.git_gc import LooseContent, find_loose_content, remove_content
from gittrack.store.git_store import GitStore
from gittrack.tracking.live import now_ms
from gittrack.tracking.registering import runs_of_versions
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Garbage:
    """What may go."""

    runs: tuple[Run, ...]
    """Deleted runs that ended or were deleted long enough ago."""
    content: tuple[LooseContent, ...]
    """Artifact content no run that stays refers to."""
    held: tuple[LooseContent, ...] = ()
    """The same, but young, or perhaps on its way into a run."""

    @property
    def size(self) -> int:
        """Bytes that would be freed."""
        return sum(one.size for one in self.content)


def find_garbage(
    client: Client, *, grace_s: float = 30 * DAY_S, clock_ms: Callable[[], int] = now_ms
) -> Garbage:
    """Return deleted runs older than ``grace_s`` seconds, and content that no run refers to.

    A run that holds the files of a registered version stays.

    Raises:
        CorruptDataError: A run cannot be read.
    """
    store = _store(client)
    newest = clock_ms() - grace_s * 1000
    known = client.iter_runs(view_type=ViewType.DELETED_ONLY)
    deleted = [run for run in known if deletion_time(run) < newest]
    held = runs_of_versions(client) if deleted else frozenset()
    runs = tuple(run for run in deleted if run.run_id not in held)
    content, young = find_loose_content(store, grace_s=grace_s, without={run.run_id for run in runs})
    return Garbage(runs, tuple(content), tuple(young))


def collect(client: Client, garbage: Garbage, *, clock_ms: Callable[[], int] = now_ms) -> None:
    """Remove garbage for good: runs leave a tombstone, so that no clone brings them back.

    Raises:
        StoreError: The disk is full, or failed.
    """
    store = _store(client)
    store.bury_runs([run.run_id for run in garbage.runs], clock_ms())
    remove_content(store, garbage.content)


def squash_history(client: Client) -> None:
    """Cut the history of the hidden branch to one commit; every run stays.

    Raises:
        StoreError: The disk is full, or failed.
    """
    _store(client).squash()


def deletion_time(run: Run) -> int:
    """Return when a run was deleted, as far as that is known, ms."""
    stamp = run.edits.get("lifecycle_stage")
    return int(stamp[:12], 16) if stamp else run.end_time or run.start_time


def _store(client: Client) -> GitStore:
    if not isinstance(client.store, GitStore):
        message = "this store cannot be collected"
        raise UserError(message, hint="only Git repositories keep what was deleted")
    return client.store
