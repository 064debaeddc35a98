"""The index: derived, checked, disposable; and what it spares its readers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.repositories import make_repository, open_store
from tests.store.suite import end, start, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_store import GitStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GitStore]:
    with closing(open_store(make_repository(tmp_path / "repo"))) as opened:
        for number in range(12):
            run_id = f"{number:032x}"
            opened.end_journal(write(opened, run_id, start(run_id, f"run-{number}", 1000 + number), end()))
        yield opened


def names(store: GitStore) -> list[str]:
    return [run.name for run in store.list_runs()]


ALL = [f"run-{number}" for number in reversed(range(12))]


def test_runs_come_newest_first(store: GitStore) -> None:
    assert names(store) == ALL


def test_a_new_index_holds_runs_in_the_order_of_their_times(tmp_path: Path) -> None:
    with closing(open_store(make_repository(tmp_path / "other"))) as store:
        ids = [f"{number:012x}{99 - number:020x}" for number in range(9)]
        for run_id in ids[::2] + ids[1::2]:
            store.end_journal(write(store, run_id, start(run_id), end()))
        list(store.list_runs())
        with closing(sqlite3.connect(store.layout.root / "index.sqlite")) as connection:
            found = [run_id for (run_id,) in connection.execute("SELECT run_id FROM runs ORDER BY id")]
    assert found == ids


def test_the_ids_beside_an_id_are_known(store: GitStore) -> None:
    ids = [f"{number:032x}" for number in range(12)]
    assert store.list_similar_ids([ids[3]]) >= {*ids[2:5]}
    assert store.list_similar_ids([]) == set()


@pytest.mark.parametrize("damage", ["deleted", "garbage", "truncated", "newer version", "a folder"])
def test_whatever_happens_to_the_index_the_runs_are_listed(store: GitStore, damage: str) -> None:
    assert names(store) == ALL
    index = store.layout.root / "index.sqlite"
    if damage == "newer version":
        with closing(sqlite3.connect(index)) as connection:
            connection.execute("PRAGMA user_version = 999")
    elif damage == "truncated":
        index.write_bytes(index.read_bytes()[:5000])
    else:
        index.unlink()
        if damage == "garbage":
            index.write_bytes(b"no database" * 1000)
        elif damage == "a folder":
            index.mkdir()
    assert names(store) == ALL


def test_a_locked_index_is_done_without(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gittrack.store.index.BUSY_S", 0.05)
    index = store.layout.root / "index.sqlite"
    assert names(store) == ALL
    store.end_journal(write(store, "f" * 32, start("f" * 32, "newest", 5000), end()))
    with closing(sqlite3.connect(index, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert names(store) == ["newest", *ALL]
        other.execute("ROLLBACK")
    assert names(store) == ["newest", *ALL]


def test_a_run_that_is_gone_from_the_branch_is_gone_from_the_index(store: GitStore) -> None:
    assert names(store) == ALL
    store.bury_runs([f"{3:032x}"], 1)
    assert names(store) == [name for name in ALL if name != "run-3"]
