"""Evaluation and tracing by gittrack's own names, in the run that gittrack has active."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(600)]

EVALUATION = """
import gittrack, mlflow, pandas
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

data, classes = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=200).fit(data, classes)
predictions = pandas.DataFrame({"class": classes, "guess": model.predict(data)})
gittrack.set_experiment("irises")
with gittrack.start_run() as run:
    found = gittrack.evaluate(
        data=predictions, targets="class", predictions="guess", model_type="classifier", evaluators="default"
    )
    gittrack.log_metric("after", 1.0)
    assert gittrack.get_run(run.info.run_id).status == "RUNNING"
    assert mlflow.active_run() is None
with mlflow.start_run() as theirs:  # of MLflow itself: where gittrack's next run would go
    assert theirs.info.experiment_id == gittrack.get_experiment_by_name("irises").experiment_id
print(found.metrics["accuracy_score"])
"""

TRACING = """
import asyncio, gittrack, mlflow

@gittrack.trace
def plain(x): return x + 1

@gittrack.trace(name="counting")
def generator(x): yield from range(x)

@gittrack.trace
async def coroutine(x): return plain(x)

@gittrack.trace
async def asynchronous(x):
    yield x

async def main():
    assert await coroutine(1) == 2
    assert [one async for one in asynchronous(3)] == [3]

with gittrack.start_run():
    assert plain(1) == 2
    assert list(generator(3)) == [0, 1, 2]
    asyncio.run(main())
    with gittrack.start_span("by hand") as span:
        span.set_inputs({"x": 1})
assert plain(4) == 5
mlflow.flush_trace_async_logging()
traces = mlflow.search_traces(return_type="list", locations=["0"])
import json
print(json.dumps([
    (one.data.spans[0].name, len(one.data.spans), one.info.trace_metadata.get("mlflow.sourceRun", "none"))
    for one in traces
]))
"""


DECORATED = """
import os, pathlib, sys
repository = pathlib.Path.cwd()
os.chdir("/")
import gittrack, inspect

@gittrack.trace
def plain(x): return x + 1

@gittrack.trace
async def coroutine(x): return plain(x)

assert inspect.iscoroutinefunction(coroutine)
os.chdir(repository)
with gittrack.start_run() as run:
    assert plain(1) == 2
import mlflow
mlflow.flush_trace_async_logging()
[one] = mlflow.search_traces(return_type="list", locations=["0"])
print(one.info.trace_metadata["mlflow.sourceRun"] == run.info.run_id)
"""


ASSESSMENTS = """
import gittrack, json, mlflow

with gittrack.start_span("work") as span:
    pass
mlflow.flush_trace_async_logging()
for name, value in {"stars": 2**60 + 1, "share": 0.5, "pair": [1, 2.5]}.items():
    mlflow.log_feedback(trace_id=span.trace_id, name=name, value=value)
for name, value in {"goal": 3, "goals": {"a": 1}}.items():
    mlflow.log_expectation(trace_id=span.trace_id, name=name, value=value)
print(json.dumps({one.name: one.value for one in mlflow.get_trace(span.trace_id).info.assessments}))
"""


def test_an_evaluation_is_logged_to_the_active_run_which_goes_on(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    accuracy = float(play(EVALUATION, repository).splitlines()[-1])
    client = Client(repository)
    run = client.list_runs()[-1]
    assert (run.status, run.data.metrics["after"]) == ("FINISHED", 1.0)
    assert run.data.metrics["accuracy_score"] == accuracy > 0.9
    assert "confusion_matrix.png" in [one.path for one in client.list_artifacts(run.run_id)]
    assert client.get_experiment(run.experiment_id).name == "irises"
    client.close()


def test_whole_numbers_of_assessments_stay_whole(tmp_path: Path) -> None:
    values = json.loads(play(ASSESSMENTS, make_repository(tmp_path / "work")).splitlines()[-1])
    assert values == {"stars": 2**60 + 1, "share": 0.5, "pair": [1, 2.5], "goal": 3, "goals": {"a": 1}}
    assert [type(values[name]) for name in ("stars", "share", "goal")] == [int, float, int]


def test_a_function_is_decorated_outside_of_any_repository(tmp_path: Path) -> None:
    assert play(DECORATED, make_repository(tmp_path / "work")).splitlines()[-1] == "True"


def test_calls_of_every_kind_of_function_are_traced_into_the_run_that_is_active(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    traces: list[list[Any]] = json.loads(play(TRACING, repository).splitlines()[-1])
    client = Client(repository)
    (run,) = client.list_runs()
    client.close()
    assert sorted(traces) == [
        ["asynchronous", 1, run.run_id],
        ["by hand", 1, run.run_id],
        ["coroutine", 2, run.run_id],
        ["counting", 1, run.run_id],
        ["plain", 1, run.run_id],
        ["plain", 1, "none"],
    ]


def play(script: str, repository: Path) -> str:
    """Run a script in a repository and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
