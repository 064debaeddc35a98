"""`gittrack.autolog()` with MLflow there: trainings log themselves into the repository."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.views import ViewType
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(600)]

TRAINING = """
import gittrack
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

gittrack.autolog(log_models=False)
LogisticRegression(max_iter=200, C=0.5).fit(*load_iris(return_X_y=True))
"""


def test_a_training_logs_itself_as_a_run_of_the_repository(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    done = subprocess.run(
        [sys.executable, "-c", TRAINING],
        cwd=repository,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    client = Client(repository)
    (run,) = client.list_runs()
    assert (run.status, run.data.params["C"]) == ("FINISHED", "0.5")
    assert run.data.metrics["training_accuracy_score"] > 0.9
    client.close()


def test_mlflow_gc_removes_deleted_runs_and_models_for_good(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    client = Client(repository)
    doomed, kept = client.create_run(), client.create_run()
    for run in (doomed, kept):
        client.set_terminated(run.run_id)
    client.delete_run(doomed.run_id)
    model = client.create_logged_model("0", "brief")
    client.delete_logged_model(model.model_id)
    store = f"gittrack:{repository}"
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", "gc", "--backend-store-uri", store, "--tracking-uri", store],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [run.run_id for run in client.iter_runs(view_type=ViewType.ALL)] == [kept.run_id]
    assert client.store.find_document("logged-models", model.model_id) is None
    client.close()


def test_runs_that_name_no_experiment_go_where_the_repository_says(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    git(repository, "config", "gittrack.experiment", "moons")
    script = "import mlflow\nwith mlflow.start_run(): mlflow.log_metric('m', 1)"
    subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        env={**os.environ, "MLFLOW_TRACKING_URI": "gittrack:."},
        check=True,
    )
    client = Client(repository)
    (run,) = client.list_runs()
    assert client.get_experiment(run.experiment_id).name == "moons"
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert run.data.tags["mlflow.source.git.commit"] == head.stdout.strip()
    client.close()
