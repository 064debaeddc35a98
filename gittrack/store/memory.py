"""A store in memory, gone with the process: for tests, dry runs and notebooks without a repository."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gittrack.core.artifact_uri import list_makers
from gittrack.core.event_lines import encode_event
from gittrack.core.events import ArtifactLogged, EnvironmentRecorded
from gittrack.core.experiments import fold_experiment
from gittrack.core.fold import fold, fold_side_files
from gittrack.core.frames import collect_table, list_names
from gittrack.core.journal import JournalContent, read_lines
from gittrack.core.model import DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID, Artifact
from gittrack.core.search import select_runs
from gittrack.core.series import Series, summarize, union
from gittrack.core.stamped import Document, check_changes, fold_document, make_stamp
from gittrack.errors import ArtifactNotFoundError, StoreError
from gittrack.store.digests import digest_bytes, ignore
from gittrack.store.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from gittrack.core.events import Event
    from gittrack.core.experiments import ExperimentChange
    from gittrack.core.frames import Table
    from gittrack.core.model import Experiment, Run
    from gittrack.core.query_tree import Key, Kind
    from gittrack.core.search import RunQuery
    from gittrack.core.stamped import DocumentChange
    from gittrack.store.git_database import GitDatabase
    from gittrack.store.interface import EventSink


_DATA = (b'["m"', b'["M"', b'["a"', b'["f"')
"""How the lines of a journal begin that hold most of the data."""


@dataclass(slots=True, eq=False)
class MemoryJournal:
    """The lines one writer wrote to one run."""

    run_id: str
    lines: list[bytes] = field(default_factory=list)
    is_open: bool = True
    keeps_data: bool = True

    def append(self, line: bytes) -> None:
        """Keep one line.

        Raises:
            StoreError: The journal was ended.
        """
        if not self.is_open:
            message = f"cannot log to run {self.run_id}: its journal was ended"
            raise StoreError(message, hint="resume the run first")
        for one in line.splitlines(keepends=True):  # many at once come in one call
            if self.keeps_data or not one.startswith(_DATA):
                self.lines.append(one)

    def size(self) -> int:
        """Return how many bytes were kept."""
        return sum(map(len, self.lines))


@dataclass(slots=True)
class _State:
    """A run as it is for good."""

    run: Run
    histories: dict[str, Series]
    side_files: dict[str, bytes]


class MemoryStore:
    """Runs and experiments of this process only."""

    database: GitDatabase | None = None

    def __init__(self, *, keeps_data: bool = True) -> None:
        """Start without anything.

        Args:
            keeps_data: Whether metric points and content of artifacts are kept, or forgotten at once.
        """
        self._keeps_data = keeps_data
        self._lock = threading.RLock()
        self._states: dict[str, _State] = {}
        self._journals: list[MemoryJournal] = []
        self._experiments: dict[str, Experiment] = {}
        self._documents: dict[tuple[str, str], Document] = {}
        self._steps: dict[str, threading.RLock] = {}
        self._contents: dict[str, bytes] = {}
        self._environments: dict[str, str] = {}
        self._changes = 0

    def head(self) -> str | None:
        """Return how many changes there were, None before the first."""
        return str(self._changes) if self._changes else None

    # Writing

    def open_journal(self, run_id: str) -> MemoryJournal:
        """Begin to write events of a run."""
        journal = MemoryJournal(run_id, keeps_data=self._keeps_data)
        with self._lock:
            self._journals.append(journal)
        return journal

    def end_journal(self, sink: EventSink) -> None:
        """Make what a writer wrote part of the run."""
        journal = _own(sink)
        with self._lock:
            journal.is_open = False
            self._take(journal)
            if journal in self._journals:
                self._journals.remove(journal)

    def discard_journal(self, sink: EventSink) -> None:
        """Forget what a writer wrote."""
        journal = _own(sink)
        with self._lock:
            journal.is_open = False
            if journal in self._journals:
                self._journals.remove(journal)

    def checkpoint(self, sink: EventSink) -> None:
        """Make what a writer wrote so far part of the run."""
        with self._lock:
            self._take(_own(sink))

    def append_events(self, run_id: str, events: Sequence[Event]) -> None:
        """Add events to a run."""
        journal = self.open_journal(run_id)
        for event in events:
            journal.append(encode_event(event))
        self.end_journal(journal)

    def change_experiment(self, experiment_id: str, changes: Sequence[ExperimentChange]) -> None:
        """Change an experiment, or create it."""
        with self._lock:
            before = self._experiments.get(experiment_id)
            self._changes += 1
            self._experiments[experiment_id] = fold_experiment(
                before, experiment_id, changes, writer=f"{self._changes:08x}"
            )

    def change_documents(self, changes: Sequence[DocumentChange], subject: str) -> None:
        """Change stamped documents; there is no log that would keep the ``subject``."""
        del subject
        check_changes(changes)
        with self._lock:
            self._changes += 1
            for sequence, change in enumerate(changes):
                key = (change.kind, change.document_id)
                known = self._documents.get(key, Document(*key))
                time = max(change.time, known.latest_time + 1)
                stamp = make_stamp(time, sequence, f"{self._changes:08x}")
                self._documents[key] = fold_document(known, change, stamp)

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """Keep other threads out of a step that reads and then changes documents."""
        with self._lock:
            return self._steps.setdefault(name, threading.RLock())  # type: ignore[return-value]

    def recover(self) -> list[str]:
        """Return no run: whoever wrote here lives."""
        return []

    # Reading

    def find_run(self, run_id: str) -> Run | None:
        """Return a run as it is now, events of open journals included."""
        state = self._current(run_id)
        return state.run if state else None

    def list_runs(self, *, is_late: bool = False) -> Iterator[Run]:  # noqa: ARG002  (its runs are there)
        """Yield all runs, newest first by start time."""
        with self._lock:
            run_ids = {*self._states, *(journal.run_id for journal in self._journals)}
            runs = [state.run for run_id in run_ids if (state := self._current(run_id))]
        return iter(sorted(runs, key=lambda run: (run.start_time, run.run_id), reverse=True))

    def search_runs(self, query: RunQuery) -> list[Run]:
        """Return the runs that a query means, in its order."""
        return select_runs(self.list_runs(), query)

    def search_table(
        self, query: RunQuery, columns: Mapping[str, Key | Kind], *, is_typed: bool = False
    ) -> Table:
        """Return columns of the runs that a query means, in its order."""
        return collect_table(self.search_runs(query), columns, query.setting, is_typed=is_typed)

    def search_tables(
        self, query: RunQuery, keys: Mapping[str, Key], size: int, *, is_typed: bool = False
    ) -> Iterator[Table]:
        """Yield the same of at most ``size`` runs at a time."""
        found = self.search_runs(query)
        for begin in range(0, len(found), size):
            yield collect_table(found[begin : begin + size], keys, query.setting, is_typed=is_typed)

    def list_names(self, kind: Kind, *, is_flat: bool = False) -> set[str]:
        """Return the keys of metrics, params or tags that runs have; ``is_flat``: nested params dotted."""
        return list_names(self.list_runs(), kind, is_flat=is_flat)

    def list_similar_ids(self, run_ids: Iterable[str]) -> set[str]:
        """Return all ids."""
        return {*run_ids, *(run.run_id for run in self.list_runs())}

    def list_users(self, run_id: str) -> set[str]:
        """Return the ids of runs that used artifacts of a run."""
        return {run.run_id for run in self.list_runs() if run_id in list_makers(run)}

    def watch_index(self, progress: Callable[[int, int], None] | None) -> None:
        """Tell nobody anything: there is no index."""

    def find_experiment(self, experiment_id: str) -> Experiment | None:
        """Return an experiment."""
        default = DEFAULT_EXPERIMENT if experiment_id == DEFAULT_EXPERIMENT_ID else None
        return self._experiments.get(experiment_id, default)

    def list_experiments(self) -> list[Experiment]:
        """Return all experiments, the default one first, then by creation."""
        found = {DEFAULT_EXPERIMENT_ID: DEFAULT_EXPERIMENT, **self._experiments}
        return sorted(
            found.values(),
            key=lambda one: (one.experiment_id != DEFAULT_EXPERIMENT_ID, one.creation_time, one.name),
        )

    def find_document(self, kind: str, document_id: str) -> Document | None:
        """Return a stamped document."""
        found = self._documents.get((kind, document_id))
        return found if found and found.exists else None

    def list_documents(self, kind: str) -> list[Document]:
        """Return the stamped documents of a kind, and of the kinds below it, in the order of their ids."""
        with self._lock:
            found = [one for one in self._documents.values() if one.exists]
        below = [one for one in found if f"{one.kind}/".startswith(f"{kind}/")]
        return sorted(below, key=lambda one: (one.document_id, one.kind))

    def read_history(self, run_id: str, key: str) -> Series:
        """Return the whole history of a metric."""
        return self.read_series(run_id).get(key, Series())

    def read_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric."""
        state = self._current(run_id)
        return dict(state.histories) if state else {}

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of a run's side files, sorted."""
        state = self._current(run_id)
        return sorted(state.side_files) if state else []

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return the content of a run's side file, None if it has no such file."""
        state = self._current(run_id)
        return state.side_files.get(name) if state else None

    def has_environment(self, digest: str) -> bool:
        """Whether an environment is stored for good."""
        return digest in self._environments

    def find_environment(self, digest: str) -> str | None:
        """Return the packages of an environment, None if it is not known."""
        with self._lock:
            for journal in self._journals:
                self._keep_content(_read(journal))
        return self._environments.get(digest)

    # Content

    def store_content(
        self, source: Path | bytes, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep content by its digest."""
        del link
        if isinstance(source, Path):
            with disk_errors("store an artifact"):
                source = source.read_bytes()
        digest = digest_bytes(source)
        progress(len(source))
        if self._keeps_data:
            self._contents[digest] = source
        return Artifact("", digest, len(source))

    def take_file(
        self, source: Path, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep the content of a file by its digest."""
        return self.store_content(source, link=link, progress=progress)

    def store_small(self, contents: Sequence[bytes]) -> list[str]:
        """Keep contents; return their digests."""
        return [self.store_content(data).digest for data in contents]

    def has_content(self, artifact: Artifact) -> bool:
        """Whether the content of an artifact is here."""
        return artifact.digest in self._contents or artifact.inline

    def open_content(self, run_id: str, artifact: Artifact) -> BinaryIO:
        """Open the content of an artifact, also of one that is in an open journal."""
        with self._lock:
            for journal in self._journals:
                if journal.run_id == run_id:
                    self._keep_content(_read(journal))
        if artifact.digest not in self._contents:
            message = f"the content of {artifact.path!r} ({artifact.digest[:12]}) is not here"
            raise ArtifactNotFoundError(message, hint="log it again")
        return io.BytesIO(self._contents[artifact.digest])

    def close(self) -> None:
        """Keep everything: a store in memory has nothing to let go of."""

    # Inner

    def _take(self, journal: MemoryJournal) -> None:
        if not journal.lines:
            return
        content = _read(journal)
        journal.lines.clear()
        self._keep_content(content)
        state = _add(self._states.get(journal.run_id), journal.run_id, content)
        if state is not None:
            self._changes += 1
            self._states[journal.run_id] = state

    def _current(self, run_id: str) -> _State | None:
        with self._lock:
            state = self._states.get(run_id)
            for journal in self._journals:
                if journal.run_id == run_id:
                    state = _add(state, run_id, _read(journal))
            return state

    def _keep_content(self, content: JournalContent) -> None:
        self._environments |= {
            event.digest: event.text
            for event in content.events
            if isinstance(event, EnvironmentRecorded) and event.text is not None
        }
        for event in content.events:
            if isinstance(event, ArtifactLogged) and event.content is not None:
                self._contents[event.artifact.digest] = event.content


def _own(sink: EventSink) -> MemoryJournal:
    if not isinstance(sink, MemoryJournal):
        message = f"not a journal of this store: {sink!r}"
        raise TypeError(message)
    return sink


def _read(journal: MemoryJournal) -> JournalContent:
    content = JournalContent()
    read_lines(content, b"".join(journal.lines))
    return content


def _add(state: _State | None, run_id: str, content: JournalContent) -> _State | None:
    if not content.events and not content.points.count:
        return state
    run = fold(state.run if state else None, run_id, content.events, writer=f"{len(content.events):08x}")
    histories = union(state.histories if state else {}, content.points.take())
    run = replace(run, metrics={key: summarize(one) for key, one in histories.items()})
    written = fold_side_files(state.run if state else None, content.events)
    files = {**(state.side_files if state else {}), **written}
    return _State(run, histories, {name: data for name, data in files.items() if data is not None})
