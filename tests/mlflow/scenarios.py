"""What people do with a tracker, played under MLflow and under gittrack: it must come out the same.

``ml`` is the tracker's module, ``note`` takes down what a scenario sees; what it leaves in the store is
compared as well.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import decimal
import fractions
import io
import json
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mlflow.recording import Notes

CLOCK_MS = 1_600_000_000_000
"""Times before this were given by a scenario, later ones by the clock."""
ACTIVE, DELETED, ALL = 1, 2, 3
SCENARIOS: list[Callable[[Any, Notes], None]] = []


def scenario(function: Callable[[Any, Notes], None]) -> Callable[[Any, Notes], None]:
    """Have a function played."""
    SCENARIOS.append(function)
    return function


def list_run_ids(ml: Any, experiment_ids: list[str]) -> list[str]:
    """Return the ids of all runs."""
    client = ml.MlflowClient()
    if ml.__name__ == "gittrack":
        return [run.run_id for run in client.list_runs(experiment_ids, ALL)]
    return [run.info.run_id for run in client.search_runs(experiment_ids, run_view_type=ALL)]


def list_artifacts(client: Any, run_id: str, folder: str | None = None) -> list[list[Any]]:
    """Return path, size and text of all artifacts of a run."""
    found: list[list[Any]] = []
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            found += list_artifacts(client, run_id, entry.path)
            continue
        content = Path(client.download_artifacts(run_id, entry.path)).read_bytes()
        assert len(content) == entry.file_size
        # What is no text was encoded by a library; names tell enough of it here.
        text = content.decode() if entry.path.endswith((".txt", ".json", ".yml", ".yaml", ".bin")) else None
        found.append([entry.path, text])
    return found


def entities_of(ml: Any) -> Any:
    """Return the module that has ``Metric``, ``Param`` and ``RunTag``."""
    return sys.modules["mlflow.entities"] if ml.__name__ == "mlflow" else ml


def new_run(ml: Any, name: str = "run", **arguments: Any) -> str:
    """Return the id of a run that is active now."""
    run_id: str = ml.start_run(run_name=name, **arguments).info.run_id
    return run_id


def status_of(ml: Any, run_id: str) -> str:
    """Return the status of a run."""
    status: str = ml.get_run(run_id).info.status
    return status


# Runs


@scenario
def a_run_holds_what_was_logged(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="first") as run:
        ml.log_param("lr", 0.1)
        ml.log_params({"depth": 3, "name": "tree"})
        ml.log_metric("loss", 0.5)
        ml.log_metrics({"acc": 0.9, "f1": 0.8}, step=2)
        ml.set_tag("team", "vision")
        ml.set_tags({"a": 1, "b": None})
        note("status inside", status_of(ml, run.info.run_id))
        note("end time inside", ml.get_run(run.info.run_id).info.end_time)
    note("status after", status_of(ml, run.info.run_id))
    note("name", run.info.run_name)
    note("experiment", run.info.experiment_id)
    note("stage", run.info.lifecycle_stage)


@scenario
def a_block_that_raises_fails_its_run(ml: Any, note: Notes) -> None:
    for kind in (ValueError, KeyboardInterrupt, SystemExit, GeneratorExit):
        try:
            with ml.start_run(run_name=kind.__name__):
                raise kind  # noqa: TRY301  (that is what is asked)
        except kind:
            note("raised", kind.__name__)
        note("status", ml.last_active_run().info.status)
        note("active", ml.active_run())


@scenario
def end_run_takes_a_status(ml: Any, note: Notes) -> None:
    for status in ("FINISHED", "FAILED", "KILLED"):
        run_id = new_run(ml, status)
        ml.end_run(status)
        note(status, status_of(ml, run_id))
    note("nothing to end", ml.end_run())
    note("again", ml.end_run())


@scenario
def a_run_is_resumed_by_its_id(ml: Any, note: Notes) -> None:
    run_id = new_run(ml)
    ml.log_metric("m", 1, step=1)
    ml.log_param("p", 1)
    ml.end_run("FAILED")
    with ml.start_run(run_id=run_id) as run:
        note("same", run.info.run_id == run_id)
        note("status", status_of(ml, run_id))
        ml.log_metric("m", 2, step=2)
        ml.log_param("q", 2)
        note.outcome("changed param", lambda: ml.log_param("p", 2))
        note.outcome("equal param", lambda: ml.log_param("p", 1))
    note("after", status_of(ml, run_id))


@scenario
def resuming_sets_name_tags_and_description(ml: Any, note: Notes) -> None:
    run_id = new_run(ml, "old", tags={"a": 1, "b": 1})
    ml.end_run()
    with ml.start_run(run_id=run_id, run_name="new", tags={"b": 2, "c": 2}, description="again"):
        note("name", ml.get_run(run_id).info.run_name)


@scenario
def what_cannot_be_resumed(ml: Any, note: Notes) -> None:
    run_id = new_run(ml)
    ml.end_run()
    ml.delete_run(run_id)
    note.outcome("deleted", lambda: ml.start_run(run_id=run_id))
    note("active", ml.active_run())
    note.outcome("unknown", lambda: ml.start_run(run_id="0123456789abcdef0123456789abcdef"))
    note.outcome("malformed", lambda: ml.start_run(run_id="../../etc"))
    note("active", ml.active_run())


@scenario
def resuming_a_run_of_another_experiment(ml: Any, note: Notes) -> None:
    run_id = new_run(ml)
    ml.end_run()
    other = ml.create_experiment("other")
    with ml.start_run(run_id=run_id, experiment_id=other) as run:
        note("experiment_id is for new runs", run.info.experiment_id)
    ml.set_experiment("other")
    note.outcome("another is active", lambda: ml.start_run(run_id=run_id))


@scenario
def nested_runs_know_their_parent(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="parent") as parent:
        with ml.start_run(run_name="child", nested=True) as child:
            note("active", ml.active_run().info.run_name)
            with ml.start_run(run_name="grandchild", nested=True) as grandchild:
                ml.log_metric("m", 1)
            note("active", ml.active_run().info.run_name)
        note("active", ml.active_run().info.run_name)
        ml.log_metric("m", 2)
    note("of parent", ml.get_parent_run(parent.info.run_id))
    note("of child", ml.get_parent_run(child.info.run_id).info.run_name)
    note("of grandchild", ml.get_parent_run(grandchild.info.run_id).info.run_name)
    note.outcome("of unknown", lambda: ml.get_parent_run("0" * 32))


@scenario
def a_second_run_needs_nested(ml: Any, note: Notes) -> None:
    first = new_run(ml)
    note.outcome("second", lambda: ml.start_run(run_name="second"))
    note.outcome("with parent_run_id only", lambda: ml.start_run(run_name="third", parent_run_id=first))
    note("still active", ml.active_run().info.run_id == first)


@scenario
def a_parent_may_be_named(ml: Any, note: Notes) -> None:
    parent = new_run(ml, "parent")
    ml.end_run()
    with ml.start_run(run_name="child", parent_run_id=parent):
        pass
    deleted = new_run(ml, "deleted parent")
    ml.end_run()
    ml.delete_run(deleted)
    note.outcome("deleted", lambda: ml.start_run(run_name="x", parent_run_id=deleted))
    note.outcome("unknown", lambda: ml.start_run(run_name="x", parent_run_id="0" * 32))
    note.outcome("malformed", lambda: ml.start_run(run_name="x", parent_run_id="a/b"))
    with ml.start_run(run_name="active") as active:
        with ml.start_run(run_name="same", nested=True, parent_run_id=active.info.run_id):
            pass
        note.outcome("not the active one", lambda: ml.start_run(nested=True, parent_run_id=parent))


@scenario
def logging_without_a_run_starts_one(ml: Any, note: Notes) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: ml.log_param("p", 1),
        lambda: ml.log_params({"p": 1}),
        lambda: ml.log_metric("m", 1),
        lambda: ml.log_metrics({"m": 1}),
        lambda: ml.set_tag("t", 1),
        lambda: ml.set_tags({"t": 1}),
        lambda: ml.log_text("text", "a.txt"),
        lambda: ml.log_dict({}, "a.json"),
        ml.get_artifact_uri,
    ]
    for call in calls:
        call()
        active = ml.active_run()
        note("active", active is not None)
        ml.end_run()
        note("status", status_of(ml, active.info.run_id))


@scenario
def a_run_that_nobody_ends_is_ended_with_the_process(ml: Any, note: Notes) -> None:
    new_run(ml)
    ml.log_metric("m", 1)


@scenario
def the_implicit_run_is_ended_with_the_process(ml: Any, note: Notes) -> None:
    ml.log_metric("m", 1)


@scenario
def a_description_is_a_tag(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="a", description="**bold**", tags={"k": "v"}):
        pass
    note.outcome("both", lambda: ml.start_run(description="d", tags={"mlflow.note.content": "e"}))
    note("active", ml.active_run())
    with ml.start_run(run_name="b", description=""):
        pass
    with ml.start_run(run_name="c", tags={"mlflow.note.content": "by tag"}):
        pass


@scenario
def the_run_name_is_a_tag(ml: Any, note: Notes) -> None:
    run_id = new_run(ml, "before")
    ml.set_tag("mlflow.runName", "after")
    note("name", ml.get_run(run_id).info.run_name)
    ml.end_run()
    client = ml.MlflowClient()
    client.update_run(run_id, name="last")
    note("name", ml.get_run(run_id).info.run_name)
    note("tag", ml.get_run(run_id).data.tags["mlflow.runName"])
    client.set_tag(run_id, "mlflow.runName", "ended")
    note("name", ml.get_run(run_id).info.run_name)
    note.outcome("both differ", lambda: client.create_run("0", run_name="a", tags={"mlflow.runName": "b"}))
    note("by tag", client.create_run("0", tags={"mlflow.runName": "tagged"}).info.run_name)
    note("both", client.create_run("0", run_name="c", tags={"mlflow.runName": "c"}).info.run_name)


@scenario
def a_run_without_a_name_gets_one(ml: Any, note: Notes) -> None:
    for name in (None, ""):
        with ml.start_run(run_name=name) as run:
            note("name", run.info.run_name)


@scenario
def active_and_last_active_run(ml: Any, note: Notes) -> None:
    note("active", ml.active_run())
    note("last", ml.last_active_run())
    with ml.start_run(run_name="outer"):
        ml.log_metric("m", 1)
        note("last", ml.last_active_run().info.run_name)
        with ml.start_run(run_name="inner", nested=True):
            note("last", ml.last_active_run().info.run_name)
        note("last", ml.last_active_run().info.run_name)
    note("last", ml.last_active_run().info.run_name)
    note("status", ml.last_active_run().info.status)
    note("metrics", ml.last_active_run().data.metrics)
    note("active", ml.active_run())


@scenario
def a_run_ended_by_hand_inside_its_block(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="a") as run:
        ml.end_run("KILLED")
    note("status", status_of(ml, run.info.run_id))
    with ml.start_run(run_name="b"):
        ml.end_run()
        other = ml.start_run(run_name="c")
    note("other", status_of(ml, other.info.run_id))
    note("active", ml.active_run().info.run_name)


@scenario
def what_get_run_refuses(ml: Any, note: Notes) -> None:
    note.outcome("unknown", lambda: ml.get_run("0" * 32))
    note.outcome("malformed", lambda: ml.get_run("../x"))
    note.outcome("empty", lambda: ml.get_run(""))


@scenario
def a_run_lives_where_it_is_told(ml: Any, note: Notes) -> None:
    one = ml.create_experiment("one")
    with ml.start_run(run_name="by id", experiment_id=one):
        pass
    ml.set_experiment("two")
    with ml.start_run(run_name="by name"):
        pass
    with ml.start_run(run_name="by id again", experiment_id=one):
        pass
    note.outcome("unknown", lambda: ml.start_run(experiment_id="99999"))
    note("active", ml.active_run())


# The client


@scenario
def the_client_makes_and_ends_runs(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    run = client.create_run("0", start_time=1_000, tags={"a": 1}, run_name="made")
    run_id = run.info.run_id
    note("status", run.info.status)
    note("start", run.info.start_time)
    note("active", ml.active_run())
    client.log_param(run_id, "p", 1)
    client.log_metric(run_id, "m", 0.5, timestamp=5, step=3)
    client.set_tag(run_id, "t", "v")
    client.set_terminated(run_id, "FAILED", end_time=9_000)
    after = client.get_run(run_id).info
    note("end", [after.status, after.end_time])
    client.update_run(run_id, status="RUNNING")
    note("running", client.get_run(run_id).info.status)
    client.update_run(run_id, status="FINISHED", name="renamed")
    note("finished", [client.get_run(run_id).info.status, client.get_run(run_id).info.run_name])
    note.outcome("no status", lambda: client.set_terminated(run_id, "DONE"))
    note.outcome("unknown experiment", lambda: client.create_run("4242"))
    note.outcome("unknown run", lambda: client.set_terminated("0" * 32))
    note.outcome("unknown run", lambda: client.update_run("0" * 32, "FINISHED"))


@scenario
def a_finished_run_may_be_logged_to(ml: Any, note: Notes) -> None:
    run_id = new_run(ml)
    ml.log_metric("m", 1, step=0)
    ml.end_run()
    client = ml.MlflowClient()
    client.log_metric(run_id, "m", 2, step=1)
    client.log_param(run_id, "late", True)
    client.set_tag(run_id, "late", True)
    client.log_text(run_id, "late", "late.txt")
    ml.log_metric("n", 3, run_id=run_id)
    ml.log_metrics({"o": 3}, run_id=run_id)
    ml.log_params({"later": 1}, run_id=run_id)
    ml.log_text("later", "later.txt", run_id=run_id)
    note("status", status_of(ml, run_id))
    note("active", ml.active_run())


@scenario
def a_batch_holds_metrics_params_and_tags(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    run_id = client.create_run("0", run_name="batch").info.run_id
    entities = entities_of(ml)
    metric, param, tag = entities.Metric, entities.Param, entities.RunTag
    client.log_batch(
        run_id, [metric("m", 1.0, 10, 0), metric("m", 2.0, 11, 1)], [param("p", "1")], [tag("t", "1")]
    )
    client.log_batch(run_id, metrics=[metric("m", 1.0, 10, 0)])
    client.log_batch(run_id)
    note.outcome("param twice", lambda: client.log_batch(run_id, params=[param("q", "1"), param("q", "2")]))
    note.outcome("changed", lambda: client.log_batch(run_id, params=[param("new", "1"), param("p", "2")]))
    note.outcome("bad key", lambda: client.log_batch(run_id, params=[param("good", "1"), param("b@d", "2")]))
    note.outcome("unknown run", lambda: client.log_batch("0" * 32, params=[param("p", "1")]))
    client.log_batch(run_id, metrics=[metric("many", float(step), 20 + step, step) for step in range(1001)])
    client.log_batch(run_id, params=[param(f"p{number}", str(number)) for number in range(150)])
    note("params", len(client.get_run(run_id).data.params))
    client.set_terminated(run_id)


# Params


@scenario
def params_do_not_change(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        ml.log_param("one", 1)
        for value in (1, "1", 1.0, 2, "", True, "1 "):
            note.outcome(repr(value), lambda value=value: ml.log_param("one", value))
        ml.log_param("none", None)
        note.outcome("None", lambda: ml.log_param("none", "None"))
        note.outcome("none", lambda: ml.log_param("none", "none"))
        ml.log_param("true", "True")
        note.outcome("true", lambda: ml.log_param("true", value=True))
        note.outcome("together", lambda: ml.log_params({"new": 1, "one": 3, "newer": 2}))


@scenario
def params_of_every_kind(ml: Any, note: Notes) -> None:
    import numpy as np

    values = [
        None, True, False, 0, -0.0, 1e100, 1e-320, 2**70, float("nan"), float("inf"), "", " ",
        "text\nof lines", "日本",
        [1, "a", None], {"b": 1, "a": [2.5]}, (1, 2), {3}, b"bytes", ..., int, decimal.Decimal("1.10"),
        fractions.Fraction(1, 3), dt.date(2020, 1, 2), Path("a/b"), 1j, range(3),
        np.float32(0.1), np.float64(0.1), np.int64(7), np.bool_(True), np.array([1, 2]),
        np.str_("np"), [np.float32(0.5)],
    ]  # fmt: skip
    with ml.start_run(run_name="run"):
        for number, value in enumerate(values):
            note.outcome(
                f"{number}", lambda number=number, value=value: ml.log_param(f"p{number:02}", value), str
            )


@scenario
def what_logging_returns(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        note("param", ml.log_param("p", 1.5))
        note("params", ml.log_params({"q": 1}))
        note("metric", ml.log_metric("m", 1))
        note("metrics", ml.log_metrics({"n": 1}))
        note("tag", ml.set_tag("t", 1))
        note("tags", ml.set_tags({"u": 1}))
        note("text", ml.log_text("x", "x.txt"))
        note("delete", ml.delete_tag("t"))
        note("nothing", [ml.log_params({}), ml.log_metrics({}), ml.set_tags({})])
        ml.log_metric("later", 1, synchronous=False).wait()
        ml.log_param("later", 1, synchronous=False).wait()
        ml.set_tag("later", 1, synchronous=False).wait()


# Keys

KEYS: list[Any] = [
    "a", "A.b-c_d e/f", "a:b", "学習率", "é", "1", "-", "_", ".", "a.", ".a", "...", "..", "../a", "a/..",
    "a/../b",
    "a/b/c", "a//b", "/a", "a/", "./a", "a/./b", "", " ", " a", "a ", "a\nb", "a\tb", "a@b", "a%b",
    "a\\b", "a,b",
    "a\0b", "a\u2028b", "💥", "k" * 250, "k" * 251, 1, None, 1.5, b"b", ("a",), "mlflow.x",
]  # fmt: skip


@scenario
def keys_of_params(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        for key in KEYS:
            note.outcome(ascii(key), lambda key=key: ml.log_param(key, 1), lambda _: "taken")


@scenario
def keys_of_metrics(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        for key in KEYS:
            note.outcome(ascii(key), lambda key=key: ml.log_metric(key, 1), lambda _: "taken")


@scenario
def keys_of_tags(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        for key in KEYS:
            note.outcome(ascii(key), lambda key=key: ml.set_tag(key, 1), lambda _: "taken")


# Metrics


@scenario
def values_of_metrics(ml: Any, note: Notes) -> None:
    import numpy as np

    values = [
        1, True, 0.1, 1e-320, 5e-324, 1.7976931348623157e308, 2**63, "1.5", " 2 ", "abc", "", None, [1],
        (1,), {}, 1j,
        decimal.Decimal("0.1"), fractions.Fraction(1, 3), np.float32(0.1), np.float64(0.1), np.int8(-3),
        np.bool_(True), np.array(2.5), np.array([2.5]), np.array([1.0, 2.0]), 10**400, object(), float("nan"),
    ]  # fmt: skip
    with ml.start_run(run_name="run"):
        for number, value in enumerate(values):
            note.outcome(
                f"{number}", lambda n=number, value=value: ml.log_metric(f"m{n:02}", value), lambda _: "taken"
            )


@scenario
def steps_of_metrics(ml: Any, note: Notes) -> None:
    steps = [None, 0, 7, -5, 2**63 - 1, -(2**63), True]
    with ml.start_run(run_name="run"):
        for number, step in enumerate(steps):
            note.outcome(
                f"{number}",
                lambda n=number, step=step: ml.log_metric(f"m{n}", 1, step=step),
                lambda _: "taken",
            )
        bad: list[Any] = ["1", [1], "x", object()]
        for step in bad:
            note.outcome(
                f"{type(step)}", lambda step=step: ml.log_metric("refused", 1, step=step), lambda _: "taken"
            )


@scenario
def times_of_metrics(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        for timestamp in (1, 999, None):
            ml.log_metric("m", 1, step=1, timestamp=timestamp)
        for bad in (-1, "1", "x", [1]):
            note.outcome(
                f"{bad!r}", lambda bad=bad: ml.log_metric("refused", 1, timestamp=bad), lambda _: "taken"
            )


@scenario
def the_history_has_every_point_in_one_order(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    run_id = client.create_run("0", run_name="run").info.run_id
    points = [
        (3.0, 30, 5),
        (1.0, 10, -2),
        (2.0, 20, 9),
        (2.5, 20, 9),
        (0.5, 20, 1),
        (9.0, 40, 5),
        (9.0, 10, 9),
        (7.0, 30, 5),
    ]
    for value, timestamp, step in points + points[:3]:
        client.log_metric(run_id, "m", value, timestamp, step)
    for key in ("m", "never"):
        history = client.get_metric_history(run_id, key)
        note(key, [[point.key, point.value, point.timestamp, point.step] for point in history])
    note("latest", client.get_run(run_id).data.metrics)
    client.set_terminated(run_id)


@scenario
def the_latest_value_has_the_highest_step_then_time_then_value(ml: Any, note: Notes) -> None:
    nan = float("nan")
    client = ml.MlflowClient()
    run_id = client.create_run("0", run_name="run").info.run_id
    cases: dict[str, list[tuple[float, int, int]]] = {
        "step": [(1, 0, 5), (2, 9, 4)],
        "time": [(1, 5, 0), (2, 4, 0)],
        "value": [(2, 5, 0), (1, 5, 0)],
        "negative": [(2, 5, -1), (1, 5, -2)],
        "nan last": [(1, 5, 0), (nan, 5, 1)],
        "nan first": [(nan, 5, 0), (1, 5, 1)],
        "nan ties": [(nan, 5, 0), (1, 5, 0)],
        "nan ties again": [(1, 5, 0), (nan, 5, 0)],
        "nan twice": [(nan, 5, 0), (nan, 5, 0)],
    }
    for key, points in cases.items():
        for value, timestamp, step in points:
            client.log_metric(run_id, key, value, timestamp, step)
        note(key, client.get_run(run_id).data.metrics[key])
    client.set_terminated(run_id)


@scenario
def several_metrics_share_step_and_time(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        ml.log_metrics({"a": 1, "b": 2.5, "c": "3"}, step=4, timestamp=50)
        ml.log_metrics({}, step=5)
        note.outcome("one is bad", lambda: ml.log_metrics({"d": 1, "e": "x"}, step=6))
        note.outcome("a key is bad", lambda: ml.log_metrics({"f": 1, "g@": 2}, step=6))


# Tags


@scenario
def tags_are_text_and_the_last_one_wins(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        for value in (None, True, 1.5, [1], {"a": 1}, "", "text\nof lines", "日本", b"b"):
            note.outcome(repr(value), lambda value=value: ml.set_tag("t", value))
            note("is", ml.get_run(run.info.run_id).data.tags["t"])


@scenario
def tags_are_deleted(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        ml.set_tags({"a": 1, "b": 2})
        ml.delete_tag("a")
        note.outcome("again", lambda: ml.delete_tag("a"))
        note.outcome("never set", lambda: ml.delete_tag("c"))
        ml.set_tag("a", 3)
    client = ml.MlflowClient()
    client.delete_tag(run.info.run_id, "b")
    note.outcome("missing", lambda: client.delete_tag(run.info.run_id, "b"))
    note.outcome("unknown run", lambda: client.delete_tag("0" * 32, "b"))


# Experiments


@scenario
def experiments_are_created_once(ml: Any, note: Notes) -> None:
    one = ml.create_experiment("one", tags={"a": "1", "b": "x"})
    note("type", type(one).__name__)
    note("name", ml.get_experiment(one).name)
    note.outcome("again", lambda: ml.create_experiment("one"))
    note.outcome("default", lambda: ml.create_experiment("Default"))
    for name in ("", None, 12, "a/b", "日本", " spaced ", "n" * 500, "n" * 501, "a@b"):
        note.outcome(ascii(name), lambda name=name: ml.create_experiment(name), lambda _: "taken")
    note("by name", ml.get_experiment_by_name("one").name)
    note("by missing name", ml.get_experiment_by_name("two"))
    note.outcome("by missing id", lambda: ml.get_experiment("98765"))
    note("default", [ml.get_experiment("0").name, ml.get_experiment("0").lifecycle_stage])


@scenario
def an_experiment_is_made_active(ml: Any, note: Notes) -> None:
    made = ml.set_experiment("made")
    note("name", [made.name, made.lifecycle_stage])
    with ml.start_run(run_name="in made"):
        pass
    note("again", ml.set_experiment("made").experiment_id == made.experiment_id)
    ml.set_experiment(experiment_id="0")
    with ml.start_run(run_name="in default"):
        pass
    note.outcome("both", lambda: ml.set_experiment("made", made.experiment_id))
    note.outcome("neither", ml.set_experiment)
    note.outcome("unknown id", lambda: ml.set_experiment(experiment_id="31415"))
    ml.delete_experiment(made.experiment_id)
    note.outcome("deleted", lambda: ml.set_experiment("made"))
    note.outcome("deleted id", lambda: ml.set_experiment(experiment_id=made.experiment_id))
    with ml.start_run(run_name="still in default"):
        pass


@scenario
def experiments_are_renamed(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    one, two = client.create_experiment("one"), client.create_experiment("two")
    client.rename_experiment(one, "uno")
    note("name", client.get_experiment(one).name)
    note("old name", client.get_experiment_by_name("one"))
    note("same id", client.get_experiment_by_name("uno").experiment_id == one)
    note.outcome("taken", lambda: client.rename_experiment(two, "uno"))
    note.outcome("to itself", lambda: client.rename_experiment(two, "two"))
    note.outcome("empty", lambda: client.rename_experiment(two, ""))
    note.outcome("unknown", lambda: client.rename_experiment("2718", "x"))
    client.delete_experiment(two)
    note.outcome("deleted", lambda: client.rename_experiment(two, "dos"))
    note.outcome("name of a deleted one", lambda: client.rename_experiment(one, "two"))
    note("free again", client.create_experiment("one") != one)


@scenario
def a_deleted_experiment_takes_its_runs_along(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    one = ml.create_experiment("one")
    with ml.start_run(run_name="ended", experiment_id=one) as run:
        ml.log_param("p", 1)
    run_id = run.info.run_id
    ml.delete_experiment(one)
    note("stage", ml.get_experiment(one).lifecycle_stage)
    note("by name", ml.get_experiment_by_name("one").lifecycle_stage)
    note("run", ml.get_run(run_id).info.lifecycle_stage)
    note.outcome("again", lambda: ml.delete_experiment(one))
    note.outcome("same name", lambda: ml.create_experiment("one"))
    note.outcome("new run", lambda: client.create_run(one))
    note.outcome("start run", lambda: ml.start_run(experiment_id=one))
    note.outcome("log", lambda: client.log_metric(run_id, "m", 1))
    note.outcome("tag", lambda: client.set_tag(run_id, "t", 1))
    note.outcome("experiment tag", lambda: client.set_experiment_tag(one, "t", 1))
    client.restore_experiment(one)
    note("stage", [ml.get_experiment(one).lifecycle_stage, ml.get_run(run_id).info.lifecycle_stage])
    note.outcome("restored again", lambda: client.restore_experiment(one))
    note.outcome("unknown", lambda: ml.delete_experiment("1618"))
    note.outcome("unknown", lambda: client.restore_experiment("1618"))
    client.log_metric(run_id, "m", 1)


@scenario
def experiments_have_tags(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    one = ml.set_experiment("one").experiment_id
    ml.set_experiment_tag("a", 1)
    ml.set_experiment_tags({"b": True, "c": None, "a": "2"})
    note("tags", dict(ml.get_experiment(one).tags))
    client.delete_experiment_tag(one, "b")
    note.outcome("missing", lambda: client.delete_experiment_tag(one, "b"))
    note.outcome("bad key", lambda: client.set_experiment_tag(one, "a@b", 1))
    note.outcome("unknown", lambda: client.set_experiment_tag("1618", "a", 1))
    ml.delete_experiment_tag("c")
    note("tags", dict(ml.get_experiment(one).tags))


@scenario
def the_default_experiment_has_tags_too(ml: Any, note: Notes) -> None:
    ml.set_experiment_tag("a", 1)
    note("tags", dict(ml.get_experiment("0").tags))
    note("experiments", [one.name for one in ml.search_experiments()])


@scenario
def experiments_are_listed_newest_first(ml: Any, note: Notes) -> None:
    ids = []
    for name in ("one", "two", "three"):
        time.sleep(0.005)
        ids.append(ml.create_experiment(name))
    ml.delete_experiment(ids[1])
    for view in (ACTIVE, DELETED, ALL):
        note(f"view {view}", [one.name for one in ml.search_experiments(view_type=view)])
    note("active by default", [one.name for one in ml.search_experiments()])
    note("two", [one.name for one in ml.search_experiments(max_results=2)])
    for bad in (0, -1, 50_001):
        note.outcome(f"{bad}", lambda bad=bad: list(ml.MlflowClient().search_experiments(max_results=bad)))


# Deleting runs


@scenario
def runs_are_deleted_and_restored(ml: Any, note: Notes) -> None:
    run_id = new_run(ml)
    ml.log_metric("m", 1)
    ml.set_tag("t", 1)
    ml.end_run()
    client = ml.MlflowClient()
    for _ in range(2):
        ml.delete_run(run_id)
        note("stage", ml.get_run(run_id).info.lifecycle_stage)
    note("metrics", ml.get_run(run_id).data.metrics)
    note("history", len(client.get_metric_history(run_id, "m")))
    note.outcome("metric", lambda: client.log_metric(run_id, "m", 2))
    note.outcome("param", lambda: client.log_param(run_id, "p", 2))
    note.outcome("tag", lambda: client.set_tag(run_id, "t", 2))
    note.outcome("delete tag", lambda: client.delete_tag(run_id, "t"))
    note.outcome("batch", lambda: client.log_batch(run_id, tags=[entities_of(ml).RunTag("t", "2")]))
    note.outcome("end", lambda: client.set_terminated(run_id))
    note.outcome("rename", lambda: client.update_run(run_id, name="x"))
    for _ in range(2):
        client.restore_run(run_id)
        note("stage", ml.get_run(run_id).info.lifecycle_stage)
    note.outcome("unknown", lambda: ml.delete_run("0" * 32))
    note.outcome("unknown", lambda: client.restore_run("0" * 32))
    client.log_metric(run_id, "m", 3, step=3)


# Threads and tasks


@scenario
def a_new_thread_has_no_active_run(ml: Any, note: Notes) -> None:
    def work() -> None:
        note("in the thread", ml.active_run())
        with ml.start_run(run_name="of the thread"):
            ml.log_metric("m", 1)

    with ml.start_run(run_name="of the main thread"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        note("in the main thread", ml.active_run().info.run_name)
        ml.log_metric("m", 2)


@scenario
def a_thread_logs_to_the_run_of_another(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        threads = [
            threading.Thread(
                target=ml.log_metric,
                args=("m", number),
                kwargs={"step": number, "timestamp": number + 1, "run_id": run.info.run_id},
            )
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    note("points", len(ml.MlflowClient().get_metric_history(run.info.run_id, "m")))


@scenario
def a_task_logs_to_the_run_of_its_creator(ml: Any, note: Notes) -> None:
    async def work(number: int) -> None:
        await asyncio.sleep(0)
        ml.log_metric("m", number, step=number)

    async def main() -> None:
        await asyncio.gather(*(work(number) for number in range(5)))

    with ml.start_run(run_name="run"):
        asyncio.run(main())
        note("active", ml.active_run().info.run_name)


# The environment


@scenario
def the_environment_names_the_experiment(ml: Any, note: Notes) -> None:
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "from the environment"
    with ml.start_run(run_name="a"):
        pass
    with ml.start_run(run_name="b"):
        pass
    ml.set_experiment("chosen")
    with ml.start_run(run_name="c"):
        pass


@scenario
def the_environment_gives_the_id_of_the_experiment(ml: Any, note: Notes) -> None:
    one, two = ml.create_experiment("one"), ml.create_experiment("two")
    os.environ["MLFLOW_EXPERIMENT_ID"] = one
    with ml.start_run(run_name="a"):
        pass
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "two"
    note.outcome("both", lambda: ml.start_run(run_name="b"))
    os.environ["MLFLOW_EXPERIMENT_ID"] = two
    with ml.start_run(run_name="c"):
        pass
    del os.environ["MLFLOW_EXPERIMENT_NAME"]
    os.environ["MLFLOW_EXPERIMENT_ID"] = "77777"
    note.outcome("unknown", lambda: ml.start_run(run_name="d"))


@scenario
def the_environment_gives_the_run(ml: Any, note: Notes) -> None:
    run_id = new_run(ml, "given")
    ml.end_run()
    os.environ["MLFLOW_RUN_ID"] = run_id
    with ml.start_run(run_name="other") as run:
        note("resumed", run.info.run_id == run_id)
    note("variable", os.environ.get("MLFLOW_RUN_ID"))
    with ml.start_run(run_name="next") as run:
        note("resumed", run.info.run_id == run_id)


@scenario
def a_child_process_logs_to_the_same_experiment(ml: Any, note: Notes) -> None:
    script = f"import {ml.__name__} as ml\nwith ml.start_run(run_name='of the child'): ml.log_metric('m', 1)"
    Path("child.py").write_text(script, "utf-8")
    ml.set_experiment("shared")
    subprocess.run([sys.executable, "child.py"], check=True)


# Artifacts


@scenario
def texts_are_files(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run") as run:
        ml.log_text("plain\r\nlines\n", "a.txt")
        ml.log_text("日本 💥", "folder/in/b.txt")
        ml.log_text("", "empty.txt")
        ml.log_text("first", "twice.txt")
        ml.log_text("second", "twice.txt")
        for path in ("./c.txt", "d//e.txt", "f/./g.txt", "with space.txt", "ünï.txt"):
            note.outcome(path, lambda path=path: ml.log_text("x", path))
        for path in ("../h.txt", "/abs/i.txt", "a/../../j.txt"):
            note.outcome(path, lambda path=path: ml.log_text("x", path))
        note(
            "listed",
            [
                [one.path, one.is_dir, one.file_size]
                for one in ml.artifacts.list_artifacts(run_id=run.info.run_id)
            ],
        )


@scenario
def dicts_are_json_or_yaml(ml: Any, note: Notes) -> None:
    import numpy as np

    value = {
        "b": [1, 2.5, None, True, "日本"], "a": {"nested": {}}, "n": float("nan"), "i": float("inf"),
        "date": dt.datetime(2020, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "path": Path("a/b"), 1: "key",
        "f32": np.float32(0.1),
        "f64": np.float64(0.1), "i64": np.int64(3), "array": np.array([1, 2]), "set": {1},
        "decimal": decimal.Decimal("1.5"),
    }  # fmt: skip
    simple = {"b": [1, 2.5, None, True, "x"], "a": {"nested": {}}}
    circle: dict[str, Any] = {}
    circle["self"] = circle
    with ml.start_run(run_name="run"):
        ml.log_dict(value, "data.json")
        for path in ("data", "data.txt", "folder/data.json"):
            ml.log_dict(value, path)
        for path in ("data.yml", "data.yaml"):
            ml.log_dict(simple, path)
        ml.log_dict([1, {"a": 2}], "list.json")  # type: ignore[unused-ignore]
        note.outcome("tuple as key", lambda: ml.log_dict({(1, 2): 3}, "bad.json"), lambda _: "taken")
        uri = ml.get_artifact_uri()
        note("loaded", ml.artifacts.load_dict(f"{uri}/data.json"))
        note("loaded", ml.artifacts.load_text(f"{uri}/data.yml"))


@scenario
def files_and_folders(ml: Any, note: Notes) -> None:
    folder = Path("results")
    (folder / "deep").mkdir(parents=True)
    (folder / "a.txt").write_text("a", "utf-8")
    (folder / "deep" / "b.txt").write_text("b", "utf-8")
    with ml.start_run(run_name="run") as run:
        ml.log_artifact("results/a.txt")
        ml.log_artifact(str(folder / "a.txt"), "sub/folder")
        ml.log_artifact(folder)
        ml.log_artifacts(folder, "all")
        ml.log_artifacts("results")
        for path in ("", "all", "all/deep", "a.txt", "missing"):
            listed = ml.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path=path or None)
            note(path, [[one.path, one.is_dir, one.file_size] for one in listed])
        got = Path(
            ml.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="all", dst_path="to")
        )
        note(
            "downloaded",
            [
                got.relative_to(Path.cwd() / "to" if got.is_absolute() else "to").as_posix(),
                (got / "deep/b.txt").read_text(),
            ],
        )
        got = Path(
            ml.artifacts.download_artifacts(f"runs:/{run.info.run_id}/all/deep/b.txt", dst_path="file")
        )
        note("one file", got.read_text("utf-8"))
        note.outcome("no file", lambda: ml.log_artifact("missing.txt"))
        note.outcome("no artifact", lambda: ml.artifacts.download_artifacts(f"runs:/{run.info.run_id}/none"))
        note.outcome("no run", lambda: ml.artifacts.download_artifacts(f"runs:/{'0' * 32}/none"))
        note.outcome("neither", ml.artifacts.list_artifacts)
        note.outcome("both", lambda: ml.artifacts.list_artifacts("runs:/x/y", run_id="x"))
        note.outcome("uri and path", lambda: ml.artifacts.download_artifacts("runs:/x/y", artifact_path="x"))


@scenario
def streams_are_files(ml: Any, note: Notes) -> None:
    with ml.start_run(run_name="run"):
        ml.log_stream(io.BytesIO(b"small"), "small.bin")
        ml.log_stream(io.BytesIO(b"x" * 300_000), "folder/large.bin")
        stream = io.BytesIO(b"skipped, kept")
        stream.seek(9)
        ml.log_stream(stream, "rest.bin")
        note.outcome("text", lambda: ml.log_stream(io.StringIO("text"), "text.txt"))


@scenario
def figures_are_files(ml: Any, note: Notes) -> None:
    import matplotlib.pyplot as plt
    from plotly import graph_objects

    figure, axes = plt.subplots()
    axes.plot([1, 2])
    with ml.start_run(run_name="run"):
        for path in ("a.png", "folder/b.svg", "c.pdf", "d.jpg"):
            ml.log_figure(figure, path)
        ml.log_figure(figure, "e.png", save_kwargs={"dpi": 20})
        ml.log_figure(graph_objects.Figure(graph_objects.Scatter(x=[1], y=[2])), "f.html")
        uri = ml.get_artifact_uri()
        note("size", ml.artifacts.load_image(f"{uri}/a.png").size)
        note("small", ml.artifacts.load_image(f"{uri}/e.png").size)
        note("plotly", "cdn" in ml.artifacts.load_text(f"{uri}/f.html"))
        note.outcome("axes", lambda: ml.log_figure(axes, "bad.png"))
        note.outcome("unknown format", lambda: ml.log_figure(figure, "bad.xyz"))
        note.outcome("plotly as text", lambda: ml.log_figure(graph_objects.Figure(), "bad.txt"))


@scenario
def images_are_files(ml: Any, note: Notes) -> None:
    import numpy as np
    from PIL import Image

    ramp = np.arange(48)
    images = {
        "grey.png": ramp.reshape(6, 8).astype("uint8"),
        "int.png": ramp.reshape(6, 8),
        "one.png": ramp.reshape(6, 8, 1).astype("uint8"),
        "rgb.png": ramp.reshape(4, 4, 3).astype("uint8"),
        "rgba.png": ramp.reshape(3, 4, 4).astype("uint8"),
        "bool.png": (ramp % 2 == 0).reshape(6, 8),
        "float.png": ramp.reshape(6, 8) / 47,
        "float32.png": (ramp.reshape(4, 4, 3) / 47).astype("float32"),
        "float16.png": (ramp.reshape(4, 4, 3) / 47).astype("float16"),
        "pillow.png": Image.new("RGB", (5, 3), (1, 2, 3)),
        "folder/grey.bmp": Image.new("L", (5, 3), 7),
    }
    with ml.start_run(run_name="run"):
        uri = ml.get_artifact_uri()
        for path, image in images.items():
            ml.log_image(image, path)
            loaded = ml.artifacts.load_image(f"{uri}/{path}")
            note(path, [loaded.mode, loaded.size, np.asarray(loaded).tolist()])
        bad: dict[str, Any] = {
            "one axis": ramp, "four axes": ramp.reshape(1, 6, 8, 1), "two channels": ramp.reshape(4, 6,
            2), "below": ramp.reshape(6, 8) - 1,
            "above": ramp.reshape(6, 8) + 250, "text": np.array([["a"]]), "complex": ramp.reshape(6,
            8) * 1j, "list": [[1, 2]], "none": None,
            "no pixel": np.zeros((0, 4)),
        }  # fmt: skip
        for label, image in bad.items():
            note.outcome(label, lambda image=image: ml.log_image(image, "bad.png"))
        note.outcome("unknown format", lambda: ml.log_image(images["grey.png"], "bad.xyz"))


@scenario
def images_of_a_series_are_named_as_the_mlflow_ui_wants(ml: Any, note: Notes) -> None:
    import numpy as np

    image = np.zeros((100, 400, 3), "uint8")
    with ml.start_run(run_name="run") as run:
        ml.log_image(image, key="dogs", synchronous=True)
        ml.log_image(image, key="a/b c.d-e_f", step=7, synchronous=True)
        ml.log_image(image, key="k", step=3, timestamp=1_500_000_000_000, synchronous=True)
        for entry in ml.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="images"):
            loaded = ml.artifacts.load_image(f"runs:/{run.info.run_id}/{entry.path}")
            note(entry.path, [loaded.format, loaded.size])
        for key in ("a@b", "", "ä", 3):
            note.outcome(repr(key), lambda key=key: ml.log_image(image, key=key, synchronous=True))
        note.outcome("nothing", lambda: ml.log_image(image))
        note.outcome("both", lambda: ml.log_image(image, "a.png", key="k"))
        note.outcome("step alone", lambda: ml.log_image(image, step=3))
        note.outcome("path and step", lambda: ml.log_image(image, "a.png", step=3))


@scenario
def tables_grow(ml: Any, note: Notes) -> None:
    import pandas as pd

    with ml.start_run(run_name="run") as run:
        ml.log_table({"q": ["a", "ü"], "n": [1, 2]}, "t.json")
        note("text", ml.artifacts.load_text(f"runs:/{run.info.run_id}/t.json"))
        ml.log_table(pd.DataFrame({"q": ["c"], "n": [3.5]}), "t.json")
        ml.log_table({"q": "single", "n": None}, "t.json")
        ml.log_table({"other": [dt.datetime(2020, 1, 2, tzinfo=dt.UTC)]}, artifact_file="folder/u.json")
        for path in ("t.csv", "t", "a:b.json", 'a".json'):
            note.outcome(path, lambda path=path: ml.log_table({"a": [1]}, path))
        for data in ([1], "text", None):
            note.outcome(repr(data), lambda data=data: ml.log_table(data, "bad.json"))
    note("tag", json.loads(ml.get_run(run.info.run_id).data.tags["mlflow.loggedArtifacts"]))


@scenario
def tables_of_an_experiment_are_loaded_together(ml: Any, note: Notes) -> None:
    ids = []
    for number in range(3):
        time.sleep(0.005)
        with ml.start_run(run_name=f"run {number}") as run:
            ml.log_param("number", number)
            ml.log_metric("score", number / 2)
            if number != 1:
                ml.log_table({"row": [number, number + 10], "status": ["x", "y"]}, "t.json")
            ids.append(run.info.run_id)
    columns = ["run_id", "experiment_id", "status", "params.number", "metrics.score", "tags.mlflow.runName"]
    table = ml.load_table("t.json", extra_columns=columns)
    note("all", [list(table.columns), table.to_numpy().tolist()])
    note("some", ml.load_table("t.json", run_ids=ids[:2]).to_numpy().tolist())
    note.outcome("none", lambda: ml.load_table("missing.json"))
    note("client", ml.MlflowClient().load_table("0", "t.json").to_numpy().tolist())


@scenario
def tables_hold_images(ml: Any, note: Notes) -> None:
    from PIL import Image

    image = Image.new("RGB", (40, 20))
    with ml.start_run(run_name="run") as run:
        ml.log_table({"prompt": ["a", "b"], "image": [image, image]}, "sub/t.json")
        note.outcome("mixed", lambda: ml.log_table({"image": [image, 3]}, "mixed.json"))
        for entry in ml.artifacts.list_artifacts(run_id=run.info.run_id, artifact_path="table_images/sub/t"):
            note(entry.path)


FILTERS = r"""

metrics.acc > 0.5
metrics.acc >= .5 and metrics.acc < 9e-1
metric.acc != 0.5
metrics.acc = 0.5
metrics.acc <= -0.5
metrics.`val/loss` < 1
metrics."val/loss" < 1
metrics.nan > 0
metrics.nan != 0
metrics.nan = 0
metrics.none != 0
metrics.loss.min = 3
metrics.`loss.min` = 3
params.lr = '0.1'
params.lr = "0.1"
params.lr != '0.1'
params.lr = '0.10'
params.lr LIKE '0.%'
parameter.opt LIKE 'A%'
param.opt ILIKE 'A%'
params.opt LIKE 'a_am'
params.`a b` = 'x'
params."a b" = 'x'
params.none IS NULL
params.none != 'x'
params.opt IS NOT NULL
tags.team = 'Vision'
tag.team ILIKE 'vision'
tags.team != 'x'
tags.team IS NULL
tags.text = 'it says "hi"'
tags.text LIKE '%"%'
tags.quote = "it's"
tags.path = 'C:\new'
tags.`mlflow.runName` = 'a'
tags.mlflow.runName LIKE '%'
attributes.run_name = 'a'
run_name != 'a'
run_name LIKE '_'
attr.`Run Name` = 'b'
attribute."run name" = 'b'
run.status = 'FINISHED'
status != 'FINISHED'
status LIKE 'F%'
start_time > 1500000000000
start_time = 1500000000000
created <= 1500000000000
end_time > 0
end_time != 1500000005000
user_id LIKE '%'
artifact_uri LIKE '%'
run_id IN ('a', 'b')
run_id NOT IN ('a', 'b',)
metrics.acc >
metrics.acc > 'x'
metrics.acc LIKE 'x'
params.a = 'x
nothing = 'x'
nothing.a = 'x'
params.a IS
""".split("\n")
"""What MLflow reads, which we must read as it does, and what both refuse."""
ORDERS: list[list[str]] = [
    [], ["metrics.acc"], ["metrics.acc DESC"], ["metrics.nan"], ["metrics.nan DESC"], ["params.opt DESC"],
    ["params.opt"], ["tags.team ASC"], ["attributes.start_time ASC"], ["start_time desc"],
    ["status", "run_name DESC"],
    ["metrics.`val/loss` ASC", "attribute.run_name"], ["end_time"], ["end_time DESC"], ["created"],
    ["metrics.acc DOWN"], ["nothing.a"], [""],
]  # fmt: skip


def make_searched_runs(ml: Any) -> None:
    """Record runs that differ in what filters look at."""
    client = ml.MlflowClient()
    rows: list[tuple[str, str, dict[str, float], dict[str, Any], dict[str, str]]]
    rows = [
        ("a", "FINISHED", {"acc": 0.5, "nan": 1}, {"lr": 0.1, "opt": "adam"}, {"team": "Vision"}),
        ("b", "FAILED", {"acc": 0.9, "nan": math.nan, "val/loss": 0.2}, {"lr": "0.10", "a b": "x"}, {}),
        (
            "c",
            "FINISHED",
            {"acc": -0.5, "val/loss": 3, "loss.min": 3},
            {"opt": "Adam"},
            {"quote": "it's"},
        ),
        ("d", "KILLED", {}, {"lr": 1}, {"text": 'it says "hi"', "team": "vision", "path": r"C:\new"}),
    ]
    for number, (name, status, metrics, params, tags) in enumerate(rows):
        start = 1_500_000_000_000 + number * 1000
        run_id = client.create_run("0", start_time=start, tags=tags, run_name=name).info.run_id
        for key, value in metrics.items():
            client.log_metric(run_id, key, value)
        for key, param in params.items():
            client.log_param(run_id, key, param)
        client.set_terminated(run_id, status, start + 5000)
    client.create_run("0", start_time=1_500_000_000_000, run_name="live")


@scenario
def searches_find_the_same_runs(ml: Any, note: Notes) -> None:
    make_searched_runs(ml)
    client = ml.MlflowClient()
    for text in FILTERS:
        note.outcome(
            text, lambda text=text: sorted(run.info.run_name for run in client.search_runs(["0"], text))
        )


@scenario
def searches_come_in_the_same_order(ml: Any, note: Notes) -> None:
    make_searched_runs(ml)
    client = ml.MlflowClient()
    for order in ORDERS:
        note.outcome(
            str(order),
            lambda order=order: [
                run.info.run_name
                for run in client.search_runs(["0"], "run_name != 'live'", order_by=order, max_results=3)
            ],
        )


@scenario
def searches_come_page_by_page(ml: Any, note: Notes) -> None:
    make_searched_runs(ml)
    client = ml.MlflowClient()
    token = None
    for number in range(3):
        page = client.search_runs(["0"], "", max_results=2, order_by=["run_name"], page_token=token)
        token = page.token
        note(f"page {number}", [[run.info.run_name for run in page], token is None])
    for size in (0, -1, 50_001):
        note.outcome(f"size {size}", lambda size=size: len(client.search_runs(["0"], "", max_results=size)))
    note.outcome("token", lambda: len(client.search_runs(["0"], "", page_token="nonsense")))


@scenario
def searches_give_the_same_data_frame(ml: Any, note: Notes) -> None:
    make_searched_runs(ml)
    frame = ml.search_runs(order_by=["run_name"])
    unlike = {"run_id", "artifact_uri"}
    for name in sorted(frame.columns):
        if name not in unlike and (not name.startswith("tags.mlflow") or name == "tags.mlflow.runName"):
            note(name, [str(frame[name].dtype), [str(cell) for cell in frame[name]]])
    note("first", list(frame.columns[:6]))
    note("names", len(ml.search_runs(experiment_names=["Default"], output_format="list")))
    note("everywhere", len(ml.search_runs(search_all_experiments=True, max_results=2)))
    note("unknown", len(ml.search_runs(experiment_names=["nothing"])))
    note.outcome("both", lambda: ml.search_runs(["0"], experiment_names=["Default"]))
    client = ml.MlflowClient()
    for run in client.search_runs(["0"], "status = 'RUNNING'"):
        client.set_terminated(run.info.run_id)


EXPERIMENT_FILTERS = """

name = 'one'
name != 'one'
attribute.name LIKE 'o%'
name LIKE '%e' AND tags.team = 'a'
tags.team != 'a'
tag.team LIKE 'b%'
tags.`team` ILIKE 'B'
tags.team IS NULL
tags.team IS NOT NULL
experiment_id = '0'
experiment_id IN ('0')
experiment_id NOT IN ('0')
creation_time > 0 AND name != 'Default'
creation_time < 0
last_update_time >= 1500000000000 AND name != 'Default'
name > 3 AND
nothing = 'x'
name LIKE
tags.
""".split("\n")


@scenario
def searches_find_the_same_experiments(ml: Any, note: Notes) -> None:
    client = ml.MlflowClient()
    for name, team in (("one", "a"), ("two", "b"), ("three", None)):
        client.create_experiment(name, tags={"team": team} if team else None)
    for text in EXPERIMENT_FILTERS:
        note.outcome(
            text,
            lambda text=text: sorted(one.name for one in client.search_experiments(filter_string=text)),
        )
    for order in (["name"], ["name DESC"], ["attribute.name ASC"], ["name DOWN"], ["nothing"]):
        note.outcome(
            str(order), lambda order=order: [one.name for one in client.search_experiments(order_by=order)]
        )
    token = None
    for number in range(2):
        page = client.search_experiments(order_by=["name"], max_results=3, page_token=token)
        token = page.token
        note(f"page {number}", [[one.name for one in page], token is None])
    note("fluent", len(ml.search_experiments(filter_string="name LIKE 't%'", order_by=["name"])))


DATASET_FILTERS = """
dataset.name = 'train'
datasets.name != 'train'
dataset.name LIKE '%a%'
dataset.name ILIKE 'TR%'
dataset.digest = 'd1'
dataset.context = 'eval'
dataset.context != 'eval'
dataset.name = 'train' AND dataset.digest = 'd2'
dataset.name = 'train' AND dataset.context = 'eval'
dataset.name IN ('train', 'x')
dataset.name NOT IN ('train')
dataset.size = 'x'
""".strip().split("\n")


@scenario
def searches_find_the_same_datasets(ml: Any, note: Notes) -> None:
    import importlib

    entities = entities_of(ml)
    inputs = entities if ml.__name__ == "mlflow" else importlib.import_module("gittrack.core.inputs")
    client = ml.MlflowClient()
    rows: dict[str, list[tuple[str, str, str | None]]] = {
        "a": [("train", "d1", "training"), ("test", "d2", "eval")], "b": [("train", "d2", None)], "c": [],
    }  # fmt: skip
    for name, datasets in rows.items():
        run_id = client.create_run("0", run_name=name).info.run_id
        for dataset, digest, context in datasets:
            tags = [inputs.InputTag("mlflow.data.context", context)] if context else []
            read = inputs.Dataset(dataset, digest, "local", "{}")
            client.log_inputs(run_id, [inputs.DatasetInput(read, tags)])
        client.set_terminated(run_id)
    for text in DATASET_FILTERS:
        note.outcome(
            text, lambda text=text: sorted(run.info.run_name for run in client.search_runs(["0"], text))
        )
