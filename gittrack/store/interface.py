"""The store as the layers above see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gittrack.store.digests import ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from gittrack.core.events import Event
    from gittrack.core.experiments import ExperimentChange
    from gittrack.core.frames import Table
    from gittrack.core.model import Artifact, Experiment, Run
    from gittrack.core.packed import History
    from gittrack.core.query_tree import Key, Kind
    from gittrack.core.search import RunQuery
    from gittrack.core.series import Series
    from gittrack.core.stamped import Document, DocumentChange
    from gittrack.store.git_database import GitDatabase


class EventSink(Protocol):
    """Where the events of one run go."""

    def append(self, line: bytes) -> None:
        """Write one line; when this returns, a killed process no longer loses it.

        Raises:
            StoreError: The disk is full, or failed.
        """

    def size(self) -> int:
        """Return how many bytes were written since the last checkpoint."""


class Store(Protocol):
    """Runs, experiments and content at rest. Every failure is a `StoreError`, every absence None."""

    database: GitDatabase | None
    """The Git repository runs are kept in, None if they are kept elsewhere."""

    def head(self) -> str | None:
        """Return an id of the present state, None when nothing was ever stored."""

    def open_journal(self, run_id: str) -> EventSink:
        """Begin to write events of a run."""

    def end_journal(self, sink: EventSink) -> None:
        """Stop writing: what was written becomes part of the run for good."""

    def discard_journal(self, sink: EventSink) -> None:
        """Stop writing: what was written since the last checkpoint is forgotten."""

    def checkpoint(self, sink: EventSink) -> None:
        """Make what was written so far part of the run for good, and go on."""

    def append_events(self, run_id: str, events: Sequence[Event]) -> None:
        """Write events of a run that nobody writes at the moment, for good."""

    def change_experiment(self, experiment_id: str, changes: Sequence[ExperimentChange]) -> None:
        """Change an experiment, or create it."""

    def change_documents(self, changes: Sequence[DocumentChange], subject: str) -> None:
        """Change stamped documents, all at once, for good.

        A change is timed after everything its document has seen, whatever other clocks said.

        Args:
            changes: In their order.
            subject: What the log says of them, e.g. ``model iris: version 4 registered``.

        Raises:
            InvalidNameError: A kind or id cannot be stored.
            InvalidValueError: A value cannot be stored.
        """

    def exclusive(self, name: str) -> AbstractContextManager[None]:
        """Keep others who use this store here out of a step that reads and then changes documents.

        Args:
            name: Of the step: different steps do not wait for each other.

        Raises:
            LockedError: Somebody else takes too long.
        """

    def find_run(self, run_id: str) -> Run | None:
        """Return a run as it is now, events of living writers included."""

    def list_runs(self, *, is_late: bool = False) -> Iterator[Run]:
        """Yield all runs, deleted ones too, newest first.

        ``is_late`` allows params and tags that are no dicts, where these take longer and more memory.
        """

    def search_runs(self, query: RunQuery) -> list[Run]:
        """Return the runs that a query means, in its order."""

    def search_table(
        self, query: RunQuery, columns: Mapping[str, Key | Kind], *, is_typed: bool = False
    ) -> Table:
        """Return columns of the runs that a query means, in its order; see `core.frames.collect_table`."""

    def search_tables(
        self, query: RunQuery, keys: Mapping[str, Key], size: int, *, is_typed: bool = False
    ) -> Iterator[Table]:
        """Yield the same of at most ``size`` runs at a time, empty columns too."""

    def list_names(self, kind: Kind, *, is_flat: bool = False) -> set[str]:
        """Return the keys of metrics, params or tags that runs have; ``is_flat``: nested params dotted."""

    def list_similar_ids(self, run_ids: Iterable[str]) -> set[str]:
        """Return ids with, for each of them, at least those before and behind it among all in order.

        They tell how many digits are enough to name a run.
        """

    def watch_index(self, progress: Callable[[int, int], None] | None) -> None:
        """Have somebody told how much is done, and of how much, when a search takes longer at first."""

    def find_experiment(self, experiment_id: str) -> Experiment | None:
        """Return an experiment."""

    def list_experiments(self) -> list[Experiment]:
        """Return all experiments, deleted ones too, the default one first."""

    def find_document(self, kind: str, document_id: str) -> Document | None:
        """Return a stamped document; None if it never was, or was removed."""

    def list_documents(self, kind: str) -> list[Document]:
        """Return the stamped documents of a kind, and of the kinds below it, in the order of their ids."""

    def read_history(self, run_id: str, key: str) -> History:
        """Return the whole history of a metric of a run, normalized; no points if it was never logged."""

    def read_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric of a run, normalized."""

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of a run's side files, sorted."""

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return the content of a run's side file, None if it has no such file."""

    def list_users(self, run_id: str) -> set[str]:
        """Return the ids of runs that used artifacts of a run."""

    def has_environment(self, digest: str) -> bool:
        """Whether an environment is stored for good, so that a run need only name it."""

    def find_environment(self, digest: str) -> str | None:
        """Return the packages of an environment as a lock, None if it is not known here."""

    def store_content(
        self, source: Path | bytes, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep content by its digest; the artifact returned has no path yet.

        Args:
            source: A file, or the content itself.
            link: Take the file itself rather than a copy, where that can be: it becomes read-only.
            progress: Called with bytes as they are dealt with, by any thread.
        """

    def take_file(
        self, source: Path, *, link: bool = False, progress: Callable[[int], None] = ignore
    ) -> Artifact:
        """Keep a file that is about to be logged; the artifact returned has no path yet.

        A large one is hashed later: until then a stand-in is in place of its digest, which only an event may
        hold. What is read of a run has digests alone. Whoever watches the progress waits for the digest.

        Args:
            source: The file.
            link: As in `store_content`.
            progress: As in `store_content`.
        """

    def store_small(self, contents: Sequence[bytes]) -> list[str]:
        """Keep many small contents in one go; return their digests."""

    def has_content(self, artifact: Artifact) -> bool:
        """Whether the content of an artifact can be read without the network."""

    def open_content(self, run_id: str, artifact: Artifact) -> BinaryIO:
        """Open the content of an artifact for reading.

        Raises:
            ArtifactNotFoundError: It is not here.
        """

    def recover(self) -> list[str]:
        """Fold what dead writers left behind; return the ids of the runs."""

    def close(self) -> None:
        """Let go of all files."""
