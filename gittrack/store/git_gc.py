"""Deletion for good: tombstones for runs, room for content nobody refers to, history cut to one commit."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.events import logged_artifacts
from gittrack.core.jsonform import decode, encode_document
from gittrack.core.messages import compose_message
from gittrack.core.paths import FORMAT, FORMAT_VERSION, run_folder, tombstone_path
from gittrack.errors import ConflictError
from gittrack.store import blobs, unhashed
from gittrack.store.disk import disk_errors
from gittrack.store.git_commit import encode_commit, install, take_entries
from gittrack.store.git_draft import Draft, begin_draft
from gittrack.store.git_pack import make_object
from gittrack.store.journal_files import list_journals, read_journal
from gittrack.store.layout import RUNS_REF
from gittrack.store.lock import hold
from gittrack.store.small_blobs import remove_small

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from gittrack.store.git_commit import Committer
    from gittrack.store.git_store import GitStore

MAX_ATTEMPTS = 10
IN_FLIGHT_S = 3600.0
"""No file takes longer than this from being stored to being logged."""


@dataclass(frozen=True, slots=True)
class LooseContent:
    """Artifact content that no run refers to."""

    digest: str
    size: int
    """Bytes."""
    mtime: float
    """When it was last stored, seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """What is on its way into a run: nobody may take it away."""

    digests: frozenset[str]
    """Content that journals name."""
    since: float
    """Content that was stored later may be about to be named; seconds since the epoch."""

    def holds(self, digest: str, mtime: float) -> bool:
        """Whether content is on its way, or may be."""
        return digest in self.digests or mtime >= self.since


def bury_runs(committer: Committer, run_ids: Sequence[str], time_ms: int) -> None:
    """Remove runs for good: whoever still has them loses them with the next merge.

    Raises:
        StoreError: The disk is full, or failed.
    """
    if not run_ids:
        return

    def bury(draft: Draft) -> None:
        for run_id in run_ids:
            draft.editor.remove(run_folder(run_id))
            draft.put(tombstone_path(run_id), encode_document({"time": time_ms}))

    subject = (
        f"{len(run_ids)} runs removed for good" if len(run_ids) != 1 else f"{run_ids[0]} removed for good"
    )
    rewrite(committer, bury, subject, keep_history=True)


def squash(committer: Committer) -> None:
    """Cut the history to one commit; every run stays. Clones that know the old history take up the new one.

    Raises:
        StoreError: The disk is full, or failed.
    """

    def begin_epoch(draft: Draft) -> None:
        document = decode(draft.get((FORMAT,)) or b"{}")
        epoch = document.get("epoch", 0) if isinstance(document, dict) else 0
        draft.put((FORMAT,), encode_document({"version": FORMAT_VERSION, "epoch": epoch + 1}))

    rewrite(committer, begin_epoch, "history squashed", keep_history=False)


def find_in_flight(store: GitStore) -> InFlight:
    """Return what is on its way into a run.

    Raises:
        StoreError: A journal cannot be read.
    """
    writers = list(list_journals(store.layout))
    logged = [unhashed.name_content(store.layout, read_journal(one.path).events) for one in writers]
    digests = {artifact.digest for events in logged for artifact in logged_artifacts(events)}
    # Content is stored before its run says so: while somebody writes, what is new may be on its way.
    return InFlight(frozenset(digests), time.time() - IN_FLIGHT_S if writers else math.inf)


def find_loose_content(
    store: GitStore, *, grace_s: float, without: Container[str] = ()
) -> tuple[list[LooseContent], list[LooseContent]]:
    """Return content that no run refers to: what may go, and what is held back.

    Args:
        store: Where to look.
        grace_s: Content younger than this, in seconds, is held back, and so is what is on its way into a run.
        without: Ids of runs that do not count.

    Raises:
        CorruptDataError: A run cannot be read: then nobody can tell what it refers to.
    """
    # What a killed process took and never named is loose too; what is younger may be named at any moment.
    unhashed.hash_all(store.layout, min_age_s=IN_FLIGHT_S)
    flying = find_in_flight(store)
    staying = (run for run in store.list_runs() if run.run_id not in without)
    used = {artifact.digest for run in staying for artifact in run.artifacts.values()}
    newest = time.time() - grace_s
    free: list[LooseContent] = []
    held: list[LooseContent] = []
    for one in blobs.list_stored(store.layout):
        if one.digest not in used:
            is_held = one.mtime >= newest or flying.holds(one.digest, one.mtime)
            (held if is_held else free).append(LooseContent(one.digest, one.size, one.mtime))
    return free, held


def remove_content(store: GitStore, content: Sequence[LooseContent]) -> None:
    """Remove content.

    Raises:
        StoreError: It cannot be removed.
    """
    with disk_errors("remove an artifact"):
        for one in content:
            path = store.layout.blob(one.digest)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime <= one.mtime:  # else somebody just stored it again
                    path.unlink()
    remove_small(store.layout, [(one.digest, one.mtime) for one in content])


def rewrite(
    committer: Committer, change: Callable[[Draft], None], subject: str, *, keep_history: bool
) -> None:
    """Commit what ``change`` makes of the tree as it is, whoever else commits at the moment.

    Raises:
        ConflictError: Somebody moves the ref without holding the lock.
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    with hold(committer.layout.lock):
        for _ in range(MAX_ATTEMPTS):
            tip = objects.read_ref(RUNS_REF)
            take_entries(committer, tip)
            if tip is None:
                return
            draft = begin_draft(objects, tip)
            change(draft)
            tree, trees = draft.editor.write()
            time_s = max(committer.now_s(), objects.read_commit(tip).time_s + 1)
            parents = [tip] if keep_history else []
            message = compose_message([subject], ())
            text = encode_commit(tree, parents, committer.identity, time_s, message)
            commit = make_object("commit", text, objects.hash_name)
            if install(committer, [commit, *trees, *draft.new.values()], tip, commit.oid, subject):
                return
    message = f"{RUNS_REF} keeps moving"
    raise ConflictError(message, hint="is another program writing this ref? stop it and try again")
