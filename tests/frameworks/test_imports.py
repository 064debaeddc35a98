"""What the trackers themselves write today is taken in, whole and once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gittrack.importers.dvclive import read_dvclive_folders
from gittrack.importers.tensorboard import read_event_folders
from gittrack.importers.wandb import read_wandb_folder
from gittrack.tracking.client import Client
from tests.importers.twice import import_twice
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.frameworks, pytest.mark.timeout(900)]

WANDB = """
import sys, wandb
run = wandb.init(project="moons", name="first", config={"net": {"depth": 3}}, tags=["small"], group="seeds")
print("some output")
for step in range(2000):
    run.log({"loss": 1 / (step + 1), "val": {"acc": step / 2000}})
run.log({"table": wandb.Table(columns=["a"], data=[[1]]), "bad": float("nan"), "text": "hi"})
open("weights.bin", "w").write("w" * 1000)
artifact = wandb.Artifact("net", type="model")
artifact.add_file("weights.bin")
run.log_artifact(artifact)
run.finish()
"""
TENSORBOARD = """
import numpy
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs/a")
for step in range(2000):
    writer.add_scalar("train/loss", 1 / (step + 1), step, walltime=1_700_000_000 + step)
writer.add_text("note", "hello", 1, walltime=1_700_000_000)
writer.add_image("picture", numpy.zeros((3, 4, 4)), 2, walltime=1_700_000_000)
writer.add_hparams({"lr": 0.1, "opt": "adam", "on": True}, {"hp/acc": 0.5}, run_name="hp")
writer.close()
"""
DVCLIVE = """
from dvclive import Live
with Live("dvclive", save_dvc_exp=False, report=None, dvcyaml=None) as live:
    live.log_params({"net": {"depth": 3}})
    for step in range(3):
        live.log_metric("train/loss", 1 / (step + 1))
        live.next_step()
"""


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    opened = Client(make_repository(tmp_path / "work"))
    yield opened
    opened.close()


def execute(script: str, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    quiet = {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "DVC_NO_ANALYTICS": "true"}
    places = {f"WANDB_{name}_DIR": str(folder / name) for name in ("DATA", "CACHE", "CONFIG")}
    environment = {**os.environ, **quiet, **places}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_an_offline_run_of_wandb(tmp_path: Path, client: Client) -> None:
    execute(WANDB, tmp_path / "there")
    import_twice(client, lambda: read_wandb_folder(tmp_path / "there", warn=print), 1)
    (run,) = client.iter_runs()
    assert (run.name, run.status, run.params) == ("first", "FINISHED", {"net": {"depth": 3}})
    assert (run.tags["small"], run.tags["group"]) == ("true", "seeds")
    assert (run.metrics["loss"].count, run.metrics["val/acc"].last) == (2000, 1999 / 2000)
    assert client.read_artifact(run.run_id, "artifacts/net/weights.bin") == b"w" * 1000
    assert "some output" in client.read_artifact(run.run_id, "output.log").decode()
    assert any(path.startswith("media/table/") for path in run.artifacts)


def test_event_files_of_pytorch(tmp_path: Path, client: Client) -> None:
    execute(TENSORBOARD, tmp_path / "there")
    import_twice(client, lambda: read_event_folders(tmp_path / "there" / "runs", warn=print), 2)
    runs = {run.name: run for run in client.iter_runs()}
    outer, inner = runs["a"], runs["a/hp"]
    last = client.get_metric_history(outer.run_id, "train/loss")[-1]
    assert (outer.metrics["train/loss"].count, last.step, last.timestamp) == (2000, 1999, 1_700_001_999_000)
    assert (inner.params, inner.parent) == ({"lr": 0.1, "on": True, "opt": "adam"}, outer.run_id)
    assert inner.metrics["hp/acc"].last == 0.5
    assert {path.partition("/")[0] for path in outer.artifacts} == {"images", "text"}


def test_a_folder_of_dvclive(tmp_path: Path, client: Client) -> None:
    execute(DVCLIVE, make_repository(tmp_path / "there"))
    import_twice(client, lambda: read_dvclive_folders(tmp_path / "there", warn=print), 1)
    (run,) = client.iter_runs()
    assert (run.params, run.metrics["train/loss"].count) == ({"net": {"depth": 3}}, 3)
