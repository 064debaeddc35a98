"""What gittrack does otherwise on purpose, played under both trackers."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mlflow.recording import Notes

SCENARIOS: list[Callable[[Any, Notes], None]] = []


def scenario(function: Callable[[Any, Notes], None]) -> Callable[[Any, Notes], None]:
    """Have a function played."""
    SCENARIOS.append(function)
    return function


def play_script(ml: Any, text: str) -> int:
    """Run a script with the tracker as ``ml`` in a process of its own; return its exit status."""
    Path("script.py").write_text(f"import os, {ml.__name__} as ml\n{text}", "utf-8")
    return subprocess.run([sys.executable, "script.py"], check=False).returncode


@scenario
def infinite_metrics(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        ml.log_metric("up", float("inf"))
        ml.log_metric("down", float("-inf"))


@scenario
def a_script_that_crashes(ml: Any, note: Notes) -> None:
    note("exit", play_script(ml, "ml.start_run(run_name='run')\nraise ValueError"))


@scenario
def a_process_that_is_killed(ml: Any, note: Notes) -> None:
    note(
        "exit",
        play_script(ml, "ml.start_run(run_name='run')\nml.log_metric('m', 1)\nos.kill(os.getpid(), 9)"),
    )


@scenario
def nested_runs_that_nobody_ends(ml: Any, note: Notes) -> None:
    ml.start_run(run_name="outer")
    ml.start_run(run_name="inner", nested=True)


@scenario
def a_run_that_its_thread_does_not_end(ml: Any, note: Notes) -> None:
    import threading

    thread = threading.Thread(target=ml.start_run, kwargs={"run_name": "run"})
    thread.start()
    thread.join()


@scenario
def long_values(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        ml.log_param("p", "x" * 60_000)
        ml.set_tag("t", "x" * 60_000)
    data = ml.get_run(run.info.run_id).data
    note("param", len(data.params["p"]))
    note("tag", len(data.tags["t"]))
    with ml.start_run(run_name="longer"):
        note.outcome("too long", lambda: ml.log_param("p", "x" * 70_000), len)


@scenario
def a_run_deleted_before_its_experiment(ml: Any, note: Notes) -> None:
    one = ml.create_experiment("one")
    with ml.start_run(run_name="run", experiment_id=one) as run:
        pass
    ml.delete_run(run.info.run_id)
    ml.delete_experiment(one)
    ml.MlflowClient().restore_experiment(one)


@scenario
def a_child_of_a_run_in_an_experiment_that_is_not_the_active_one(ml: Any, note: Notes) -> None:
    with (
        ml.start_run(run_name="parent", experiment_id=ml.create_experiment("one")),
        ml.start_run(run_name="child", nested=True),
    ):
        pass


@scenario
def an_outer_block_that_ends_first(ml: Any, note: Notes) -> None:
    outer = ml.start_run(run_name="outer")
    ml.start_run(run_name="inner", nested=True)
    with outer:
        pass
    note("active", ml.active_run() and ml.active_run().info.run_name)


@scenario
def tasks_with_runs_of_their_own(ml: Any, note: Notes) -> None:
    async def work(number: int) -> None:
        with ml.start_run(run_name=f"task {number}"):
            await asyncio.sleep(0.01)
            ml.log_metric("m", number)

    async def main() -> None:
        results = await asyncio.gather(*(work(number) for number in range(3)), return_exceptions=True)
        note("refused", sum(isinstance(result, Exception) for result in results))

    asyncio.run(main())


@scenario
def a_forked_child_of_an_active_run(ml: Any, note: Notes) -> None:
    run = ml.start_run(run_name="run")
    child = os.fork()
    if not child:
        ml.log_metric("of the child", 1)
        ml.end_run()
        os._exit(0)
    os.waitpid(child, 0)
    note("status", ml.get_run(run.info.run_id).info.status)
    ml.end_run()


@scenario
def a_run_deleted_while_it_is_active(ml: Any, note: Notes) -> None:
    run = ml.start_run(run_name="run")
    ml.delete_run(run.info.run_id)
    note.outcome("metric", lambda: ml.log_metric("m", 2))
    note.outcome("end", ml.end_run)


@scenario
def the_run_that_was_active_last(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        ml.log_metric("m", 1)
        note("metrics", ml.last_active_run().data.metrics)


@scenario
def a_run_that_the_client_makes(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    run = client.create_run("0", run_name="run")
    note("knows its user", "mlflow.user" in client.get_run(run.info.run_id).data.tags)
    client.set_terminated(run.info.run_id)


@scenario
def a_key_that_ends_in_a_newline(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        note.outcome("metric", lambda: ml.log_metric("m\n", 1))


@scenario
def metrics_that_the_database_bends(ml: Any, note: Notes) -> None:
    import numpy as np

    with ml.start_run(run_name="run") as run:
        ml.log_metric("negative zero", -0.0, timestamp=1)
        ml.log_metric("time zero", 1, timestamp=0)
        ml.log_metric("numpy step", 1, step=np.int64(3), timestamp=1)
        note.outcome("step 1.5", lambda: ml.log_metric("half a step", 1, step=1.5), lambda _: "taken")
        note.outcome("step 2**63", lambda: ml.log_metric("high step", 1, step=2**63), lambda _: "taken")
    note.outcome("history of no run", lambda: ml.MlflowClient().get_metric_history("0" * 32, "m"))
    for key in ("negative zero", "time zero", "numpy step"):
        point = ml.MlflowClient().get_metric_history(run.info.run_id, key)[0]
        note(key, [point.value, point.timestamp == 0, str(point.step)])


@scenario
def tags_of_a_new_experiment_that_are_no_text(ml: Any, note: Notes) -> None:
    note.outcome("number", lambda: ml.create_experiment("one", tags={"a": 1}), lambda _: "taken")


@scenario
def a_run_that_is_active_twice(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        note.outcome("again", lambda: ml.start_run(run_id=run.info.run_id, nested=True), lambda _: "taken")


@scenario
def filters_beyond_those_of_mlflow(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    for name in ("a", "b"):
        run_id = client.create_run("0", run_name=name).info.run_id
        client.log_param(run_id, "lr", {"a": 0.1, "b": 1}[name])
    for text in (
        "params.lr < 0.5",
        "run_name = 'a' OR run_name = 'b'",
        "NOT run_name == 'a'",
        "run_name = 'a' AND",
    ):
        note.outcome(
            text, lambda text=text: sorted(run.info.run_name for run in client.search_runs(["0"], text))
        )
