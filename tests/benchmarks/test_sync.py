"""What exchanging runs costs, each figure next to plain git moving the same objects."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.test_store import fill
from tests.exchanging import TRANSPORTS, connect, log_run, pull
from tests.repositories import RUNS_REF, git, git_bytes, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gittrack.store.git_store import GitStore
    from tests.benchmarks.conftest import Report

pytestmark = pytest.mark.benchmark

APART = 10
FIRST_NUMBER = 1 << 70


def took(work: Callable[[], object]) -> float:
    """Return how long some work takes, s."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain_push(store: GitStore, remote: Path, old: str | None) -> float:
    """Return how long plain git takes to bring the same commits to a remote that is at ``old``, s."""
    where = store.layout.root.parent
    if old:
        git(where, "push", "-q", str(remote), f"{old}:{RUNS_REF}")
    return took(lambda: git(where, "push", "-q", "--no-verify", str(remote), f"{store.head()}:{RUNS_REF}"))


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_exchanging_ten_thousand_runs(tmp_path: Path, scale: float, report: Report, transport: str) -> None:
    many = max(int(10_000 * scale), 50)
    remote = make_repository(tmp_path / "remote.git", "bare")
    settings = {"gittrack.transport": transport}
    fill(make_repository(tmp_path / "first"), many)
    with (
        closing(connect(tmp_path / "first", str(remote), settings)) as first,
        closing(connect(make_repository(tmp_path / "second"), str(remote), settings)) as second,
    ):

        def compare(what: str, ours_s: float, plain_s: float) -> None:
            report(
                f"{transport}: {what}: {ours_s * 1e3:,.0f} ms, plain git {plain_s * 1e3:,.0f} ms: "
                f"{ours_s / plain_s:.1f} times"
            )

        ours_s = took(lambda: first.push("origin"))
        compare(f"first push of {many:,} runs", ours_s, plain_push(first, empty(tmp_path, "plain"), None))

        ours_s = took(lambda: pull(second))
        other = make_repository(tmp_path / "third")
        plain_s = took(lambda: git(other, "fetch", "-q", str(remote), f"{RUNS_REF}:{RUNS_REF}"))
        compare(f"first pull of {many:,} runs", ours_s, plain_s)

        old = first.head()
        log_run(first, FIRST_NUMBER, points=100)
        sent = git_bytes(
            first.layout.root.parent, "pack-objects", "--revs", "--stdout", "-q",
            data=f"{first.head()}\n^{old}\n".encode(),
        )  # fmt: skip
        count = int.from_bytes(sent[8:12], "big")
        ours_s = took(lambda: first.push("origin"))
        plain_s = plain_push(first, tmp_path / "plain.git", old)
        compare(f"push of one run ({count} objects, {len(sent):,} bytes)", ours_s, plain_s)

        for place, store in enumerate((first, second)):
            for number in range(APART):
                log_run(store, FIRST_NUMBER + 1 + place * APART + number)
        first.push("origin")
        second.fetch("origin")
        ours_s = took(lambda: second.merge("origin"))
        plain_s = took(lambda: git(second.layout.root.parent, "rev-list", "--objects", "HEAD", "-n", "1"))
        compare(f"merge of clones {APART} runs apart (beside one start of git)", ours_s, plain_s)
        second.push("origin")

        ours_s = took(lambda: second.push("origin"))
        where = second.layout.root.parent
        plain_s = took(
            lambda: git(where, "fetch", "-q", "origin", f"+{RUNS_REF}:refs/gittrack-remote/origin/runs")
        )
        compare("exchange of nothing", ours_s, plain_s)


def empty(folder: Path, name: str) -> Path:
    return make_repository(folder / f"{name}.git", "bare")
