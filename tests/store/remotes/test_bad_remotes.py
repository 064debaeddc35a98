"""A remote that refuses, fails, is silent or breaks off: a clear error, and no half part anywhere."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ArtifactNotFoundError, RemoteError
from gittrack.store.digests import ignore
from gittrack.store.remotes import trying
from gittrack.store.remotes.fsspec_remote import open_fsspec_remote
from gittrack.store.remotes.interface import PartRange, make_part
from gittrack.store.remotes.lfs_remote import LfsRemote
from tests.repositories import make_repository
from tests.store.remotes.faults import Faults, proxy
from tests.store.remotes.servers import run_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.remotes.interface import Part, Remote

KINDS = ("webdav", "lfs")
SIZE = 200_000


@pytest.fixture(scope="module", params=KINDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int, Path]]:
    served = tmp_path_factory.mktemp("served")
    with run_server(request.param, served) as port:
        yield request.param, port, served


@pytest.fixture
def faults(server: tuple[str, int, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Faults]:
    monkeypatch.setattr(trying, "PAUSE_S", 0.01)
    with proxy(server[1]) as made:
        yield made


@pytest.fixture
def remote(server: tuple[str, int, Path], faults: Faults, tmp_path: Path) -> Remote:
    kind, _, served = server
    if kind == "lfs":
        git_dir = make_repository(tmp_path / "clone") / ".git"
        url = f"http://127.0.0.1:{faults.port}/team/{tmp_path.name}.git/info/lfs"
        return LfsRemote("it", url, git_dir, timeout_s=2.0)
    (served / tmp_path.name).mkdir()
    url = f"webdav+http://127.0.0.1:{faults.port}/{tmp_path.name}"
    return open_fsspec_remote("it", url, {"timeout": 2.0})


def part() -> Part:
    return make_part(os.urandom(SIZE))


def read(remote: Remote, one: Part) -> bytes:
    [data] = remote.read([PartRange(one.name, one.size, 0, one.size)])
    return data


@pytest.mark.parametrize(("status", "word"), [(403, "rights|credentials"), (404, ""), (500, "try again")])
def test_a_refusal_is_said_with_what_to_do_and_nothing_is_there(
    remote: Remote, faults: Faults, status: int, word: str
) -> None:
    one = part()
    faults.status = status
    with pytest.raises((RemoteError, ArtifactNotFoundError), match="'it'") as failure:
        remote.put([one], ignore)
    assert failure.value.hint
    assert re.search(word, failure.value.hint)
    faults.status = None
    assert remote.find({one.name: one.size}) == set()
    remote.put([one], ignore)
    assert read(remote, one) == one.data


@pytest.mark.parametrize("status", [403, 404])
def test_what_will_not_change_is_not_asked_for_again(remote: Remote, faults: Faults, status: int) -> None:
    one = part()
    remote.put([one], ignore)
    faults.status = status
    with pytest.raises((RemoteError, ArtifactNotFoundError)):
        read(remote, one)
    assert faults.failed < trying.ATTEMPTS  # one attempt, which is two requests for webdav4


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"cut": 1000}])
def test_what_may_pass_is_tried_again(remote: Remote, faults: Faults, fault: dict[str, int]) -> None:
    one, two = part(), part()
    for name, value in fault.items():
        setattr(faults, name, value)
    faults.left = 1
    remote.put([one], ignore)
    assert faults.failed == 1
    faults.left = 1
    assert read(remote, one) == one.data
    assert faults.failed == 2
    remote.put([two], ignore)
    assert read(remote, two) == two.data


def test_a_server_that_always_breaks_off_is_given_up_and_no_half_part_is_seen(
    remote: Remote, faults: Faults
) -> None:
    one = part()
    faults.cut = 1000
    with pytest.raises(RemoteError, match="'it'") as failure:
        remote.put([one], ignore)
    assert "safe here" in (failure.value.hint or "")
    faults.cut = None
    assert remote.find({one.name: one.size}) == set()
    remote.put([one], ignore)
    faults.cut = 1000
    with pytest.raises(RemoteError, match="'it'"):
        read(remote, one)
    faults.cut = None
    assert read(remote, one) == one.data


def test_a_server_that_never_answers_is_given_up(remote: Remote, faults: Faults) -> None:
    one = part()
    remote.put([one], ignore)
    faults.silent = True
    with pytest.raises(RemoteError, match="'it'"):
        read(remote, one)


def test_a_server_whose_disk_is_full_says_so_and_keeps_no_half_part(tmp_path: Path) -> None:
    one, small = part(), make_part(b"small")
    (tmp_path / "served" / "it").mkdir(parents=True)
    with run_server("webdav", tmp_path / "served", largest_file=SIZE // 2) as port:
        remote = open_fsspec_remote("it", f"webdav+http://127.0.0.1:{port}/it", {"timeout": 20.0})
        with pytest.raises(RemoteError, match="'it'") as failure:
            remote.put([one], ignore)
        assert failure.value.hint
        assert remote.find({one.name: one.size}) == set()
        remote.put([small], ignore)
        assert read(remote, small) == b"small"
    with run_server("webdav", tmp_path / "served") as port:
        remote = open_fsspec_remote("it", f"webdav+http://127.0.0.1:{port}/it", {"timeout": 20.0})
        remote.put([one], ignore)
        assert read(remote, one) == one.data
