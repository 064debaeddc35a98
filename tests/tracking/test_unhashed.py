"""Large files are kept when the call returns, hashed meanwhile, and never committed by their stand-ins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import StoreError
from gittrack.store import blobs, unhashed
from gittrack.store.digests import digest_bytes, digest_file
from gittrack.store.git_fsck import check_store
from gittrack.tracking.client import Client
from gittrack.tracking.gc import collect, find_garbage
from gittrack.tracking.sync import git_store
from tests.repositories import check_repository, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DATA = os.urandom(300_000)

KILLED = """
import os, signal, sys
from gittrack.store import unhashed
from gittrack.tracking.client import Client
unhashed.LONG_BYTES = 1
unhashed.digest_file = lambda path: signal.pause()
client = Client(sys.argv[1])
run = client.create_run(run_name="killed")
client.log_artifact(run.run_id, sys.argv[2], link=True)
print(run.run_id, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def _all_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unhashed, "LONG_BYTES", 1000)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    made = Client(make_repository(tmp_path / "repository"))
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def let_go(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Hold the hashing back until this is called."""
    gate = threading.Event()

    def hash_later(path: Path) -> str:
        assert gate.wait(60)
        return digest_file(path)

    monkeypatch.setattr(unhashed, "digest_file", hash_later)
    yield gate.set
    gate.set()


def unhashed_files(client: Client) -> list[str]:
    folder = git_store(client).layout.unhashed
    return sorted(one.name for one in folder.iterdir() if one.suffix != unhashed.RECORD)


@pytest.mark.parametrize("link", [False, True])
def test_the_call_returns_before_the_file_is_hashed_and_readers_here_wait(
    client: Client, source: Path, let_go: Callable[[], None], *, link: bool
) -> None:
    run = client.create_run()
    client.log_artifact(run.run_id, source, link=link)
    (taken,) = unhashed_files(client)
    path = git_store(client).layout.unhashed / taken
    assert path.stat().st_mode & 0o222 == 0
    assert path.read_bytes() == DATA
    threading.Timer(0.1, let_go).start()
    artifact = client.get_run(run.run_id).artifacts["model.bin"]
    assert (artifact.digest, artifact.size) == (digest_bytes(DATA), len(DATA))
    assert client.read_artifact(run.run_id, "model.bin") == DATA
    assert unhashed_files(client) == []


def test_another_process_sees_the_file_once_it_is_hashed(
    client: Client, source: Path, let_go: Callable[[], None], tmp_path: Path
) -> None:
    run = client.create_run()
    client.log_artifact(run.run_id, source, link=True)
    look = (
        "import sys; from gittrack.tracking.client import Client\n"
        "print([*Client(sys.argv[1]).get_run(sys.argv[2]).artifacts])"
    )

    def look_from_outside() -> str:
        command = [sys.executable, "-c", look, str(tmp_path / "repository"), run.run_id]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return str(done.stdout).strip()

    assert look_from_outside() == "[]"
    let_go()
    client.get_run(run.run_id)
    blob = git_store(client).layout.blob(digest_bytes(DATA))
    os.utime(blob, (1, 1))
    assert look_from_outside() == "['model.bin']"
    assert blob.stat().st_mtime == 1  # who reads changes nothing


def test_a_commit_holds_digests_alone_and_the_later_file_of_a_path(client: Client, tmp_path: Path) -> None:
    run = client.create_run()
    for number in range(3):
        source = tmp_path / f"{number}" / "model.bin"
        source.parent.mkdir()
        source.write_bytes(DATA + b"%d" % number)
        client.log_artifact(run.run_id, source, link=number != 1)
    client.log_artifacts(run.run_id, tmp_path / "1", "folder", link=True)
    client.set_terminated(run.run_id)
    found = {path: one.digest for path, one in client.get_run(run.run_id).artifacts.items()}
    assert found == {
        "model.bin": digest_bytes(DATA + b"2"),
        "folder/model.bin": digest_bytes(DATA + b"1"),
    }
    assert unhashed_files(client) == []
    assert check_store(git_store(client)) == []
    check_repository(tmp_path / "repository")


def test_what_a_killed_process_took_is_hashed_by_the_next_one(
    client: Client, source: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "repository"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    run_id = done.stdout.strip()
    source.unlink()
    assert len(unhashed_files(client)) == 1
    client.recover()
    assert client.read_artifact(run_id, "model.bin") == DATA
    assert client.get_run(run_id).status.name == "FAILED"
    assert unhashed_files(client) == []
    assert check_store(git_store(client)) == []


def test_killed_between_digest_and_move_the_next_one_moves(client: Client, source: Path) -> None:
    layout = git_store(client).layout
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blobs, "keep_file", lambda *_arguments: None)
        taken = unhashed.take_file(layout, source)
        assert taken is not None
        assert unhashed.find_digest(layout, taken[0]) == (digest_bytes(DATA), len(DATA))
    assert unhashed_files(client) == [taken[0]]
    assert not blobs.has_blob(layout, digest_bytes(DATA))
    assert unhashed.find_digest(layout, taken[0]) == (digest_bytes(DATA), len(DATA))
    assert unhashed_files(client) == []
    blobs.verify_blob(layout, digest_bytes(DATA))


def test_a_file_that_is_changed_in_place_is_kept_as_found_with_a_warning(
    client: Client, source: Path, let_go: Callable[[], None]
) -> None:
    run = client.create_run()
    client.log_artifact(run.run_id, source, link=True)
    (taken,) = unhashed_files(client)
    path = git_store(client).layout.unhashed / taken
    path.chmod(0o644)
    path.write_bytes(b"changed")

    def read() -> bytes:
        let_go()
        return client.read_artifact(run.run_id, "model.bin")

    with pytest.warns(UserWarning, match="may have changed after it was logged"):
        assert read() == b"changed"
    assert client.get_run(run.run_id).artifacts["model.bin"].size == len(b"changed")


def test_a_file_that_is_gone_keeps_nothing_else_from_being_committed(
    client: Client, source: Path, let_go: Callable[[], None]
) -> None:
    run = client.create_run()
    client.log_artifact(run.run_id, source, link=True)
    client.log_param(run.run_id, "lr", 0.1)
    (taken,) = unhashed_files(client)
    (git_store(client).layout.unhashed / taken).unlink()
    let_go()
    with pytest.warns(UserWarning, match=r"'model.bin' was logged and cannot be read"):
        client.set_terminated(run.run_id)
    ended = client.get_run(run.run_id)
    assert (ended.params, dict(ended.artifacts)) == ({"lr": 0.1}, {})
    assert check_store(git_store(client)) == []


def test_a_full_disk_while_a_digest_is_noted_loses_nothing(
    client: Client, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    run = client.create_run()
    with monkeypatch.context() as patch:
        patch.setattr(blobs, "keep_file", refuse)
        client.log_artifact(run.run_id, source, link=True)
        with pytest.raises(StoreError, match="No space left"):
            client.set_terminated(run.run_id)
    client.recover()
    assert client.read_artifact(run.run_id, "model.bin") == DATA


def test_what_was_taken_and_never_named_is_collected(
    client: Client, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = git_store(client).layout
    client.set_terminated(client.create_run().run_id)
    with monkeypatch.context() as patch:
        patch.setattr(unhashed, "_hash_soon", lambda *_arguments: None)  # as if killed right then
        assert unhashed.take_file(layout, source) is not None
    monkeypatch.setattr(unhashed, "ABANDONED_S", -1)
    unhashed.forget_hashed(layout)
    assert find_garbage(client, grace_s=-1).content == ()  # somebody may be about to name it
    (record,) = (one for one in layout.unhashed.iterdir() if one.suffix == unhashed.RECORD)
    os.utime(record, (1, 1))
    garbage = find_garbage(client, grace_s=-1)
    assert [one.digest for one in garbage.content] == [digest_bytes(DATA)]
    collect(client, garbage)
    assert not blobs.has_blob(layout, digest_bytes(DATA))
    run = client.create_run()
    client.recover()
    assert list(layout.unhashed.iterdir()) == [record]  # a journal may name it
    client.set_terminated(run.run_id)
    client.recover()
    assert list(layout.unhashed.iterdir()) == []


def test_a_forked_child_hashes_for_itself(client: Client, source: Path, let_go: Callable[[], None]) -> None:
    layout = git_store(client).layout
    taken = unhashed.take_file(layout, source)
    assert taken is not None
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # not the one of the runner
        signal.alarm(20)
        let_go()
        is_right = unhashed.find_digest(layout, taken[0]) == (digest_bytes(DATA), len(DATA))
        os._exit(0 if is_right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    let_go()
    assert unhashed.find_digest(layout, taken[0]) == (digest_bytes(DATA), len(DATA))


def test_what_is_small_known_or_no_file_is_not_taken(
    client: Client, source: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    layout = git_store(client).layout
    small = tmp_path / "small"
    small.write_bytes(b"x" * 999)
    assert unhashed.take_file(layout, small) is None
    monkeypatch.setattr(blobs, "KNOWN_BYTES", 1)
    monkeypatch.setattr(blobs, "RACY_S", -60.0)
    assert unhashed.take_file(layout, source) is not None
    unhashed.hash_all(layout)
    assert unhashed.take_file(layout, source) is None
    os.mkfifo(tmp_path / "pipe")
    assert unhashed.take_file(layout, tmp_path / "pipe") is None
    assert unhashed_files(client) == []


def test_a_link_that_cannot_be_is_a_copy(
    client: Client, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_paths: object) -> None:
        raise OSError(18, os.strerror(18))

    monkeypatch.setattr(os, "link", refuse)
    run = client.create_run()
    client.log_artifact(run.run_id, source, link=True)
    assert source.stat().st_nlink == 1
    assert source.stat().st_mode & 0o200
    assert client.read_artifact(run.run_id, "model.bin") == DATA
