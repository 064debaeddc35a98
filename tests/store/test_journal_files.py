"""One writer's journal, while another thread brings it to the disk."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from gittrack.store import journal_files
from gittrack.store.journal_files import JournalWriter
from tests.repositories import make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_journal_that_was_closed_meanwhile_does_not_end_the_thread_that_syncs_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(journal_files, "datasync", synced.append)
    with closing(open_store(make_repository(tmp_path / "repo"))) as store:
        writer = JournalWriter(store.layout, "a" * 32)
        writer.append(b"{}\n")
        writer.sync()
        assert len(synced) == 1
        writer.append(b"{}\n")
        writer.seal().close()
        writer.is_dirty = True
        writer.sync()
        writer.beat()
        assert -1 not in synced
