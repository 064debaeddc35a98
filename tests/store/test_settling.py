"""Content is on the disk before a commit names it; what a power cut damaged is not trusted."""

from __future__ import annotations

import errno
import os
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.errors import ArtifactNotFoundError, StoreError
from gittrack.store import blobs, settling
from gittrack.store.digests import digest_file
from gittrack.store.layout import Layout
from gittrack.store.settling import settle
from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 200_000


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "gittrack")


def fill(path: Path, size: int = SIZE) -> Path:
    path.write_bytes(os.urandom(size))
    return path


def cut_the_power(layout: Layout, digest: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose what had not reached the disk, and start the system again."""
    path = layout.blob(digest)
    path.chmod(0o644)
    path.write_bytes(bytes(path.stat().st_size // 2))
    monkeypatch.setattr(settling, "boot_id", lambda: "another")


def test_what_was_stored_is_unsettled_until_it_is_brought_to_the_disk(layout: Layout, tmp_path: Path) -> None:
    digest, _ = blobs.store_file(layout, fill(tmp_path / "source"))
    assert [path.name for path in layout.unsettled.iterdir()] == [digest]
    settle(layout)
    assert list(layout.unsettled.iterdir()) == []
    settle(layout)
    assert digest_file(layout.blob(digest)) == digest


def test_who_commits_while_another_stores_leaves_the_mark_of_what_is_about_to_be_there(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place = blobs._put_in_place

    def after_a_commit(*arguments: Any) -> None:
        settle(layout)
        put_in_place(*arguments)

    monkeypatch.setattr(blobs, "_put_in_place", after_a_commit)
    digest, _ = blobs.store_file(layout, fill(tmp_path / "source"))
    assert [path.name for path in layout.unsettled.iterdir()] == [digest]


def test_a_mark_whose_content_never_came_is_removed_in_time(layout: Layout) -> None:
    settling.mark_unsettled(layout, "0" * 64)
    marker = layout.unsettled / ("0" * 64)
    os.utime(marker, (0, 0))
    settle(layout)
    assert not marker.exists()


def test_every_content_is_synced_before_the_run_that_names_it_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []

    def note(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(settling, "datasync", note)
    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        run = client.create_run()
        for name in ("one", "two"):
            client.log_artifact(run.run_id, fill(tmp_path / name))
        layout = Layout(tmp_path / "repo/.git/gittrack")
        inodes = {path.stat().st_ino for path in layout.objects.glob("*/*")}
        assert len(inodes) == 2
        client.set_terminated(run.run_id)
    assert inodes <= set(synced)
    assert list(layout.unsettled.iterdir()) == []


def test_a_commit_waits_for_what_it_names_and_not_for_what_others_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        layout = Layout(tmp_path / "repo/.git/gittrack")
        mine, other = client.create_run().run_id, client.create_run().run_id
        client.log_artifact(mine, fill(tmp_path / "mine"))
        client.log_artifact(other, fill(tmp_path / "other"))
        stray, _ = blobs.store_file(layout, fill(tmp_path / "stray"))
        client.set_terminated(mine)
        named = {one.digest for one in client.get_run(other).artifacts.values()}
        assert {path.name for path in layout.unsettled.iterdir()} == {*named, stray}
        client.set_terminated(other)
        assert [path.name for path in layout.unsettled.iterdir()] == [stray]
        client.recover()  # somebody may be about to name it
        assert [path.name for path in layout.unsettled.iterdir()] == [stray]
        os.utime(layout.unsettled / stray, (0, 0))
        client.recover()
        assert list(layout.unsettled.iterdir()) == []
        assert digest_file(layout.blob(stray)) == stray


def test_a_disk_that_fails_is_said_once_and_the_run_can_be_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    source = fill(tmp_path / "model.bin")
    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        run = client.create_run()
        client.log_artifact(run.run_id, source)
        with monkeypatch.context() as patch:
            patch.setattr(settling, "datasync", fail)
            with pytest.raises(StoreError, match="could not be written to the disk") as failure:
                client.set_terminated(run.run_id)
        assert "log it again" in (failure.value.hint or "")
        client.set_terminated(run.run_id)
        assert list(Layout(tmp_path / "repo/.git/gittrack").unsettled.iterdir()) == []
        with pytest.raises(ArtifactNotFoundError):
            client.read_artifact(run.run_id, "model.bin")
        client.resume_run(run.run_id)
        client.log_artifact(run.run_id, source)
        client.set_terminated(run.run_id)
        assert client.read_artifact(run.run_id, "model.bin") == source.read_bytes()


def test_a_loss_is_said_to_the_run_that_names_it_and_to_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with closing(Client(make_repository(tmp_path / "repo"))) as client:
        layout = Layout(tmp_path / "repo/.git/gittrack")
        losing, other = client.create_run().run_id, client.create_run().run_id
        client.log_artifact(losing, fill(tmp_path / "model.bin"))
        [marker] = layout.unsettled.iterdir()
        os.utime(marker, (0, 0))
        with monkeypatch.context() as patch:
            patch.setattr(settling, "datasync", fail)
            settling.settle_abandoned(layout)
        assert [path.suffix for path in layout.unsettled.iterdir()] == [settling.LOST]
        client.set_terminated(other)
        client.recover()
        with pytest.raises(StoreError, match="could not be written to the disk"):
            client.set_terminated(losing)
        client.set_terminated(losing)


def test_what_a_power_cut_damaged_is_set_aside_and_stored_anew(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fill(tmp_path / "source")
    digest, _ = blobs.store_file(layout, source)
    cut_the_power(layout, digest, monkeypatch)
    settle(layout)
    assert not blobs.has_blob(layout, digest)
    assert (layout.damaged / digest).exists()
    assert blobs.store_file(layout, source) == (digest, SIZE)
    assert digest_file(layout.blob(digest)) == digest
    assert not (layout.damaged / digest).exists()


def test_what_a_power_cut_damaged_is_not_taken_for_what_is_stored_again(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = fill(tmp_path / "source")
    digest, _ = blobs.store_file(layout, source)
    cut_the_power(layout, digest, monkeypatch)
    blobs.store_file(layout, source)
    settle(layout)
    assert digest_file(layout.blob(digest)) == digest


def test_what_reached_the_disk_before_a_power_cut_stays(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = blobs.store_file(layout, fill(tmp_path / "source"))
    monkeypatch.setattr(settling, "boot_id", lambda: "another")
    settle(layout)
    assert blobs.has_blob(layout, digest)
    assert list(layout.unsettled.iterdir()) == []
