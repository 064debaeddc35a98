"""Files that the user's own commits have: known by commit and path, read by their blob."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import GittrackError
from gittrack.store.git_objects import Objects
from gittrack.store.git_pack import make_object

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

MAX_BYTES = 256 << 20
"""Larger files do not live in Git; they are not read to find out."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A file as a commit has it."""

    commit: str
    path: str
    """Relative to the top of the work tree."""
    blob: str
    """Its object id."""


def find_tracked(client: Client, path: Path) -> Tracked | None:
    """Return a file as HEAD has it; None if it is not there, or is another one by now."""
    database = client.store.database
    if database is None or database.top is None or not path.is_file() or path.stat().st_size > MAX_BYTES:
        return None
    try:
        relative = Path(os.path.realpath(path)).relative_to(os.path.realpath(database.top))
        commit, _ = database.read_head()
        if commit is None:
            return None
        objects = Objects(database)
        entry = objects.find(objects.read_commit(commit).tree, relative.parts)
        if entry is None or entry.is_tree:
            return None
        blob = make_object("blob", path.read_bytes(), database.hash_name)
    except (ValueError, OSError, GittrackError):
        return None  # what cannot be found out is no file of Git's
    return Tracked(commit, relative.as_posix(), entry.oid) if blob.oid == entry.oid else None


def read_blob(client: Client, oid: str) -> bytes | None:
    """Return the content of an object of the user's own history, None if it is not in this clone.

    Raises:
        CorruptDataError: It is damaged.
    """
    database = client.store.database
    return database.read(oid) if database is not None and database.has(oid) else None
