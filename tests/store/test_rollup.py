"""Many small packs become few, byte by byte, and nothing in them is lost."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.core.events import Renamed
from gittrack.store.git_rollup import MAX_PACKS, pack_list, roll_up
from gittrack.store.leftovers import remove_leftovers
from tests.repositories import (
    check_repository,
    common_dir,
    git,
    git_bytes,
    leftovers,
    make_repository,
    open_store,
)
from tests.store.suite import FIRST, START, finish

if TYPE_CHECKING:
    from pathlib import Path


def all_objects(repository: Path) -> dict[str, bytes]:
    names = git(repository, "rev-list", "--objects", "--no-object-names", "refs/gittrack/runs").split()
    return {name: git_bytes(repository, "cat-file", "--batch", data=name.encode() + b"\n") for name in names}


@pytest.mark.parametrize("kind", ["plain", "sha256"])
def test_the_number_of_packs_stays_small_and_every_object_is_the_same(kind: str, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", kind)
    packs = common_dir(repository) / "objects" / "pack"
    seen: dict[str, bytes] = {}
    with closing(open_store(repository)) as store:
        finish(store)
        for number in range(60):
            store.append_events(FIRST, [Renamed(f"name-{number}", START + number)])
            assert len(list(packs.glob("*.pack"))) <= MAX_PACKS + 4
            if number % 20 == 0:
                found = all_objects(repository)
                assert seen.items() <= found.items()
                seen = found
        assert len(git(repository, "rev-list", "refs/gittrack/runs").split()) == 61
        run = store.find_run(FIRST)
        assert run is not None
        assert run.name == "name-59"
    assert seen.items() <= all_objects(repository).items()
    assert leftovers(repository) == []
    check_repository(repository)


def test_packs_of_the_user_are_never_touched(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    git(repository, "repack", "-q", "-a", "-d")
    packs = common_dir(repository) / "objects" / "pack"
    theirs = {path: path.stat().st_mtime_ns for path in packs.iterdir()}
    with closing(open_store(repository)) as store:
        for number in range(MAX_PACKS + 4):
            store.append_events(FIRST, [Renamed(f"name-{number}", START + number)])
    assert {path: path.stat().st_mtime_ns for path in theirs} == theirs


def test_a_roll_up_after_the_users_own_repack_finds_nothing_to_do(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    with closing(open_store(repository)) as store:
        for number in range(MAX_PACKS - 1):
            store.append_events(FIRST, [Renamed(f"name-{number}", START + number)])
        git(repository, "gc", "--quiet", "--prune=now")
        for number in range(5):
            store.append_events(FIRST, [Renamed(f"again-{number}", START + 100 + number)])
        assert roll_up(store.layout, store.objects.pack_folder, store.objects.hash_name) == 0
        assert len(pack_list(store.layout)) <= 5
    check_repository(repository)


def test_leftovers_of_the_killed_go_and_those_of_others_stay(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    with closing(open_store(repository)) as store:
        finish(store)
        packs, name = store.objects.pack_folder, pack_list(store.layout)[0]
        git(repository, "repack", "-q", "-a", "-d", "--keep-pack", f"{name}.pack")
        users = packs / f"{name}.keep"
        users.touch()
        ours = {
            packs / "gittrack_0123_1.pack.tmp": b"half a pack",
            packs / "pack-1111.pack": b"no index yet",
            packs / "pack-1111.keep": b"gittrack: being committed\n",
            packs / "pack-2222.keep": b"",
            store.layout.spool / ".vm-1-1-000001.1.tmp": b"half an entry",
            store.layout.temporary / "1-abcd": b"half a blob",
        }
        for path, content in ours.items():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            os.utime(path, (0, 0))
        fresh = store.layout.spool / ".vm-2-2-000001.2.tmp"
        fresh.write_bytes(b"somebody writes this now")
        assert remove_leftovers(store.layout, packs) == len(ours)
        assert [path for path in ours if path.exists()] == []
        assert users.exists()
        assert fresh.exists()
        assert remove_leftovers(store.layout, packs) == 0
    check_repository(repository)
