"""Stamped documents of the hidden branch, read as far as they changed since they were last read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.core.paths import DOCUMENTS
from gittrack.core.stamped import Document, decode_stamped, document_path
from gittrack.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from gittrack.core.stamped import DocumentChange
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_tree import TreeEntry


class Documents:
    """Remembers what it read by the ids of trees and files: a change elsewhere costs what it changed."""

    def __init__(self, objects: Objects) -> None:
        """Read from ``objects``."""
        self._objects = objects
        self._known: dict[str, dict[str, tuple[Document, ...]]] = {}

    def find(self, root: str | None, kind: str, document_id: str) -> Document | None:
        """Return a document under the tree ``root``, also one that was removed.

        Raises:
            CorruptDataError: It cannot be read.
        """
        path = document_path(kind, document_id)
        entry = self._objects.find(root, path) if root else None
        return self._read(entry.oid, path) if entry else None

    def list_all(self, root: str | None, kind: str) -> list[Document]:
        """Return the documents of a kind, and of the kinds below it, that were not removed.

        Raises:
            CorruptDataError: One of them cannot be read.
        """
        path = (DOCUMENTS, *kind.split("/"))
        entry = self._objects.find(root, path) if root else None
        if entry is None:
            return []
        before, self._known[kind] = self._known.get(kind, {}), {}
        return list(self._walk(entry, path, before, self._known[kind]))

    def _walk(
        self,
        entry: TreeEntry,
        path: tuple[str, ...],
        before: dict[str, tuple[Document, ...]],
        now: dict[str, tuple[Document, ...]],
    ) -> Iterator[Document]:
        if not entry.is_tree:
            document = self._read(entry.oid, path)
            yield from (document,) if document.exists else ()
            return
        found = before.get(entry.oid)
        if found is None:
            children = self._objects.read_tree(entry.oid).items()
            if any(child.is_tree for _, child in children):
                for name, child in children:
                    yield from self._walk(child, (*path, name), before, now)
                return
            read = (self._read(child.oid, (*path, name)) for name, child in children)
            found = tuple(document for document in read if document.exists)
        now[entry.oid] = found
        yield from found

    def _read(self, oid: str, path: tuple[str, ...]) -> Document:
        try:
            return decode_stamped(self._objects.read(oid))
        except ValueError as error:
            message = f"{'/'.join(path)} is damaged: {error}"
            raise CorruptDataError(message, hint="run `gittrack fsck`") from error


def time_changes(
    changes: Iterable[DocumentChange], find: Callable[[str, str], Document | None]
) -> list[DocumentChange]:
    """Return changes timed after all that their documents have seen, whatever other clocks said."""
    timed = []
    for change in changes:
        known = find(change.kind, change.document_id)
        timed.append(replace(change, time=max(change.time, known.latest_time + 1)) if known else change)
    return timed
