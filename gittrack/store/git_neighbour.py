"""Refs exchanged with a repository on the same machine, without the git program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import GittrackError, RemoteError, RepositoryNotFoundError
from gittrack.store.disk import disk_errors
from gittrack.store.git_objects import Objects
from gittrack.store.git_pack import GitObject, encode_pack, install_pack
from gittrack.store.git_walk import is_ancestor, missing_commits, missing_objects
from gittrack.store.transport import PushOutcome, remote_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.store.transport import RefUpdate


def open_neighbour(path: str, hash_name: str, remote: str, action: str) -> Objects:
    """Open the repository at a path.

    Raises:
        RemoteError: There is none, or it uses other ids.
    """
    from gittrack.store.git_open import open_repository

    try:
        there = open_repository(Path(path))
    except RepositoryNotFoundError as error:
        raise remote_error(action, remote, "fatal: it does not appear to be a git repository") from error
    except GittrackError as error:
        raise remote_error(action, remote, error.message) from error
    if there.hash_name != hash_name:
        message = f"cannot {action} {remote}: its ids are {there.hash_name}"
        raise RemoteError(message, hint=f"those here are {hash_name}; clone it anew")
    return Objects(there)


def push_to_neighbour(here: Objects, there: Objects, updates: Sequence[RefUpdate]) -> PushOutcome:
    """Move refs of another repository; see `gittrack.store.transport.Transport.push`.

    Raises:
        StoreError: The disk is full, or failed.
    """
    before = [there.read_ref(update.ref) for update in updates]
    if not all(may_move(here, update, old) for update, old in zip(updates, before, strict=True)):
        return PushOutcome.OVERTAKEN
    keep = write_pack(there, copy_objects(here, [one.new for one in updates], filter(None, before)))
    for update, old in zip(updates, before, strict=True):
        if old != update.new and not there.swap_ref(update.ref, old, update.new, "push"):
            return PushOutcome.OVERTAKEN
    if keep:
        keep.unlink(missing_ok=True)
    return PushOutcome.DONE


def may_move(here: Objects, update: RefUpdate, old: str | None) -> bool:
    """Whether a ref that is at ``old`` there may move: it only gains, or is where it was seen."""
    if update.replaced is not None:
        return old == update.replaced
    return old is None or (here.has(old) and is_ancestor(here, old, update.new))


def copy_objects(source: Objects, tips: Iterable[str], known: Iterable[str]) -> list[GitObject]:
    """Return what ``tips`` reach in a repository and ``known`` commits do not.

    Raises:
        CorruptDataError: Something cannot be read.
    """
    commits = missing_commits(source, tips, filter(source.has, known))
    return [GitObject(one.oid, one.kind, source.read(one.oid)) for one in missing_objects(source, commits)]


def write_pack(target: Objects, objects: list[GitObject]) -> Path | None:
    """Put objects into a repository; return the pack's ``.keep``, to be removed once a ref reaches it.

    Raises:
        StoreError: The disk is full, or failed.
    """
    if not objects:
        return None
    pack, index, name = encode_pack(objects, target.hash_name)
    with disk_errors("write a pack"):
        install_pack(target.pack_folder, pack, index, name)
    return target.pack_folder / f"{name}.keep"
