"""Documents of very many runs, read through the git program and without it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import CorruptDataError
from gittrack.store.layout import RUNS_REF
from gittrack.store.run_documents import READ_AT_ONCE, list_folders, read_all_documents, read_documents
from tests.benchmarks.many_runs import make_many
from tests.repositories import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_objects import Objects

COUNT = READ_AT_ONCE + 30


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    repository = make_many(tmp_path_factory.mktemp("many") / "repo", COUNT)
    with closing(open_store(repository)) as store:
        yield store.objects


def tree_of(objects: Objects) -> str:
    head = objects.read_ref(RUNS_REF)
    assert head is not None
    return objects.read_commit(head).tree


@pytest.mark.parametrize("has_git", [True, False])
def test_very_many_documents_are_what_each_is_by_itself(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_git: bool
) -> None:
    if not has_git:
        monkeypatch.setenv("PATH", str(tmp_path))
    folders = list(list_folders(objects, tree_of(objects)))
    assert len(folders) == COUNT
    found = list(read_all_documents(objects, folders))
    assert found == [(run_id, read_documents(objects, folder)) for run_id, folder in folders]
    assert all(documents is not None and run_id.encode() in documents[0] for run_id, documents in found)


def test_one_missing_object_among_many_is_named(objects: Objects) -> None:
    there, missing = tree_of(objects), "0" * 39 + "1"
    with objects.open_reader() as read_all:
        assert read_all([there]) == [objects.read(there)]
        with pytest.raises(CorruptDataError, match=missing):
            read_all([there, missing])
        assert read_all([there]) == [objects.read(there)]


def test_many_objects_are_read_when_git_ends_before_it_answered(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false = tmp_path / "git"
    false.write_text("#!/bin/sh\nexit 1\n")
    false.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    tree = tree_of(objects)
    with objects.open_reader() as read_all:
        assert read_all([tree, tree]) == [objects.read(tree)] * 2
