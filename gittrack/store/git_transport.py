"""Which transport a repository uses: the git program where there is one, else dulwich."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.store.git_dulwich import DulwichDatabase
from gittrack.store.git_program import GitProgram
from gittrack.store.transport import STALL_S, remote_error

if TYPE_CHECKING:
    from gittrack.store.git_database import GitDatabase
    from gittrack.store.transport import Transport


def choose_transport(
    database: GitDatabase, *, may_prompt: bool = False, patience_s: float | None = None
) -> Transport:
    """Return the way to the remotes of a repository.

    Args:
        database: The repository.
        may_prompt: Whether somebody may be asked for a password.
        patience_s: Give up after so long a silence, if ``gittrack.stallTimeout`` says no less.
    """
    stall_s = _read_stall(database)
    if patience_s is not None:
        stall_s = min(stall_s, patience_s)
    by_dulwich = database.read_config("gittrack", "transport") == "dulwich" or shutil.which("git") is None
    if by_dulwich and isinstance(database, DulwichDatabase):
        check_owner(database)
        from gittrack.store.git_wire import Wire  # loads what speaks HTTP

        return Wire(database, may_prompt, stall_s)
    return replace(set_up_program(database, may_prompt=may_prompt), stall_s=stall_s)


def set_up_program(database: GitDatabase, *, may_prompt: bool = False) -> GitProgram:
    """Return the git program with a repository's settings; artifact content travels by nothing else.

    Raises:
        RemoteError: Somebody else owns the repository.
    """
    check_owner(database)
    return GitProgram(
        database.common_dir,
        database.top,
        may_prompt=may_prompt,
        stall_s=_read_stall(database),
        has_ssh_command=database.read_config("core", "sshCommand") is not None,
    )


def _read_stall(database: GitDatabase) -> float:
    with suppress(ValueError):
        return float(database.read_config("gittrack", "stallTimeout") or STALL_S)
    return STALL_S


def check_owner(database: GitDatabase) -> None:
    """Refuse the network where git does: the settings of somebody else's repository can name programs.

    Raises:
        RemoteError: Somebody else owns the repository, and no ``safe.directory`` says that this is fine.
    """
    folder = str(database.top or database.common_dir)
    if not isinstance(database, DulwichDatabase) or not hasattr(os, "geteuid"):
        return  # git looks itself
    trusted = {os.geteuid(), int(os.environ.get("SUDO_UID") or os.geteuid())}
    if database.common_dir.stat().st_uid in trusted or {"*", folder} & set(database.trusted_folders()):
        return
    report = f"fatal: detected dubious ownership in repository at '{folder}'"
    raise remote_error("use the remotes of", folder, report)
