"""Restoring and undoing, as multiples of what git takes for the same files. By hand: pytest -m benchmark."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Code
from gittrack.tracking.client import Client
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.conftest import Report

FILES = 20_000
CHANGED = 200


def time_ms(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


@pytest.mark.benchmark
def test_restoring_costs_a_few_times_what_git_takes(tmp_path: Path, scale: float, report: Report) -> None:
    top = make_repository(tmp_path / "repo").resolve()
    count = max(20, int(FILES * scale))
    for number in range(count):
        place = top / f"pkg{number // 200}" / f"module{number}.py"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"x = {number}\n" * 20)
    git(top, "add", ".")
    git(top, "commit", "-q", "-m", "base")
    for number in range(0, count, max(1, count // max(2, int(CHANGED * scale)))):
        (top / f"pkg{number // 200}" / f"module{number}.py").write_text("changed\n")
    git(top, "commit", "-q", "-a", "-m", "target")
    target = git(top, "rev-parse", "HEAD").strip()
    git(top, "reset", "-q", "--hard", "HEAD~1")
    with closing(Client(top)) as client:
        run = client.create_run(code=Code(target, dirty=False, snapshot=target))
        client.set_terminated(run.run_id)
        by_git = time_ms(lambda: git(top, "checkout", "-q", target))
        by_git += time_ms(lambda: git(top, "checkout", "-q", "main"))
        restoring = time_ms(lambda: client.restore_in_place(run.run_id))
        undoing = time_ms(client.undo_in_place)
        worktree = time_ms(lambda: git(top, "worktree", "add", "-q", "--detach", str(tmp_path / "a"), target))
        checkout = time_ms(lambda: client.checkout_run(run.run_id, tmp_path / "b"))
    report(f"{count:,} files; git checkout, there and back: {by_git:.0f} ms")
    report(
        f"restored in place and undone: {restoring + undoing:.0f} ms, {(restoring + undoing) / by_git:.1f} x"
    )
    report(f"checked out beside: {checkout:.0f} ms, {checkout / worktree:.1f} x git worktree add")
