"""The code of runs here and at a remote: sent with the runs, fetched only by who wants to see it."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from gittrack.errors import RemoteError
from gittrack.store.git_code import keeping_commit
from gittrack.store.git_commit import install
from gittrack.store.git_walk import is_ancestor
from gittrack.store.layout import CODE_REF, tracking_code_ref
from gittrack.store.lock import hold
from gittrack.store.transport import PushOutcome, RefUpdate

if TYPE_CHECKING:
    from gittrack.store.git_commit import Committer
    from gittrack.store.git_objects import Objects
    from gittrack.store.transport import Progress, Transport

MAX_ATTEMPTS = 20
LONGEST_PAUSE_S = 5.0


def fetch_code(
    objects: Objects, transport: Transport, remote: str, ref: str, *, progress: Progress | None = None
) -> bool:
    """Bring all code that a remote keeps; return whether it keeps any.

    Raises:
        NotFoundError: There is no such remote.
        RemoteError: It cannot be reached.
    """
    transport.fetch(remote, {ref: tracking_code_ref(remote)}, progress=progress)
    return objects.read_ref(tracking_code_ref(remote)) is not None


def push_code(
    committer: Committer,
    transport: Transport,
    remote: str,
    ref: str,
    *,
    progress: Progress | None = None,
) -> None:
    """Give a remote the code it lacks; what others gave it is fetched only if they were quicker.

    Raises:
        NotFoundError: There is no such remote.
        RemoteRefusedError: It does not accept the ref.
        RemoteError: It cannot be reached, or others keep pushing first.
    """
    objects, tracking = committer.objects, tracking_code_ref(remote)
    for attempt in range(MAX_ATTEMPTS):
        ours, seen = objects.read_ref(CODE_REF), objects.read_ref(tracking)
        if ours is None or (seen is not None and is_ancestor(objects, ours, seen)):
            return
        if transport.push(remote, [RefUpdate(ref, ours)], progress=progress) is PushOutcome.DONE:
            objects.swap_ref(tracking, seen, ours, f"push to {remote}")
            return
        if attempt:
            time.sleep(random.uniform(0, min(0.05 * 2**attempt, LONGEST_PAUSE_S)))  # noqa: S311  (jitter)
        fetch_code(objects, transport, remote, ref, progress=progress)
        _unite(committer, remote)
    message = f"others kept pushing to {remote} first"
    raise RemoteError(message, hint="try again; what was logged is safe here")


def _unite(committer: Committer, remote: str) -> None:
    """Move our ref to a commit that keeps what both sides keep."""
    objects = committer.objects
    with hold(committer.layout.lock):
        ours, theirs = objects.read_ref(CODE_REF), objects.read_ref(tracking_code_ref(remote))
        if ours is None or theirs is None or is_ancestor(objects, theirs, ours):
            return
        if is_ancestor(objects, ours, theirs):
            return
        time_s = max(committer.now_s(), *(objects.read_commit(one).time_s + 1 for one in (ours, theirs)))
        new = keeping_commit(objects, [ours, theirs], time_s)
        install(committer, new, ours, new[0].oid, f"code of {remote} united with ours", ref=CODE_REF)
