"""Group commit: whoever holds the lock commits everything in the spool at once."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING

from gittrack.core.events import RunStarted, logged_artifacts
from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import encode_document
from gittrack.core.messages import compose_message, parse_entry_ids
from gittrack.core.paths import FORMAT, FORMAT_VERSION
from gittrack.errors import ConflictError, CorruptDataError
from gittrack.store.disk import disk_errors
from gittrack.store.git_draft import Draft, add_entry, begin_draft
from gittrack.store.git_pack import GitObject, encode_pack, install_pack, make_object
from gittrack.store.git_rollup import note_pack
from gittrack.store.journal_files import list_journals, remove_journal
from gittrack.store.layout import RUNS_REF
from gittrack.store.lock import hold
from gittrack.store.settling import settle
from gittrack.store.spool import DAMAGED, Entry, list_entries, read_entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from gittrack.store.git_objects import Objects
    from gittrack.store.layout import Layout

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Committer:
    """Everything a commit needs of the world."""

    layout: Layout
    objects: Objects
    identity: str
    """``Name <mail>`` of author and committer."""
    now_s: Callable[[], int]
    """Seconds since the epoch."""


def commit_spool(committer: Committer, *, own: Path | None = None) -> bool:
    """Commit all that waits in the spool; return whether there was anything to commit.

    Entry, pack, ref, tidying up: killed anywhere, the next caller goes on where this one stopped. An entry
    whose run is damaged stays in the spool and keeps nobody else's from being committed.

    Args:
        committer: What a commit needs of the world.
        own: The entry that the caller answers for.

    Raises:
        LockedError: Another process holds the lock for too long.
        ConflictError: The ref keeps moving although the lock is held.
        CorruptDataError: The caller's ``own`` entry, or what it changes, is damaged.
        StoreError: The disk is full, or failed. Nothing acknowledged is lost.
    """
    done = _commit_entries(committer, own)
    if own is not None and own.with_suffix(DAMAGED).exists():
        message = f"what was just stored was damaged on the disk before it was committed: {own.name}"
        raise CorruptDataError(message, hint="do it again, and check the disk")
    return done


def _commit_entries(committer: Committer, own: Path | None) -> bool:
    if not list_entries(committer.layout):
        return False
    known = _read_entries(committer.layout)
    settle(committer.layout, _named(known.values()))  # the long part, while others may commit
    with hold(committer.layout.lock):
        for _ in range(MAX_ATTEMPTS):
            tip = committer.objects.read_ref(RUNS_REF)
            entries = take_entries(committer, tip, known)
            settle(committer.layout, _named(entries))
            draft, damage = _draft_commit(committer.objects, tip, entries)
            if not draft.entries or _commit(committer, tip, draft):
                if own in damage:
                    raise damage[own]
                return bool(draft.entries)
    message = f"{RUNS_REF} keeps moving"
    raise ConflictError(message, hint="is another program writing this ref? stop it and try again")


def _read_entries(layout: Layout) -> dict[Path, Entry]:
    """Return the entries there are; what is the matter with others is seen under the lock."""
    known = {}
    for path in list_entries(layout):
        with contextlib.suppress(FileNotFoundError, CorruptDataError):
            known[path] = read_entry(path)
    return known


def _named(entries: Iterable[Entry]) -> set[str]:
    """Return the digests of the content that entries name."""
    return {artifact.digest for entry in entries for artifact in logged_artifacts(entry.events)}


def take_entries(
    committer: Committer, tip: str | None, known: Mapping[Path, Entry] | None = None
) -> list[Entry]:
    """Return the entries that the tip does not hold yet; tidy up after those that it does.

    Whoever moves the ref calls this first, under the lock: only the tip says which entries it holds.

    Args:
        committer: What a commit needs of the world.
        tip: What the ref points at.
        known: Entries that were read already: whole ones never change.

    Raises:
        StoreError: The spool cannot be read or tidied.
    """
    held = parse_entry_ids(committer.objects.read_commit(tip).message) if tip else set()
    entries = []
    for path in list_entries(committer.layout):
        try:
            entry = (known or {}).get(path) or read_entry(path)
        except FileNotFoundError:
            continue
        except CorruptDataError as error:
            _set_aside(committer.layout, path, error)
            continue
        # A journal goes only once it is committed: an entry without its journal came back from the dead.
        if entry.entry_id in held or (
            entry.journal and not (committer.layout.journals / entry.journal).exists()
        ):
            _tidy(committer.layout, entry)
        else:
            entries.append(entry)
    return in_order(entries)


def _set_aside(layout: Layout, path: Path, error: CorruptDataError) -> None:
    """Take an entry that a power cut tore out of the way of the others; say so if it was the only copy."""
    if any(journal.path.stem == path.stem for journal in list_journals(layout)):
        with contextlib.suppress(OSError):
            path.unlink()  # it was folded from that journal, which is folded again
        return
    aside = path.with_suffix(DAMAGED)
    with contextlib.suppress(OSError):
        path.replace(aside)
    warnings.warn(
        f"{error}; a change of an experiment or of models is lost: make it again, then remove {str(aside)!r}",
        stacklevel=2,
    )


def in_order(entries: list[Entry]) -> list[Entry]:
    """Return entries as they happened: those of one writer as it wrote them, whatever the clock did."""
    latest: dict[str, int] = {}
    keys: dict[str, tuple[int, str]] = {}
    for entry in sorted(entries, key=lambda one: one.path.name):
        writer = entry.path.stem.rpartition("-")[0]
        times = [one.time for one in (*entry.events, *entry.changes)]
        starts = any(isinstance(event, RunStarted) for event in entry.events)
        time = -1 if starts else max(latest.get(writer, 0), times[0] if times else 0)
        latest[writer] = max(time, 0)
        keys[entry.entry_id] = (time, entry.path.name)
    return sorted(entries, key=lambda one: keys[one.entry_id])


def _draft_commit(
    objects: Objects, tip: str | None, entries: list[Entry]
) -> tuple[Draft, dict[Path | None, CorruptDataError]]:
    """Apply entries to the tree of ``tip``; return the draft, and what could not be applied."""
    draft = begin_draft(objects, tip)
    damage: dict[Path | None, CorruptDataError] = {}
    for entry in entries:
        try:
            add_entry(draft, entry)
        except CorruptDataError as error:
            damage[entry.path] = error
        else:
            draft.entries.append(entry)
    return draft, damage


def _commit(committer: Committer, tip: str | None, draft: Draft) -> bool:
    """Commit a draft onto ``tip``; return whether the ref was still there."""
    objects = committer.objects
    if draft.editor.get((FORMAT,)) is None:
        draft.put((FORMAT,), encode_document({"version": FORMAT_VERSION, "epoch": 0}))
    tree, trees = draft.editor.write()
    time_s = max(committer.now_s(), objects.read_commit(tip).time_s + 1 if tip else 0)
    message = compose_message(draft.subjects, (entry.entry_id for entry in draft.entries))
    text = encode_commit(tree, [tip] if tip else [], committer.identity, time_s, message)
    commit = make_object("commit", text, objects.hash_name)
    if not install(
        committer, [commit, *trees, *draft.new.values()], tip, commit.oid, message.partition("\n")[0]
    ):
        return False
    objects.remember(commit, trees)
    for entry in draft.entries:
        _tidy(committer.layout, entry)
    return True


def install(
    committer: Committer,
    new: list[GitObject],
    tip: str | None,
    commit: str,
    subject: str,
    *,
    ref: str = RUNS_REF,
) -> bool:
    """Write a pack and move a ref of ours from ``tip`` to ``commit``; return whether it moved.

    To be called under the lock, so that nobody takes the pack for one that was left behind.

    Raises:
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    folder = objects.pack_folder
    pack, index, name = encode_pack(new, objects.hash_name)
    with disk_errors("write a pack"):
        install_pack(folder, pack, index, name)
        try:
            moved = objects.swap_ref(ref, tip, commit, subject)
        finally:
            (folder / f"{name}.keep").unlink(missing_ok=True)
        note_pack(committer.layout, name)
    return moved


def _tidy(layout: Layout, entry: Entry) -> None:
    # The journal before the entry: while the entry is there, the tip can still say that it was committed.
    with disk_errors("remove a journal that was committed"):
        if entry.journal:
            remove_journal(layout.journals / entry.journal)
        entry.path.unlink(missing_ok=True)


def encode_commit(tree: str, parents: Sequence[str], identity: str, time_s: int, message: str) -> bytes:
    """Return the text of a commit object."""
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {identity} {time_s} +0000", f"committer {identity} {time_s} +0000", "", message]
    return "\n".join(lines).encode("utf-8", "replace")
