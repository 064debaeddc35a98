"""Files of the commit that is checked out, as they were committed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.errors import CorruptDataError
from gittrack.store.git_store import GitStore

if TYPE_CHECKING:
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_tree import TreeEntry
    from gittrack.tracking.client import Client

FILE_MODES = frozenset({0o100644, 0o100755})
"""Links are not followed: they may lead out of the repository."""


def list_committed(client: Client, folder: str) -> list[str]:
    """Return the paths of the files right in a folder, sorted; none where nothing is committed."""
    found = _find(client, folder)
    if found is None or not found[1].is_tree:
        return []
    objects, entry = found
    entries = objects.read_tree(entry.oid)
    return sorted(f"{folder}/{name}" for name, one in entries.items() if one.mode in FILE_MODES)


def read_committed(client: Client, path: str) -> bytes | None:
    """Return the content of a file, None if there is none at this path."""
    found = _find(client, path)
    if found is None or found[1].mode not in FILE_MODES:
        return None
    objects, entry = found
    try:
        return objects.read(entry.oid)
    except CorruptDataError:  # a partial clone lacks it
        return None


def _find(client: Client, path: str) -> tuple[Objects, TreeEntry] | None:
    store = client.store
    if not isinstance(store, GitStore) or store.database is None:
        return None
    head = store.database.read_head()[0]
    if head is None or not store.objects.has(head):
        return None
    try:
        entry = store.objects.find(store.objects.read_commit(head).tree, path.split("/"))
    except CorruptDataError:
        return None
    return None if entry is None else (store.objects, entry)
