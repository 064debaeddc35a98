"""The hidden branch here and at a remote: fetch, merge, push, and what is ahead."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.jsonform import decode
from gittrack.core.messages import compose_message
from gittrack.core.paths import DOCUMENTS, EXPERIMENTS, FORMAT
from gittrack.errors import ConflictError, RemoteError
from gittrack.store.git_commit import Committer, encode_commit, install, take_entries
from gittrack.store.git_draft import check_version
from gittrack.store.git_merge import TreeMerge
from gittrack.store.git_outgoing import prepare, settle
from gittrack.store.git_pack import make_object
from gittrack.store.git_walk import is_ancestor
from gittrack.store.layout import RUNS_REF, tracking_ref
from gittrack.store.lock import hold
from gittrack.store.transport import PushOutcome, RefUpdate

if TYPE_CHECKING:
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_scan import Held
    from gittrack.store.transport import Progress, Transport

MAX_ATTEMPTS = 20
LONGEST_PAUSE_S = 5.0


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two states are apart, in runs."""

    ahead: tuple[str, ...] = ()
    """Ids of runs that only we have, or have changed."""
    behind: tuple[str, ...] = ()
    """Ids of runs that only the remote has, or that differ."""


def fetch(
    objects: Objects, transport: Transport, remote: str, ref: str, *, progress: Progress | None = None
) -> bool:
    """Bring our picture of a remote up to date; return whether it has runs.

    Raises:
        NotFoundError: There is no such remote.
        RemoteError: It cannot be reached.
    """
    transport.fetch(remote, {ref: tracking_ref(remote)}, progress=progress)
    return objects.read_ref(tracking_ref(remote)) is not None


def merge(committer: Committer, remote: str) -> bool:
    """Merge what was fetched from a remote into our branch; return whether that changed it.

    Raises:
        CorruptDataError: Something that both sides changed cannot be read.
        ConflictError: Our ref keeps moving although the lock is held.
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    with hold(committer.layout.lock):
        for _ in range(MAX_ATTEMPTS):
            theirs = objects.read_ref(tracking_ref(remote))
            ours = objects.read_ref(RUNS_REF)
            take_entries(committer, ours)
            if theirs is None or theirs == ours or (ours and is_ancestor(objects, theirs, ours)):
                return False
            moved = _advance(committer, ours, theirs, remote)
            if moved is not None:
                return moved
    message = f"{RUNS_REF} keeps moving"
    raise ConflictError(message, hint="is another program writing this ref? stop it and try again")


@dataclass(frozen=True, slots=True)
class Sent:
    """What a push did."""

    runs: int
    """So many runs are new or changed at the remote."""
    held: tuple[Held, ...] = ()
    """What stayed here, since it looks like it holds a secret."""


def push(
    committer: Committer,
    transport: Transport,
    remote: str,
    ref: str,
    *,
    progress: Progress | None = None,
) -> Sent:
    """Fetch, merge and push until the remote has all we have, but for what must not leave.

    Raises:
        NotFoundError: There is no such remote.
        RemoteRefusedError: It does not accept the ref.
        RemoteError: It cannot be reached, or others keep pushing first.
    """
    objects = committer.objects
    for attempt in range(MAX_ATTEMPTS):
        fetch(objects, transport, remote, ref, progress=progress)
        merge(committer, remote)
        ours, theirs = objects.read_ref(RUNS_REF), objects.read_ref(tracking_ref(remote))
        if ours is None or ours == theirs:
            return Sent(0)
        outgoing = prepare(committer, ours, theirs, progress=progress)
        if outgoing.commit is None:
            return Sent(0, outgoing.held)
        # Only after a squash here is what the remote has no ancestor of what we have: then, and only if the
        # remote still is where we saw it, it is replaced.
        replaced = theirs if theirs and not is_ancestor(objects, theirs, outgoing.commit) else None
        update = RefUpdate(ref, outgoing.commit, replaced)
        if transport.push(remote, [update], progress=progress) is PushOutcome.DONE:
            objects.swap_ref(tracking_ref(remote), theirs, outgoing.commit, f"push to {remote}")
            if not outgoing.is_ours:
                settle(committer, outgoing.commit)
            return Sent(len(compare(objects, outgoing.commit, theirs).ahead), outgoing.held)
        time.sleep(random.uniform(0, min(0.05 * 2**attempt, LONGEST_PAUSE_S)))  # noqa: S311  (jitter)
    message = f"others kept pushing to {remote} first"
    raise RemoteError(message, hint="try again; what was logged is safe here")


def differs_beside_runs(objects: Objects, ours: str | None, theirs: str | None) -> bool:
    """Whether two commits of the hidden branch differ in documents, such as models, or in experiments.

    Raises:
        CorruptDataError: A tree cannot be read.
    """
    trees = [objects.read_commit(commit).tree if commit else None for commit in (ours, theirs)]
    return any(
        len({objects.find(tree, (name,)) if tree else None for tree in trees}) > 1
        for name in (DOCUMENTS, EXPERIMENTS)
    )


def compare(objects: Objects, ours: str | None, theirs: str | None) -> Difference:
    """Return the runs in which two commits of the hidden branch differ; the cost is that of the difference.

    Raises:
        CorruptDataError: A tree cannot be read.
    """
    trees = [objects.read_commit(commit).tree if commit else None for commit in (theirs, ours)]
    ahead, behind = [], []
    for run_id, before, after in objects.changed_runs(*trees):
        if after is not None:
            ahead.append(run_id)
        if before is not None:
            behind.append(run_id)
    return Difference(tuple(sorted(ahead)), tuple(sorted(behind)))


def _advance(committer: Committer, ours: str | None, theirs: str, remote: str) -> bool | None:
    """Move our branch to a commit that holds both sides.

    Returns:
        Whether it had to be moved; None if it was moved by somebody else meanwhile.
    """
    objects = committer.objects
    their_commit = objects.read_commit(theirs)
    version = objects.find(their_commit.tree, (FORMAT,))
    check_version(objects.read(version.oid) if version else None)
    if ours is None:
        return objects.swap_ref(RUNS_REF, None, theirs, f"fetch from {remote}") or None
    our_commit = objects.read_commit(ours)
    trees = TreeMerge(objects)
    tree = trees.merge(our_commit.tree, their_commit.tree)
    if tree == their_commit.tree:
        return objects.swap_ref(RUNS_REF, ours, theirs, f"merge of {remote}: it has all of ours") or None
    # After a squash the old history must not come back: only the newer epoch is a parent.
    ages = (_epoch(objects, our_commit.tree), _epoch(objects, their_commit.tree))
    parents = [theirs, ours] if ages[0] == ages[1] else [theirs] if ages[1] > ages[0] else [ours]
    if tree == our_commit.tree and ages[0] > ages[1]:
        return False
    found = compare(objects, theirs, ours).ahead
    subject = f"merge of {remote}: {len(found)} runs" if len(found) != 1 else f"merge of {remote}: 1 run"
    time_s = max(committer.now_s(), our_commit.time_s + 1, their_commit.time_s + 1)
    text = encode_commit(tree, parents, committer.identity, time_s, compose_message([subject], ()))
    commit = make_object("commit", text, objects.hash_name)
    return install(committer, [commit, *trees.new.values()], ours, commit.oid, subject) or None


def _epoch(objects: Objects, tree: str) -> int:
    entry = objects.find(tree, (FORMAT,))
    document = decode(objects.read(entry.oid)) if entry else None
    epoch = document.get("epoch") if isinstance(document, dict) else None
    return epoch if isinstance(epoch, int) else 0
