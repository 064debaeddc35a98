"""Commits and trees of the hidden branch, decoded and remembered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.frozen import dataclass
from gittrack.core.paths import RUNS, SHARD_DIGITS
from gittrack.errors import CorruptDataError, StoreError
from gittrack.store.git_pipe import GitPipe
from gittrack.store.git_tree import TreeEntry, decode_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gittrack.store.git_database import GitDatabase
    from gittrack.store.git_pack import GitObject

ReadAll: TypeAlias = Callable[[Sequence[str]], list[bytes]]

REMEMBERED = 2048


@dataclass(frozen=True, slots=True)
class Commit:
    """What the store reads of a commit."""

    tree: str
    parents: tuple[str, ...]
    time_s: int
    """Committer date, seconds since the epoch."""
    message: str


class Objects:
    """Reads commits, trees and blobs; those just written are known without looking for them on disk."""

    def __init__(self, database: GitDatabase) -> None:
        """Read from ``database``."""
        self._database = database
        self._trees: dict[str, dict[str, TreeEntry]] = {}
        self._commits: dict[str, Commit] = {}
        self.hash_name = database.hash_name
        self._common_dir: Path = database.common_dir
        self.pack_folder: Path = database.common_dir / "objects" / "pack"
        self.has = database.has
        self.read_ref = database.read_ref
        self.swap_ref = database.swap_ref

    @property
    def oid_bytes(self) -> int:
        """Bytes of an object id."""
        return 20 if self.hash_name == "sha1" else 32

    def read(self, oid: str) -> bytes:
        """Return the content of an object.

        Raises:
            CorruptDataError: It is missing or damaged.
        """
        return self._database.read(oid)

    @contextlib.contextmanager
    def open_reader(self) -> Iterator[ReadAll]:
        """Open the way to read very many objects: the git program, or what else there is.

        What it returns raises a `CorruptDataError` where one is missing or damaged.
        """
        pipe: GitPipe | None = None
        with contextlib.suppress(StoreError):
            pipe = GitPipe(self._common_dir)

        def read_all(oids: Sequence[str]) -> list[bytes]:
            found: list[bytes | None] = [None] * len(oids)
            if pipe is not None:
                with contextlib.suppress(StoreError):
                    found = pipe.read(oids)
            # What git does not find is looked for again, for an error that says what is wrong.
            return [self.read(oid) if data is None else data for oid, data in zip(oids, found, strict=True)]

        try:
            yield read_all
        finally:
            if pipe is not None:
                pipe.close()

    def read_tree(self, oid: str) -> dict[str, TreeEntry]:
        """Return the entries of a tree; do not change them.

        Raises:
            CorruptDataError: It is missing or damaged.
        """
        entries = self._trees.get(oid)
        if entries is None:
            entries = decode_tree(self._database.read(oid), self.oid_bytes)
            self._keep(oid, entries)
        return entries

    def read_commit(self, oid: str) -> Commit:
        """Return a commit.

        Raises:
            CorruptDataError: It is missing or damaged.
        """
        commit = self._commits.get(oid)
        if commit is None:
            commit = decode_commit(self._database.read(oid))
            self._commits = {oid: commit}
        return commit

    def find(self, root: str, path: Sequence[str]) -> TreeEntry | None:
        """Return what is at ``path`` under the tree ``root``."""
        entry: TreeEntry | None = None
        oid = root
        for name in path:
            if entry is not None and not entry.is_tree:
                return None
            entry = self.read_tree(oid).get(name)
            if entry is None:
                return None
            oid = entry.oid
        return entry

    def changed_runs(
        self, before: str | None, after: str | None
    ) -> Iterator[tuple[str, TreeEntry | None, TreeEntry | None]]:
        """Yield the id of each run in which two trees differ, with its folder in both.

        Only what differs is read.

        Raises:
            CorruptDataError: A tree is missing or damaged.
        """
        old = self.find(before, (RUNS,)) if before else None
        new = self.find(after, (RUNS,)) if after else None
        if old != new:
            yield from self._changed(old, new, SHARD_DIGITS)

    def _changed(
        self, old: TreeEntry | None, new: TreeEntry | None, depth: int
    ) -> Iterator[tuple[str, TreeEntry | None, TreeEntry | None]]:
        before = self.read_tree(old.oid) if old else {}
        after = self.read_tree(new.oid) if new else {}
        for name in before.keys() | after.keys():
            pair = before.get(name), after.get(name)
            if pair[0] == pair[1]:
                continue
            if depth:
                yield from self._changed(*pair, depth - 1)
            else:
                yield name, *pair

    def remember(self, commit: GitObject, trees: Iterable[GitObject]) -> None:
        """Know a commit and its trees without reading them back."""
        self._commits = {commit.oid: decode_commit(commit.data)}
        for tree in trees:
            self._keep(tree.oid, decode_tree(tree.data, self.oid_bytes))

    def _keep(self, oid: str, entries: dict[str, TreeEntry]) -> None:
        if len(self._trees) >= REMEMBERED:
            self._trees = {}
        self._trees[oid] = entries


def decode_commit(data: bytes) -> Commit:
    """Return a commit.

    Raises:
        CorruptDataError: It is none.
    """
    head, _, message = data.partition(b"\n\n")
    tree, parents, time_s = "", [], 0
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name == b"tree":
            tree = value.decode("ascii", "replace")
        elif name == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif name == b"committer":
            time_s = int(value.split()[-2])
    if not tree:
        text = "a commit of the hidden branch is damaged"
        raise CorruptDataError(text, hint="run `gittrack fsck`, or fetch the history again from a remote")
    return Commit(tree, tuple(parents), time_s, message.decode("utf-8", "replace"))
