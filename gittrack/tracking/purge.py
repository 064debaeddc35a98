"""Runs and artifacts taken out for good, and what nobody can take back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.events import ArtifactRemoved
from gittrack.core.fold import latest_edit
from gittrack.core.model import RunStatus
from gittrack.core.paths import run_folder
from gittrack.errors import ArtifactNotFoundError, RunStateError
from gittrack.store.git_gc import find_loose_content, remove_content
from gittrack.store.layout import CODE_REF, RUNS_REF, tracking_ref
from gittrack.tracking.live import now_ms
from gittrack.tracking.sync import git_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.core.model import Artifact, Run
    from gittrack.store.git_gc import LooseContent
    from gittrack.store.git_store import GitStore
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class Purge:
    """What is to go for good."""

    runs: tuple[Run, ...]
    artifacts: tuple[Artifact, ...] | None
    """Only these of the one run; None: whole runs."""
    content: tuple[LooseContent, ...]
    """What of their content nobody else refers to."""
    remains: tuple[str, ...]
    """Where else it is, and how to get rid of it there, as far as anybody can."""

    @property
    def size(self) -> int:
        """Bytes of content that go."""
        return sum(one.size for one in self.content)


def plan_purge(client: Client, runs: Sequence[Run], path: str | None = None) -> Purge:
    """Return what would go.

    Args:
        client: Of a Git repository.
        runs: Which; one, if there is a path.
        path: Only this artifact of it, or the artifacts in this folder.

    Raises:
        RunStateError: A run is being written.
        ArtifactNotFoundError: There is nothing at this path.
        CorruptDataError: A run cannot be read.
    """
    store = git_store(client)
    for run in runs:
        if run.status == RunStatus.RUNNING:
            message = f"run {run.name!r} is running"
            raise RunStateError(message, hint="end it first")
    chosen = [one for run in runs for one in run.artifacts.values() if path is None or _is_in(one.path, path)]
    if path is not None and not chosen:
        message = f"run {runs[0].name!r} has nothing at {path!r}"
        raise ArtifactNotFoundError(message, hint=f"`gittrack artifacts ls {runs[0].run_id[:12]}` lists them")
    digests = {one.digest for one in chosen}
    if path is not None:  # other paths of the run may have the same content
        digests -= {one.digest for run in runs for one in run.artifacts.values() if one not in chosen}
    loose, _ = find_loose_content(store, grace_s=0, without={run.run_id for run in runs})
    content = tuple(one for one in loose if one.digest in digests)
    remains = tuple(_remains(store, runs, sorted(digests), is_whole=path is None))
    return Purge(tuple(runs), None if path is None else tuple(chosen), content, remains)


def purge(client: Client, plan: Purge, *, clock_ms: Callable[[], int] = now_ms) -> None:
    """Take out what was planned, and cut the history, which holds it too.

    Raises:
        StoreError: The disk is full, or failed.
    """
    store = git_store(client)
    if plan.artifacts is None:
        store.bury_runs([run.run_id for run in plan.runs], clock_ms())
    else:
        for run in plan.runs:
            time_ms = max(clock_ms(), latest_edit(run) + 1)
            store.append_events(run.run_id, [ArtifactRemoved(one.path, time_ms) for one in plan.artifacts])
    store.squash()
    remove_content(store, plan.content)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _remains(
    store: GitStore, runs: Sequence[Run], digests: Sequence[str], *, is_whole: bool
) -> Iterator[str]:
    """Yield where else it is."""
    yield (
        "old commits on this disk, until git drops what nothing refers to: after the push, "
        f"`git reflog expire --expire=now {RUNS_REF}` and `git gc --prune=now`"
    )
    was_shared = False
    for remote in store.remotes():
        tip = store.objects.read_ref(tracking_ref(remote))
        root = store.objects.read_commit(tip).tree if tip else None
        if root and any(store.objects.find(root, run_folder(run.run_id)) for run in runs):
            was_shared = True
            yield (
                f"{remote}, until `gittrack push {remote}`; its host may keep old commits for weeks, "
                "and deletes them sooner only when it is asked"
            )
    if was_shared:
        yield "other clones, until their next pull; forks, bundles and backups, for good"
    else:
        yield "bundles and backups, if there are any"
    for place, count in sorted(_count_places(store, digests).items()):
        files = f"{count} files" if count != 1 else "1 file"
        yield f"content of {files} at {place!r}, until it is collected there"
    if is_whole and any(run.code and run.code.snapshot for run in runs):
        yield f"the snapshot of its code, at {CODE_REF}"
    yield "sites that show it, until they are built and published again"


def _count_places(store: GitStore, digests: Sequence[str]) -> dict[str, int]:
    from gittrack.store.recipes import find_recipe

    tip = store.head()
    root = store.objects.read_commit(tip).tree if tip else None
    counts: dict[str, int] = {}
    for digest in digests:
        recipe = find_recipe(store.objects, root, digest)
        for place in recipe.where if recipe else ():
            counts[place] = counts.get(place, 0) + 1
    return counts
