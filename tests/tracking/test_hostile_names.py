"""Names that some systems cannot write: logged as they are, and never written over one another."""

from __future__ import annotations

import os
from contextlib import closing, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ArtifactNotFoundError, InvalidNameError, StoreError, UserError
from gittrack.tracking import downloads
from gittrack.tracking.client import Client
from tests.disks import make_deep
from tests.repositories import check_repository, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LONGEST, FOLDER = "n" * 255, "f" * 255
TOO_LONG = "n" * 300
NAMES = ("Model.bin", "model.bin", "NUL", "aux.txt", "what?.txt", "end.", "ü" * 100)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with closing(Client(make_repository(tmp_path / "repo"))) as made:
        yield made
    check_repository(tmp_path / "repo")


def log(client: Client, folder: Path) -> str:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(name, "utf-8")
    run = client.create_run()
    client.log_artifacts(run.run_id, folder)
    client.set_terminated(run.run_id)
    return run.run_id


def test_the_longest_names_come_back_and_longer_ones_are_refused_before_anything_is_stored(
    client: Client, tmp_path: Path
) -> None:
    folder, out = tmp_path / "source", tmp_path / "out"
    folder.mkdir()
    (folder / LONGEST).write_bytes(b"short")
    (folder / f"{LONGEST[1:]}2").write_bytes(b"long" * 50_000)
    run_id = client.create_run().run_id
    client.log_artifacts(run_id, folder)
    client.log_artifact(run_id, folder / LONGEST, f"{FOLDER}/{FOLDER}")
    refusals: list[Callable[[], object]] = [
        lambda: client.log_artifact(run_id, tmp_path / TOO_LONG),
        lambda: client.log_artifacts(run_id, tmp_path / TOO_LONG),
        lambda: client.log_artifact(run_id, folder / LONGEST, TOO_LONG),
        lambda: client.log_artifacts(run_id, folder, f"a/{TOO_LONG}"),
        lambda: client.log_text(run_id, "text", TOO_LONG),
    ]
    for refused in refusals:
        with pytest.raises(InvalidNameError) as failure:
            refused()
        assert len(str(failure.value)) < 300, "a name that long is not said in full"
        assert failure.value.hint
    client.set_terminated(run_id)
    client.download_artifacts(run_id, "", out)
    written = {
        path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }
    assert written == {
        LONGEST: b"short",
        f"{LONGEST[1:]}2": b"long" * 50_000,
        f"{FOLDER}/{FOLDER}/{LONGEST}": b"short",
    }


def test_what_cannot_be_written_where_it_shall_go_says_why(client: Client, tmp_path: Path) -> None:
    run_id = client.create_run().run_id
    client.log_text(run_id, "text", "folder/a.txt")
    client.set_terminated(run_id)
    with pytest.raises(ArtifactNotFoundError) as missing:
        client.download_artifacts(run_id, TOO_LONG, tmp_path / "out")
    assert len(str(missing.value)) < 300
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "file").write_text("mine", "utf-8")
    for destination, hint in {
        "round": "round in a circle",
        TOO_LONG: "shorter path",
        "file": "another place",
    }.items():
        with pytest.raises(StoreError) as failure:
            client.download_artifacts(run_id, "", tmp_path / destination)
        assert hint in str(failure.value.hint)
    assert (tmp_path / "file").read_text("utf-8") == "mine"


@pytest.mark.timeout(60)
def test_a_loop_of_links_ends_and_is_named(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "a.txt").write_text("a", "utf-8")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "here").symlink_to(".")
    (folder / "whole").symlink_to(folder)
    run_id = client.create_run().run_id
    client.log_artifacts(run_id, folder)
    client.log_artifact(run_id, folder / "here", "again")
    assert set(client.get_run(run_id).artifacts) == {"sub/a.txt", "again/here/sub/a.txt"}
    (folder / "one").symlink_to("two")
    (folder / "two").symlink_to("one")
    with pytest.raises(UserError, match=r"'.*/one' is a symbolic link that leads nowhere"):
        client.log_artifacts(run_id, folder)
    with pytest.raises(ArtifactNotFoundError, match="is a symbolic link that leads nowhere"):
        client.log_artifact(run_id, folder / "one")
    assert len(client.get_run(run_id).artifacts) == 2
    client.set_terminated(run_id)


@pytest.mark.timeout(60)
def test_a_folder_deeper_than_paths_may_be_long_is_refused(client: Client, tmp_path: Path) -> None:
    run_id = client.create_run().run_id
    with pytest.raises(StoreError, match="too long") as failure:
        client.log_artifacts(run_id, make_deep(tmp_path / "source"))
    assert "shorter path" in str(failure.value.hint)
    assert client.get_run(run_id).artifacts == {}
    client.set_terminated(run_id)


@pytest.mark.parametrize(("count", "inline"), [(150, 150), (1001, 100)])
def test_of_very_many_files_few_ride_in_the_commit_and_all_come_back(
    client: Client, tmp_path: Path, count: int, inline: int
) -> None:
    folder, out = tmp_path / "source", tmp_path / "out"
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.txt").write_text(str(number), "utf-8")
    run_id = client.create_run().run_id
    client.log_artifacts(run_id, folder)
    client.set_terminated(run_id)
    assert sum(one.inline for one in client.get_run(run_id).artifacts.values()) == inline
    client.download_artifacts(run_id, "", out)
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == {
        f"{number}.txt": str(number) for number in range(count)
    }


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_file_that_vanishes_while_its_folder_is_logged_is_named(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(bytes(size))
    scan = os.scandir

    def scan_and_remove(path: str) -> object:
        found = scan(path)
        if path == str(folder):
            entries = list(found)
            (folder / "b").unlink()
            return nullcontext(entries)
        return found

    run_id = client.create_run().run_id
    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", scan_and_remove)
        with pytest.raises(StoreError, match=f"{folder.name}/b'?: No such file"):
            client.log_artifacts(run_id, folder)
    assert set(client.get_run(run_id).artifacts) <= {"a"}
    client.log_artifacts(run_id, folder)
    client.set_terminated(run_id)
    assert client.read_artifact(run_id, "a") == bytes(size)


def test_names_that_this_system_can_write_come_back_as_they_were(client: Client, tmp_path: Path) -> None:
    run_id = log(client, tmp_path / "source")
    out = tmp_path / "out"
    client.download_artifacts(run_id, "", out)
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == {name: name for name in NAMES}


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_names_that_differ_by_case_are_not_written_over_one_another(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    run_id = log(client, tmp_path / "source")
    monkeypatch.setattr(downloads, "sys", SimpleNamespace(platform=system))
    with pytest.raises(InvalidNameError, match="are one file here"):
        client.download_artifacts(run_id, "[Mm]odel.bin", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    client.download_artifacts(run_id, "Model.bin", tmp_path / "out")
    assert (tmp_path / "out" / "Model.bin").read_text("utf-8") == "Model.bin"


@pytest.mark.parametrize("name", ["NUL", "aux.txt", "what?.txt", "end."])
def test_devices_and_what_windows_cannot_write_are_refused_there(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run_id = log(client, tmp_path / "source")
    monkeypatch.setattr(downloads, "sys", SimpleNamespace(platform="win32"))
    with pytest.raises(InvalidNameError, match="on Windows") as failure:
        client.download_artifacts(run_id, name, tmp_path / "out")
    assert "artifacts cat" in (failure.value.hint or "")
    assert not (tmp_path / "out").exists()
    assert client.read_artifact(run_id, name) == name.encode()
