"""A folder of which gittrack writes, and removes, only what is its own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import ConflictError, StoreError
from gittrack.site.write_manifest import (
    MANIFEST,
    Manifest,
    encode_manifest,
    is_inside,
    mark_of,
    read_manifest,
    size_of,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

PENDING = "gittrack-site.pending"
_TEMPORARY = ".gittrack-tmp"


@dataclass(frozen=True, slots=True)
class Written:
    """What a build did to the folder."""

    written: int
    unchanged: int
    removed: int
    bytes: int
    """Size of all files of the site."""


class Folder:
    """One build's view of the output folder.

    Files are written to a temporary name and renamed; what an earlier build wrote and this one did
    not is removed at the end. Until then a killed build leaves the old site whole: data and assets
    have names of their own, and pages come after what they refer to.
    """

    def __init__(self, root: Path) -> None:
        """Read what an earlier build left in ``root``.

        Raises:
            StoreError: The folder cannot be read or made.
        """
        self._root = root
        self._files: dict[str, str] = {}
        self._foreign: set[str] = set()
        self._written = 0
        self._removed = 0
        with _translated(root):
            root.mkdir(parents=True, exist_ok=True)
            manifest = read_manifest(root)
            self._present = _scan(root, manifest.files)
            pending = _read_pending(root)
        self._owned = {*manifest.files, *pending}
        self._old = {path: mark for path, mark in manifest.files.items() if mark}
        # What is not there; and a build that died may have written these since the manifest was.
        for path in (manifest.files.keys() - self._present) | (pending & manifest.files.keys()):
            self._old.pop(path, None)
        self.runs = manifest.runs
        """What the earlier build wanted to know again of each run: run id → a line."""
        self.notes = manifest.notes
        """What it wanted to know again of reports: path → facts."""
        self.facts = manifest.facts
        """What it wanted to know again of segments: digest → facts."""
        self._old_made = manifest.made
        self._made: dict[str, str] = {}
        self.generator = manifest.generator
        """Digest of the templates the earlier build was made with."""
        self._pending = pending
        self._log = root / PENDING

    def check_free(self, paths: Iterable[str]) -> None:
        """Raise where one of the paths is somebody else's file.

        Raises:
            ConflictError: A file is in the way.
        """
        for path in paths:
            if path in self._present and path not in self._owned:
                message = f"{str(self._root / path)!r} was not written by gittrack"
                raise ConflictError(message, hint="choose an empty folder, or move the file away")

    def holds(self, path: str) -> bool:
        """Return whether an earlier build's file is still there, as far as its name and manifest tell."""
        return path in self._old

    def keep_all(self, paths: Sequence[str]) -> bool:
        """Keep an earlier build's files as they are, if all are still there; return whether they are."""
        try:
            marks = [self._old[path] for path in paths]
        except KeyError:
            return False
        self._files.update(zip(paths, marks, strict=True))
        return True

    def keep(self, path: str) -> None:
        """Keep an earlier build's file as it is."""
        self.keep_all([path])

    def put(self, path: str, content: bytes) -> None:
        """Write a file unless it has this content already.

        Raises:
            ConflictError: Somebody else's file is in the way.
            StoreError: It cannot be written.
        """
        if path in self._files or path in self._foreign:
            return
        mark = mark_of(content)
        if self._old.get(path) == mark and self._has_size(path, len(content)):
            self.keep(path)
            return
        with _translated(self._root):
            if path in self._present and path not in self._owned:
                if (self._root / path).read_bytes() == content:
                    # Somebody else's, and what we want: use it, never remove it.
                    self._foreign.add(path)
                    return
                self.check_free([path])
            self._write(path, content)
        self._files[path] = self._old[path] = mark
        self._written += 1

    def reuse(self, key: str) -> str | None:
        """Keep the file that an earlier build made of the same, and return its path.

        The path is empty where nothing came of it, and None where there is no such file. ``key`` is a digest
        of all it is made of.
        """
        path = self._old_made.get(key)
        if path is None or (path and not self.holds(path)):
            return None
        if path:
            self.keep(path)
        self._made[key] = path
        return path

    def remember(self, key: str, path: str) -> None:
        """Tell the next build that the file at ``path``, none if empty, was made of what ``key`` digests."""
        self._made[key] = path

    def finish(
        self,
        runs: Mapping[str, str],
        notes: Mapping[str, Mapping[str, str]],
        facts: Mapping[str, object],
        generator: str,
    ) -> Written:
        """Remove what is no longer part of the site and write down what is.

        Raises:
            StoreError: It cannot be written.
        """
        content = encode_manifest(Manifest(generator, self._files, self._made, facts, notes, runs))
        stale = sorted(self._owned - self._files.keys())
        with _translated(self._root):
            # Until the removals are done, what they concern stays on the list of what is ours.
            if stale:
                self._append_pending([path for path in stale if path in self._present])
            manifest_path = self._root / MANIFEST
            if not manifest_path.is_file() or manifest_path.read_bytes() != content:
                replace_file(manifest_path, content)
            for path in stale:
                self._remove(path)
            self._log.unlink(missing_ok=True)
        return Written(
            written=self._written,
            unchanged=len(self._files) - self._written,
            removed=self._removed,
            bytes=sum(map(size_of, self._files.values())),
        )

    def _has_size(self, path: str, size: int) -> bool:
        try:
            return (self._root / path).stat().st_size == size
        except OSError:
            return False

    def _write(self, path: str, content: bytes) -> None:
        target = self._root / path
        self._append_pending([path])
        self._owned.add(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, content)

    def _append_pending(self, paths: Iterable[str]) -> None:
        new = [path for path in paths if path not in self._pending]
        if new:
            self._pending.update(new)
            with self._log.open("a", encoding="utf-8") as log:
                log.write("".join(f"{path}\n" for path in new))

    def _remove(self, path: str) -> None:
        target = self._root / path
        target.with_name(target.name + _TEMPORARY).unlink(missing_ok=True)
        if path not in self._present:
            return
        target.unlink(missing_ok=True)
        self._removed += 1
        folder = target.parent
        while folder != self._root and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    """Turn errors of the operating system into ours."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"the site cannot be written to {str(root)!r}: {reason}"
        hint = "free some space, or choose a folder you may write to; the site before stays whole"
        raise StoreError(message, hint=hint) from error


def replace_file(path: Path, content: bytes) -> None:
    """Write a file under a temporary name, then give it its own: nobody sees half of it."""
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def _read_pending(root: Path) -> set[str]:
    try:
        lines = (root / PENDING).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return set()
    # A torn last line names a file that was not yet written.
    return {line for line in lines[:-1] if is_inside(line)}


def _scan(root: Path, known: Container[str]) -> set[str]:
    """Return the paths of all files below a folder; those in ``known``, most of them, are not asked about."""
    found = set()
    folders = [""]
    while folders:
        prefix = folders.pop()
        with os.scandir(root / prefix) as entries:
            for entry in entries:
                path = prefix + entry.name
                if path not in known and entry.is_dir(follow_symlinks=False):
                    folders.append(f"{path}/")
                else:
                    found.add(path)
    return found
