"""Code snapshots: commits that hold exactly the code of runs, and the ref that keeps them.

A snapshot's id depends on nothing but its files and its parent, so the same work tree has the same snapshot
in every process and clone. ``refs/gittrack/code`` is a chain of commits with the empty tree; each has as
parents the one before and what it keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.work_tree import GITLINK_MODE
from gittrack.errors import ConflictError
from gittrack.store.git_commit import encode_commit, install
from gittrack.store.git_pack import make_object
from gittrack.store.git_tree import TreeEditor
from gittrack.store.layout import CODE_REF
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.store.git_commit import Committer
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_pack import GitObject

IDENTITY = "gittrack <gittrack@localhost>"
"""Of all commits that hold or keep code: a snapshot does not depend on who made it."""
MESSAGE = "code snapshot\n"
MAX_ATTEMPTS = 10
LOOK_BACK = 64
"""So far back in the chain it is looked whether a snapshot is kept; keeping one twice does no harm."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What is at one path of a snapshot."""

    mode: int
    data: bytes
    """Content; of a submodule the id of its commit, in ASCII."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commit that holds exactly some code."""

    commit: str
    tree: str
    new: tuple[GitObject, ...] = ()
    """Objects of it that HEAD does not have."""


def make_snapshot(
    objects: Objects,
    head: str | None,
    files: Mapping[str, FileState],
    removed: Iterable[str],
    *,
    has_parent: bool = True,
) -> Snapshot:
    """Return the snapshot of HEAD with some files changed and others removed; nothing is written.

    Args:
        objects: Of the repository.
        head: HEAD's commit, None on a branch without commits.
        files: What differs, by path.
        removed: Paths that are gone.
        has_parent: Whether HEAD is its parent. Where HEAD itself cannot be pushed, it must not be.

    Raises:
        CorruptDataError: HEAD, or a tree of it, is missing or damaged.
    """
    base = objects.read_commit(head) if head else None
    editor = TreeEditor(objects.read_tree, base.tree if base else None, objects.hash_name)
    for path in removed:
        editor.remove(path.split("/"))
    new = []
    for path, state in files.items():
        if state.mode == GITLINK_MODE:
            editor.set_blob(path.split("/"), state.data.decode("ascii"), state.mode)
            continue
        blob = make_object("blob", state.data, objects.hash_name)
        new.append(blob)
        editor.set_blob(path.split("/"), blob.oid, state.mode)
    tree, trees = editor.write()
    if base is not None and head is not None and tree == base.tree and has_parent:
        return Snapshot(head, tree)
    parents = [head] if head and has_parent else []
    text = encode_commit(tree, parents, IDENTITY, base.time_s if base else 0, MESSAGE)
    commit = make_object("commit", text, objects.hash_name)
    return Snapshot(commit.oid, tree, (commit, *trees, *new))


def keep_snapshot(committer: Committer, snapshot: Snapshot) -> bool:
    """Store a snapshot and keep it from ``git gc``; return whether that was not so already.

    Raises:
        LockedError: Another process holds the lock for too long.
        ConflictError: The ref keeps moving although the lock is held.
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    if is_kept(objects, snapshot.commit):
        return False
    with hold(committer.layout.lock):
        for _ in range(MAX_ATTEMPTS):
            tip = objects.read_ref(CODE_REF)
            if is_kept(objects, snapshot.commit):
                return False
            time_s = max(committer.now_s(), objects.read_commit(tip).time_s + 1 if tip else 0)
            new = keeping_commit(objects, [tip, snapshot.commit] if tip else [snapshot.commit], time_s)
            subject = f"code: {snapshot.commit[:12]} kept"
            if install(committer, [*snapshot.new, *new], tip, new[0].oid, subject, ref=CODE_REF):
                return True
    message = f"{CODE_REF} keeps moving"
    raise ConflictError(message, hint="is another program writing this ref? stop it and try again")


def keeping_commit(objects: Objects, parents: list[str], time_s: int) -> list[GitObject]:
    """Return a commit that keeps its parents reachable, and its empty tree."""
    empty = make_object("tree", b"", objects.hash_name)
    text = encode_commit(empty.oid, parents, IDENTITY, time_s, "code of runs\n")
    return [make_object("commit", text, objects.hash_name), empty]


def is_kept(objects: Objects, commit: str) -> bool:
    """Whether a commit is known to be kept: one of the last that were."""
    tip = objects.read_ref(CODE_REF)
    empty = make_object("tree", b"", objects.hash_name).oid
    for _ in range(LOOK_BACK):
        if tip is None:
            return False
        link = objects.read_commit(tip)
        if link.tree != empty:
            return False
        if commit in link.parents:
            return True
        tip = link.parents[0] if link.parents else None
    return False
