"""A process that is killed while it changes the work tree leaves something that can be undone."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError
from gittrack.store.checkout import Checkout
from gittrack.store.undo import _ref
from gittrack.tracking.client import Client
from gittrack.tracking.in_place import undo_in_place
from tests.crash.test_kill import ROOT, Nursery
from tests.repositories import check_repository, git, make_repository
from tests.tracking.test_in_place import State, commit_all, look, record_run, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RANDOM_KILLS = 8


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with a run of other code, and with changes of every kind that are not committed."""
    top = make_repository(tmp_path_factory.mktemp("template") / "repo").resolve()
    for number in range(9):
        write(top / f"pkg{number % 3}/module{number}.py", b"first\n" * number)
    write(top / ".gitignore", b"ignored\n")
    base = commit_all(top)
    for number in range(0, 9, 2):
        write(top / f"pkg{number % 3}/module{number}.py", b"of the run\n")
    for number in range(1, 9, 6):
        (top / f"pkg{number % 3}/module{number}.py").unlink()
    write(top / "new/file.py", b"new\n")
    write(top / "large.bin", bytes(4_000_000))
    target = commit_all(top)
    with closing(Client(top)) as client:
        record_run(client, target)
    git(top, "reset", "-q", "--hard", base)
    write(top / "train.py", b"staged\n", mode=0o755)
    git(top, "add", "train.py")
    write(top / "train.py", b"staged and changed\n", mode=0o600)
    (top / "pkg0/module0.py").unlink()
    write(top / "untracked.txt", b"untracked\n")
    write(top / "new/file.py", b"in the way\n")
    (top / "link").symlink_to("nowhere")
    return top


def copy(template: Path, place: Path) -> tuple[Path, State]:
    shutil.copytree(template, place, symlinks=True)
    return place, look(place)


def bring_back(top: Path) -> None:
    """Do what a user does who finds the work tree half changed."""
    (top / ".git/index.lock").unlink(missing_ok=True)  # as the hint says
    with closing(Client(top)) as client, suppress(NotFoundError):
        undo_in_place(client)


def test_a_kill_before_any_step_of_restoring_can_be_undone(
    template: Path, nursery: Nursery, tmp_path: Path
) -> None:
    counted, _ = copy(template, tmp_path / "count")
    child = nursery.spawn("restore", counted, 0)
    assert child.wait() == 0
    total = int(child.words()[-1][1])
    assert total > 20
    for number in range(1, total + 1):
        top, before = copy(template, tmp_path / f"repo{number}")
        assert nursery.spawn("restore", top, number).wait() == -signal.SIGKILL
        bring_back(top)
        assert look(top) == before, f"killed at {number}"
        shutil.rmtree(top)


def test_a_kill_before_any_step_of_undoing_can_be_undone(
    template: Path, nursery: Nursery, tmp_path: Path
) -> None:
    restored, before = copy(template, tmp_path / "restored")
    assert nursery.spawn("restore", restored, 0).wait() == 0
    assert look(restored) != before
    counted, _ = copy(restored, tmp_path / "count")
    pretend_to_be(counted, restored)
    child = nursery.spawn("undo", counted, 0)
    assert child.wait() == 0
    total = int(child.words()[-1][1])
    assert total > 20
    for number in range(1, total + 1):
        top, _ = copy(restored, tmp_path / f"repo{number}")
        pretend_to_be(top, restored)
        assert nursery.spawn("undo", top, number).wait() == -signal.SIGKILL
        bring_back(top)
        assert look(top) == before, f"killed at {number}"
        shutil.rmtree(top)


def test_a_kill_at_any_moment_can_be_undone(template: Path, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from tests.crash.children import restore\n"
        "print('begun', flush=True)\n"
        "restore(sys.argv[1], 0)\n"
    )
    moments = random.Random(0)
    for number in range(RANDOM_KILLS):
        top, before = copy(template, tmp_path / f"repo{number}")
        with subprocess.Popen(
            [sys.executable, "-c", program, str(top)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moments.uniform(0, 0.6))
            os.killpg(child.pid, signal.SIGKILL)  # with the git it started
        bring_back(top)
        assert look(top) == before
        check_repository(top)
        shutil.rmtree(top)


def pretend_to_be(top: Path, original: Path) -> None:
    """Give a copy the undo of the work tree that it is a copy of: refs are kept by place."""
    old, new = (_ref(Checkout(place)) for place in (original, top))
    git(top, "update-ref", new, old)
    git(top, "update-ref", "-d", old)
