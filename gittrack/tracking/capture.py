"""The exact code of runs: looked at when a run starts, stored as a commit, described in the run.

A capture costs about one ``git status``. Runs that follow each other in one process share one, as far as
nothing changed that can be seen at once: HEAD, the index, the files that differed and the modules that were
loaded are looked at for every run, everything else at the latest after `MIN_STALENESS_S`, or after
`COST_FACTOR` times what looking cost. Whatever goes wrong, training goes on: the run then has the reason.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.model import Code
from gittrack.errors import GittrackError
from gittrack.store.git_code import make_snapshot
from gittrack.store.work_tree import WorkTree
from gittrack.tracking.code import Capture
from gittrack.tracking.snapshot import encode_differences, find_differences

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.store.git_store import GitStore

MIN_STALENESS_S = 2.0
COST_FACTOR = 50
"""Of the time of many short runs at most one part in so many goes into looking again."""
OFF = "snapshots are switched off"

Stamp = tuple[int, ...] | None
"""What tells whether a file changed; None: it is not there."""


class CodeWatch:
    """Captures the code of the runs of one process."""

    def __init__(self, store: GitStore, top: Path, secrets: Sequence[bytes], *, keeps: bool = True) -> None:
        """Watch a work tree of the repository that ``store`` keeps runs in.

        Args:
            store: Where snapshots are kept.
            top: Of the work tree.
            secrets: Values that must not be stored.
            keeps: Whether code that differs from HEAD is stored.
        """
        self._store = store
        self._top = os.fspath(top)
        self._tree = WorkTree(top)
        self._secrets = secrets
        self._keeps = keeps
        self._last: Capture | None = None
        self._stamps: dict[str, Stamp] = {}
        self._modules: set[str] = set()
        self._loaded: set[str] = set()
        self._expires_at = 0.0
        self._has_warned = False

    def capture(self) -> Capture:
        """Return what the code is now; if that cannot be told, the reason, after one warning."""
        if self._last is not None and self._is_fresh():
            return self._last
        began = time.monotonic()
        try:
            self._last = self._look()
        except (GittrackError, OSError, ValueError) as error:
            reason = error.message if isinstance(error, GittrackError) else str(error)
            self._last = Capture(Code(reason=reason))
            self._warn(reason)
        ended = time.monotonic()
        self._expires_at = ended + max(MIN_STALENESS_S, COST_FACTOR * (ended - began))
        return self._last

    def _look(self) -> Capture:
        self._stamps = self._stamp(self._marks())  # before looking: what changes meanwhile is looked at again
        status = self._tree.status()
        found = find_differences(self._tree, status, self._secrets)
        self._stamps |= self._stamp([*found.files, *found.removed, *found.skipped])
        code = Code(
            commit=status.commit,
            branch=status.branch,
            dirty=found.is_dirty,
            changed=len(found.kinds),
            skipped=len(found.skipped),
        )
        if found.kinds and not self._keeps:
            return Capture(replace(code, reason=OFF), encode_differences(found))
        has_parent = status.commit is None or self._can_be_pushed(status.commit)
        snapshot = make_snapshot(
            self._store.objects, status.commit, found.files, found.removed, has_parent=has_parent
        )
        self._store.keep_snapshot(snapshot)
        code = replace(code, snapshot=snapshot.commit, tree=snapshot.tree)
        return Capture(code, encode_differences(found))

    def _can_be_pushed(self, commit: str) -> bool:
        """Whether a remote takes what has this commit as a parent: that of a shallow clone must know it."""
        return not self._store.is_shallow() or self._tree.is_published(commit)

    def _is_fresh(self) -> bool:
        if time.monotonic() > self._expires_at:
            return False
        return self._find_loaded() <= self._stamps.keys() and self._stamp(self._stamps) == self._stamps

    def _marks(self) -> list[str]:
        """Return the files that tell of HEAD and the index, and those that this process runs."""
        folder = self._git_folder()
        return [f"{folder}/HEAD", f"{folder}/logs/HEAD", f"{folder}/index", *self._find_loaded()]

    def _git_folder(self) -> str:
        entry = Path(self._top, ".git")
        with contextlib.suppress(OSError, ValueError):
            return entry.read_text("utf-8").removeprefix("gitdir:").strip()  # of a linked worktree
        return str(entry)

    def _find_loaded(self) -> set[str]:
        """Return the files of the work tree that this process loaded as modules."""
        names = sys.modules.keys() - self._modules
        if names:
            self._modules |= names
            inside, outside = f"{self._top}{os.sep}", f"{sys.prefix}{os.sep}"
            for name in names:
                file = getattr(sys.modules.get(name), "__file__", None)
                if isinstance(file, str) and file.startswith(inside) and not file.startswith(outside):
                    self._loaded.add(file)
        return self._loaded

    def _stamp(self, paths: Iterable[str]) -> dict[str, Stamp]:
        return {path: _stat(path if path.startswith("/") else f"{self._top}/{path}") for path in paths}

    def _warn(self, reason: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            with contextlib.suppress(Warning):  # not even where warnings are errors does training stop
                warnings.warn(f"the code of this run is not kept: {reason}", stacklevel=6)


def _stat(path: str) -> Stamp:
    try:
        about = os.lstat(path)
    except (OSError, ValueError):
        return None
    return about.st_mtime_ns, about.st_size, about.st_ino, about.st_mode
