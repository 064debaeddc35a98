"""Folders and files of code snapshots, as far as they are in this clone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.errors import StoreError
from gittrack.store.git_store import GitStore

if TYPE_CHECKING:
    from gittrack.store.git_objects import Objects
    from gittrack.tracking.client import Client


def find_code_tree(client: Client, commit: str) -> str | None:
    """Return the tree of a commit, None if it is not in this clone."""
    objects = _objects(client, commit)
    try:
        return None if objects is None else objects.read_commit(commit).tree
    except StoreError:
        return None


def find_code_folder(client: Client, tree: str) -> dict[str, tuple[int, str]] | None:
    """Return what is in a folder of code: name → mode and id; None if it is not in this clone."""
    objects = _objects(client, tree)
    try:
        entries = None if objects is None else objects.read_tree(tree)
    except StoreError:
        return None
    return None if entries is None else {name: (one.mode, one.oid) for name, one in entries.items()}


def find_code_file(client: Client, blob: str) -> bytes | None:
    """Return the content of a file of code, None if it is not in this clone."""
    objects = _objects(client, blob)
    try:
        return None if objects is None else objects.read(blob)
    except StoreError:
        return None


def find_environment(client: Client, digest: str) -> str | None:
    """Return the packages of an environment as a lock, None if no run here had it."""
    return client.store.find_environment(digest)


def _objects(client: Client, oid: str) -> Objects | None:
    store = client.store
    return store.objects if isinstance(store, GitStore) and store.objects.has(oid) else None
