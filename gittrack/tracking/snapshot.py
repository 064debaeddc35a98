"""What of a work tree differs from HEAD: the files a snapshot takes, and why it leaves out others."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.core.jsonform import encode_document
from gittrack.core.secrets import list_secret_holders
from gittrack.core.work_tree import (
    GITLINK_MODE,
    MAX_CHANGED_BYTES,
    MAX_UNTRACKED_BYTES,
    Candidate,
    choose_files,
)
from gittrack.store.git_code import FileState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.work_tree import Change, WorkTreeStatus
    from gittrack.store.work_tree import WorkTree


@dataclass(slots=True)
class Differences:
    """What of a work tree differs from HEAD."""

    files: dict[str, FileState] = field(default_factory=dict)
    """What the snapshot has otherwise than HEAD, by path."""
    removed: list[str] = field(default_factory=list)
    """What the snapshot does not have."""
    kinds: dict[str, str] = field(default_factory=dict)
    """Of both: ``added``, ``changed`` or ``removed``."""
    skipped: dict[str, str] = field(default_factory=dict)
    """What differs and was left out, by path, with the reason."""
    is_incomplete: bool = False
    """Whether something that HEAD has differs and was left out."""

    @property
    def is_dirty(self) -> bool:
        """Whether the code that ran is not that of HEAD."""
        return bool(self.kinds) or self.is_incomplete

    def take(self, path: str, state: FileState, kind: str) -> None:
        """Put a file into the snapshot."""
        self.files[path] = state
        self.kinds[path] = kind

    def remove(self, path: str) -> None:
        """Take a path out of the snapshot."""
        self.removed.append(path)
        self.kinds[path] = "removed"

    def skip(self, path: str, reason: str, *, is_tracked: bool) -> None:
        """Leave a path as HEAD has it."""
        self.skipped[path] = reason
        self.is_incomplete |= is_tracked


def find_differences(tree: WorkTree, status: WorkTreeStatus, secrets: Sequence[bytes]) -> Differences:
    """Return what of a work tree differs from HEAD, within the caps and without what looks like a secret.

    Args:
        tree: The work tree.
        status: What git says of it.
        secrets: Values that no file of a snapshot may hold.

    Raises:
        StoreError: Git cannot tell what it would store.
    """
    found = Differences()
    tracked: dict[str, Change] = {}
    candidates = []
    for change in status.changes:
        size = None if change.mode == 0 else tree.find_size(change.path)
        if change.is_submodule:
            _add_submodule(found, tree, change)
        elif size is None:
            found.remove(change.path)
        elif size < 0:
            found.skip(change.path, "no regular file", is_tracked=True)
        else:
            candidates.append(Candidate(change.path, size, is_tracked=True))
            tracked[change.path] = change
    listing = tree.list_untracked(status.untracked, found.removed)
    choice = choose_files([*candidates, *listing.files])
    for path, reason in {**listing.skipped, **choice.skipped}.items():
        found.skip(path, reason, is_tracked=path in tracked)
    _read(found, tree, [one.path for one in choice.taken if one.is_tracked], tracked, secrets)
    _read(found, tree, [one.path for one in choice.taken if not one.is_tracked], {}, secrets)
    for path in tracked.keys() - found.files.keys() - found.skipped.keys():  # vanished in between
        found.remove(path)
    return found


def encode_differences(found: Differences) -> bytes | None:
    """Return what ``code.json`` says, None if nothing differs."""
    about = {
        "changed": {_printable(path): kind for path, kind in found.kinds.items()},
        "skipped": {_printable(path): reason for path, reason in found.skipped.items()},
    }
    filled = {key: value for key, value in about.items() if value}
    return encode_document(filled) if filled else None


def _read(
    found: Differences,
    tree: WorkTree,
    paths: Sequence[str],
    tracked: Mapping[str, Change],
    secrets: Sequence[bytes],
) -> None:
    if not paths:
        return
    modes = {path: change.mode for path, change in tracked.items()}
    read = dict(tree.read(paths, modes, MAX_CHANGED_BYTES if tracked else MAX_UNTRACKED_BYTES))
    contents = {path: one.data for path, one in read.items() if not isinstance(one, str)}
    holders = list_secret_holders(contents, secrets)
    for path, content in read.items():
        if isinstance(content, str):
            found.skip(path, content, is_tracked=path in tracked)
        elif path in holders:
            found.skip(path, "holds what looks like a token", is_tracked=path in tracked)
        else:
            is_known = path in tracked and tracked[path].is_in_head
            state = FileState(content.mode, content.data)
            found.take(path, state, "changed" if is_known else "added")


def _add_submodule(found: Differences, tree: WorkTree, change: Change) -> None:
    """Take the commit of a submodule; what differs inside it is in another repository."""
    head = tree.submodule_head(change.path)
    if head is None:
        found.remove(change.path)
        return
    if "C" in change.submodule or not change.submodule.startswith("S") or not change.is_in_head:
        found.take(
            change.path,
            FileState(GITLINK_MODE, head.encode()),
            "changed" if change.is_in_head else "added",
        )
    if "M" in change.submodule or "U" in change.submodule:
        found.skip(f"{change.path}/", "a submodule with changes of its own", is_tracked=True)


def _printable(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
