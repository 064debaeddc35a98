"""Watched folders: one word when things have settled."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError
from gittrack.watch import watch

if TYPE_CHECKING:
    from pathlib import Path


def test_many_changes_are_told_once_when_they_have_settled(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    with watch([tmp_path], settle_s=0.2) as changes:
        for number in range(20):
            (tmp_path / "below" / f"{number}.txt").write_text("new", "utf-8")
        assert changes.wait(30)
        assert not changes.wait(0.5)
        (tmp_path / "below" / "0.txt").write_text("changed", "utf-8")
        assert changes.wait(30)


def test_reading_is_no_change(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("text", "utf-8")
    with watch([tmp_path], settle_s=0.1) as changes:
        while changes.wait(0.5):  # what was written just before may still be told
            pass
        assert file.read_text("utf-8") == "text"
        assert not changes.wait(0.5)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder"), watch([tmp_path / "missing"]):
        pass


def test_watching_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = threading.active_count()
    with watch([tmp_path]):
        assert threading.active_count() > before
    assert threading.active_count() == before
