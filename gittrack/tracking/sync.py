"""Runs exchanged with a Git remote, in the words of git."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import NotFoundError, StoreError, UserError
from gittrack.store.git_store import GitStore
from gittrack.store.layout import tracking_ref
from gittrack.tracking.contents import NOTHING, Transfer, find_unsent, send_contents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittrack.core.model import Run
    from gittrack.store.git_scan import Held
    from gittrack.store.git_sync import Difference
    from gittrack.store.transport import Progress
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an exchange with a remote did."""

    remote: str
    received: int = 0
    """Runs that are new or changed here."""
    sent: int = 0
    """Runs that are new or changed there."""
    moved: bool = False
    """Whether anything else, such as a registered model, went either way."""
    notes: tuple[str, ...] = ()
    """What one should know of: model versions that got another number."""
    held: tuple[Held, ...] = ()
    """What was not sent, since it looks like it holds a secret."""
    content: Transfer = NOTHING
    """Artifact content that travelled, or would."""


def push(
    client: Client,
    remote: str | None = None,
    *,
    with_content: bool = True,
    progress: Progress | None = None,
    content_progress: Progress | None = None,
) -> Exchange:
    """Give a remote all runs it lacks, taking in what it has; what looks like a secret stays here.

    Content goes first, then the runs that refer to it.


    Raises:
        NotFoundError: There is no such remote, or none at all.
        RemoteError: It cannot be reached, or does not accept the ref.
    """
    store = git_store(client)
    name = choose_remote(client, remote)
    before, theirs = store.head(), store.objects.read_ref(tracking_ref(name))
    content = NOTHING
    if with_content and find_unsent(client):
        # What others have sent already is in their recipes.
        store.fetch(name, may_prompt=True, progress=progress)
        store.merge(name)
        content = send_contents(client, name, progress=content_progress)
    sent = store.push(name, may_prompt=True, progress=progress)
    notes = _settle(client, before)
    if notes:
        store.push(name, may_prompt=True, progress=progress)
    moved = store.head() != before or store.objects.read_ref(tracking_ref(name)) != theirs
    return Exchange(name, store.count_changed(before), sent.runs, moved, notes, sent.held, content)


def look(client: Client, remote: str | None = None, *, progress: Progress | None = None) -> Exchange:
    """Fetch, and return what an exchange would send and take in; the runs here stay as they are.

    Raises:
        NotFoundError: There is no such remote, or none at all.
        RemoteError: It cannot be reached.
    """
    store = git_store(client)
    name = choose_remote(client, remote)
    store.fetch(name, may_prompt=True, progress=progress)
    found = store.compare(name)
    held = tuple(store.held(name))
    unsent = find_unsent(client)
    content = Transfer(len(unsent), sum(unsent.values()))
    sent = _count_sendable(found, held)
    moved = store.differs_beside_runs(name)
    return Exchange(name, len(found.behind), sent, moved, held=held, content=content)


def allow(client: Client, run: Run, remote: str | None = None) -> int:
    """Let a run be pushed although it looks like it holds secrets; return how many of them that allows.

    It is remembered in this clone: the same text is allowed wherever it is found.

    Raises:
        NotFoundError: There is no such remote, or none at all.
        StoreError: The disk is full, or failed.
    """
    store = git_store(client)
    held = [one for one in store.held(choose_remote(client, remote)) if one.run_id == run.run_id]
    store.allow(held)
    return sum(len(one.findings) for one in held)


def pull(client: Client, remote: str | None = None, *, progress: Progress | None = None) -> Exchange:
    """Take in all runs of a remote.

    Raises:
        NotFoundError: There is no such remote, or none at all.
        RemoteError: It cannot be reached.
        StoreError: The disk is full, or failed.
    """
    store = git_store(client)
    name = choose_remote(client, remote)
    before = store.head()
    store.fetch(name, may_prompt=True, progress=progress)
    store.merge(name)
    notes = _settle(client, before)
    return Exchange(name, store.count_changed(before), moved=store.head() != before, notes=notes)


def choose_remote(client: Client, remote: str | None) -> str:
    """Return the remote to use: the one given, ``gittrack.remote``, ``origin``, or the only one.

    Raises:
        NotFoundError: There is none.
        UserError: There are several and none of them is ``origin``.
    """
    store = git_store(client)
    if remote:
        return remote
    if chosen := store.read_config("gittrack", "remote"):
        return chosen
    names = store.remotes()
    if "origin" in names:
        return "origin"
    if len(names) == 1:
        return names[0]
    if not names:
        message = "this repository has no remote"
        raise NotFoundError(message, hint="add one: git remote add origin URL")
    message = f"which remote? there are {', '.join(sorted(names))}"
    raise UserError(message, hint="name it, or set it: git config gittrack.remote NAME")


def follow(client: Client, remote: str) -> bool:
    """Let the user's own ``git fetch`` bring the runs of a remote; return whether that is new.

    Raises:
        NotFoundError: There is no such remote.
        RemoteError: The configuration cannot be written.
    """
    store = git_store(client)
    if remote not in store.remotes():
        message = f"no remote {remote!r}"
        raise NotFoundError(message, hint="`git remote -v` lists them")
    return store.transport().follow(remote)


def _count_sendable(found: Difference, held: Iterable[Held]) -> int:
    return len(set(found.ahead) - {one.run_id for one in held})


def has_exchanged(client: Client, remote: str) -> bool:
    """Whether runs were ever exchanged with a remote."""
    store = git_store(client)
    return store.objects.read_ref(tracking_ref(remote)) is not None


def remember(client: Client) -> Exchange | None:
    """Return what an exchange would do as far as the last one told, without the network.

    None if there is no remote, or none is the obvious one.
    """
    try:
        store = git_store(client)
        name = choose_remote(client, None)
    except (NotFoundError, UserError, StoreError):
        return None
    found = store.compare(name)
    moved = store.differs_beside_runs(name)
    return Exchange(name, received=len(found.behind), sent=len(found.ahead), moved=moved)


def _settle(client: Client, before: str | None) -> tuple[str, ...]:
    """Write down which model versions got another number in a merge; return what there is to say."""
    if client.store.head() == before:
        return ()
    from gittrack.tracking.settling import settle

    return tuple(settle(client))


def git_store(client: Client) -> GitStore:
    """Return the Git repository that a client tracks in.

    Raises:
        UserError: It tracks elsewhere.
    """
    if not isinstance(client.store, GitStore):
        message = "this store has no remotes"
        raise UserError(message, hint="exchange works between Git repositories")
    return client.store
