"""The code of a run brought into the work tree itself, and the work tree brought back."""

from __future__ import annotations

from dataclasses import dataclass
from os import fsencode
from shutil import copyfile
from typing import TYPE_CHECKING

from gittrack.core.undo import UndoRecord
from gittrack.errors import ConflictError, NotFoundError, StoreError, UserError
from gittrack.store import undo
from gittrack.tracking.live import now_ms
from gittrack.tracking.run_code import find_base, find_code, open_checkout

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gittrack.store.checkout import Change, Checkout, Entry
    from gittrack.tracking.client import Client

NAMED = 5
"""Paths that an error names."""
HINT_STASH = "commit them, or pass --stash: they come back with `gittrack undo`"


@dataclass(frozen=True, slots=True)
class InPlaceChange:
    """What was done to the work tree."""

    what: str
    written: tuple[str, ...]
    """Paths whose files have other content now, or are new."""
    deleted: tuple[str, ...]
    is_stashed: bool = False


def restore_in_place(client: Client, run_id: str, *, stash: bool = False) -> InPlaceChange:
    """Make the files of the work tree those that a run ran with; HEAD, branch and index stay.

    What was there is written down first: `undo` brings it back, byte by byte. Files that the run's code does
    not have and that are not tracked are left alone.

    Args:
        client: Of the repository.
        run_id: The run.
        stash: Put changes that are not committed into git's stash first, instead of refusing.

    Raises:
        ConflictError: Tracked files have changes, or another file is in the way, and ``stash`` is not set.
        NotFoundError: There is no such run, or its code is not in this clone.
        StoreError: git failed, or the disk is full.
    """
    run = client.get_run(run_id)
    checkout = open_checkout(client)
    target = find_code(client, run)
    _check_no_merge(checkout)
    changed = checkout.changed_paths()
    if changed and not stash:
        message = f"the work tree has changes that are not committed: {_name(changed)}"
        raise ConflictError(message, hint=HINT_STASH)
    head = checkout.head() or checkout.empty_tree()
    changes = checkout.diff_trees(head, target)
    in_the_way = _in_the_way(checkout, changes, set(changed))
    if in_the_way and not stash:
        message = f"files that git does not track are in the way: {_name(in_the_way)}"
        raise ConflictError(message, hint=HINT_STASH)
    stashed = [*changed, *checkout.untracked_paths()] if stash and (changed or in_the_way) else []
    return _carry_out(checkout, f"restore {run.name}", changes, target, stashed, in_the_way)


def apply_changes(client: Client, run_id: str) -> InPlaceChange:
    """Put the changes that a run had on top of its commit onto the work tree as it is, merging them.

    HEAD, branch and index stay; `undo` brings the files back.

    Raises:
        ConflictError: They cannot be merged with what is there; nothing was changed.
        UserError: The run had no changes.
        NotFoundError: There is no such run, or its code is not in this clone.
        StoreError: git failed, is too old, or the disk is full.
    """
    run = client.get_run(run_id)
    checkout = open_checkout(client)
    target, base = find_code(client, run), find_base(client, run)
    _check_no_merge(checkout)
    theirs = checkout.diff_trees(base, target)
    if not theirs:
        message = f"run {run.name!r} had no changes on top of its commit"
        raise UserError(
            message, hint=f"`gittrack checkout {run.run_id[:12]}` brings its code into a new folder"
        )
    ours = _present_tree(checkout, theirs)
    merged = _merge(checkout, base, ours, target)
    changes = checkout.diff_trees(ours, merged)
    return _carry_out(checkout, f"apply {run.name}", changes, merged, (), ())


def undo_in_place(client: Client, *, force: bool = False) -> InPlaceChange:
    """Bring the work tree back to what it was before the last `restore_in_place` or `apply_changes`.

    Args:
        client: Of the repository.
        force: Even if files were edited since; what they hold now is kept in a commit of
            ``refs/gittrack-local/undone``.

    Raises:
        NotFoundError: There is nothing to undo.
        ConflictError: Files, HEAD or index were changed since, and ``force`` is not set.
        StoreError: git failed, or the disk is full.
    """
    checkout = open_checkout(client)
    step = undo.find_step(checkout)
    if step is None:
        raise NotFoundError(
            "there is nothing to undo", hint="`restore --in-place` and `apply` can be undone, once each"
        )
    record = step.record
    if not force:
        _check_untouched(checkout, step)
    _bring_back(checkout, step)
    return InPlaceChange(record.what, tuple(record.kept), record.absent, record.stash is not None)


def _carry_out(
    checkout: Checkout,
    what: str,
    changes: Sequence[Change],
    target: str,
    stashed: Sequence[str],
    in_the_way: Sequence[str],
) -> InPlaceChange:
    """Write down what is there, then change it; a kill at any moment leaves something to undo."""
    with checkout.temporary_index(target):
        pass  # git refuses a tree with paths such as .git/config
    paths = {*(change.path for change in changes), *stashed, *in_the_way}
    kept, absent, absent_folders = undo.keep_files(checkout, paths)
    time = now_ms()
    record = UndoRecord(
        what=what,
        time=time,
        head=checkout.head(),
        tree=checkout.ask("rev-parse", f"{target}^{{tree}}").decode().strip(),
        kept=kept,
        absent=tuple(absent),
        absent_folders=tuple(absent_folders),
        index=undo.keep_index(checkout) if stashed else None,
        stash=f"gittrack {what} ({time})" if stashed else None,
    )
    deleted = [change.path for change in changes if change.new is None]
    written = [change.path for change in changes if change.new is not None]
    step = undo.push_step(checkout, record)
    try:
        if record.stash is not None:
            checkout.ask("stash", "push", "--include-untracked", "--quiet", "--message", record.stash)
        undo.delete_files(checkout.top, [*deleted, *in_the_way])
        checkout.write_files(target, written)
    except StoreError as error:
        _bring_back(checkout, step)
        message = f"cannot {what}, so all is as it was: {error.message}"
        raise StoreError(message, hint=error.hint) from error
    undo.mark_step(checkout, step, is_done=True)
    return InPlaceChange(what, tuple(written), tuple(deleted), record.stash is not None)


def _bring_back(checkout: Checkout, step: undo.Step) -> None:
    """Undo a change; dying at any moment of it leaves the change to undo."""
    record = step.record
    kept = undo.keep_present(checkout, record)
    step = undo.mark_step(checkout, step, is_done=False)
    undo.put_back(checkout, record)
    if record.stash is not None:
        _drop_stash(checkout, record.stash)
    undo.pop_step(checkout, step, kept)


def _in_the_way(checkout: Checkout, changes: Sequence[Change], tracked: set[str]) -> list[str]:
    """Return the untracked or ignored files where a new file, or its folder, has to be.

    Raises:
        ConflictError: A folder that holds other files is in the way.
    """
    gone = {change.path for change in changes if change.old is not None}
    blocked: set[str] = set()
    present: dict[str, Entry] = {}
    for change in changes:
        if change.old is not None or change.new is None or change.path in tracked:
            continue
        blocker = _blocking_parent(checkout.top, change.path)
        place = checkout.top / change.path
        if blocker is not None:
            if blocker not in gone and blocker not in tracked:
                blocked.add(blocker)
        elif place.is_dir() and not place.is_symlink():
            _check_folder_goes(checkout.top, change.path, gone)
        elif place.is_symlink() or place.exists():
            present[change.path] = change.new
    return sorted(blocked | checkout.differing_files(present))


def _blocking_parent(top: Path, path: str) -> str | None:
    """Return the first folder of a path that is none on disk, but a file or a link."""
    parts = path.split("/")[:-1]
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        place = top / folder
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            return folder
    return None


def _check_folder_goes(top: Path, folder: str, gone: set[str]) -> None:
    for file in (top / folder).rglob("*"):
        path = file.relative_to(top).as_posix()
        if (file.is_symlink() or not file.is_dir()) and path not in gone:
            message = f"a file has to be at {folder!r}, where a folder holds {path!r}"
            raise ConflictError(message, hint="move the folder away first")


def _present_tree(checkout: Checkout, touched: Sequence[Change]) -> str:
    """Return the tree of what is on disk: tracked files, and untracked ones that are touched."""
    real = checkout.git_path("index")
    with checkout.temporary_index() as index:
        if real.exists():
            copyfile(real, index)
        checkout.ask("add", "--update", ".", index=index)
        present = [change.path for change in touched if checkout.has_file(change.path)]
        if present:
            data = b"".join(fsencode(path) + b"\0" for path in present)
            checkout.ask(
                "--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul",
                data=data, index=index,
            )  # fmt: skip
        return checkout.ask("write-tree", index=index).decode().strip()


def _merge(checkout: Checkout, base: str, ours: str, theirs: str) -> str:
    """Return the tree of both sides' changes since ``base``.

    Raises:
        ConflictError: They changed the same lines.
        StoreError: git cannot merge trees.
    """
    sides = [
        checkout.write_commit(f"{side}^{{tree}}", [base], "a side of a merge") for side in (ours, theirs)
    ]
    done = checkout.run("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", *sides)
    tree, *conflicts = done.stdout.decode(errors="surrogateescape").rstrip("\0").split("\0")
    if done.returncode == 0:
        return tree
    if done.returncode == 1 and conflicts:
        message = f"the changes do not fit what is there now: {_name(conflicts)}"
        raise ConflictError(message, hint="nothing was changed; `gittrack checkout RUN` makes a new folder")
    raise StoreError("git cannot merge here", hint="merging without touching files needs git 2.38 or newer")


def _check_no_merge(checkout: Checkout) -> None:
    if checkout.has_conflicts():
        raise ConflictError("a merge is in progress", hint="finish it, or `git merge --abort`")


def _check_untouched(checkout: Checkout, step: undo.Step) -> None:
    """Refuse to undo what was changed since.

    Raises:
        ConflictError: It was.
    """
    record = step.record
    if record.index is not None and step.is_done:
        if checkout.head() != record.head:
            raise ConflictError("HEAD moved since", hint="go back to that commit first, or pass --force")
        if record.head and checkout.run("diff-index", "--cached", "--quiet", record.head).returncode != 0:
            raise ConflictError("files were staged since", hint="commit or unstage them, or pass --force")
    if step.is_done:
        differing = checkout.differing_from(record.tree, record.paths)
        edited = [path for path in sorted(differing) if not undo.is_as_kept(checkout, path, record)]
        if edited:
            message = f"files were edited since: {_name(edited)}"
            raise ConflictError(
                message, hint="commit or copy what you need, or pass --force: it is kept, too"
            )


def _drop_stash(checkout: Checkout, message: str) -> None:
    rows = checkout.ask("stash", "list", "--format=%gd%x00%gs").decode(errors="replace").splitlines()
    for row in rows:
        name, _, subject = row.partition("\0")
        if subject.endswith(message):
            checkout.ask("stash", "drop", "--quiet", name)
            return


def _name(paths: Sequence[str]) -> str:
    shown = ", ".join(map(repr, paths[:NAMED]))
    return f"{shown} and {len(paths) - NAMED} more" if len(paths) > NAMED else shown
