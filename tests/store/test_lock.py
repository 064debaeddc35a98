"""The lock, by flock and by the lease that stands in for it where there is no flock."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import LockedError
from gittrack.store import lock
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["flock", "lease"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "lease":
        monkeypatch.setattr(lock, "flock", None)
        monkeypatch.setattr(lock, "LEASE_S", 3.0)
    return tmp_path / "lock"


def test_only_one_holds_it_at_a_time(path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        for _ in range(10):
            with hold(path):
                inside.append(number)
                most.append(len(inside))
                time.sleep(0.001)
                inside.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(most), max(most)) == (60, 1)


def test_who_holds_it_for_long_is_not_robbed(path: Path) -> None:
    with hold(path), pytest.raises(LockedError, match="another process"), hold(path, timeout_s=5):
        pytest.fail("two hold it")
    with hold(path, timeout_s=30):
        pass


def test_a_lease_that_nobody_renews_belongs_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "flock", None)
    left = tmp_path / "lock.lease"
    left.touch()
    os.utime(left, (0, 0))
    with hold(tmp_path / "lock", timeout_s=5):
        assert left.exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["lock"]
