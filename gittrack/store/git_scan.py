"""The scan before a push: runs and documents that would show a secret to everybody who fetches."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import decode_manifest
from gittrack.core.exposure import Finding, document_texts, find_exposed, read_text
from gittrack.core.jsonform import decode, encode_document
from gittrack.core.paths import (
    ARTIFACTS_DOCUMENT,
    FILES_FOLDER,
    METRICS_DOCUMENT,
    METRICS_FOLDER,
    RUN_DOCUMENT,
    RUNS,
    run_folder,
)
from gittrack.core.tokens import may_hold_secrets
from gittrack.store import blobs
from gittrack.store.disk import disk_errors, replace_file
from gittrack.store.git_tree import TREE_MODE, TreeEntry, decode_tree
from gittrack.store.git_walk import missing_commits, missing_objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from gittrack.core.model import Artifact
    from gittrack.store.git_objects import Objects, ReadAll
    from gittrack.store.layout import Layout
    from gittrack.store.transport import Progress

    Path: TypeAlias = tuple[str, ...]
    Change: TypeAlias = tuple[Path, TreeEntry | None, TreeEntry | None]

RUN_DEPTH = len(run_folder("0"))
ARTIFACTS_KEY = b'"artifacts"'
READ_AT_ONCE = 200
"""Runs that are in memory together."""
LARGEST_TEXT = 1 << 20
"""Artifacts outside the branch are looked into up to so many bytes."""


@dataclass(frozen=True, slots=True)
class Held:
    """Something that stays here, since it looks like it holds a secret."""

    path: tuple[str, ...]
    """Its folder or file in the tree of the hidden branch."""
    name: str
    """Of the run or experiment."""
    findings: tuple[Finding, ...]

    @property
    def run_id(self) -> str | None:
        """The run, None if it is something else."""
        return self.path[-1] if self.path[0] == RUNS else None


@dataclass(slots=True)
class Scan:
    """One look at what a push would send."""

    objects: Objects
    layout: Layout
    allowed: frozenset[str]
    """Fingerprints that may go."""
    progress: Progress | None = None
    """Told how many of the changed runs and documents were looked into."""
    _known: dict[str, list[Finding]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    """Folders of runs, and documents, that were looked into as they are now."""
    _near: dict[str, bytes] = field(default_factory=dict)
    """Objects that were read ahead."""

    def look(self, ours: str, theirs: str | None) -> tuple[list[Held], bool]:
        """Return what has to stay here, and whether commits that would be sent hold more of it.

        What the remote has already is no news.

        Raises:
            CorruptDataError: Something cannot be read.
        """
        trees = [self.objects.read_commit(one).tree if one else None for one in (theirs, ours)]
        held, public = [], set(self.allowed)
        for path, before, after in self._read_ahead(list(self._changed((), *map(_as_entry, trees)))):
            known = {one.fingerprint for one in self._findings(path, before)[1]} if before else set()
            public |= known
            if after is None:
                continue
            name, findings = self._findings(path, after)
            if fresh := tuple(one for one in findings if one.fingerprint not in known | self.allowed):
                held.append(Held(path, name, fresh))
        if held:
            return held, True
        commits = missing_commits(self.objects, [ours], [theirs] if theirs else [])
        if len(commits) == 1:
            return [], False  # its tree is what was looked at
        return [], any(
            one.fingerprint not in public
            for found in missing_objects(self.objects, commits, without=self._seen)
            if found.kind == "blob" and not _is_series(found.path)
            for one in self._look_into(found.path, found.oid)
        )

    def _read_ahead(self, changes: Sequence[Change]) -> Iterator[Change]:
        """Yield changes; if they are many, what they need is read in large pieces before."""
        with contextlib.ExitStack() as stack:
            read_all = (
                stack.enter_context(self.objects.open_reader()) if len(changes) > READ_AT_ONCE else None
            )
            for done, change in enumerate(changes):
                if done % READ_AT_ONCE == 0:
                    if read_all is not None:
                        self._near = self._read_folders(read_all, changes[done : done + READ_AT_ONCE])
                    if self.progress is not None:
                        self.progress(done, len(changes))
                yield change
        self._near = {}

    def _read_folders(self, read_all: ReadAll, changes: Sequence[Change]) -> dict[str, bytes]:
        """Return the folders of runs as they are now, and the files in them that may hold text."""
        folders = {after.oid: path for path, _, after in changes if after is not None and after.is_tree}
        found = dict(zip(folders, read_all(list(folders)), strict=True))
        files = {
            entry.oid
            for oid, path in folders.items()
            for name, entry in decode_tree(found[oid], self.objects.oid_bytes).items()
            if not entry.is_tree and not _is_series((*path, name))
        }
        return found | dict(zip(files, read_all(list(files)), strict=True))

    def _read(self, oid: str) -> bytes:
        return self._near[oid] if oid in self._near else self.objects.read(oid)

    def _read_tree(self, oid: str) -> dict[str, TreeEntry]:
        if oid in self._near:
            return decode_tree(self._near[oid], self.objects.oid_bytes)
        return self.objects.read_tree(oid)

    def _changed(self, path: Path, before: TreeEntry | None, after: TreeEntry | None) -> Iterator[Change]:
        """Yield runs and documents in which two trees differ."""
        if before == after:
            return
        is_folder = any(one is not None and one.is_tree for one in (before, after))
        if not is_folder or (path[:1] == (RUNS,) and len(path) == RUN_DEPTH):
            yield path, before, after
            return
        old, new = (self.objects.read_tree(one.oid) if one else {} for one in (before, after))
        for name in sorted(old.keys() | new.keys()):
            yield from self._changed((*path, name), old.get(name), new.get(name))

    def _findings(self, path: Path, entry: TreeEntry) -> tuple[str, list[Finding]]:
        """Return the name of a run or document, and what is found in it."""
        self._seen.add(entry.oid)
        if not entry.is_tree:
            return "/".join(path), self._look_into(path, entry.oid)
        found: list[Finding] = []
        about: Any = {}
        manifest: dict[str, Artifact] = {}
        for below, oid in self._files(path, self._read_tree(entry.oid)):
            data = self._read(oid)
            found += self._look_into(below, oid, data)
            if below[RUN_DEPTH:] == (ARTIFACTS_DOCUMENT,):
                listed: Any = decode(data)
                manifest |= decode_manifest(listed)
            elif below[RUN_DEPTH:] == (RUN_DOCUMENT,) and (self._known[oid] or ARTIFACTS_KEY in data):
                about = decode(data)
                manifest |= decode_manifest(about.get("artifacts", {}))
        for artifact in manifest.values():
            if not artifact.inline and artifact.uri is None and artifact.size <= LARGEST_TEXT:
                found += self._look_at_content(artifact)
        paths = {artifact.digest: artifact.path for artifact in manifest.values()}
        if found and not about and (document := self.objects.find(entry.oid, (RUN_DOCUMENT,))):
            about = decode(self.objects.read(document.oid))
        return about.get("name", path[-1]), [_name_artifact(one, paths) for one in found]

    def _files(self, path: Path, files: Mapping[str, TreeEntry]) -> Iterator[tuple[Path, str]]:
        for name, entry in files.items():
            below = (*path, name)
            if _is_series(below):
                continue
            if entry.is_tree:
                yield from self._files(below, self.objects.read_tree(entry.oid))
            else:
                yield below, entry.oid

    def _look_into(self, path: Path, oid: str, data: bytes | None = None) -> list[Finding]:
        if oid not in self._known:
            self._known[oid] = find_exposed(_texts(path, self._read(oid) if data is None else data))
        return self._known[oid]

    def _look_at_content(self, artifact: Artifact) -> list[Finding]:
        if artifact.digest not in self._known:
            file = blobs.open_blob(self.layout, artifact.digest)
            # Not here: then nobody can send it from here.
            with contextlib.closing(file or BytesIO()), disk_errors("read an artifact"):
                content = file.read() if file else b""
            self._known[artifact.digest] = find_exposed(_content_texts(artifact.digest, content))
        return self._known[artifact.digest]


def read_allowed(layout: Layout) -> frozenset[str]:
    """Return the fingerprints of what was allowed in this clone."""
    try:
        known = decode(layout.allowed.read_bytes())
    except (OSError, ValueError):
        return frozenset()
    return frozenset(known) if isinstance(known, dict) else frozenset()


def allow(layout: Layout, held: Iterable[Held]) -> None:
    """Remember that what was found may go.

    Raises:
        StoreError: The disk is full, or failed.
    """
    known: Any = {}
    with contextlib.suppress(OSError, ValueError):
        known = decode(layout.allowed.read_bytes())
    for one in held:
        for found in one.findings:
            known[found.fingerprint] = {"in": one.name, "where": found.where, "rule": found.rule}
    with disk_errors("remember what is allowed"):
        layout.root.mkdir(parents=True, exist_ok=True)
        replace_file(layout.allowed, encode_document(known))


def _texts(path: Path, data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the texts of a file of the hidden branch."""
    text = read_text(data)
    if text is None or not may_hold_secrets(text):
        return
    if path[-2:-1] == (FILES_FOLDER,):
        yield f"artifact {path[-1]!r}", text
    else:
        try:
            yield from document_texts(decode(data))
        except ValueError:
            yield f"file {path[-1]!r}", text


def _content_texts(digest: str, content: bytes) -> Iterator[tuple[str, str]]:
    if (text := read_text(content)) is not None and may_hold_secrets(text):
        yield f"artifact {digest!r}", text


def _name_artifact(finding: Finding, paths: Mapping[str, str]) -> Finding:
    for digest, path in paths.items():
        if finding.where == f"artifact {digest!r}":
            return Finding(f"artifact {path!r}", finding.rule, finding.shown, finding.fingerprint)
    return finding


def _is_series(path: Path) -> bool:
    """Whether a file holds numbers only."""
    return path[:1] == (RUNS,) and bool({METRICS_DOCUMENT, METRICS_FOLDER} & set(path[RUN_DEPTH:]))


def _as_entry(tree: str | None) -> TreeEntry | None:
    return None if tree is None else TreeEntry(TREE_MODE, tree)
