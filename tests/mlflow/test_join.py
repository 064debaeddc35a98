"""MLflow's own calls below `gittrack run` log to its run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gittrack.tracking.client import Client
from tests.repositories import make_repository

pytestmark = pytest.mark.mlflow

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import mlflow
with mlflow.start_run():
    mlflow.log_param("depth", 3)
    mlflow.log_metric("acc", 0.9, step=2)
"""


def test_a_script_that_knows_only_mlflow_joins_the_run_of_its_command(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    command = [sys.executable, "-m", "gittrack", "run", "--name", "outer", "--", sys.executable, "-c", SCRIPT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    client = Client(repository)
    (run,) = client.list_runs()
    client.close()
    assert (run.name, run.status, run.data.params["depth"]) == ("outer", "FINISHED", "3")
    assert run.metrics["acc"].last_step == 2
