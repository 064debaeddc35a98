"""What a push sends: our history, or, where something has to stay here, one commit without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.messages import compose_message
from gittrack.core.paths import FORMAT
from gittrack.errors import ConflictError
from gittrack.store.git_commit import encode_commit, install, take_entries
from gittrack.store.git_merge import TreeMerge
from gittrack.store.git_pack import make_object
from gittrack.store.git_scan import Scan, read_allowed
from gittrack.store.git_tree import TreeEditor, TreeEntry
from gittrack.store.layout import OUTGOING_REF, RUNS_REF
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittrack.store.git_commit import Committer
    from gittrack.store.git_pack import GitObject
    from gittrack.store.git_scan import Held
    from gittrack.store.transport import Progress

MAX_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent to a remote."""

    commit: str | None
    """Where the remote's branch is to move, None if there is nothing to send."""
    held: tuple[Held, ...] = ()
    """What stays here."""
    is_ours: bool = True
    """Whether it is our own tip; else what stayed is put on top of it once it was sent."""


def prepare(
    committer: Committer, ours: str, theirs: str | None, *, progress: Progress | None = None
) -> Outgoing:
    """Return what to send, after a look for secrets at all that is new.

    Not the runs that hold any, and not our commits either, if one of them does, for whoever gets a commit
    gets all that was ever in it: one commit stands in for them.

    Raises:
        CorruptDataError: Something cannot be read.
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    scan = Scan(objects, committer.layout, read_allowed(committer.layout), progress)
    held, is_tainted = scan.look(ours, theirs)
    if not is_tainted:
        return Outgoing(ours)
    before = objects.read_commit(theirs).tree if theirs else None
    editor = _without(committer, objects.read_commit(ours).tree, before, held)
    tree, trees = editor.write()
    is_empty = not any(editor.get((name,)) for name in editor.names(()) if name != FORMAT)
    if tree == before or (before is None and is_empty):
        return Outgoing(None, tuple(held), is_ours=False)
    parents = [theirs] if theirs else []
    subject = "runs, without what looks like a secret" if held else "runs, without their history"
    commit = _make_commit(committer, tree, parents, subject)
    with hold(committer.layout.lock):
        pinned = objects.read_ref(OUTGOING_REF)
        install(committer, [commit, *trees], pinned, commit.oid, subject, ref=OUTGOING_REF)
    return Outgoing(commit.oid, tuple(held), is_ours=False)


def settle(committer: Committer, sent: str) -> None:
    """Put what stayed here on top of what was sent, in place of the commits that were not.

    Raises:
        ConflictError: Our ref keeps moving although the lock is held.
        StoreError: The disk is full, or failed.
    """
    objects = committer.objects
    subject = "runs that stay here"
    with hold(committer.layout.lock):
        for _ in range(MAX_ATTEMPTS):
            tip = objects.read_ref(RUNS_REF)
            take_entries(committer, tip)
            trees = TreeMerge(objects)
            theirs = objects.read_commit(sent).tree
            tree = trees.merge(objects.read_commit(tip).tree, theirs) if tip else theirs
            if tree == theirs:
                if objects.swap_ref(RUNS_REF, tip, sent, "all of it was sent"):
                    return
                continue
            commit = _make_commit(committer, tree, [sent], subject)
            if install(committer, [commit, *trees.new.values()], tip, commit.oid, subject):
                return
    message = f"{RUNS_REF} keeps moving"
    raise ConflictError(message, hint="is another program writing this ref? stop it and try again")


def _without(committer: Committer, tree: str, before: str | None, held: Iterable[Held]) -> TreeEditor:
    """Return our tree with what is held as the remote has it."""
    objects = committer.objects
    editor = TreeEditor(objects.read_tree, tree, objects.hash_name)
    for one in held:
        known: TreeEntry | None = objects.find(before, one.path) if before else None
        if known is None:
            editor.remove(one.path)
        else:
            editor.set_entry(one.path, known)
    return editor


def _make_commit(committer: Committer, tree: str, parents: list[str], subject: str) -> GitObject:
    objects = committer.objects
    earliest = max((objects.read_commit(one).time_s + 1 for one in parents), default=0)
    message = compose_message([subject], ())
    text = encode_commit(tree, parents, committer.identity, max(committer.now_s(), earliest), message)
    return make_object("commit", text, objects.hash_name)
