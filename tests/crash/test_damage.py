"""Files that are not as they were written: one clear error, and all else is readable and writable."""

from __future__ import annotations

import os
import random
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from gittrack.core.events import SideFileSet
from gittrack.core.model import RunStatus
from gittrack.core.stamped import DocumentChange, document_path
from gittrack.errors import CorruptDataError, StoreError
from gittrack.store.git_fsck import check_store
from gittrack.store.spool import list_entries
from gittrack.tracking.client import Client
from tests.repositories import common_dir, git, make_repository, open_store, read_json
from tests.store.suite import FIRST, SECOND, START, finish, get, log, start, write

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.git_store import GitStore

DEAD = "elsewhere-1-1-000001.jsonl"
"""The journal of a process on another host that holds it no more."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def dead_journal(store: GitStore, *, points: int = 3) -> Path:
    """Return the journal that a dead process left, with some points in it."""
    sink = write(store, FIRST, start())
    for step in range(points):
        log(sink, {"loss": 0.5}, step)
    path = next(store.layout.journals.rglob("*.jsonl"))
    content = path.read_bytes()
    store.end_journal(store.open_journal("throwaway"))
    dead = path.with_name(DEAD)
    dead.write_bytes(content)
    path.unlink()
    return dead


@pytest.mark.parametrize(
    ("tail", "count"),
    [
        (b'["m","loss",0.25,9,17500', 3),
        (b"\0" * 5000, 3),
        (b"\0" * 5000 + b"\n" + b'["m","loss",0.25,9,1750000000009]\n', 4),
        (b"\xff\xfe garbage \n\n\n" + b'["m","loss",0.25,9,1750000000009]\n', 4),
        (b'["run",17', 3),
        (b'["m","\\ud800",1,2,3]\n["t",1,{"a":5}]\n[[[[\n', 3),
    ],
)
def test_a_torn_or_damaged_journal_costs_only_the_damaged_lines(
    repository: Path, tail: bytes, count: int
) -> None:
    with closing(open_store(repository)) as store:
        with dead_journal(store).open("ab") as file:
            file.write(tail)
        assert get(store).metrics["loss"].count == count
        assert store.recover() == [FIRST]
        run = get(store)
        assert (run.status, run.reason, run.metrics["loss"].count) == (RunStatus.FAILED, "killed", count)
        assert store.recover() == []


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"garbage", b"\n\n\n"])
def test_a_journal_without_a_single_event_is_no_run(repository: Path, content: bytes) -> None:
    with closing(open_store(repository)) as store:
        dead_journal(store).write_bytes(content)
        store.recover()
        assert store.find_run(FIRST) is None
        assert not list(store.layout.journals.rglob("*.jsonl"))


@pytest.mark.parametrize("has_hole", [False, True], ids=["cut short", "with a hole in a segment"])
def test_a_damaged_spool_entry_is_set_aside_and_its_journal_folded_again(
    repository: Path, has_hole: bool
) -> None:
    with closing(open_store(repository)) as store:
        dead_journal(store)
        with suppress(StoreError):
            store.layout.lock.mkdir()  # whoever commits cannot take the lock
            store.recover()
        store.layout.lock.rmdir()
        store._fold_dead()
        (entry,) = list_entries(store.layout)
        whole = entry.read_bytes()
        entry.write_bytes(b"\0" * 20 + whole[20:] if has_hole else whole[:-9])
        store._commit()  # as somebody else would who ends a run of their own
        store.recover()
        store.recover()
        assert (get(store).metrics["loss"].count, get(store).reason) == (3, "killed")
        assert len(store.read_series(FIRST)["loss"]) == 3
        assert list_entries(store.layout) == []
        assert not list(store.layout.journals.rglob("*.jsonl"))


def flip(path: Path, position: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[position] ^= 0xFF
    path.write_bytes(data)


def packed(repository: Path, spec: str) -> tuple[Path, int, int]:
    """Return the pack, offset and size on disk of an object of the hidden branch."""
    oid = git(repository, "rev-parse", spec).strip()
    for index in (common_dir(repository) / "objects" / "pack").glob("*.idx"):
        for line in git(repository, "verify-pack", "-v", str(index)).splitlines():
            words = line.split()
            if words[0] == oid:
                return index.with_suffix(".pack"), int(words[4]), int(words[3])
    raise AssertionError(spec)


@pytest.mark.parametrize("part", ["run.json", "metrics.json"])
def test_a_damaged_object_is_reported_and_all_other_runs_are_fine(repository: Path, part: str) -> None:
    with closing(open_store(repository)) as store:
        for run_id in (FIRST, SECOND):
            sink = write(store, run_id, start(run_id))
            log(sink, {"loss": 0.5, "acc": 0.25 if run_id == SECOND else 0.75}, 1)
            store.end_journal(sink)
    folder = f"refs/gittrack/runs:runs/a/b/c/{FIRST}"
    pack, offset, size = packed(repository, f"{folder}/{part}")
    flip(pack, offset + size // 2)
    with closing(open_store(repository)) as store:
        with pytest.raises(CorruptDataError) as caught:
            get(store) if part == "run.json" else store.read_series(FIRST)
        assert caught.value.hint
        assert get(store, SECOND).metrics["loss"].count == 1
        assert store.read_series(SECOND)["acc"].values == [0.25]
        third = "0197a8c0ffff00000000000000000def"
        finish(store, third)
        assert get(store, third).status is RunStatus.FINISHED
        with pytest.raises(CorruptDataError):
            log_again(store)
        store.append_events(SECOND, [])
        finish(store, "0197a8c0ffff00000000000000000fed")
        assert store.head() is not None


def test_a_damaged_or_misplaced_document_is_reported_and_all_others_are_fine(repository: Path) -> None:
    with closing(open_store(repository)) as store:
        for name in ("iris", "wine"):
            store.change_documents([DocumentChange("models", name, 1, {"name": name * 9})], f"model {name}")
    pack, offset, size = packed(repository, "refs/gittrack/runs:" + "/".join(document_path("models", "iris")))
    flip(pack, offset + size // 2)
    with closing(open_store(repository)) as store:
        with pytest.raises(CorruptDataError):
            store.find_document("models", "iris")
        with pytest.raises(CorruptDataError):
            store.change_documents([DocumentChange("models", "iris", 2, {"name": "b"})], "renamed")
        assert store.find_document("models", "wine") is not None
        store.change_documents([DocumentChange("models", "wine", 2, {"name": "b"})], "renamed")
        (problem,) = check_store(store)
        assert problem.where.endswith("/iris.json")


def log_again(store: GitStore) -> None:
    sink = write(store, FIRST)
    log(sink, {"loss": 0.25}, 2)
    store.end_journal(sink)


def test_wherever_a_pack_is_damaged_what_is_read_is_right_or_said_to_be_corrupt(repository: Path) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        for step in range(50):
            client.log_metric(run_id, "loss", step / 7, step=step)
        client.log_content(run_id, b"content", "a.txt")
        client.set_terminated(run_id)
        run, series = client.get_run(run_id), client.get_series(run_id)
    packs = (common_dir(repository) / "objects" / "pack").glob("*.pack")
    pack = max(packs, key=lambda one: one.stat().st_mtime_ns)  # the code may have one of its own
    index = pack.with_suffix(".idx")
    (common_dir(repository) / "gittrack/index.sqlite").unlink(missing_ok=True)
    originals = {path: path.read_bytes() for path in (pack, index)}
    noise, failures = random.Random(1), 0
    for path in (pack, index):
        for position in noise.sample(range(len(originals[path])), 60):
            flip(path, position)
            with closing(open_store(repository)) as store:
                try:
                    assert repr(store.find_run(run_id)) == repr(run)
                    assert store.read_series(run_id) == series
                    list(store.list_runs())
                except StoreError:
                    failures += 1
            path.write_bytes(originals[path])
    assert failures > 20
    assert read_json(repository, f"runs/{'/'.join(run_id[-3:])}/{run_id}/run.json")


def test_a_damaged_side_file_is_reported(repository: Path) -> None:
    with closing(open_store(repository)) as store:
        finish(store, FIRST, SideFileSet("console.txt", START, b"hello" * 100))
    pack, offset, size = packed(repository, f"refs/gittrack/runs:runs/a/b/c/{FIRST}/console.txt")
    flip(pack, offset + size // 2)
    with closing(open_store(repository)) as store:
        assert [problem.where.rpartition("/")[2] for problem in check_store(store)] == ["console.txt"]
        assert get(store).name == "tidy-otter-412"


def test_a_damaged_ref_says_where_it_was(repository: Path) -> None:
    with closing(open_store(repository)) as store:
        finish(store)
        ref = common_dir(repository) / "refs/gittrack/runs"
        good = ref.read_text()
        for bad in ("garbage\n", "0" * 39 + "\n", "1" * 40 + "\n", ""):
            ref.write_text(bad)
            with pytest.raises(CorruptDataError) as caught:
                finish(store, SECOND)
            assert caught.value.hint
        ref.write_text(good)
        finish(store, "0197a8c0ffff00000000000000000def")
        assert len(list(store.list_runs())) == 3


def test_a_blob_that_was_changed_on_disk_is_noticed(repository: Path) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        client.log_content(run_id, os.urandom(100_000), "model.bin")
        client.set_terminated(run_id)
        (blob,) = [path for path in client.store.layout.objects.rglob("*") if path.is_file()]  # type: ignore[attr-defined]
        flip(blob, 50_000)
        with pytest.raises(CorruptDataError, match=r"model\.bin"):
            client.read_artifact(run_id, "model.bin")
