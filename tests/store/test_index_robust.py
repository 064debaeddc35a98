"""The index among processes: removed, locked, read-only, killed and of other versions, it loses nothing."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.documents import encode_run
from gittrack.core.event_lines import encode_event
from gittrack.core.paths import run_folder
from gittrack.core.query import parse_filter, parse_order_by
from gittrack.core.search import RunQuery
from gittrack.errors import CorruptDataError
from gittrack.store import index as index_module
from gittrack.store.git_commit import encode_commit
from gittrack.store.git_pack import encode_pack, install_pack, make_object
from gittrack.store.git_tree import TreeEditor
from gittrack.store.index_schema import VERSION
from gittrack.store.mounts import file_system_of, is_on_network
from tests.repositories import IDENTITY, git, make_repository, open_store
from tests.store.suite import end, log, start, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittrack.store.git_store import GitStore

ROOT = Path(__file__).parents[2]
COUNT = 12
QUERY = RunQuery(parse_filter("metrics.m >= 3"), parse_order_by("metrics.m DESC"))
EXPECTED = [f"run-{number}" for number in reversed(range(3, COUNT))]


def record(store: GitStore, number: int) -> None:
    run_id = f"{number:032x}"
    sink = write(store, run_id, start(run_id, f"run-{number}", 1000 + number))
    log(sink, {"m": float(number)}, 1)
    sink.append(encode_event(end(time=5000)))
    store.end_journal(sink)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


@pytest.fixture
def store(repository: Path) -> Iterator[GitStore]:
    with closing(open_store(repository)) as opened:
        for number in range(COUNT):
            record(opened, number)
        yield opened


def found(store: GitStore) -> list[str]:
    return [run.name for run in store.search_runs(QUERY)]


def index_of(store: GitStore) -> Path:
    return store.layout.root / "index.sqlite"


def test_an_index_is_made_by_the_first_search_and_kept(store: GitStore) -> None:
    assert not index_of(store).exists()
    assert found(store) == EXPECTED
    made = index_of(store).stat()
    record(store, COUNT)
    assert found(store) == [f"run-{COUNT}", *EXPECTED]
    assert index_of(store).stat().st_ino == made.st_ino
    assert list((store.layout.root / "tmp").iterdir()) == []


def test_a_live_run_is_found_with_its_newest_value(store: GitStore) -> None:
    sink = write(store, "f" * 32, start("f" * 32, "live", 9000))
    for value in (1.0, 100.0, 5.5):
        log(sink, {"m": value}, int(value))
    assert found(store)[0] == "live"
    log(sink, {"m": 0.0}, 200)
    assert found(store) == EXPECTED
    store.end_journal(sink)
    assert found(store) == EXPECTED


def test_a_run_that_goes_on_is_found_as_it_is_now_and_not_as_it_was(store: GitStore) -> None:
    assert found(store) == EXPECTED
    sink = store.open_journal(f"{COUNT - 1:032x}")
    log(sink, {"m": 0.0}, 7)
    assert found(store) == EXPECTED[1:]
    store.end_journal(sink)


def test_where_the_index_cannot_be_written_what_differs_is_laid_over_it(
    store: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(store) == EXPECTED
    record(store, COUNT)
    store.bury_runs([f"{4:032x}"], 1)
    monkeypatch.setattr(index_module, "BUSY_S", 0.05)
    with closing(sqlite3.connect(index_of(store), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        expected = [f"run-{COUNT}", *(name for name in EXPECTED if name != "run-4")]
        assert found(store) == expected
        assert [run.name for run in store.list_runs()][:2] == [f"run-{COUNT}", f"run-{COUNT - 1}"]
        other.execute("ROLLBACK")
    assert found(store) == expected


def test_the_index_of_a_newer_version_is_left_alone(store: GitStore) -> None:
    assert found(store) == EXPECTED
    with closing(sqlite3.connect(index_of(store))) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = index_of(store).read_bytes()
    assert found(store) == EXPECTED
    assert index_of(store).read_bytes() == before
    assert (store.layout.root / f"index-{VERSION}.sqlite").exists()


def test_the_index_of_an_older_version_is_built_again(store: GitStore) -> None:
    assert found(store) == EXPECTED
    with closing(sqlite3.connect(index_of(store))) as connection:
        connection.execute(f"PRAGMA user_version = {VERSION - 1}")
        connection.execute("DROP TABLE metrics")
    assert found(store) == EXPECTED
    with closing(sqlite3.connect(index_of(store))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)


@pytest.mark.parametrize("page", [0, 1, 2, 4, 7, 9, 11, 13, 15, 20, 30])
def test_a_page_of_garbage_in_the_index_hides_no_run(store: GitStore, page: int) -> None:
    assert found(store) == EXPECTED
    content = bytearray(index_of(store).read_bytes())
    at = slice(page * 4096, (page + 1) * 4096)
    content[at] = random.Random(page).randbytes(len(content[at]))
    for suffix in ("-wal", "-shm"):
        Path(f"{index_of(store)}{suffix}").unlink(missing_ok=True)
    index_of(store).write_bytes(content)
    assert found(store) == EXPECTED
    assert [run.name for run in store.list_runs()][-1] == "run-0"


def test_a_branch_that_plain_git_moved_is_what_is_searched(store: GitStore, repository: Path) -> None:
    assert found(store) == EXPECTED
    copy = repository.with_name("copy")
    git(repository, "clone", "-q", "--mirror", ".", str(copy))
    with closing(open_store(copy)) as other:
        record(other, COUNT + 7)
    git(repository, "fetch", "-q", str(copy), "+refs/gittrack/runs:refs/gittrack/runs")
    assert found(store) == [f"run-{COUNT + 7}", *EXPECTED]
    git(repository, "update-ref", "refs/gittrack/runs", "refs/gittrack/runs~1")
    assert found(store) == EXPECTED


def put_by_hand(store: GitStore, run_id: str, document: bytes) -> None:
    """Commit a document as another program may."""
    objects, kind = store.objects, store.objects.hash_name
    tip = store.head()
    assert tip
    editor = TreeEditor(objects.read_tree, objects.read_commit(tip).tree, kind)
    blob = make_object("blob", document, kind)
    editor.set_blob((*run_folder(run_id), "run.json"), blob.oid)
    root, trees = editor.write()
    commit = make_object("commit", encode_commit(root, [tip], IDENTITY, 2_000_000_000, "by hand\n"), kind)
    pack, index, name = encode_pack([blob, *trees, commit], kind)
    install_pack(objects.pack_folder, pack, index, name)
    assert objects.swap_ref("refs/gittrack/runs", tip, commit.oid, "by hand")


def test_a_run_that_the_tables_cannot_hold_is_found_all_the_same(store: GitStore) -> None:
    assert found(store) == EXPECTED
    run = store.find_run(f"{3:032x}")
    assert run is not None
    put_by_hand(store, "e" * 32, encode_run(replace(run, run_id="e" * 32, name="odd", start_time=2**70)))
    assert found(store) == [*EXPECTED, "odd"] or found(store) == [*EXPECTED[:-1], "odd", "run-3"]
    assert next(store.list_runs()).name == "odd"
    record(store, COUNT)
    assert "odd" in found(store)


def test_a_damaged_document_is_an_error_whatever_the_index_says(store: GitStore) -> None:
    assert found(store) == EXPECTED
    put_by_hand(store, f"{3:032x}", b"{")
    with pytest.raises(CorruptDataError):
        found(store)


def test_a_query_that_is_too_large_for_sqlite_is_answered(store: GitStore) -> None:
    ids = ", ".join(f"'{number:032x}'" for number in range(COUNT, 40_000))
    query = RunQuery(parse_filter(f"run_id NOT IN ({ids}) AND name LIKE 'run-1%'"))
    assert len(store.search_runs(query)) == 3


def test_hostile_names_are_only_names(store: GitStore) -> None:
    hostile = "`'; DROP TABLE runs; --`"
    for text in (f"params.{hostile} = 'x'", "name = '''; DROP TABLE runs; --'", f"metrics.{hostile} > 1"):
        assert store.search_runs(RunQuery(parse_filter(text))) == []
    assert found(store) == EXPECTED


READER = """
import sys
from contextlib import closing
from pathlib import Path
from tests.store.test_index_robust import QUERY, open_store
with closing(open_store(Path(sys.argv[1]))) as store:
    for _ in range(int(sys.argv[2])):
        names = [run.name for run in store.search_runs(QUERY)]
        numbers = [int(name[4:]) for name in names]
        assert numbers == sorted(numbers, reverse=True), names
        assert set(range(3, 12)) <= set(numbers), names
print("fine")
"""


def test_readers_writers_and_whoever_deletes_the_index_do_not_disturb_one_another(
    store: GitStore, repository: Path
) -> None:
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(repository), "12"],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    number, source = COUNT, random.Random(1)
    while any(reader.poll() is None for reader in readers):
        record(store, number)
        number += 1
        for suffix in source.choice([("",), ("", "-wal", "-shm"), ("-wal",), ()]):
            Path(f"{index_of(store)}{suffix}").unlink(missing_ok=True)
        time.sleep(0.02)
    for reader in readers:
        out, err = reader.communicate()
        assert out == "fine\n", err
    assert len(found(store)) == number - 3


def test_threads_search_at_once(store: GitStore) -> None:
    answers: list[list[str]] = []
    threads = [threading.Thread(target=lambda: answers.append(found(store))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [EXPECTED] * 8


def test_a_process_killed_while_it_builds_or_updates_costs_nothing(store: GitStore, repository: Path) -> None:
    source = random.Random(2)
    for round_ in range(4):
        if round_ % 2:
            index_of(store).unlink(missing_ok=True)
        reader = subprocess.Popen(
            [sys.executable, "-c", READER, str(repository), "1000"], cwd=ROOT, stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.3 + source.random() * 0.3)
        record(store, COUNT + round_)
        reader.send_signal(signal.SIGKILL)
        reader.wait()
        assert len(found(store)) == COUNT + round_ + 1 - 3


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_may_only_read_the_repository_searches_it() -> None:
    # Its modules may lie where only root reads: they are loaded before.
    modules = "tests.store.test_index_robust, gittrack.store.index_search, gittrack.store.git_dulwich"
    script = f"import os, {modules}\nos.setgid(65534); os.setuid(65534)\n{READER}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        repository = make_repository(Path(folder) / "repo")
        with closing(open_store(repository)) as store:
            for number in range(COUNT + 1):
                record(store, number)
                if number == COUNT - 1:
                    assert found(store) == EXPECTED  # what comes later is not in the index
                if number >= COUNT - 1:
                    done = subprocess.run(
                        [sys.executable, "-c", script, str(repository), "1"],
                        cwd=ROOT, capture_output=True, text=True, check=False,
                    )  # fmt: skip
                    assert done.stdout == "fine\n", done.stderr


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:25 / /home rw,relatime shared:2 - nfs4 server:/home rw
31 30 0:26 / /home/ada/fast\\040disk rw - xfs /dev/sdb rw
32 22 0:27 / /mnt/remote rw - fuse.sshfs host:/ rw
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "ext4"),
        ("/homework", "ext4"),
        ("/home", "nfs4"),
        ("/home/ada/repo/.git", "nfs4"),
        ("/home/ada/fast disk/repo", "xfs"),
        ("/mnt/remote/x", "fuse.sshfs"),
    ],
)
def test_the_file_system_of_a_folder_is_that_of_its_deepest_mount(folder: str, kind: str) -> None:
    assert file_system_of(folder, MOUNTS) == kind


def test_a_local_disk_is_no_network(tmp_path: Path) -> None:
    assert not is_on_network(Path("/proc"))
    assert isinstance(is_on_network(tmp_path), bool)


@pytest.mark.parametrize(("is_network", "mode"), [(True, "delete"), (False, "wal")])
def test_on_a_network_disk_there_is_no_write_ahead_log(
    store: GitStore, monkeypatch: pytest.MonkeyPatch, is_network: bool, mode: str
) -> None:
    monkeypatch.setattr(index_module, "is_on_network", lambda _folder: is_network)
    assert found(store) == EXPECTED
    record(store, COUNT)
    assert len(found(store)) == COUNT + 1 - 3
    with closing(sqlite3.connect(index_of(store))) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_who_watches_is_told_how_far_the_index_is(store: GitStore) -> None:
    told: list[tuple[int, int]] = []
    store.watch_index(lambda done, total: told.append((done, total)))
    assert found(store) == EXPECTED
    assert told == [(COUNT, COUNT)]
    assert found(store) == EXPECTED
    assert len(told) == 1
