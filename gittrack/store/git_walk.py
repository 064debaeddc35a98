"""What some commits reach and others do not: what a push sends."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.store.git_tree import TREE_MODE, TreeEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittrack.store.git_objects import Objects
    from gittrack.store.git_pack import Kind

SUBMODULE_MODE = 0o160000


@dataclass(frozen=True, slots=True)
class Found:
    """One object that is new."""

    oid: str
    kind: Kind
    path: tuple[str, ...] = ()
    """Where it is in the tree of the commit that brought it."""


def missing_commits(objects: Objects, new: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the commits that ``new`` ones reach and ``known`` ones do not, newest first.

    Dates never go back from parent to child, so that a commit is met after all its children.

    Raises:
        CorruptDataError: A commit cannot be read.
    """
    is_known: dict[str, bool] = {}
    done: set[str] = set()
    waiting: list[tuple[int, str]] = []
    unknown = 0

    def meet(oid: str, *, known: bool) -> None:
        nonlocal unknown
        before = is_known.get(oid)
        if before is None:
            if not objects.has(oid):  # beyond the border of a shallow clone; who has it is not asked
                return
            heapq.heappush(waiting, (-objects.read_commit(oid).time_s, oid))
            unknown += not known
        elif known and not before and oid not in done:
            unknown -= 1
        is_known[oid] = known or bool(before)

    for oid in known:
        meet(oid, known=True)
    for oid in new:
        meet(oid, known=False)
    found = []
    while unknown and waiting:
        _, oid = heapq.heappop(waiting)
        done.add(oid)
        if not is_known[oid]:
            unknown -= 1
            found.append(oid)
        for parent in objects.read_commit(oid).parents:
            meet(parent, known=is_known[oid])
    return [oid for oid in found if not is_known[oid]]


def is_ancestor(objects: Objects, old: str, new: str) -> bool:
    """Whether ``old`` is ``new`` or one of its ancestors; dates never go back, which bounds the walk."""
    oldest = objects.read_commit(old).time_s
    waiting, seen = [new], {new}
    while waiting:
        oid = waiting.pop()
        if oid == old:
            return True
        commit = objects.read_commit(oid)
        if commit.time_s <= oldest:
            continue
        for parent in commit.parents:
            if parent not in seen and objects.has(parent):
                seen.add(parent)
                waiting.append(parent)
    return False


def missing_objects(
    objects: Objects, commits: Iterable[str], *, without: Iterable[str] = ()
) -> Iterator[Found]:
    """Yield commits, and the trees and blobs that are in none of their parents, each once.

    Folders that a commit shares with a parent are not looked into: the cost is that of what changed.

    Args:
        objects: Where they are.
        commits: From where to look.
        without: Trees and blobs that are not to be looked into either.

    Raises:
        CorruptDataError: A commit or a tree cannot be read.
    """
    seen = set(without)
    for oid in commits:
        commit = objects.read_commit(oid)
        yield Found(oid, "commit")
        parents = [
            TreeEntry(TREE_MODE, objects.read_commit(parent).tree)
            for parent in commit.parents
            if objects.has(parent)
        ]
        yield from _changed(objects, (), TreeEntry(TREE_MODE, commit.tree), parents, seen)


def _changed(
    objects: Objects, path: tuple[str, ...], entry: TreeEntry, before: list[TreeEntry], seen: set[str]
) -> Iterator[Found]:
    if entry in before or entry.oid in seen:
        return
    seen.add(entry.oid)
    if not entry.is_tree:
        if entry.mode != SUBMODULE_MODE:
            yield Found(entry.oid, "blob", path)
        return
    yield Found(entry.oid, "tree", path)
    folders = [objects.read_tree(one.oid) for one in before if one.is_tree]
    for name, child in objects.read_tree(entry.oid).items():
        others = [folder[name] for folder in folders if name in folder]
        yield from _changed(objects, (*path, name), child, others, seen)
