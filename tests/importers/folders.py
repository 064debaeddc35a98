"""Folders as other trackers leave them, written here byte by byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

EXPERIMENT = "319761212440828779"
PARENT, CHILD, DELETED = "a" * 32, "b" * 32, "c" * 32
STARTED = 1_600_000_000_000
FINISHED, KILLED = 3, 5


def write_mlruns(top: Path) -> Path:
    """Write an ``mlruns`` folder: two experiments, one of them deleted; nested, killed and deleted runs."""
    _meta(top / "0", experiment_id="0", name="Default", lifecycle_stage="active", creation_time=STARTED)
    folder = top / EXPERIMENT
    _meta(folder, experiment_id=EXPERIMENT, name="moons", lifecycle_stage="active", creation_time=STARTED)
    _values(folder / "tags", {"team": "vision"})
    _meta(
        top / ".trash" / "77",
        experiment_id="77",
        name="old",
        lifecycle_stage="deleted",
        creation_time=STARTED,
    )
    _run(folder, PARENT, "parent", FINISHED)
    run = folder / PARENT
    _values(run / "params", {"lr": "0.1", "deep/key a": "two\r\nlines ", "empty": ""})
    _values(run / "tags", {"mlflow.note.content": "It *learns*.", "mlflow.source.name": "train.py"})
    _values(
        run / "metrics",
        {
            "val/acc": "1600000000001 0.5 0\n1600000000003 0.75 -2\n1600000000002 0.5 10\n",
            "loss": "1600000000001 nan 0\n1600000000002 inf 1\n1600000000002 inf 1\n",
            "stepless": "1600000000001 3.5\n",
        },
    )
    (run / "artifacts" / "plots").mkdir(parents=True)
    (run / "artifacts" / "plots" / "roc.bin").write_bytes(bytes(range(256)) * 400)
    (run / "artifacts" / "empty.txt").touch()
    _meta(
        folder / "datasets" / "d1",
        name="train",
        digest="2981c147",
        source_type="local",
        source='{"uri": "train.csv"}',
        schema=None,
        profile='{"num_rows": 2}',
    )
    link = {"source_type": "DATASET", "source_id": "d1", "destination_type": "RUN", "destination_id": "d1"}
    _meta(run / "inputs" / "i1", **link, tags={"mlflow.data.context": "training"})
    made = {
        "source_type": "RUN_OUTPUT",
        "destination_type": "MODEL_OUTPUT",
        "destination_id": "m-1",
        "step": 3,
    }
    _meta(run / "outputs" / "m-1", **made)
    model = folder / "models" / "m-1"
    about = {"model_id": "m-1", "experiment_id": EXPERIMENT, "name": "net", "status": 2, "model_type": "net"}
    about |= {
        "creation_timestamp": STARTED + 2,
        "last_updated_timestamp": STARTED + 3,
        "source_run_id": PARENT,
    }
    _meta(model, **about)
    _values(model / "params", {"depth": "3"})
    _values(model / "metrics", {"acc": f"{STARTED + 2} 0.875 3 {PARENT} train 2981c147\n"})
    _values(model / "artifacts", {"MLmodel": "flavors: {}", "data/weights.bin": "w" * 100_000})
    registered = top / "models" / "moons-net"
    times = {"creation_timestamp": STARTED + 4, "last_updated_timestamp": STARTED + 5}
    _meta(registered, name="moons-net", description="flowers", **times)
    _values(registered / "tags", {"team": "vision"})
    _values(registered / "aliases", {"champion": "3"})
    for number in (1, 3):
        version = {"name": "moons-net", "version": number, "source": "models:/m-1", "model_id": "m-1"}
        version |= {"run_id": PARENT, "current_stage": "Production", "status": "READY", "user_id": "ann"}
        _meta(registered / f"version-{number}", **version | times)
    _values(registered / "version-3" / "tags", {"checked": "yes"})
    _run(folder, CHILD, "child", KILLED, start_time=STARTED + 10)
    _values(folder / CHILD / "tags", {"mlflow.parentRunId": PARENT})
    _run(folder, DELETED, "gone", FINISHED, lifecycle_stage="deleted", start_time=STARTED + 20)
    return top


def _run(experiment: Path, run_id: str, name: str, status: int, **others: Any) -> None:
    about = {"run_id": run_id, "run_name": name, "experiment_id": experiment.name, "status": status}
    about |= {
        "start_time": STARTED,
        "end_time": STARTED + 5000,
        "lifecycle_stage": "active",
        "user_id": "ann",
    }
    _meta(experiment / run_id, **about | others)


def _meta(folder: Path, **content: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.yaml").write_text(json.dumps(content), "utf-8")  # which is YAML too


def _values(folder: Path, values: dict[str, str]) -> None:
    for key, value in values.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(value.encode())
