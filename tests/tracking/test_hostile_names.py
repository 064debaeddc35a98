"""Names that some systems cannot write: logged as they are, and never written over one another."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import InvalidNameError
from gittrack.tracking import downloads
from gittrack.tracking.client import Client
from tests.repositories import check_repository, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
