"""The branch that holds a repository's site, opened through the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.errors import UserError

if TYPE_CHECKING:
    from gittrack.store.pages_branch import PagesBranch
    from gittrack.tracking.client import Client


def open_pages_branch(client: Client, remote: str, branch: str) -> PagesBranch:
    """Return the branch of a site at a remote.

    Raises:
        UserError: The runs are in no Git repository.
    """
    from gittrack.store.pages_branch import PagesBranch

    database = client.store.database
    if database is None:
        message = "these runs are in no Git repository that could be pushed from"
        raise UserError(message, hint="`gittrack site publish FOLDER` writes them into a folder")
    return PagesBranch(database.common_dir, remote, branch)
