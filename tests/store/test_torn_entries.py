"""Entries of the spool that the disk tore before their commit: told, and in nobody's way."""

from __future__ import annotations

import os
import warnings
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.core.stamped import DocumentChange
from gittrack.errors import CorruptDataError
from gittrack.store.git_commit import commit_spool
from gittrack.store.journal_files import JournalWriter
from gittrack.store.spool import DAMAGED, list_entries, spool_documents, spool_journal
from tests.repositories import make_repository, open_store
from tests.store.suite import FIRST, get, start, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_store import GitStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GitStore]:
    with closing(open_store(make_repository(tmp_path / "repo"))) as opened:
        yield opened


def name_model(name: str, digit: str) -> DocumentChange:
    return DocumentChange("models", digit * 32, 1, {"name": name})


def tear(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def test_a_change_that_was_torn_is_told_and_blocks_nobody(store: GitStore) -> None:
    torn = spool_documents(store.layout, [name_model("beer", "a")], "beer", "documents-torn")
    tear(torn)
    with pytest.warns(UserWarning, match=r"documents-torn.* is lost: make it again"):
        store.change_documents([name_model("wine", "b")], "wine")
    assert [one.fields["name"] for one in store.list_documents("models")] == ["wine"]
    assert torn.with_suffix(DAMAGED).exists()
    assert list_entries(store.layout) == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.change_documents([name_model("beer", "a")], "beer")
    assert len(store.list_documents("models")) == 2


def test_who_makes_a_change_that_is_torn_is_not_told_it_was_made(store: GitStore) -> None:
    own = spool_documents(store.layout, [name_model("beer", "a")], "beer", "documents-torn")
    tear(own)
    with (
        pytest.warns(UserWarning, match="documents-torn"),
        pytest.raises(CorruptDataError, match="documents-torn"),
    ):
        commit_spool(store.committer, own=own)


def test_a_torn_run_is_folded_again_from_its_journal_without_a_word(store: GitStore) -> None:
    journal = write(store, FIRST, start())
    assert isinstance(journal, JournalWriter)
    with closing(journal.seal()) as sealed:
        own = spool_journal(store.layout, sealed.path, FIRST)
        assert own is not None
        tear(own)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            commit_spool(store.committer)
            assert list_entries(store.layout) == []
    store.recover()
    assert get(store, FIRST).run_id == FIRST
