"""Which implementation a remote's settings ask for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from gittrack.core.content_settings import GIT, ContentSettings
from gittrack.errors import RemoteError
from gittrack.store.remotes.git_remote import GitRemote

if TYPE_CHECKING:
    from gittrack.store.git_store import GitStore
    from gittrack.store.remotes.interface import Remote

LFS_SCHEMES = ("lfs+http://", "lfs+https://", "lfs://")


def open_remote(
    store: GitStore, settings: ContentSettings, name: str, git_remote: str | None, *, may_prompt: bool = False
) -> Remote:
    """Return the remote called ``name``.

    Args:
        store: The repository.
        settings: Where content goes.
        name: ``git``, or one of the settings.
        git_remote: The Git remote that ``git`` means.
        may_prompt: Whether git may ask for a password.

    Raises:
        NotFoundError: There is no such remote.
        UserError: A package that it needs is missing, or its URL makes no sense.
        RemoteError: It cannot be reached.
    """
    chosen = settings.find(name)
    if chosen is None:
        return open_git_remote(store, git_remote or "origin", may_prompt=may_prompt)
    if chosen.url.startswith(LFS_SCHEMES):
        from gittrack.store.remotes.lfs_remote import open_lfs_remote

        return open_lfs_remote(name, chosen.url, store.common_dir)
    from gittrack.store.remotes.fsspec_remote import open_fsspec_remote

    return open_fsspec_remote(name, chosen.url, chosen.options)


def open_git_remote(store: GitStore, git_remote: str, *, may_prompt: bool = False) -> GitRemote:
    """Return the parts in a Git remote.

    Raises:
        RemoteError: There is no git program; nothing else moves content to and from Git remotes.
    """
    if shutil.which("git") is None:
        message = f"artifact content travels to and from {git_remote} by the git program, which is not here"
        hint = "install git, `gittrack push --no-artifacts`, or name another place in .gittrack.toml"
        raise RemoteError(message, hint=hint)
    return GitRemote(
        name=GIT,
        remote=git_remote,
        program=store.program(may_prompt=may_prompt),
        temporary=store.layout.temporary,
        hash_name=store.objects.hash_name,
        ref=store.remote_artifacts_ref(),
    )
