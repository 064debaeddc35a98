"""The first look at the remote: a fresh clone takes in its runs before it begins a history of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from gittrack.errors import GittrackError
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.git_store import GitStore

PATIENCE_S = 10.0
"""Nobody waits longer for a remote that says nothing: histories that begin apart converge too."""
AGAIN_S = 600.0
"""A remote that could not be reached is looked at again after so long, while there is no run here."""


def look_first(store: GitStore) -> None:
    """Take in what the remote has, if there is no run here and nobody looked yet.

    It asks nobody for a password, and no failure is more than written down: runs can be logged without it.
    """
    mark = store.layout.root / "looked"
    if store.head() is not None or not _is_due(mark):
        return
    remotes = store.remotes()
    remote = store.read_config("gittrack", "remote") or ("origin" if "origin" in remotes else "")
    if not remote and len(remotes) == 1:
        remote = remotes[0]
    if not remote or store.read_config("gittrack", "firstLook") == "false":
        return
    if not os.access(store.layout.root.parent, os.W_OK):
        return
    with suppress(GittrackError, OSError), hold(mark.with_suffix(".lock"), timeout_s=3 * PATIENCE_S):
        if _is_due(mark):
            mark.write_text(_look(store, remote), "utf-8")


def _is_due(mark: Path) -> bool:
    try:
        has_failed = bool(mark.read_text("utf-8"))
        return has_failed and time.time() - mark.stat().st_mtime > AGAIN_S
    except OSError:
        return True


def _look(store: GitStore, remote: str) -> str:
    """Fetch and merge; return why that was not possible, if so."""
    try:
        store.fetch(remote, patience_s=PATIENCE_S)
        store.merge(remote)
    except GittrackError as error:
        return error.message
    return ""
