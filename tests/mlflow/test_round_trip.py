"""From MLflow's database into a repository, and out again for MLflow: nothing is lost on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.repositories import git, make_repository

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
LOG = """
import sys, mlflow, pandas
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("moons")
mlflow.set_experiment_tag("team", "vision")
with mlflow.start_run(run_name="parent") as parent:
    mlflow.log_params({"lr": 0.1, "odd key/a b": "two\\nlines"})
    for step in range(30):
        mlflow.log_metric("val/acc", 1 - 0.5 ** step, step=step)
    mlflow.log_metric("diverged", float("nan"), step=-3)
    frame = pandas.DataFrame({"a": [1.5]})
    mlflow.log_input(mlflow.data.from_pandas(frame, name="train"), context="training")
    mlflow.log_text("It learns.", "notes/note.md")
    mlflow.set_tag("mlflow.note.content", "A *note*.")
    with mlflow.start_run(nested=True, run_name="child"):
        mlflow.log_metric("score", 1)
    mlflow.sklearn.log_model(
        LogisticRegression().fit([[0.0], [1.0]], [0, 1]), name="model", registered_model_name="moons-net"
    )
client = mlflow.MlflowClient()
client.set_registered_model_alias("moons-net", "champion", "1")
client.set_model_version_tag("moons-net", "1", "checked", "yes")
mlflow.genai.register_prompt("greet", "Hello {{name}}")
with mlflow.start_run(run_name="gone") as gone:
    pass
client.delete_run(gone.info.run_id)
"""
LOOK = """
import hashlib, json, sys
from gittrack.importers.mlflow_api import MlflowReader

reader, found = MlflowReader(sys.argv[1]), {}
digest = lambda files: {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in files}
for experiment in reader.experiments():
    found[experiment.name] = [experiment.is_deleted, dict(experiment.tags)]
    for run in reader.runs(experiment):
        points = sorted([one.key, one.step, one.timestamp, str(one.value)] for one in run.read_metrics())
        about = [run.name, run.status, run.start_time, run.end_time, run.is_deleted, dict(run.params)]
        tags = {key: value for key, value in run.tags.items() if not key.startswith("mlflow.source")}
        inputs = [[one.key, one.context, one.dataset.schema, one.dataset.source] for one in run.datasets]
        outputs = [list(run.model_inputs), dict(run.model_outputs)]
        found[run.run_id] = [about, tags, inputs, outputs, points, digest(run.read_artifacts())]
    for one in reader.logged_models(experiment):
        model = one.model
        about = [model.name, model.status, model.creation_timestamp, model.source_run_id, dict(model.params)]
        found[model.model_id] = [about, digest(one.read_files())]
for one in reader.registered_models():
    versions = [[v.version, v.creation_timestamp, v.run_id, v.source, dict(v.tags)] for v in one.versions]
    found[one.model.name] = [one.model.aliases, dict(one.model.tags), versions]
print(json.dumps(found, sort_keys=True))
"""


def run(*command: object, cwd: Path) -> str:
    """Run a command of a user; return what it prints."""
    environment = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "PYTHONPATH": str(ROOT)}
    words = [sys.executable, *map(str, command)]
    done = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def look(uri: str, cwd: Path) -> Any:
    """Return everything that MLflow's client finds."""
    return json.loads(run("-c", LOOK, uri, cwd=cwd).splitlines()[-1])


def test_a_database_of_mlflow_comes_in_and_goes_out_again_as_it_was(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    database = f"sqlite:///{tmp_path}/mlflow.db"
    run("-c", LOG, database, cwd=tmp_path)
    before = look(database, tmp_path)
    assert len(before) >= 8
    told = run("-m", "gittrack", "import", "mlflow", database, cwd=repository)
    assert told == "3 runs imported into 1 new experiment, 3 models\n"
    assert run("-m", "gittrack", "import", "mlflow", database, cwd=repository).startswith("0 runs imported")
    told = run("-m", "gittrack", "import", "mlflow", database, "--verify", cwd=repository)
    assert told == "3 runs compared: none differ\n"
    git(repository, "fsck", "--strict")
    assert look(f"gittrack:{repository}", tmp_path) == before
    run("-m", "gittrack", "export", "mlflow", "-o", tmp_path / "out", cwd=repository)
    assert look(f"file://{tmp_path}/out", tmp_path) == before
