"""A full disk: one clear error, nothing acknowledged is lost, and all goes on once there is room again."""

from __future__ import annotations

import contextlib
import os
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import RunStatus
from gittrack.errors import StoreError
from gittrack.store.memory import MemoryStore
from gittrack.tracking.client import Client
from tests.disks import no_room
from tests.repositories import check_repository, leftovers, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def journal_size(repository: Path) -> int:
    return sum(path.stat().st_size for path in (repository / ".git/gittrack/journal").rglob("*.jsonl"))


def check(repository: Path, run_id: str, points: int) -> None:
    with closing(Client(repository)) as client:
        run = client.get_run(run_id)
        assert run.status is RunStatus.FINISHED
        assert run.metrics["loss"].count == points == len(client.get_series(run_id)["loss"])
    # The journal of a run that could not even be created is open as long as the process lives.
    assert [path for path in leftovers(repository) if "/journal/" not in path] == []
    check_repository(repository)


@pytest.mark.parametrize("room", [0, 1, 20, 30, 40])
def test_a_line_that_fits_in_part_or_not_at_all_is_an_error_and_costs_no_other(
    repository: Path, room: int
) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        for step in range(10):
            client.log_metric(run_id, "loss", 1 / 3, step=step)
        for _ in range(3):
            with (
                no_room(journal_size(repository) + room),
                pytest.raises(StoreError, match="cannot log") as caught,
            ):
                client.log_param(run_id, "long", "x" * 100)
            assert caught.value.hint
        for step in range(10, 20):
            client.log_metric(run_id, "loss", 1 / 3, step=step)
        client.log_param(run_id, "long", "y")
        client.set_terminated(run_id)
        assert client.get_run(run_id).params == {"long": "y"}
    check(repository, run_id, 20)


def test_a_point_that_lacks_only_its_newline_is_not_logged_after_all(repository: Path) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        client.log_metric(run_id, "loss", 1 / 3, step=0)
        before = journal_size(repository)
        client.log_metric(run_id, "loss", 1 / 3, step=1)
        after = journal_size(repository)
        with no_room(after + (after - before) - 1), pytest.raises(StoreError, match="cannot log"):
            client.log_metric(run_id, "loss", 1 / 3, step=2)
        client.log_metric(run_id, "loss", 1 / 3, step=3)
        client.set_terminated(run_id)
    check(repository, run_id, 3)


@pytest.mark.parametrize("room", [0, 10, 100, 300, 600, 1200])
def test_a_run_that_cannot_be_ended_now_can_be_ended_later(repository: Path, room: int) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        for step in range(100):
            client.log_metric(run_id, "loss", step / 7, step=step)
        with no_room(room), pytest.raises(StoreError) as caught:
            client.set_terminated(run_id)
        assert caught.value.hint
        assert client.get_run(run_id).metrics["loss"].count == 100
        client.set_terminated(run_id)
    check(repository, run_id, 100)


def test_what_could_not_be_committed_is_committed_with_the_next_run(repository: Path) -> None:
    with closing(Client(repository)) as client:
        first = client.create_run().run_id
        for step in range(2000):
            client.log_metric(first, "loss", step / 7, step=step)
        with no_room(journal_size(repository) // 4), pytest.raises(StoreError):
            client.store.checkpoint(client.live(first).sink)
        with no_room(0), pytest.raises(StoreError):
            client.set_terminated(first)
        client.set_terminated(first)
        second = client.create_run().run_id
        client.log_metric(second, "loss", 1.0)
        client.set_terminated(second)
    check(repository, first, 2000)
    check(repository, second, 1)


def test_an_artifact_that_does_not_fit_is_not_there_and_fits_later(repository: Path, tmp_path: Path) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(os.urandom(300_000))
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        client.log_metric(run_id, "loss", 1.0)
        with no_room(100_000), pytest.raises(StoreError, match="cannot store an artifact") as caught:
            client.log_artifact(run_id, source)
        assert caught.value.hint
        assert client.get_run(run_id).artifacts == {}
        assert not list((repository / ".git/gittrack/tmp").iterdir())
        client.log_artifact(run_id, source)
        client.set_terminated(run_id)
        assert client.read_artifact(run_id, "model.bin") == source.read_bytes()
    check(repository, run_id, 1)


def test_the_limit_itself_bites(tmp_path: Path) -> None:
    with no_room(10), pytest.raises(OSError, match="File too large"):
        (tmp_path / "file").write_bytes(b"x" * 11)
    (tmp_path / "file").write_bytes(b"x" * 11)
    assert MemoryStore().head() is None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes, where one may be made (the tests above need no such thing)."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_really_full_loses_nothing(small_disk: Path) -> None:
    repository = make_repository(small_disk / "repo")
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        acknowledged = 0
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        with pytest.raises(StoreError, match="No space left on device") as caught:  # noqa: PT012
            while True:
                client.log_metric(run_id, "loss", 1 / 3, step=acknowledged)
                acknowledged += 1
        assert caught.value.hint is not None
        assert "free some disk space" in caught.value.hint
        with pytest.raises(StoreError, match="No space left on device"):
            client.set_terminated(run_id)
        with pytest.raises(StoreError, match="No space left on device"):
            client.create_run()
        assert client.get_run(run_id).metrics["loss"].count == acknowledged
        ballast.unlink()
        client.set_terminated(run_id)
    check(repository, run_id, acknowledged)
