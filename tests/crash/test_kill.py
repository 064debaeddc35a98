"""A process that is killed at any moment loses nothing of what was acknowledged."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import RunStatus
from gittrack.store import ref_lock
from gittrack.tracking.client import Client
from tests.crash.children import STALE_LOCK_S
from tests.repositories import age_leftovers, check_repository, leftovers, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittrack.core.model import Run

CHILDREN = Path(__file__).with_name("children.py")
ROOT = CHILDREN.parents[2]
KILLS = 25
"""In each of the four repositories: a hundred moments in all."""


class Nursery:
    """Makes children, and knows what they said before they died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._nurse = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.children"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def _ask(self, *words: object) -> int:
        assert self._nurse.stdin is not None
        assert self._nurse.stdout is not None
        self._nurse.stdin.write("\t".join(map(str, words)) + "\n")
        return int(self._nurse.stdout.readline())

    def spawn(self, *arguments: object) -> Child:
        out = self._folder / f"said-{next(self._numbers)}"
        return Child(self, self._ask(out, *arguments), out)

    def wait(self, pid: int) -> int:
        return self._ask("wait", pid)

    def close(self) -> None:
        with self._nurse:
            assert self._nurse.stdin is not None
            self._nurse.stdin.close()


@dataclass(frozen=True, slots=True)
class Child:
    """A process that logs until it ends or is killed."""

    nursery: Nursery
    pid: int
    out: Path

    def wait_for_a_word(self) -> list[str]:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.out.exists() and (words := self.words()):
                return words[0]
            time.sleep(0.002)
        pytest.fail("the child says nothing")

    def words(self) -> list[list[str]]:
        """Return what it said, without a last word that was cut off."""
        return [line.decode().split() for line in self.out.read_bytes().split(b"\n")[:-1]]

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        return self.nursery.wait(self.pid)


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ref_lock, "STALE_S", STALE_LOCK_S)


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("said"))
    yield made
    made.close()


class Acknowledged:
    """What a child was told is stored."""

    def __init__(self) -> None:
        self.facts: dict[str, list[list[str]]] = defaultdict(list)

    def add(self, words: list[list[str]]) -> None:
        for kind, run_id, *rest in words:
            self.facts[run_id].append([kind, *rest])

    def check(self, client: Client, run_id: str) -> None:
        run = client.get_run(run_id)
        facts = self.facts[run_id]
        kinds = [fact[0] for fact in facts]
        steps = kinds.count("metric")
        series = client.get_series(run_id)
        for key, summary in run.metrics.items():
            # What the child logged but was killed before it could say so may be there too: one point.
            assert summary.count == len(series[key]) in {steps, steps + 1}
            assert series[key].steps == list(range(summary.count))
        assert len(run.metrics) == 2 or steps == 0
        if "param" in kinds:
            assert run.params["lr"] == float(facts[kinds.index("param")][2])
        if "artifact" in kinds:
            assert client.read_artifact(run_id, "number.txt") == run.name.removeprefix("run-").encode()
        if "tag" in kinds:
            assert run.tags["done"] == "yes"
        check_end(run, is_acknowledged="end" in kinds, may_have_ended="tag" in kinds)


def check_end(run: Run, *, is_acknowledged: bool, may_have_ended: bool) -> None:
    """Check that a run is finished if it said so, else that it failed at its last event."""
    if is_acknowledged:
        assert run.status is RunStatus.FINISHED
    elif not may_have_ended or run.status is not RunStatus.FINISHED:
        assert (run.status, run.reason) == (RunStatus.FAILED, "killed")
        assert run.end_time is not None
        last = max([one.last_time for one in run.metrics.values()], default=run.start_time)
        assert 0 <= run.end_time - last <= 5000


@pytest.mark.parametrize("seed", range(4))
def test_every_acknowledged_call_survives_a_kill(seed: int, nursery: Nursery, tmp_path: Path) -> None:
    moments = random.Random(seed)
    repository = make_repository(tmp_path / "repo")
    acknowledged = Acknowledged()
    for _ in range(KILLS):
        child = nursery.spawn("log_forever", repository)
        child.wait_for_a_word()
        time.sleep(moments.uniform(0, 0.12))
        child.kill()
        assert child.wait() == -signal.SIGKILL
        acknowledged.add(child.words())
    with closing(Client(repository)) as client:
        assert {run.run_id for run in client.list_runs()} >= set(acknowledged.facts)
        for run_id in acknowledged.facts:
            acknowledged.check(client, run_id)
        head = client.head()
        age_leftovers(repository)
        assert client.recover() == []
        assert client.head() == head
    assert leftovers(repository) == []
    check_repository(repository)


def test_every_version_and_promotion_that_was_acknowledged_survives_a_kill(
    nursery: Nursery, tmp_path: Path
) -> None:
    moments = random.Random(7)
    repository = make_repository(tmp_path / "repo")
    numbers: dict[int, int] = {}
    for _ in range(KILLS):
        child = nursery.spawn("register_forever", repository)
        child.wait_for_a_word()
        time.sleep(moments.uniform(0, 0.12))
        child.kill()
        assert child.wait() == -signal.SIGKILL
        said = child.words()
        numbers |= {int(number): child.pid for kind, number in said if kind == "version"}
        champion = max((int(number) for kind, number in said if kind == "champion"), default=0)
        with closing(Client(repository)) as client:
            assert (client.get_registered_model("iris").aliases.get("champion") or 0) >= champion
    with closing(Client(repository)) as client:
        found = {one.version: one.source for one in client.search_model_versions("name = 'iris'")}
        assert {number: found.get(number) for number in numbers} == {
            number: f"s3://{pid}" for number, pid in numbers.items()
        }
        assert sorted(found) == list(range(1, len(found) + 1))
        assert len(found) - len(numbers) <= KILLS
        age_leftovers(repository)
        client.recover()
    assert leftovers(repository) == []
    check_repository(repository)


def count_changes(nursery: Nursery, kind: str, repository: Path) -> int:
    child = nursery.spawn(kind, repository, 0)
    assert child.wait() == 0
    return int(child.words()[-1][1])


def check_doomed(repository: Path, words: list[list[str]], *, judge: bool = True) -> None:
    run_id = words[0][1]
    said_more = ["more", run_id] in words
    with closing(Client(repository)) as client:
        run = client.get_run(run_id)
        count = run.metrics["loss"].count
        assert client.get_series(run_id)["loss"].steps == list(range(count))
        assert count in ({6} if said_more else {5, 6})
        assert run.params == {"lr": 0.5}
        assert client.read_artifact(run_id, "a.txt") == b"content"
        check_end(run, is_acknowledged=["end", run_id] in words, may_have_ended=said_more)
        assert [one.run_id for one in client.list_runs()] == [run_id]
        head = client.head()
        age_leftovers(repository)
        assert client.recover() == []
        assert client.head() == head
    assert leftovers(repository) == []
    if judge:
        check_repository(repository)


def test_a_kill_before_any_change_of_a_file_costs_nothing(nursery: Nursery, tmp_path: Path) -> None:
    """At every single one: after the entry and before the pack, after the ref and before tidying up, …"""
    total = count_changes(nursery, "one_run", make_repository(tmp_path / "count", "unborn"))
    assert total > 20
    for number in range(1, total + 1):
        repository = make_repository(tmp_path / f"repo{number}", "unborn")
        child = nursery.spawn("one_run", repository, number)
        assert child.wait() == -signal.SIGKILL
        check_doomed(repository, child.words(), judge=number % 4 == 0)


def test_a_kill_while_recovering_costs_nothing(nursery: Nursery, tmp_path: Path) -> None:
    def leave_work(repository: Path) -> list[list[str]]:
        child = nursery.spawn("one_run", repository, 9)
        assert child.wait() == -signal.SIGKILL
        return child.words()

    counted = make_repository(tmp_path / "count", "unborn")
    leave_work(counted)
    total = count_changes(nursery, "recover", counted)
    assert total > 5
    for number in range(1, total + 1, 2):
        repository = make_repository(tmp_path / f"repo{number}", "unborn")
        words = leave_work(repository)
        for again in (number, max(number // 2, 1)):
            nursery.spawn("recover", repository, again).wait()
        check_doomed(repository, words, judge=number % 4 == 0)


def test_a_run_that_is_killed_after_a_checkpoint_has_failed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    program = (
        "import os, sys\n"
        "from gittrack.tracking.client import Client\n"
        "client = Client(sys.argv[1])\n"
        "run = client.create_run()\n"
        "client.log_metric(run.run_id, 'loss', 1.0)\n"
        "client.store.checkpoint(client.live(run.run_id).sink)\n"
        "if sys.argv[2] == 'more':\n"
        "    client.log_metric(run.run_id, 'loss', 2.0, step=1)\n"
        "    client.store.checkpoint(client.live(run.run_id).sink)\n"
        "    client.log_metric(run.run_id, 'loss', 2.0, step=2)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    for more in ("more", "nothing more"):
        subprocess.run([sys.executable, "-c", program, str(repository), more], cwd=ROOT, check=False)
    with closing(Client(repository)) as client:
        runs = client.list_runs()
    assert sorted(run.metrics["loss"].count for run in runs) == [1, 3]
    assert [(run.status, run.reason) for run in runs] == [(RunStatus.FAILED, "killed")] * 2
    for run in runs:
        assert run.end_time is not None
        assert 0 <= run.end_time - run.metrics["loss"].last_time < 5000


def test_a_run_that_lives_is_left_alone_until_it_is_killed(nursery: Nursery, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    child = nursery.spawn("linger", repository)
    run_id = child.wait_for_a_word()[1]
    with closing(Client(repository)) as client:
        assert client.recover() == []
        assert client.get_run(run_id).status is RunStatus.RUNNING
        child.kill()
        child.wait()
        assert client.recover() == [run_id]
        assert client.get_run(run_id).reason == "killed"
