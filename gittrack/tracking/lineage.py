"""Which artifacts of other runs a run used, and who used those of a run: links both ways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.artifact_uri import RunPath, digest_of, parse_uri, run_uri
from gittrack.core.events import ArtifactUsed
from gittrack.errors import UserError
from gittrack.store.digests import digest_bytes

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class Use:
    """One artifact that one run made and another used."""

    run_id: str
    """The run at the other end: who made it, seen from the user; who used it, seen from the maker."""
    name: str
    """Of that run; its id if it is not here."""
    path: str
    """Of the file or folder in the run that made it."""
    digest: str
    """Of what was used."""
    is_current: bool | None
    """Whether the run that made it still has just that; None if it is not here."""


def use_artifact(client: Client, run_id: str, artifact_uri: str) -> Use:
    """Say that a run uses a file or folder of another run, as it is now; return which that is.

    Args:
        client: Where both runs are.
        run_id: The run that uses it.
        artifact_uri: ``runs:/<run id>/<path>``, or ``gittrack:/<run>/<path>``.

    Raises:
        RunNotFoundError: One of the runs is not here.
        ArtifactNotFoundError: The other run has nothing at this path.
        UserError: It is no such URI, or of the run itself.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.artifacts import find_artifact
    from gittrack.tracking.select import find_run

    target = parse_uri(artifact_uri)
    if not isinstance(target, RunPath):
        message = f"{artifact_uri!r} says nothing of the run that made it"
        raise UserError(message, hint="write runs:/<run id>/<path>")
    maker = find_run(client, target.run)
    path = target.path.strip("/")
    digest = digest_of(maker.artifacts, path, digest_bytes)
    if digest is None:
        find_artifact(maker, path)
    if maker.run_id == run_id:
        message = f"run {maker.name!r} cannot be its own input"
        raise UserError(message, hint="name an artifact of another run")
    uri, found = run_uri(maker.run_id, path), digest or ""
    client.edit(run_id, lambda time: ArtifactUsed(uri, found, time))
    return Use(maker.run_id, maker.name, path, found, is_current=True)


def list_inputs(client: Client, run: Run) -> list[Use]:
    """Return what a run used of others.

    Raises:
        StoreError: Something cannot be read.
    """
    uses = []
    for uri, digest in sorted(run.used.items()):
        target = parse_uri(uri)
        if isinstance(target, RunPath):
            maker = client.store.find_run(target.run)
            uses.append(_describe(target.run, maker, maker, target.path, digest))
    return uses


def list_users(client: Client, run: Run) -> list[Use]:
    """Return who used artifacts of a run, newest first.

    Raises:
        StoreError: Something cannot be read.
    """
    uses = []
    for user_id in sorted(client.store.list_users(run.run_id), reverse=True):
        user = client.store.find_run(user_id)
        for uri, digest in sorted(user.used.items()) if user is not None else ():
            target = parse_uri(uri)
            if isinstance(target, RunPath) and target.run == run.run_id:
                uses.append(_describe(user_id, user, run, target.path, digest))
    return uses


def _describe(run_id: str, other: Run | None, maker: Run | None, path: str, digest: str) -> Use:
    now = None if maker is None else digest_of(maker.artifacts, path, digest_bytes)
    is_current = None if maker is None else now == digest
    return Use(run_id, other.name if other is not None else run_id, path, digest, is_current)
