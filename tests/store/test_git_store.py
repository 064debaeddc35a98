"""The store as a guest in somebody's repository: its promises to Git and to other processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.event_lines import encode_event
from gittrack.core.events import LifecycleChanged, Renamed, RunResumed, TagsSet
from gittrack.core.experiments import ExperimentChange
from gittrack.core.model import LifecycleStage, RunStatus
from gittrack.errors import LockedError, RepositoryNotFoundError, StoreError
from gittrack.store import git_commit, ref_lock
from gittrack.store.git_binary import BinaryDatabase
from gittrack.store.git_open import open_repository
from gittrack.store.lock import hold
from gittrack.store.spool import list_entries
from tests.repositories import (
    KINDS,
    RUNS_REF,
    check_repository,
    common_dir,
    count_commits,
    git,
    leftovers,
    make_repository,
    open_store,
)
from tests.store.suite import FIRST, SECOND, START, end, finish, get, inline, log, start, write

if TYPE_CHECKING:
    from gittrack.store.git_store import GitStore

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def do_everything(store: GitStore) -> None:
    finish(store, FIRST, inline("a.txt", b"alpha"))
    sink = write(store, SECOND, start(SECOND))
    log(sink, {"loss": 0.5}, 1)
    store.checkpoint(sink)
    store.end_journal(sink)
    store.append_events(FIRST, [TagsSet({"a": "b"}, START), LifecycleChanged(LifecycleStage.DELETED, START)])
    store.change_experiment("a" * 32, [ExperimentChange(START, created_name="first")])
    store.store_content(b"x" * 100_000)
    for number in range(20):
        store.append_events(FIRST, [Renamed(f"name-{number}", START + number)])
    store.recover()
    list(store.list_runs())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_users_own_is_touched(kind: str, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", kind)
    if kind in {"plain", "sha256", "linked worktree"}:
        (repository / "train.py").write_text("print('stashed')\n", "utf-8")
        git(repository, "stash", "-q")
        (repository / "staged.py").write_text("1\n", "utf-8")
        git(repository, "add", "staged.py")
        (repository / "untracked.txt").write_text("2\n", "utf-8")

    def state() -> dict[str, object]:
        top, own = common_dir(repository), git(repository, "rev-parse", "--absolute-git-dir").strip()
        refs = git(repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        index = Path(own) / "index"
        return {
            "refs": [line for line in refs if not line.startswith("refs/gittrack/")],
            "HEAD": (Path(own) / "HEAD").read_bytes(),
            "config": (top / "config").read_bytes(),
            "index": index.read_bytes() if index.exists() else None,
            "status": None if kind == "bare" else git(repository, "status", "--porcelain=v2", "--branch"),
            "stash": git(repository, "reflog", "show", "stash") if "stash" in str(refs) else None,
            "files": sorted(path.name for path in repository.iterdir()) if kind != "bare" else None,
            "hooks": sorted(path.name for path in (top / "hooks").iterdir()),
            "info": (top / "info" / "exclude").read_bytes(),
        }

    before = state()
    with closing(open_store(repository)) as store:
        do_everything(store)
    assert state() == before
    check_repository(repository)


def test_the_hidden_branch_is_readable_with_plain_git(repository: Path) -> None:
    with closing(open_store(repository)) as store:
        do_everything(store)
    log_lines = git(repository, "log", "--format=%s", RUNS_REF).splitlines()
    assert "tidy-otter-412 finished: 9.0s" in log_lines
    assert "experiment first: created" in log_lines
    assert log_lines[0] == "name-18 renamed to name-19"
    assert f'"run_id": "{FIRST}"' in git(repository, "show", f"{RUNS_REF}:runs/a/b/c/{FIRST}/run.json")
    assert "+ " in git(repository, "log", "-1", "-p", "--format=", RUNS_REF).replace("+++", "")
    assert git(repository, "branch", "--all").split() == ["*", "main"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_move_of_the_ref_is_in_its_reflog(kind: str, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo", kind)
    with closing(open_store(repository)) as store:
        finish(store, FIRST)
        finish(store, SECOND)
        entries = git(repository, "reflog", "show", "--format=%H %gs", RUNS_REF).splitlines()
        assert len(entries) == count_commits(repository) == 2
        assert entries[0] == f"{store.head()} tidy-otter-412 finished: 9.0s"


def test_committer_dates_never_go_back_whatever_the_clock_does(repository: Path) -> None:
    times = iter([2_000_000_000, 1_000_000_000, 2_000_000_000, 5, 2_000_000_001, 2_000_000_100])
    with closing(open_store(repository, lambda: next(times))) as store:
        for number in range(6):
            store.append_events(FIRST, [Renamed(f"name-{number}", START)])
    dates = [int(line) for line in git(repository, "log", "--format=%ct", RUNS_REF).split()][::-1]
    assert dates == [*range(2_000_000_000, 2_000_000_005), 2_000_000_100]


def test_what_waits_together_shares_a_commit(repository: Path) -> None:
    stores = [open_store(repository) for _ in range(4)]
    ids = [f"{number:032x}" for number in range(12)]
    with hold(stores[0].layout.lock):
        threads = [
            threading.Thread(target=lambda store=stores[place % 4], run_id=run_id: finish(store, run_id))
            for place, run_id in enumerate(ids)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while len(list_entries(stores[0].layout)) < len(ids) and time.monotonic() < deadline:
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert count_commits(repository) == 1
    assert {run.run_id for run in stores[0].list_runs()} == set(ids)
    assert git(repository, "log", "-1", "--format=%s", RUNS_REF).startswith(
        "12 changes: tidy-otter-412 finished"
    )
    for store in stores:
        store.close()


def test_a_stale_lock_of_the_ref_is_removed(repository: Path) -> None:
    lock = common_dir(repository) / f"{RUNS_REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    os.utime(lock, (time.time() - 11, time.time() - 11))
    with closing(open_store(repository)) as store:
        finish(store)
    assert not lock.exists()
    assert count_commits(repository) == 1


def test_a_lock_somebody_holds_now_is_waited_for(repository: Path) -> None:
    lock = common_dir(repository) / f"{RUNS_REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    timer = threading.Timer(0.4, lock.unlink)
    timer.start()
    started = time.monotonic()
    with closing(open_store(repository)) as store:
        finish(store)
    assert time.monotonic() - started >= 0.35
    assert count_commits(repository) == 1
    timer.join()


def test_a_lock_that_never_goes_is_named_and_costs_nothing(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ref_lock, "PATIENCE_S", 0.2)
    lock = common_dir(repository) / f"{RUNS_REF}.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    with closing(open_store(repository)) as store:
        with pytest.raises(LockedError) as caught:
            finish(store)
        assert "runs.lock" in str(caught.value.hint)
        assert get(store).status is RunStatus.FINISHED
        lock.unlink()
        store.recover()
        assert count_commits(repository) == 1
        assert get(store).status is RunStatus.FINISHED
    assert leftovers(repository) == []


def test_a_ref_that_somebody_moves_meanwhile_is_followed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(repository)) as store:
        finish(store, FIRST)
        real = store.objects.swap_ref
        moves: list[str] = []

        def meddle(name: str, old: str | None, new: str, message: str) -> bool:
            if len(moves) < 3:
                tree = git(repository, "rev-parse", f"{RUNS_REF}^{{tree}}").strip()
                moved = git(repository, "commit-tree", tree, "-p", str(old), "-m", "by hand").strip()
                git(repository, "update-ref", RUNS_REF, moved, str(old))
                moves.append(moved)
            return real(name, old, new, message)

        monkeypatch.setattr(store.objects, "swap_ref", meddle)
        finish(store, SECOND)
        assert len(moves) == 3
        assert {run.run_id for run in store.list_runs()} == {FIRST, SECOND}
    assert git(repository, "log", "--format=%s", RUNS_REF).splitlines()[1:4] == ["by hand"] * 3
    check_repository(repository)


def test_collecting_garbage_all_the_time_loses_nothing(repository: Path) -> None:
    program = (
        "import subprocess, sys\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    subprocess.run(['git', 'gc', '--quiet', '--prune=now'], capture_output=True)\n"
        "    subprocess.run(['git', 'pack-refs', '--all'], capture_output=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=repository, stdout=subprocess.PIPE
    ) as collector:
        assert collector.stdout is not None
        collector.stdout.readline()
        with closing(open_store(repository)) as store:
            ids = [f"{number:032x}" for number in range(150)]
            for run_id in ids:
                finish(store, run_id, inline("a.txt", run_id.encode()))
                assert get(store, run_id).status is RunStatus.FINISHED
        collector.kill()
    for lock in common_dir(repository).rglob("*.lock"):  # what the killed git held
        lock.unlink()
    with closing(open_store(repository)) as store:
        assert {run.run_id for run in store.list_runs()} == set(ids)
        for run in store.list_runs():
            with store.open_content(run.run_id, run.artifacts["a.txt"]) as file:
                assert file.read() == run.run_id.encode()
    git(repository, "fsck", "--strict", "--no-dangling")


def test_an_entry_that_comes_back_after_its_commit_is_not_committed_twice(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_store(repository)) as store:
        with hold(store.layout.lock), pytest.raises(LockedError):
            end_without_patience(store, monkeypatch)
        (entry,) = list_entries(store.layout)
        content = entry.read_bytes()
        store.recover()
        store.append_events(FIRST, [Renamed("newer", START + 20_000)])
        entry.write_bytes(content)
        store.recover()
        run = get(store)
        assert (run.name, run.metrics["loss"].count) == ("newer", 1)
    assert leftovers(repository) == []


def end_without_patience(store: GitStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sink = write(store, FIRST, start(), Renamed("older", START + 1))
    log(sink, {"loss": 0.5}, 1)
    sink.append(encode_event(end()))
    with monkeypatch.context() as patch:
        patch.setattr(git_commit, "hold", lambda path: hold(path, timeout_s=0.05))
        store.end_journal(sink)


def test_an_old_git_says_clearly_that_it_cannot_read_a_reftable(repository: Path) -> None:
    git(repository, "config", "core.repositoryFormatVersion", "1")
    git(repository, "config", "extensions.refStorage", "reftable")
    knows_reftable = subprocess.run(
        ["git", "init", "-q", "--ref-format=reftable", "probe"],
        cwd=repository,
        capture_output=True,
        check=False,
    )
    if knows_reftable.returncode == 0:
        pytest.skip("this git knows reftable")
    with pytest.raises(RepositoryNotFoundError, match="refstorage") as caught:
        open_repository(repository)
    assert caught.value.hint


def test_refs_that_dulwich_must_not_write_go_through_git(repository: Path) -> None:
    database = BinaryDatabase(repository)
    empty = git(repository, "hash-object", "-w", "-t", "tree", "--stdin", data=b"").strip()
    first, second = (git(repository, "commit-tree", empty, "-m", text).strip() for text in ("1", "2"))
    assert database.read_ref(RUNS_REF) is None
    assert database.swap_ref(RUNS_REF, None, first, "first")
    assert not database.swap_ref(RUNS_REF, None, second, "create only")
    assert not database.swap_ref(RUNS_REF, second, first, "from elsewhere")
    assert database.swap_ref(RUNS_REF, first, second, "second")
    assert database.read_ref(RUNS_REF) == second
    assert git(repository, "reflog", "show", "--format=%gs", RUNS_REF).splitlines() == ["second", "first"]
    with pytest.raises(StoreError):
        database.swap_ref(RUNS_REF, second, "1" * 40, "to nothing")
    database.close()


def test_a_journal_of_a_process_in_another_container_is_alive_while_it_is_held(repository: Path) -> None:
    """Containers may share host name and volume, but not process ids; the lock on the file tells."""
    program = (
        "import fcntl, sys\n"
        "file = open(sys.argv[1], 'a')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    with closing(open_store(repository)) as store:
        sink = write(store, FIRST, start())
        own = next(store.layout.journals.rglob("*.jsonl"))
        host = own.name.rsplit("-", 3)[0]
        foreign = own.with_name(
            f"{host}-1-99-000001.jsonl"
        )  # process 1 lives here, but began at another time
        foreign.write_bytes(own.read_bytes())
        with subprocess.Popen(
            [sys.executable, "-c", program, str(foreign)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            assert store.recover() == []
        assert store.recover() == [FIRST]
        store.end_journal(sink)


def test_a_run_is_ended_once_whatever_the_order_of_names(repository: Path) -> None:
    """A long-living process ends a run that a later one began and left: what happened last counts."""
    with closing(open_store(repository)) as store:
        sink = write(store, FIRST)
        own = next(store.layout.journals.rglob("*.jsonl"))
        dead = own.with_name("zzz-1-99999999-000001.jsonl")
        dead.write_bytes(encode_event(start()) + encode_event(TagsSet({"a": "first"}, START + 1)))
        sink.append(encode_event(RunResumed(START + 5)))
        sink.append(encode_event(TagsSet({"a": "second"}, START + 6)))
        sink.append(encode_event(end()))
        store.end_journal(sink)
        run = get(store)
        assert (run.status, run.tags["a"], run.name) == (RunStatus.FINISHED, "second", "tidy-otter-412")
