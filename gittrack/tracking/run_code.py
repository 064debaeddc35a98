"""The code of a run: found or fetched, in a new worktree, as a branch, as a diff."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.diff import ChangedFile
from gittrack.core.jsonform import decode
from gittrack.core.model import Code
from gittrack.errors import ConflictError, NotFoundError, RunStateError, StoreError, UserError
from gittrack.store.checkout import Checkout
from gittrack.store.git_store import GitStore
from gittrack.tracking.code import CODE_FILE
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

_UNFIT = re.compile(r"[^\w.\-]+")


def open_checkout(client: Client) -> Checkout:
    """Return the work tree of a client's repository.

    Raises:
        UserError: It has none.
    """
    database = client.store.database
    if database is None or database.top is None:
        message = "this repository has no work tree"
        raise UserError(message, hint="go into a clone of it that has one, or pass --repo PATH")
    return Checkout(database.top)


def find_code(client: Client, run: Run) -> str:
    """Return the commit that holds the code of a run, fetching it if a remote has it.

    Raises:
        RunStateError: The run does not know its code.
        NotFoundError: The commit is not in this clone, and no remote has it.
    """
    commit = snapshot_of(run)
    git = _open_git(client)
    name = f"{commit}^{{commit}}"
    if git.find_object(name) is None:
        _fetch_code(client)
    if git.find_object(name) is None:
        message = f"the code of run {run.name!r} ({commit[:12]}) is not in this clone"
        raise NotFoundError(message, hint="`gittrack push` in the clone that made the run sends it")
    return commit


def find_base(client: Client, run: Run) -> str:
    """Return the commit that was checked out when a run started, below its uncommitted changes.

    Raises:
        NotFoundError: It is not in this clone.
    """
    commit = (run.code or Code()).commit
    if commit is None or _open_git(client).find_object(f"{commit}^{{commit}}") is None:
        message = f"the commit below the changes of run {run.name!r} is not in this clone"
        raise NotFoundError(message, hint="fetch the branch it was on: `git fetch`")
    return commit


def snapshot_of(run: Run) -> str:
    """Return the id of the commit that holds a run's code.

    Raises:
        RunStateError: There is none.
    """
    code = run.code or Code()
    commit = code.snapshot or (None if code.dirty else code.commit)
    if commit is None:
        message = f"the code of run {run.name!r} was not kept"
        reason = code.reason or "it did not start in a repository with a commit"
        raise RunStateError(f"{message}: {reason}", hint="`gittrack show` says what is known of it")
    return commit


def checkout_run(client: Client, run_id: str, path: str | Path | None = None) -> Path:
    """Check the code of a run out into a new linked worktree; return where it is.

    Args:
        client: Of the repository.
        run_id: The run.
        path: A folder that does not exist; beside the repository and named after the run if None.

    Raises:
        ConflictError: The folder exists.
        NotFoundError: There is no such run, or its code is not in this clone and at no remote.
        StoreError: git failed, or the disk is full.
    """
    run = client.get_run(run_id)
    commit = find_code(client, run)
    folder = Path(path).expanduser().resolve() if path is not None else folder_beside(client, run)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{str(folder)!r} exists"
        raise ConflictError(message, hint="name another folder, or `git worktree remove` it")
    _open_git(client).ask("worktree", "add", "--quiet", "--detach", str(folder), commit)
    return folder


def branch_run(client: Client, run_id: str, name: str) -> str:
    """Make a branch at the code of a run, without checking it out; return its commit.

    Raises:
        UserError: No branch can have this name.
        ConflictError: There is one of this name.
        NotFoundError: There is no such run, or its code is not in this clone and at no remote.
    """
    run = client.get_run(run_id)
    git = _open_git(client)
    checked = git.run("check-ref-format", "--branch", name)  # prints the branch that @{-1} stands for
    if checked.returncode != 0 or checked.stdout.decode().rstrip("\n") != name:
        message = f"{name!r} is no name of a branch"
        raise UserError(message, hint="`git help check-ref-format` says which are")
    if git.find_object(f"refs/heads/{name}") is not None:
        message = f"there is a branch {name!r}"
        raise ConflictError(message, hint="choose another name; a branch is never moved")
    commit = find_code(client, run)
    git.ask("branch", "--no-track", "--", name, commit)
    return commit


def show_code_diff(client: Client, first_id: str, other_id: str, options: Sequence[str] = ()) -> int:
    """Let git show what differs between the code of two runs, with the user's pager and colours.

    Args:
        client: Of the repository.
        first_id: The run whose code is the old side.
        other_id: The other one.
        options: More options of ``git diff``, e.g. ``--stat``.

    Returns:
        The status of git.

    Raises:
        NotFoundError: There is no such run, or its code is not in this clone and at no remote.
    """
    sides = [find_code(client, client.get_run(run_id)) for run_id in (first_id, other_id)]
    command = ["git", "-C", str(client.folder()), "-c", "safe.directory=*", "diff", *options, *sides, "--"]
    return subprocess.run(command, check=False).returncode


def list_changed_files(client: Client, first: Run, other: Run) -> list[ChangedFile] | None:
    """Return the files that differ between the code of two runs, None if that is not known here.

    No remote is asked.
    """
    if client.store.database is None:
        return None
    try:
        sides = [snapshot_of(run) for run in (first, other)]
    except RunStateError:
        return None
    if sides[0] == sides[1]:
        return []
    done = _open_git(client).run(
        "diff-tree", "-r", "-z", "--no-renames", "--no-ext-diff", "--numstat", *sides
    )
    if done.returncode != 0:  # one of them is not here
        return None
    rows = (os.fsdecode(row).split("\t", 2) for row in done.stdout.split(b"\0") if row)
    return [ChangedFile(path, _number(added), _number(removed)) for added, removed, path in rows]


def read_differences(client: Client, run: Run) -> tuple[dict[str, str], dict[str, str]]:
    """Return what of a run's code differed from its commit: path → how, and what was left out: path → why."""
    about: Any = None
    with suppress(ValueError):
        about = decode(client.find_side_file(run.run_id, CODE_FILE) or b"{}")
    parts = [about.get(name) if isinstance(about, dict) else None for name in ("changed", "skipped")]
    changed, skipped = (part if isinstance(part, dict) else {} for part in parts)
    return changed, skipped


def list_runs_of_code(
    client: Client, revision: str, *, run_view_type: int = ViewType.ACTIVE_ONLY
) -> list[Run]:
    """Return the runs of the same code, newest first.

    Args:
        client: Of the repository.
        revision: A commit or tree, as git names it, e.g. ``HEAD`` or a branch.
        run_view_type: Active ones, deleted ones, or all.

    Raises:
        NotFoundError: There is no such commit or tree.
    """
    return client.search_all_runs(None, filter_of_code(client, revision), run_view_type)


def filter_of_code(client: Client, revision: str) -> str:
    """Return the filter that means the runs of a commit's or tree's code, whatever their history.

    Runs that do not know their tree are meant if they ran this commit as it is.

    Raises:
        NotFoundError: There is no such commit or tree.
    """
    git = _open_git(client)
    tree = git.find_object(f"{revision}^{{tree}}")
    if tree is None:
        message = f"{revision!r} is no commit and no tree of this repository"
        raise NotFoundError(message, hint="name one as for git: HEAD, a branch, an id")
    same_tree = f"code.tree = '{tree}'"
    commit = git.find_object(f"{revision}^{{commit}}")
    if commit is None:
        return same_tree
    is_clean = "(code.dirty IS NULL OR code.dirty = false)"
    return f"({same_tree} OR (code.tree IS NULL AND code.commit = '{commit}' AND {is_clean}))"


def _open_git(client: Client) -> Checkout:
    """Return a way to run git in a repository, be it bare."""
    return Checkout(client.folder())


def _fetch_code(client: Client) -> None:
    """Fetch the code of runs from every remote that answers."""
    if isinstance(client.store, GitStore):
        for remote in client.store.remotes():
            with suppress(StoreError, NotFoundError):
                client.store.fetch_code(remote, may_prompt=True)


def _number(text: str) -> int | None:
    return None if text == "-" else int(text)


def folder_beside(client: Client, run: Run) -> Path:
    """Return the folder beside the repository that is named after a run."""
    top = client.folder()
    name = _UNFIT.sub("-", run.name).strip("-.")[:60] or run.run_id[:12]
    return top.with_name(f"{top.name.removesuffix('.git')}-{name}")
