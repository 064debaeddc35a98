"""MLflow's autologging of real trainings records in a repository what it records in MLflow's database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.frameworks.trainings import TRAININGS
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
QUIET = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MPLBACKEND": "agg",
    "OMP_NUM_THREADS": "1",
}
EXPECTED = {
    "xgboost": ("num_boost_round", "train-rmse", 5),
    "lightgbm": ("num_leaves", "training-l2", 5),
    "keras": ("batch_size", "loss", 2),
    "lightning": ("epochs", "train_loss", 2),
    "transformers": ("max_steps", "loss", 2),
}
"""A param of each, a metric, and how many points it has."""


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_is_recorded_as_mlflows_database_records_it(name: str, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    stores = {"ours": f"gittrack:{repository}", "theirs": f"sqlite:///{tmp_path}/mlflow.db"}
    players = {who: start(name, uri, tmp_path / who) for who, uri in stores.items()}
    found = {who: finish(player) for who, player in players.items()}
    assert found["ours"] == found["theirs"]
    ours = found["ours"]
    param, metric, points = EXPECTED[name]
    assert param in ours["params"]
    assert len(ours["metrics"][metric]) == points
    assert (ours["status"], ours["predicts the same"]) == ("FINISHED", name != "transformers" or None)
    git(repository, "fsck", "--strict")


def start(name: str, uri: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.frameworks.trainings", name, uri, str(folder)]
    environment: Mapping[str, str] = {**os.environ, **QUIET}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def finish(player: subprocess.Popen[str]) -> dict[str, Any]:
    output, complaints = player.communicate(timeout=500)
    assert player.returncode == 0, complaints[-4000:]
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found
