"""Parts in a Git remote: blobs that one ref keeps reachable, each fetched by itself.

A part is a chain of four small objects over one blob, all of them the same wherever they are made::

    keeper (commit, empty tree) → holder (commit) → tree → blob

``refs/gittrack/artifacts`` points at a commit whose parents are the tip before it and the keepers of new
parts. Its tree is the catalog: ``<2 hex>/<62 hex>-<size>-<time>`` names every part there is, as a link to
its holder. Links are what submodules are: git neither follows nor fetches them. So a fetch of the tip alone
(depth 1) brings the catalog, a fetch of a holder alone brings one part, and a keeper can be named as a parent
without having it.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.errors import ArtifactNotFoundError, CorruptDataError, RemoteError
from gittrack.store.git_pack import GitObject, make_object
from gittrack.store.git_tree import FILE_MODE, TREE_MODE, TreeEntry, encode_tree
from gittrack.store.remotes.interface import StoredPart, map_few
from gittrack.store.remotes.scratch import Scratch, open_scratch
from gittrack.store.transport import PushOutcome, RefUpdate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gittrack.store.git_program import GitProgram
    from gittrack.store.remotes.interface import Part, PartRange

ARTIFACTS_REF = "refs/gittrack/artifacts"
LINK_MODE = 0o160000
PART_BYTES = 8 << 20
BATCH_BYTES = 512 << 20
"""Far below the 2 GB at which hosts refuse a push."""
PAD_BYTES = 1 << 20
"""A push of more than this is made to look like one of many objects."""
PACK_OBJECTS = 100
"""Git takes fewer objects out of their pack when they arrive, and deflates them: by twenty times slower than
they travel, and again for everybody who fetches them (``receive.unpackLimit``)."""
WORKERS = 2
MAX_ATTEMPTS = 20
LONGEST_PAUSE_S = 5.0
NOBODY = "gittrack <gittrack@localhost> 0 +0000"
"""Who made keepers and holders, and when: nobody at no time, so that they are the same everywhere."""


@dataclass(frozen=True, slots=True)
class Link:
    """One line of the catalog."""

    part: StoredPart
    holder: str


@dataclass(slots=True)
class _Tip:
    """What the ref of a remote points at."""

    commit: str | None = None
    links: dict[str, Link] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GitRemote:
    """The parts in one Git remote."""

    name: str
    remote: str
    """The remote as git knows it: a name or URL."""
    program: GitProgram
    """Git in the user's repository, whose settings say how to reach the remote."""
    temporary: Path
    """Where there is room for what travels."""
    hash_name: str
    now_s: Callable[[], float] = time.time
    ref: str = ARTIFACTS_REF
    part_bytes: int = PART_BYTES
    batch_bytes: int = BATCH_BYTES

    def find(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which parts the catalog names."""
        if not sizes:
            return set()
        with self._open() as scratch:
            return sizes.keys() & self._fetch_tip(scratch).links.keys()

    def list_parts(self) -> Iterator[StoredPart]:
        """Yield what the catalog names."""
        with self._open() as scratch:
            yield from [link.part for link in self._fetch_tip(scratch).links.values()]

    def put(self, parts: Iterable[Part], progress: Callable[[int], None]) -> None:
        """Push parts in one go; what others push at the same moment stays."""
        with self._open() as scratch:
            tip = self._fetch_tip(scratch)
            new: dict[str, Link] = {}
            lacking = (part for part in parts if part.name not in tip.links)
            with ThreadPoolExecutor(WORKERS) as pool:
                for link in map_few(pool, lambda part: self._add(scratch, part), lacking, ahead=WORKERS):
                    new[link.part.name] = link
                    progress(link.part.size)
            if new:
                self._move(scratch, tip, lambda known: {**new, **known}, new.values())

    def read(self, wanted: Sequence[PartRange]) -> Iterator[bytes]:
        """Fetch the parts that are wanted, half a gigabyte at a time, and nothing else."""
        if not wanted:
            return
        with self._open() as scratch:
            links = self._fetch_tip(scratch).links
        for group in _group(wanted, self.batch_bytes):
            names = list(dict.fromkeys(one.part for one in group))
            missing = [name for name in names if name not in links]
            if missing:
                message = f"part {missing[0][:12]} is not at {self.remote}"
                raise ArtifactNotFoundError(message, hint="whoever logged it can push it again")
            with self._open() as scratch:
                if not scratch.program.fetch_shallow(self.remote, [links[name].holder for name in names]):
                    message = f"{self.remote} names parts that it does not have"
                    raise RemoteError(message, hint="was its object store pruned? push again from a clone")
                data, held = b"", ""
                for one in group:
                    if one.part != held:
                        data, held = scratch.read(f"{links[one.part].holder}:{one.part}") or b"", one.part
                    yield data[one.offset : one.offset + one.size]

    def remove(self, names: Collection[str]) -> None:
        """Take parts out of the catalog and of what the ref reaches; the remote's own gc then frees them."""
        gone = set(names)
        with self._open() as scratch:
            self._move(
                scratch,
                self._fetch_tip(scratch),
                lambda known: {name: link for name, link in known.items() if name not in gone},
                None,
            )

    def _open(self) -> AbstractContextManager[Scratch]:
        return open_scratch(self.temporary, self.program, self.hash_name)

    def _fetch_tip(self, scratch: Scratch) -> _Tip:
        local = "refs/tip"
        if not scratch.program.fetch_shallow(self.remote, [f"+{self.ref}:{local}"]):
            return _Tip()
        commit = scratch.objects.read_ref(local)
        if commit is None:
            return _Tip()
        tree = scratch.objects.read_commit(commit).tree
        return _Tip(commit, dict(_read_catalog(scratch, tree)))

    def _add(self, scratch: Scratch, part: Part) -> Link:
        """Prepare one part; return its link."""
        blob = make_object("blob", part.data, self.hash_name)
        tree = make_object("tree", encode_tree({part.name: TreeEntry(FILE_MODE, blob.oid)}), self.hash_name)
        holder = _commit(tree.oid, [], part.name, self.hash_name)
        scratch.add([blob, tree, holder])
        return Link(StoredPart(part.name, part.size, self.now_s()), holder.oid)

    def _move(
        self,
        scratch: Scratch,
        tip: _Tip,
        change: Callable[[dict[str, Link]], dict[str, Link]],
        new: Collection[Link] | None,
    ) -> None:
        """Move the ref to a changed catalog.

        Args:
            scratch: Holds the objects of new parts.
            tip: Where the ref is, as far as is known.
            change: What becomes of the catalog.
            new: What to add to the history, None to begin it anew with all that stays.
        """
        for attempt in range(MAX_ATTEMPTS):
            links = change(tip.links)
            if links == tip.links:
                return
            fresh = links.values() if new is None else [one for one in new if links[one.part.name] is one]
            keepers = [_keeper(link.holder, self.hash_name) for link in fresh]
            catalog, trees = _write_catalog(links.values(), self.hash_name)
            parents = [tip.commit] if tip.commit and new is not None else []
            padding = _pad(fresh, self.hash_name) if new is not None else []
            # By the clock: git's walks rely on dates that do not go back.
            when = f"gittrack <gittrack@localhost> {int(self.now_s())} +0000"
            top = _commit(
                catalog,
                [*parents, *(keeper.oid for keeper in keepers), *(one.oid for one in padding[-1:])],
                f"{len(links)} parts",
                self.hash_name,
                when,
            )
            empty = make_object("tree", b"", self.hash_name)
            scratch.add([empty, *trees, *keepers, *padding, top])
            if new is None:
                scratch.graft([keeper.oid for keeper in keepers])
            replaced = tip.commit if new is None else None
            if (
                scratch.program.push(self.remote, [RefUpdate(self.ref, top.oid, replaced)])
                is PushOutcome.DONE
            ):
                return
            time.sleep(random.uniform(0, min(0.05 * 2**attempt, LONGEST_PAUSE_S)))  # noqa: S311  (jitter)
            tip = self._fetch_tip(scratch)
        message = f"others kept pushing artifacts to {self.remote} first"
        raise RemoteError(message, hint="try again; what was logged is safe here")


def _commit(tree: str, parents: Sequence[str], message: str, hash_name: str, when: str = NOBODY) -> GitObject:
    lines = [
        f"tree {tree}",
        *(f"parent {parent}" for parent in parents),
        f"author {when}",
        f"committer {when}",
    ]
    return make_object("commit", "\n".join([*lines, "", f"{message}\n"]).encode(), hash_name)


def _keeper(holder: str, hash_name: str) -> GitObject:
    empty = make_object("tree", b"", hash_name)
    return _commit(empty.oid, [holder], "part", hash_name)


def _pad(links: Collection[Link], hash_name: str) -> list[GitObject]:
    """Return a commit, after what it consists of, that makes so many objects of a push that it stays a pack.

    It is the same in every push, so a host keeps it once, and nobody who reads a part ever fetches it.
    """
    if sum(link.part.size for link in links) < PAD_BYTES or len(links) * 4 >= PACK_OBJECTS:
        return []
    blobs = [make_object("blob", b"%d" % number, hash_name) for number in range(PACK_OBJECTS)]
    lines = {f"{number:02}": TreeEntry(FILE_MODE, blob.oid) for number, blob in enumerate(blobs)}
    tree = make_object("tree", encode_tree(lines), hash_name)
    return [*blobs, tree, _commit(tree.oid, [], "so many objects that they stay packed", hash_name)]


def _read_catalog(scratch: Scratch, tree: str) -> Iterator[tuple[str, Link]]:
    for shard, entry in scratch.objects.read_tree(tree).items():
        for rest, link in scratch.objects.read_tree(entry.oid).items():
            name, _, about = rest.partition("-")
            size, _, time_s = about.partition("-")
            if not (size.isdecimal() and time_s.isdecimal()):
                message = f"the catalog of parts has a line that is none: {rest!r}"
                raise CorruptDataError(message, hint="was it written by a newer version of gittrack?")
            yield shard + name, Link(StoredPart(shard + name, int(size), float(time_s)), link.oid)


def _write_catalog(links: Iterable[Link], hash_name: str) -> tuple[str, list[GitObject]]:
    shards: dict[str, dict[str, TreeEntry]] = {}
    for link in links:
        part = link.part
        line = f"{part.name[2:]}-{part.size}-{int(part.time_s)}"
        shards.setdefault(part.name[:2], {})[line] = TreeEntry(LINK_MODE, link.holder)
    trees = {shard: make_object("tree", encode_tree(lines), hash_name) for shard, lines in shards.items()}
    top = make_object(
        "tree",
        encode_tree({shard: TreeEntry(TREE_MODE, tree.oid) for shard, tree in trees.items()}),
        hash_name,
    )
    return top.oid, [*trees.values(), top]


def _group(wanted: Sequence[PartRange], most: int) -> Iterator[list[PartRange]]:
    """Yield stretches of what is wanted whose parts are not more than ``most`` bytes together."""
    group: list[PartRange] = []
    parts: dict[str, int] = {}
    for one in wanted:
        if group and one.part not in parts and sum(parts.values()) + one.part_size > most:
            yield group
            group, parts = [], {}
        group.append(one)
        parts[one.part] = one.part_size
    if group:
        yield group
