"""Threads, tasks and processes that log to one run: nothing is lost, nobody waits for ever."""

from __future__ import annotations

import asyncio
import contextvars
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import pytest

import gittrack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gittrack.core.model import Metric

pytestmark = [
    pytest.mark.timeout(120),
    # Python warns of what these tests are about: a fork while there are threads.
    pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning"),
]

CHILD_LIMIT_S = 60


def fork(work: Callable[[], None]) -> int:
    """Run ``work`` in a forked child that ends like a script, but for pytest's own exit; return its pid."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        signal.alarm(CHILD_LIMIT_S)  # a deadlock kills the child, and the test fails
        work()
        status = 0
    except BaseException:  # noqa: BLE001  (shown, and the status says it)
        traceback.print_exc()
    finally:
        os._exit(status)


def join(child: int) -> None:
    """Wait for a child, which must have ended well."""
    assert os.waitpid(child, 0)[1] == 0


def history(run_id: str, key: str) -> list[Metric]:
    """Return the points of a metric as a new client reads them."""
    return gittrack.Client().get_metric_history(run_id, key).to_list()


def run_script(script: str, folder: Path) -> str:
    """Return what a script in a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Threads and tasks


def test_twenty_threads_that_log_to_one_run_lose_nothing(repo: Path) -> None:
    def work(number: int) -> None:
        for step in range(200):
            gittrack.log_metric("shared", number, step=step, run_id=run.run_id)
            gittrack.log_metrics({f"own/{number}": step}, step=step, run_id=run.run_id)
        gittrack.log_params({f"p{number}": number}, run_id=run.run_id)
        gittrack.log_text(str(number), f"{number}.txt", run_id=run.run_id)

    with gittrack.start_run() as run:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    points = history(run.run_id, "shared")
    assert sorted((point.step, point.value) for point in points) == [
        (step, float(number)) for step in range(200) for number in range(20)
    ]
    after = gittrack.get_run(run.run_id)
    assert {key: after.metrics[key].count for key in after.metrics if key != "shared"} == {
        f"own/{number}": 200 for number in range(20)
    }
    assert after.params == {f"p{number}": number for number in range(20)}
    assert len(after.artifacts) == 20


def test_each_thread_may_have_a_run_of_its_own(repo: Path) -> None:
    ids: list[str] = []

    def work(number: int) -> None:
        assert gittrack.active_run() is None
        with gittrack.start_run(run_name=f"run {number}") as run:
            gittrack.log_metric("m", number)
            ids.append(run.run_id)

    with gittrack.start_run(run_name="main") as main:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert gittrack.active_run() is main
    runs = {run.name: run for run in gittrack.Client().list_runs()}
    assert len(runs) == 9
    assert all(runs[f"run {number}"].data.metrics == {"m": number} for number in range(8))
    assert all(run.status == "FINISHED" and run.parent is None for run in runs.values())


def test_tasks_share_the_run_of_their_creator_and_keep_their_own(repo: Path) -> None:
    async def child(number: int) -> None:
        gittrack.log_metric("shared", number, step=number)
        with gittrack.start_run(run_name=f"task {number}", nested=True):
            await asyncio.sleep(0.01)
            gittrack.log_metric("own", number)
            await asyncio.sleep(0.01)
        gittrack.log_metric("shared", number, step=number + 100)

    async def main() -> None:
        await asyncio.gather(*(child(number) for number in range(10)))

    with gittrack.start_run(run_name="parent") as parent:
        # Not in this thread, whose event loop another test's browser may be running.
        loop = threading.Thread(target=contextvars.copy_context().run, args=(asyncio.run, main()))
        loop.start()
        loop.join()
        assert gittrack.active_run() is parent
    assert len(history(parent.run_id, "shared")) == 20
    children = {run.name: run for run in gittrack.Client().list_runs() if run.parent == parent.run_id}
    assert {name: run.data.metrics["own"] for name, run in children.items()} == {
        f"task {number}": float(number) for number in range(10)
    }


# Forks


def test_a_forked_child_logs_to_the_run_of_its_parent_and_does_not_end_it(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("parent", 1, step=0)

        def work() -> None:
            for step in range(50):
                gittrack.log_metric("child", step, step=step)
            gittrack.log_param("by", "child")

        child = fork(work)
        for step in range(1, 50):
            gittrack.log_metric("parent", step, step=step)
        join(child)
        assert gittrack.get_run(run.run_id).status == "RUNNING"
        assert len(history(run.run_id, "child")) == 50
        gittrack.log_metric("parent", 50, step=50)
    after = gittrack.Client().get_run(run.run_id)
    assert after.status == "FINISHED"
    assert (after.metrics["parent"].count, after.metrics["child"].count) == (51, 50)
    assert after.params == {"by": "child"}


def test_a_forked_child_that_ends_as_scripts_do_does_not_end_the_run_of_its_parent(repo: Path) -> None:
    output = run_script(
        """
import os, sys, gittrack
run = gittrack.start_run()
gittrack.log_metric("m", 1, step=0)
child = os.fork()
if not child:
    gittrack.log_metric("m", 2, step=1)
    sys.exit()  # with all that is registered for the end of a process
os.waitpid(child, 0)
print(gittrack.get_run(run.run_id).status)
gittrack.log_metric("m", 3, step=2)
gittrack.end_run()
after = gittrack.get_run(run.run_id)
print(after.status, after.metrics["m"].count)
""",
        repo,
    )
    assert output.split() == ["RUNNING", "FINISHED", "3"]


def test_a_forked_child_that_outlives_its_parents_run_loses_nothing(repo: Path) -> None:
    reader, writer = os.pipe()
    with gittrack.start_run() as run:
        gittrack.log_metric("m", 0, step=0)

        def work() -> None:
            gittrack.log_metric("m", 1, step=1)
            os.read(reader, 1)
            gittrack.log_metric("m", 2, step=2)

        child = fork(work)
    os.write(writer, b"x")
    join(child)
    os.close(reader)
    os.close(writer)
    assert [point.step for point in history(run.run_id, "m")] == [0, 1, 2]
    after = gittrack.Client().get_run(run.run_id)
    assert (after.status, after.metrics["m"].count) == ("FINISHED", 3)


def test_children_of_children_log_to_the_run_too(repo: Path) -> None:
    def descend(depth: int) -> None:
        gittrack.log_metric("depth", depth, step=depth)
        if depth < 3:
            join(fork(lambda: descend(depth + 1)))
        gittrack.log_metric("way back", depth, step=depth)

    with gittrack.start_run() as run:
        descend(0)
    after = gittrack.Client().get_run(run.run_id)
    assert (after.metrics["depth"].count, after.metrics["way back"].count) == (4, 4)


def test_workers_of_multiprocessing_log_to_the_run_of_their_parent(repo: Path) -> None:
    context = multiprocessing.get_context("fork")
    with gittrack.start_run() as run:
        workers = [
            context.Process(target=gittrack.log_metric, args=("m", number), kwargs={"step": number})
            for number in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(CHILD_LIMIT_S)
            assert worker.exitcode == 0
        assert gittrack.get_run(run.run_id).status == "RUNNING"
    assert [point.step for point in sorted(history(run.run_id, "m"), key=lambda one: one.step)] == [
        0,
        1,
        2,
        3,
    ]


def test_a_fork_while_other_threads_log_does_not_lock_up(repo: Path) -> None:
    stop = threading.Event()
    counts = [0, 0, 0]

    def work(number: int) -> None:
        while not stop.is_set():
            gittrack.log_metric(f"thread {number}", counts[number], step=counts[number], run_id=run.run_id)
            counts[number] += 1
            time.sleep(0.0002)

    def child() -> None:
        gittrack.log_metric("child", 1)
        gittrack.log_text("x", f"{os.getpid()}.txt")
        gittrack.Client().get_run(run.run_id)

    with gittrack.start_run() as run:
        threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                join(fork(child))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    after = gittrack.Client().get_run(run.run_id)
    assert [after.metrics[f"thread {number}"].count for number in range(3)] == counts
    assert len(after.artifacts) == 20


def test_a_child_may_start_a_run_of_its_own(repo: Path) -> None:
    def work() -> None:
        with gittrack.start_run(run_name="child", nested=True):
            gittrack.log_metric("m", 1)

    with gittrack.start_run(run_name="parent") as run:
        join(fork(work))
    (child,) = [one for one in gittrack.Client().list_runs() if one.name == "child"]
    assert (child.parent, child.status, child.data.metrics) == (run.run_id, "FINISHED", {"m": 1.0})


# Spawned processes


def test_spawned_children_log_by_the_id_of_the_run(repo: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with gittrack.start_run() as run:
        gittrack.log_metric("m", -1, step=100)
        workers = [
            context.Process(
                target=gittrack.log_metric, args=("m", number), kwargs={"step": number, "run_id": run.run_id}
            )
            for number in range(3)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(CHILD_LIMIT_S)
            assert worker.exitcode == 0
        assert gittrack.get_run(run.run_id).status == "RUNNING"
    after = gittrack.Client().get_run(run.run_id)
    assert (after.status, after.metrics["m"].count) == ("FINISHED", 4)


def test_a_killed_child_takes_nothing_along(repo: Path) -> None:
    with gittrack.start_run() as run:

        def work() -> None:
            gittrack.log_metric("m", 1, step=1)
            os.kill(os.getpid(), signal.SIGKILL)

        child = fork(work)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        gittrack.log_metric("m", 2, step=2)
        gittrack.Client().close()  # opening recovers what the dead left, and must leave the living alone
        assert gittrack.get_run(run.run_id).status == "RUNNING"
    after = gittrack.Client().get_run(run.run_id)
    assert (after.status, after.metrics["m"].count) == ("FINISHED", 2)


def test_two_processes_that_set_the_same_experiment_share_it(repo: Path) -> None:
    script = "import gittrack\nprint(gittrack.set_experiment('shared').experiment_id)"
    workers = [
        subprocess.Popen([sys.executable, "-c", script], cwd=repo, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    ids = {worker.communicate(timeout=90)[0].strip() for worker in workers}
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert len(ids) == 1
    assert [one.name for one in gittrack.Client().search_experiments()].count("shared") == 1


def test_an_edit_from_elsewhere_is_seen_while_the_run_is_live(repo: Path) -> None:
    with gittrack.start_run() as run:
        time.sleep(0.002)
        run_script(f"import gittrack\ngittrack.Client().set_tag({run.run_id!r}, 'reviewed', 'yes')", repo)
        assert gittrack.get_run(run.run_id).tags["reviewed"] == "yes"
    assert gittrack.get_run(run.run_id).tags["reviewed"] == "yes"


def test_an_edit_from_elsewhere_outlives_the_end_of_the_run(repo: Path) -> None:
    with gittrack.start_run(run_name="first") as run:
        gittrack.set_tag("state", "early")
        time.sleep(0.002)
        client = f"import gittrack\nclient = gittrack.Client()\nrun_id = {run.run_id!r}\n"
        run_script(f"{client}client.update_run(run_id, name='later')", repo)
        run_script(f"{client}client.set_tag(run_id, 'state', 'late')", repo)
    after = gittrack.get_run(run.run_id)
    assert (after.name, after.tags["state"]) == ("later", "late")
