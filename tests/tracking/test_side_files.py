"""Side files through the client: small files beside a run's document."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gittrack.errors import InvalidNameError, InvalidValueError, RunNotFoundError, RunStateError
from gittrack.store.memory import MemoryStore
from gittrack.tracking.client import Client
from gittrack.tracking.side_files import MAX_SIDE_FILE_BYTES
from tests.repositories import make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory", "git"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Client:
    store = MemoryStore() if request.param == "memory" else open_store(make_repository(tmp_path / "repo"))
    return Client(store=store)


def test_a_side_file_can_be_written_while_the_run_is_live_and_afterwards(client: Client) -> None:
    run_id = client.create_run().run_id
    client.set_side_file(run_id, "console.txt", b"live")
    assert client.find_side_file(run_id, "console.txt") == b"live"
    client.set_terminated(run_id)
    client.set_side_file(run_id, "console.txt", b"ended")
    client.set_side_file(run_id, "signature.json", b"{}")
    assert client.list_side_files(run_id) == ["console.txt", "signature.json"]
    assert client.find_side_file(run_id, "console.txt") == b"ended"
    client.delete_side_file(run_id, "console.txt")
    client.delete_side_file(run_id, "never-there")
    assert client.list_side_files(run_id) == ["signature.json"]
    assert client.find_side_file(run_id, "console.txt") is None


@pytest.mark.parametrize("name", ["run.json", "metrics", "Upper.txt", "a/b", "", ".hidden", "x" * 81, 3])
def test_a_name_that_cannot_be_stored_is_refused(client: Client, name: str) -> None:
    run_id = client.create_run().run_id
    with pytest.raises(InvalidNameError) as caught:
        client.set_side_file(run_id, name, b"")
    assert caught.value.hint
    assert client.list_side_files(run_id) == []


def test_a_side_file_that_is_too_large_is_no_side_file(client: Client) -> None:
    run_id = client.create_run().run_id
    client.set_side_file(run_id, "large", bytes(MAX_SIDE_FILE_BYTES))
    with pytest.raises(InvalidValueError, match="too many for the side file"):
        client.set_side_file(run_id, "larger", bytes(MAX_SIDE_FILE_BYTES + 1))
    assert client.list_side_files(run_id) == ["large"]


def test_a_run_that_is_deleted_or_unknown_gets_no_side_file(client: Client) -> None:
    with pytest.raises(RunNotFoundError):
        client.set_side_file("0" * 32, "console.txt", b"")
    run_id = client.create_run().run_id
    client.set_terminated(run_id)
    client.delete_run(run_id)
    with pytest.raises(RunStateError):
        client.set_side_file(run_id, "console.txt", b"")
