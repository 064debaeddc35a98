"""Every store passes the suite, in every kind of repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gittrack.store.git_binary import BinaryDatabase
from gittrack.store.git_store import GitStore
from gittrack.store.memory import MemoryStore
from tests.repositories import IDENTITY, KINDS, check_repository, leftovers, make_repository, open_store
from tests.store.suite import LAWS

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.interface import Store
    from tests.store.suite import Law


BY_PROGRAM = " by the git program"


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_store_in_memory_obeys(law: Law) -> None:
    store = MemoryStore()
    law(lambda: store)


@pytest.mark.parametrize("kind", [*KINDS, BY_PROGRAM, f"sha256{BY_PROGRAM}"])
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_a_git_store_obeys(law: Law, kind: str, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", kind.removesuffix(BY_PROGRAM) or "plain")
    stores: list[GitStore] = []

    def open_() -> Store:
        if kind.endswith(BY_PROGRAM):
            stores.append(GitStore(BinaryDatabase(repository), identity=IDENTITY))
        else:
            stores.append(open_store(repository))
        return stores[-1]

    try:
        law(open_)
    finally:
        for store in stores:
            store.close()
    check_repository(repository)
    assert [path for path in leftovers(repository) if "/journal/" not in f"/{path}"] == []
