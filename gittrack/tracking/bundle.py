"""Runs carried in a file, for machines without a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.errors import NotFoundError
from gittrack.store.layout import RUNS_REF, tracking_ref
from gittrack.tracking.sync import Exchange, git_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.git_scan import Held
    from gittrack.tracking.client import Client

BUNDLE = "bundle"
"""The name under which what came in a file is kept until it is merged."""


def create_bundle(client: Client, path: Path) -> int:
    """Write all runs into one file that `apply_bundle` takes in elsewhere; return how many there are.

    Raises:
        NotFoundError: There are no runs.
        RemoteError: It cannot be written.
    """
    store = git_store(client)
    if store.head() is None:
        message = "there are no runs to carry"
        raise NotFoundError(message, hint="log one first")
    store.transport().create_bundle(path, RUNS_REF)
    return sum(1 for _ in store.list_runs())


def list_exposed(client: Client) -> list[Held]:
    """Return what in a bundle looks like a secret: a file is not looked through by anybody else.

    Raises:
        CorruptDataError: Something cannot be read.
    """
    return git_store(client).held(None)


def apply_bundle(client: Client, path: Path) -> Exchange:
    """Take in the runs of a file that `create_bundle` wrote.

    Raises:
        NotFoundError: There is no such file, or it holds no runs.
        RemoteError: It is no bundle.
    """
    store = git_store(client)
    if not path.is_file():
        message = f"no bundle at {str(path)!r}"
        raise NotFoundError(message, hint="`gittrack bundle create FILE` writes one")
    before = store.head()
    store.transport().fetch(str(path.absolute()), {RUNS_REF: tracking_ref(BUNDLE)})
    if store.objects.read_ref(tracking_ref(BUNDLE)) is None:
        message = f"{str(path)!r} holds no runs"
        raise NotFoundError(message, hint="`gittrack bundle create FILE` writes one that does")
    store.merge(BUNDLE)
    return Exchange(path.name, received=store.count_changed(before))
