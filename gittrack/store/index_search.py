"""A search answered by the index where it can be, by looking at every run where it cannot.

Runs for which the index does not speak (live ones, and those that changed since) are looked at in any case
and laid over what it finds.
"""

from __future__ import annotations

import contextlib
import heapq
import sqlite3
import zlib
from dataclasses import field
from typing import TYPE_CHECKING

from gittrack.core.artifact_uri import list_makers
from gittrack.core.frames import collect_table, drop_empty, expand_columns, list_names
from gittrack.core.frozen import dataclass
from gittrack.core.paths import run_folder
from gittrack.core.query import compile_order, sort_ranked
from gittrack.core.query_tree import Key
from gittrack.core.search import select_runs, show_run
from gittrack.store.index_columns import read_columns
from gittrack.store.index_query import TAG_COLUMNS
from gittrack.store.index_read import list_keys as keys_in_index
from gittrack.store.index_read import list_neighbours, list_newest, runs_of
from gittrack.store.index_read import list_users as users_in_index
from gittrack.store.index_read import search as search_index
from gittrack.store.run_documents import decode_documents, list_folders, read_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gittrack.core.frames import Table
    from gittrack.core.model import Run
    from gittrack.core.query import Rank
    from gittrack.core.query_tree import Kind
    from gittrack.core.search import RunQuery
    from gittrack.store.git_objects import Objects
    from gittrack.store.index import Index, Snapshot

RUN_ID = Key("attributes", "run_id")
UNANSWERED = (sqlite3.Error, zlib.error, OverflowError, UnicodeEncodeError)
"""What is raised where the index cannot answer, be it damaged or the question too large for SQLite."""


@dataclass(frozen=True, slots=True)
class Searcher:
    """All runs at one moment: those of a tree, under those that are live."""

    index: Index
    objects: Objects
    tree: str | None
    """Of the hidden branch; None when nothing was ever stored."""
    live: Mapping[str, Run] = field(default_factory=dict)
    """Runs as they are now, whatever the tree says of them."""

    def search_runs(self, query: RunQuery) -> list[Run]:
        """Return the runs that a query means, in its order.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    return self._search_runs(snapshot, query)
        return select_runs(self._all_runs(), query)

    def search_table(
        self, query: RunQuery, columns: Mapping[str, Key | Kind], *, is_typed: bool = False
    ) -> Table:
        """Return columns of the runs that a query means, in its order; see `collect_table`.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    return self._search_table(snapshot, query, columns, is_typed=is_typed)
        found = select_runs(self._all_runs(), query)
        return collect_table(found, columns, query.setting, is_typed=is_typed)

    def search_tables(
        self, query: RunQuery, keys: Mapping[str, Key], size: int, *, is_typed: bool = False
    ) -> Iterator[Table]:
        """Yield columns of at most ``size`` runs at a time; else as `search_table`.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        done = 0
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    rows = self._search_rows(snapshot, query)
                    for done in range(0, len(rows), size):
                        some = rows[done : done + size]
                        yield _read_rows(snapshot, query, some, keys, is_typed=is_typed)
                    return
        # What the index answered before it failed are the first of these, in the same order.
        found = select_runs(self._all_runs(), query)
        for begin in range(done, len(found), size):
            yield collect_table(found[begin : begin + size], keys, query.setting, is_typed=is_typed)

    def list_runs(self, *, is_late: bool = False) -> Iterator[Run]:
        """Yield all runs, newest first; the first ones come at once. See `unpack_run` for ``is_late``.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        yielded: list[str] = []
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    for run in self._merge_newest(snapshot, is_late=is_late):
                        yielded.append(run.run_id)
                        yield run
                    return
        seen = set(yielded)
        rest = [run for run in self._all_runs() if run.run_id not in seen]
        yield from sorted(rest, key=newest_first)

    def list_names(self, kind: Kind, *, is_flat: bool = False) -> set[str]:
        """Return the keys of metrics, params or tags that runs have; ``is_flat``: nested params dotted.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    aside = self._aside(snapshot)
                    stored = keys_in_index(snapshot.connection, kind, is_flat=is_flat)
                    return {*stored, *list_names(aside.values(), kind, is_flat=is_flat)}
        return list_names(self._all_runs(), kind, is_flat=is_flat)

    def list_users(self, run_id: str) -> set[str]:
        """Return the ids of runs that used artifacts of a run.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    aside = self._aside(snapshot)
                    hidden = snapshot.stale | aside.keys()
                    found = set(users_in_index(snapshot.connection, run_id)) - hidden
                    return found | {one.run_id for one in aside.values() if run_id in list_makers(one)}
        return {one.run_id for one in self._all_runs() if run_id in list_makers(one)}

    def list_similar_ids(self, run_ids: Iterable[str]) -> set[str]:
        """Return ids with, for each of ``run_ids``, those before and behind it among all in order.

        Raises:
            CorruptDataError: Something in the hidden branch is missing or damaged.
        """
        wanted = set(run_ids)
        if self.tree is not None:
            with contextlib.suppress(*UNANSWERED), self.index.open(self.tree) as snapshot:
                if snapshot is not None:
                    return wanted | set(self.live) | set(list_neighbours(snapshot.connection, wanted))
        return wanted | {run.run_id for run in self._all_runs()}

    def _search_runs(self, snapshot: Snapshot, query: RunQuery) -> list[Run]:
        aside = self._aside(snapshot)
        hidden = snapshot.stale | aside.keys()
        hits = search_index(snapshot.connection, query, more=len(hidden))
        found = [show_run(run, query) for run in runs_of(snapshot.connection, [hit.run for hit in hits])]
        if not hidden:
            return found
        kept = [run for run in found if run.run_id not in hidden]
        rank = compile_order(query.order, query.setting)
        both = [*kept, *select_runs(aside.values(), query)]
        return sort_ranked([(rank(run), run) for run in both], query.order)[: query.limit]

    def _search_table(
        self, snapshot: Snapshot, query: RunQuery, columns: Mapping[str, Key | Kind], *, is_typed: bool
    ) -> Table:
        rows = self._search_rows(snapshot, query)
        laid = [row for row in rows if not isinstance(row, int)]

        def names_of(kind: Kind) -> set[str]:
            derived = set(TAG_COLUMNS) if kind == "tags" else set()
            return {*keys_in_index(snapshot.connection, kind), *list_names(laid, kind), *derived}

        keys = expand_columns(columns, names_of)
        return drop_empty(_read_rows(snapshot, query, rows, keys, is_typed=is_typed), columns)

    def _search_rows(self, snapshot: Snapshot, query: RunQuery) -> list[int | Run]:
        """Return what a query means, in its order: ids of runs in the index, and runs laid over it."""
        aside = self._aside(snapshot)
        hidden = snapshot.stale | aside.keys()
        hits = search_index(snapshot.connection, query, more=len(hidden))
        if not hidden:
            return [hit.run for hit in hits]
        (ids,) = read_columns(snapshot.connection, query, [hit.run for hit in hits], [RUN_ID])
        rank = compile_order(query.order, query.setting)
        ranked: list[tuple[Rank, int | Run]] = [
            (hit.rank, hit.run) for hit, run_id in zip(hits, ids, strict=True) if run_id not in hidden
        ]
        ranked += [(rank(run), run) for run in select_runs(aside.values(), query)]
        return sort_ranked(ranked, query.order)[: query.limit]

    def _aside(self, snapshot: Snapshot) -> dict[str, Run]:
        """Return the runs to lay over what an index says."""
        aside = {run_id: run for run_id in snapshot.stale - self.live.keys() if (run := self._find(run_id))}
        return {**aside, **self.live}

    def _find(self, run_id: str) -> Run | None:
        folder = self.objects.find(self.tree, run_folder(run_id)) if self.tree else None
        documents = None if folder is None else read_documents(self.objects, folder)
        return None if documents is None else decode_documents(*documents)

    def _all_runs(self) -> Iterator[Run]:
        """Yield all runs in no order, without the index."""
        for run_id, folder in list_folders(self.objects, self.tree) if self.tree else ():
            if run_id not in self.live and (documents := read_documents(self.objects, folder)):
                yield decode_documents(*documents)
        yield from self.live.values()

    def _merge_newest(self, snapshot: Snapshot, *, is_late: bool) -> Iterator[Run]:
        aside = self._aside(snapshot)
        hidden = snapshot.stale | aside.keys()
        stored = list_newest(snapshot.connection, is_late=is_late)
        if not hidden:
            return stored
        kept = (run for run in stored if run.run_id not in hidden)
        return heapq.merge(kept, sorted(aside.values(), key=newest_first), key=newest_first)


def _read_rows(
    snapshot: Snapshot,
    query: RunQuery,
    rows: Sequence[int | Run],
    keys: Mapping[str, Key],
    *,
    is_typed: bool,
) -> Table:
    """Return the columns of rows; see `Searcher._search_rows`."""
    stored = [row for row in rows if isinstance(row, int)]
    columns = read_columns(snapshot.connection, query, stored, list(keys.values()), is_typed=is_typed)
    table: Table = dict(zip(keys, columns, strict=True))
    if len(stored) == len(rows):
        return table
    laid = [row for row in rows if not isinstance(row, int)]
    over = collect_table(laid, keys, query.setting, is_typed=is_typed)
    for name, column in table.items():
        below, above = iter(column), iter(over[name])
        table[name] = [next(below if isinstance(row, int) else above) for row in rows]
    return table


def newest_first(run: Run) -> tuple[int, tuple[int, ...]]:
    """Return a key that sorts the newest run first, and of equal ones the one with the greatest id."""
    return -run.start_time, tuple(-ord(character) for character in run.run_id)
