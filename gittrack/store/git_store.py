"""The store in a Git repository: journals, spool, hidden branch, content."""

from __future__ import annotations

import contextlib
import io
import os
import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from gittrack.core.event_lines import encode_event
from gittrack.core.events import ArtifactLogged
from gittrack.core.fold import fold
from gittrack.core.messages import parse_entry_ids
from gittrack.core.model import Artifact
from gittrack.core.paths import (
    FILES_FOLDER,
    environment_path,
    run_folder,
)
from gittrack.core.series import Series, join, merge_summaries, summarize
from gittrack.errors import ArtifactNotFoundError, CorruptDataError, RemoteRefusedError, StoreError
from gittrack.store import blobs, side_files, unhashed
from gittrack.store.digests import ignore
from gittrack.store.disk import disk_errors
from gittrack.store.git_commit import Committer, commit_spool, take_entries
from gittrack.store.git_objects import Objects
from gittrack.store.git_rollup import roll_up
from gittrack.store.journal_files import (
    JournalWriter,
    is_alive,
    list_journals,
    read_journal,
    remove_journal,
    start_syncing,
)
from gittrack.store.layout import CODE_REF, RUNS_REF, Layout, tracking_ref
from gittrack.store.leftovers import remove_leftovers
from gittrack.store.lock import hold
from gittrack.store.run_documents import (
    decode_documents,
    find_experiment,
    list_experiments,
    read_documents,
    read_packed,
    read_segments,
)
from gittrack.store.settling import settle_abandoned
from gittrack.store.spool import entry_id_of, spool_documents, spool_experiment, spool_journal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gittrack.core.events import Event
    from gittrack.core.experiments import ExperimentChange
    from gittrack.core.frames import Table
    from gittrack.core.journal import JournalContent
    from gittrack.core.model import Experiment, Run
    from gittrack.core.packed import History
    from gittrack.core.query_tree import Key, Kind
    from gittrack.core.search import RunQuery
    from gittrack.core.stamped import Document, DocumentChange
    from gittrack.store.git_code import Snapshot
    from gittrack.store.git_database import GitDatabase
    from gittrack.store.git_documents import Documents
    from gittrack.store.git_program import GitProgram
    from gittrack.store.git_scan import Held
    from gittrack.store.git_sync import Difference, Sent
    from gittrack.store.index import Index
    from gittrack.store.index_search import Searcher
    from gittrack.store.interface import EventSink
    from gittrack.store.transport import Progress, Transport


READ_ATTEMPTS = 10
"""How often to read the journals again when the tip moved meanwhile; then a point may be counted twice."""


class GitStore:
    """One repository's runs."""

    def __init__(self, database: GitDatabase, *, identity: str) -> None:
        """Keep runs in the repository of ``database``.

        Args:
            database: Its objects and refs.
            identity: ``Name <mail>`` of whoever commits.
        """
        self.database: GitDatabase | None = database
        self.layout = Layout(database.common_dir / "gittrack")
        self._database = database
        self.objects = Objects(database)
        self._index: Index | None = None
        self._index_progress: Callable[[int, int], None] | None = None
        self._committer = Committer(self.layout, self.objects, identity, lambda: int(time.time()))

    @property
    def common_dir(self) -> Path:
        """The Git directory that all worktrees share."""
        return self._database.common_dir

    @property
    def committer(self) -> Committer:
        """What a commit on the hidden branch needs of the world."""
        return self._committer

    def head(self) -> str | None:
        """Return the tip of the hidden branch."""
        return self.objects.read_ref(RUNS_REF)

    # Writing

    def open_journal(self, run_id: str) -> JournalWriter:
        """Begin to write events of a run."""
        writer = JournalWriter(self.layout, run_id)
        start_syncing()
        return writer

    def end_journal(self, sink: EventSink) -> None:
        """Fold and commit what a writer wrote, and what dead writers of the same run left."""
        if not isinstance(sink, JournalWriter):
            message = f"not a journal of this store: {sink!r}"
            raise TypeError(message)
        with contextlib.closing(sink.seal()) as sealed:
            own = self._fold(sealed.path, sink.run_id) if sealed.path.name else None
            self._fold_dead(sink.run_id)
            self._commit(own)

    def discard_journal(self, sink: EventSink) -> None:
        """Remove what a writer wrote and did not commit."""
        if isinstance(sink, JournalWriter):
            with contextlib.closing(sink.seal()) as sealed, disk_errors("remove a journal"):
                remove_journal(sealed.path)

    def checkpoint(self, sink: EventSink) -> None:
        """Fold and commit what a writer wrote so far; it goes on in a new journal."""
        if isinstance(sink, JournalWriter):
            finished = sink.rotate()
            if finished is None:  # another thread ended the run
                return
            with contextlib.closing(finished) as sealed:
                self._commit(self._fold(sealed.path, sink.run_id))

    def append_events(self, run_id: str, events: Sequence[Event]) -> None:
        """Write events of a run that nobody writes at the moment, and commit them."""
        writer = JournalWriter(self.layout, run_id)
        for event in events:
            writer.append(encode_event(event))
        self.end_journal(writer)

    def change_experiment(self, experiment_id: str, changes: Sequence[ExperimentChange]) -> None:
        """Change an experiment, or create it, and commit that."""
        name = f"experiment-{experiment_id}-{os.urandom(8).hex()}"
        self._commit(own=spool_experiment(self.layout, experiment_id, changes, name))

    def change_documents(self, changes: Sequence[DocumentChange], subject: str) -> None:
        """Change stamped documents, all in one commit; see `Store.change_documents`."""
        from gittrack.core.stamped import check_changes
        from gittrack.store.git_documents import time_changes

        check_changes(changes)
        timed = time_changes(changes, lambda kind, name: self._documents.find(self.root(), kind, name))
        name = f"documents-{os.urandom(12).hex()}"
        self._commit(own=spool_documents(self.layout, timed, subject, name))

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """Keep other processes out of a step that reads and then changes documents; see `Store.exclusive`."""
        return hold(self.layout.root / f"{name}.lock")

    def recover(self) -> list[str]:
        """Fold and commit what dead writers left behind; return the ids of their runs."""
        recovered = self._fold_dead()
        self._commit()
        with contextlib.suppress(StoreError):  # only tidiness: the next one to open the store tries again
            remove_leftovers(self.layout, self.objects.pack_folder)
            settle_abandoned(self.layout)
            unhashed.forget_hashed(self.layout)
        return recovered

    def _commit(self, own: Path | None = None) -> None:
        if commit_spool(self._committer, own=own):
            with contextlib.suppress(StoreError):  # only tidiness: the next commit tries again
                roll_up(self.layout, self.objects.pack_folder, self.objects.hash_name)

    def _fold_dead(self, run_id: str | None = None) -> list[str]:
        """Fold what dead writers left of one run, or of all; return the ids of the runs."""
        if all(is_alive(journal) for journal in list_journals(self.layout, run_id)):
            return []
        folded = []
        unhashed.hash_all(self.layout)  # the long part, while others may commit
        # Under the lock, after tidying: a journal that a commit holds already must not be folded again.
        with hold(self.layout.lock):
            take_entries(self._committer, self.head())
            for journal in list_journals(self.layout, run_id):
                if not is_alive(journal):
                    self._fold(journal.path, journal.run_id, is_dead=True)
                    folded.append(journal.run_id)
        return folded

    def _fold(self, path: Path, run_id: str, *, is_dead: bool = False) -> Path | None:
        entry = spool_journal(self.layout, path, run_id, is_dead=is_dead)
        if entry is None:
            with disk_errors("remove an empty journal"):
                remove_journal(path)
        return entry

    # Reading

    def find_run(self, run_id: str) -> Run | None:
        """Return a run as it is now, events of living writers included."""
        root, live = self._read_live(run_id)
        stored = self._read_run(root, run_id) if root else None
        for content in live.get(run_id, ()):
            stored = _overlay(stored, run_id, content)
        return stored

    def list_runs(self, *, is_late: bool = False) -> Iterator[Run]:
        """Yield all runs, newest first by start time; ``is_late``: params and tags may be no dicts."""
        return self._searcher().list_runs(is_late=is_late)

    def search_runs(self, query: RunQuery) -> list[Run]:
        """Return the runs that a query means, in its order."""
        return self._searcher().search_runs(query)

    def search_table(
        self, query: RunQuery, columns: Mapping[str, Key | Kind], *, is_typed: bool = False
    ) -> Table:
        """Return columns of the runs that a query means, in its order."""
        return self._searcher().search_table(query, columns, is_typed=is_typed)

    def search_tables(
        self, query: RunQuery, keys: Mapping[str, Key], size: int, *, is_typed: bool = False
    ) -> Iterator[Table]:
        """Yield the same of at most ``size`` runs at a time."""
        return self._searcher().search_tables(query, keys, size, is_typed=is_typed)

    def list_names(self, kind: Kind, *, is_flat: bool = False) -> set[str]:
        """Return the keys of metrics, params or tags that runs have; ``is_flat``: nested params dotted."""
        return self._searcher().list_names(kind, is_flat=is_flat)

    def list_similar_ids(self, run_ids: Iterable[str]) -> set[str]:
        """Return ids with those before and behind each of them among all in order."""
        return self._searcher().list_similar_ids(run_ids)

    def list_users(self, run_id: str) -> set[str]:
        """Return the ids of runs that used artifacts of a run."""
        return self._searcher().list_users(run_id)

    def watch_index(self, progress: Callable[[int, int], None] | None) -> None:
        """Have somebody told how many runs are indexed, and of how many, when the index must be built."""
        self._index_progress = progress

    def _searcher(self) -> Searcher:
        """Return all runs as they are at this moment."""
        from gittrack.store.index import Index
        from gittrack.store.index_search import Searcher

        root, live = self._read_live()
        running: dict[str, Run] = {}
        for run_id, contents in live.items():
            state = self._read_run(root, run_id) if root else None
            for content in contents:
                state = _overlay(state, run_id, content)
            if state is not None:
                running[run_id] = state
        if self._index is None:
            self._index = Index(self.layout.root / "index.sqlite", self.objects)
        self._index.progress = self._index_progress
        return Searcher(self._index, self.objects, root, running)

    def read_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric, events of living writers included."""
        root, live = self._read_live(run_id)
        parts = [content.points.take() for content in live.get(run_id, ())]
        parts += read_segments(self.objects, root, run_id) if root else []
        return join(parts)

    def read_history(self, run_id: str, key: str) -> History:
        """Return the whole history of a metric, events of living writers included."""
        from gittrack.core.packed import join_packed, pack_series

        root, live = self._read_live(run_id)
        taken = [content.points.take() for content in live.get(run_id, ())]
        try:
            parts = [pack_series(points[key]) for points in taken if key in points]
            parts += read_packed(self.objects, root, run_id, key) if root else []
            return join_packed(parts)
        except OverflowError:
            return self.read_series(run_id)[key]

    def _read_live(self, run_id: str | None = None) -> tuple[str | None, dict[str, list[JournalContent]]]:
        """Return the tree of the tip, and what the journals of one run or of all add to it."""
        attempt = 0
        while True:
            tip = self.head()
            commit = self.objects.read_commit(tip) if tip else None
            # What is committed is tidied away before the next commit: only the tip holds what is still there.
            held = parse_entry_ids(commit.message) if commit else set()
            live: dict[str, list[JournalContent]] = {}
            for journal in list_journals(self.layout, run_id):
                if entry_id_of(journal.name) not in held:
                    content = read_journal(journal.path)
                    content.events = unhashed.name_content(self.layout, content.events)
                    live.setdefault(journal.run_id, []).append(content)
            if self.head() == tip:
                return commit.tree if commit else None, live
            attempt += 1
            if attempt >= READ_ATTEMPTS:
                return self.root(), live

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of a run's side files, sorted."""
        root, live = self._read_live(run_id)
        stored = self._read_run(root, run_id) if root else None
        return side_files.list_side_files(self.objects, root, stored, run_id, live.get(run_id, ()))

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return the content of a run's side file, None if it has no such file."""
        root, live = self._read_live(run_id)
        stored = self._read_run(root, run_id) if root else None
        return side_files.find_side_file(self.objects, root, stored, run_id, live.get(run_id, ()), name)

    def has_environment(self, digest: str) -> bool:
        """Whether an environment is stored for good, so that a run need only name it."""
        root = self.root()
        return root is not None and self.objects.find(root, environment_path(digest)) is not None

    def find_environment(self, digest: str) -> str | None:
        """Return the packages of an environment as a lock, None if it is not known here."""
        root, live = self._read_live()
        contents = (content for journals in live.values() for content in journals)
        return side_files.find_environment(self.objects, root, digest, contents)

    def find_experiment(self, experiment_id: str) -> Experiment | None:
        """Return an experiment."""
        return find_experiment(self.objects, self.root(), experiment_id)

    def list_experiments(self) -> list[Experiment]:
        """Return all experiments, the default one first, then by creation."""
        return list_experiments(self.objects, self.root())

    def find_document(self, kind: str, document_id: str) -> Document | None:
        """Return a stamped document; None if it never was, or was removed."""
        found = self._documents.find(self.root(), kind, document_id)
        return found if found and found.exists else None

    def list_documents(self, kind: str) -> list[Document]:
        """Return the stamped documents of a kind, and of the kinds below it, in the order of their ids."""
        found = self._documents.list_all(self.root(), kind)
        return sorted(found, key=lambda one: (one.document_id, one.kind))

    @cached_property
    def _documents(self) -> Documents:
        from gittrack.store.git_documents import Documents

        return Documents(self.objects)

    def root(self) -> str | None:
        """Return the tree of the tip."""
        tip = self.head()
        return self.objects.read_commit(tip).tree if tip else None

    def _read_run(self, root: str, run_id: str) -> Run | None:
        folder = self.objects.find(root, run_folder(run_id))
        if folder is None:
            return None
        documents = read_documents(self.objects, folder)
        return None if documents is None else decode_documents(*documents)

    # Code

    def keep_snapshot(self, snapshot: Snapshot) -> bool:
        """Store a code snapshot and keep it from ``git gc``; return whether that was not so already.

        Raises:
            StoreError: The disk is full, or failed, or another process holds the lock for too long.
        """
        from gittrack.store import git_code

        return git_code.keep_snapshot(self._committer, snapshot)

    def is_shallow(self) -> bool:
        """Whether the history of this clone was cut off."""
        return (self._database.common_dir / "shallow").exists()

    # Deletion

    def bury_runs(self, run_ids: Sequence[str], time_ms: int) -> None:
        """Remove runs for good, here and wherever this is merged.

        Raises:
            StoreError: The disk is full, or failed.
        """
        from gittrack.store import git_gc

        git_gc.bury_runs(self._committer, run_ids, time_ms)

    def squash(self) -> None:
        """Cut the history of the hidden branch to one commit; every run stays.

        Raises:
            StoreError: The disk is full, or failed.
        """
        from gittrack.store import git_gc

        self._commit()
        git_gc.squash(self._committer)

    # Exchange

    def fetch(
        self,
        remote: str,
        *,
        may_prompt: bool = False,
        patience_s: float | None = None,
        progress: Progress | None = None,
    ) -> bool:
        """Bring the picture of a remote up to date; return whether it has runs.

        Raises:
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached.
        """
        from gittrack.store import git_sync

        transport = self.transport(may_prompt=may_prompt, patience_s=patience_s)
        return git_sync.fetch(self.objects, transport, remote, self._remote_ref(), progress=progress)

    def merge(self, remote: str) -> bool:
        """Merge what was fetched from a remote; return whether that brought anything.

        Raises:
            CorruptDataError: Something that both sides changed cannot be read.
            StoreError: The disk is full, or failed.
        """
        from gittrack.store import git_sync

        return git_sync.merge(self._committer, remote)

    def push(self, remote: str, *, may_prompt: bool = False, progress: Progress | None = None) -> Sent:
        """Give a remote all it lacks, taking in what it has; what looks like a secret stays here.

        Raises:
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached, or does not accept our ref.
        """
        from gittrack.store import git_code_sync, git_sync

        transport = self.transport(may_prompt=may_prompt)
        refused: RemoteRefusedError | None = None
        try:  # before the runs: who sees one can have its code
            git_code_sync.push_code(
                self._committer, transport, remote, self._remote_code_ref(), progress=progress
            )
        except RemoteRefusedError as error:
            refused = error
        sent = git_sync.push(self._committer, transport, remote, self._remote_ref(), progress=progress)
        if refused is not None:
            message = f"the runs were sent, but not their code: {refused.message}"
            raise RemoteRefusedError(message, hint=refused.hint) from refused
        return sent

    def fetch_code(self, remote: str, *, may_prompt: bool = False, progress: Progress | None = None) -> bool:
        """Bring the code of a remote's runs, which nothing else brings; return whether it has any.

        Raises:
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached.
        """
        from gittrack.store import git_code_sync

        transport = self.transport(may_prompt=may_prompt)
        ref = self._remote_code_ref()
        return git_code_sync.fetch_code(self.objects, transport, remote, ref, progress=progress)

    def held(self, remote: str | None) -> list[Held]:
        """Return what a push to a remote would keep here, as far as the last exchange told.

        Args:
            remote: Its name; None: one that has nothing yet.

        Raises:
            CorruptDataError: Something cannot be read.
        """
        from gittrack.store.git_scan import Scan, read_allowed

        tip = self.head()
        known = self.objects.read_ref(tracking_ref(remote)) if remote else None
        scan = Scan(self.objects, self.layout, read_allowed(self.layout))
        return scan.look(tip, known)[0] if tip else []

    def allow(self, held: Sequence[Held]) -> None:
        """Let what was found be pushed from now on.

        Raises:
            StoreError: The disk is full, or failed.
        """
        from gittrack.store import git_scan

        git_scan.allow(self.layout, held)

    def transport(self, *, may_prompt: bool = False, patience_s: float | None = None) -> Transport:
        """Return the way to the remotes of this repository; see `choose_transport`."""
        from gittrack.store.git_transport import choose_transport

        return choose_transport(self._database, may_prompt=may_prompt, patience_s=patience_s)

    def program(self, *, may_prompt: bool = False) -> GitProgram:
        """Return the git program with the settings of this repository."""
        from gittrack.store.git_transport import set_up_program

        return set_up_program(self._database, may_prompt=may_prompt)

    def compare(self, remote: str) -> Difference:
        """Return which runs are ahead of and behind a remote, as it was at the last fetch."""
        from gittrack.store import git_sync

        return git_sync.compare(self.objects, self.head(), self.objects.read_ref(tracking_ref(remote)))

    def differs_beside_runs(self, remote: str) -> bool:
        """Whether models or experiments differ from those of a remote, as it was at the last fetch."""
        from gittrack.store import git_sync

        theirs = self.objects.read_ref(tracking_ref(remote))
        return git_sync.differs_beside_runs(self.objects, self.head(), theirs)

    def count_changed(self, before: str | None) -> int:
        """Return in how many runs the branch differs from what it was at the commit ``before``."""
        from gittrack.store import git_sync

        found = git_sync.compare(self.objects, self.head(), before)
        return len({*found.ahead, *found.behind})

    def remotes(self) -> list[str]:
        """Return the names of the configured remotes."""
        return self._database.remote_names()

    def read_config(self, section: str, key: str) -> str | None:
        """Return a setting of the repository, the user or the system."""
        return self._database.read_config(section, key)

    def _remote_ref(self) -> str:
        return self.read_config("gittrack", "remoteRef") or RUNS_REF

    def remote_artifacts_ref(self) -> str:
        """Return what keeps artifact content at Git remotes; see `gittrack.store.remotes.git_remote`."""
        from gittrack.store.remotes.git_remote import ARTIFACTS_REF

        folder, _, name = self._remote_ref().rpartition("/")
        return f"{folder}/artifacts" if name == "runs" else ARTIFACTS_REF

    def _remote_code_ref(self) -> str:
        # Beside the runs, wherever the remote wants them.
        folder, _, name = self._remote_ref().rpartition("/")
        return f"{folder}/code" if name == "runs" else CODE_REF

    # Content

    def store_content(
        self, source: Path | bytes, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep content by its digest in the local store."""
        if isinstance(source, bytes):
            return Artifact("", blobs.store_bytes(self.layout, source), len(source))
        digest, size = blobs.store_file(self.layout, source, link=link, progress=progress)
        return Artifact("", digest, size)

    def take_file(
        self, source: Path, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep a file by its digest or, if it is large, by a stand-in for it."""
        if progress is ignore and (taken := unhashed.take_file(self.layout, source, link=link)) is not None:
            return Artifact("", *taken)
        return self.store_content(source, link=link, progress=progress)

    def store_small(self, contents: Sequence[bytes]) -> list[str]:
        """Keep many small contents in one go; return their digests."""
        return blobs.store_small(self.layout, contents)

    def has_content(self, artifact: Artifact) -> bool:
        """Whether the content of an artifact can be read without the network."""
        if artifact.uri is not None:
            return False
        return artifact.inline or blobs.has_blob(self.layout, artifact.digest)

    def open_content(self, run_id: str, artifact: Artifact) -> BinaryIO:
        """Open the content of an artifact, wherever it is kept."""
        if artifact.uri is not None:
            message = f"{artifact.path!r} refers to {artifact.uri}; its content is not kept here"
            raise ArtifactNotFoundError(message, hint="`gittrack artifacts get` fetches it from there")
        if (stored := blobs.open_blob(self.layout, artifact.digest)) is not None:
            return stored
        inline = self._read_inline(run_id, artifact.digest)
        if inline is not None:
            return io.BytesIO(inline)
        if remains := blobs.find_remains(self.layout, artifact.digest):
            message = f"the content of {artifact.path!r} was damaged; what is left of it is {str(remains)!r}"
            raise CorruptDataError(message, hint="log it again, or fetch it from a clone that has it")
        from gittrack.store.recipes import find_recipe

        message = f"the content of {artifact.path!r} ({artifact.digest[:12]}) is not in this clone"
        hint = "it is where the run was made; log it again, or run `gittrack push` there"
        if find_recipe(self.objects, self.root(), artifact.digest) is not None:
            hint = "a remote has it: `gittrack artifacts get` brings it, `gittrack pull --artifacts` all"
        raise ArtifactNotFoundError(message, hint=hint)

    def _read_inline(self, run_id: str, digest: str) -> bytes | None:
        for journal in list_journals(self.layout, run_id):
            for event in read_journal(journal.path).events:
                if (
                    isinstance(event, ArtifactLogged)
                    and event.artifact.digest == digest
                    and event.content is not None
                ):
                    return event.content
        root = self.root()
        entry = self.objects.find(root, (*run_folder(run_id), FILES_FOLDER, digest)) if root else None
        return self.objects.read(entry.oid) if entry else None

    def close(self) -> None:
        """Let go of all files."""
        self._database.close()


def _overlay(run: Run | None, run_id: str, content: JournalContent) -> Run | None:
    """Return a run with the events of a journal that is not committed yet."""
    if not content.events and not content.points.count:
        return run
    state = fold(run, run_id, content.events)
    metrics = dict(state.metrics)
    for key, series in content.points.take().items():
        summary = summarize(series)
        metrics[key] = merge_summaries(metrics[key], summary) if key in metrics else summary
    return replace(state, metrics=metrics)
