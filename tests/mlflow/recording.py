"""Runs every scenario under one tracker and prints what came of it, as JSON.

    python -m tests.mlflow.recording mlflow|gittrack|plugin FOLDER

``plugin`` is MLflow on gittrack's store.

Each scenario runs in a forked process of its own, in a folder of its own; when that process has ended,
another one looks at what is stored. Packages are loaded and MLflow's database is made once, which takes
longest.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import math
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.mlflow import differences, registry_scenarios, scenarios

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNCOMPARED_TAGS = {
    "mlflow.source.git.commit": "MLflow asks GitPython for the script's repository, gittrack knows its own",
    "mlflow.source.git.branch": "MLflow sets it for Projects only",
    "mlflow.source.git.repoURL": "MLflow sets it for Projects only",
}
LIBRARIES = ["matplotlib.pyplot", "pandas", "PIL.Image", "plotly.graph_objects"]
LOADED = {
    "gittrack": [*LIBRARIES, "blake3", "gittrack.store.git_dulwich", "gittrack.store.git_store"],
    "mlflow": [*LIBRARIES, "git", "mlflow.store.tracking.sqlalchemy_store"],
    "plugin": [*LIBRARIES, "git", "gittrack.mlflow_plugin.tracking_store", "gittrack.store.git_store"],
}
MODULES = {"gittrack": "gittrack", "mlflow": "mlflow", "plugin": "mlflow"}
UNNAMED = re.compile(r"[a-z]+-[a-z]+-\d{1,3}")
RUN_ID = re.compile(r"[0-9a-f]{32}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"(?<=timestamp\+)\d{13}")


class Notes:
    """What a scenario saw."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []

    def __call__(self, label: str, value: Any = None) -> None:
        """Note a value."""
        self.taken.append((plain(label), plain(value)))

    def outcome(self, label: str, call: Callable[..., Any], show: Callable[[Any], Any] | None = None) -> None:
        """Note what a call returns, or how it is refused."""
        try:
            value = call()
        except Exception as error:  # noqa: BLE001  (how it fails is what is asked)
            self(label, f"refused: {getattr(error, 'error_code', 'without a code')}")
        else:
            self(label, show(value) if show else value)


def plain(value: Any) -> Any:
    """Return something JSON can say and ``==`` can compare, without ids and times that differ every time."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return repr(float(value)) if math.isfinite(value) else str(float(value))
    if isinstance(value, int):
        return int(value)
    if isinstance(value, dict):
        return {str(plain(key)): plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    text = TIME.sub("TIME", UUID.sub("UUID", str(value)))
    return RUN_ID.sub("ID", "UNNAMED" if UNNAMED.fullmatch(text) else text)


def read_store(ml: Any) -> dict[str, Any]:
    """Return everything that is stored."""
    client = ml.MlflowClient()
    experiments = client.search_experiments(view_type=scenarios.ALL)
    names = {one.experiment_id: one.name for one in experiments}
    run_ids = scenarios.list_run_ids(ml, list(names))
    runs = [client.get_run(run_id) for run_id in run_ids]
    run_names = {run.info.run_id: run.info.run_name for run in runs}
    return {
        "experiments": sorted(
            [plain([one.name, one.lifecycle_stage, dict(one.tags)]) for one in experiments],
            key=json.dumps,
        ),
        "runs": sorted(
            (plain(read_run(client, run, names, run_names)) for run in runs),
            key=lambda run: (run["name"], run["experiment"]),
        ),
    }


def read_run(
    client: Any, run: Any, experiments: Mapping[str, str], run_names: Mapping[str, str]
) -> dict[str, Any]:
    """Return everything that is stored of one run."""
    tags = {key: value for key, value in run.data.tags.items() if key not in UNCOMPARED_TAGS}
    if parent := tags.get("mlflow.parentRunId"):
        tags["mlflow.parentRunId"] = run_names.get(parent, parent)
    run_id = run.info.run_id
    histories = {
        key: [
            [point.value, point.step, point_time(point)] for point in client.get_metric_history(run_id, key)
        ]
        for key in run.data.metrics
    }
    return {
        "name": run.info.run_name,
        "experiment": experiments[run.info.experiment_id],
        "status": run.info.status,
        "has_ended": run.info.end_time is not None,
        "lifecycle_stage": run.info.lifecycle_stage,
        "params": run.data.params,
        "metrics": run.data.metrics,
        "histories": histories,
        "tags": tags,
        "artifacts": scenarios.list_artifacts(client, run_id),
    }


def point_time(point: Any) -> Any:
    """Return the time a scenario gave to a point, not one that the clock gave."""
    return point.timestamp if point.timestamp < scenarios.CLOCK_MS else "NOW"


def load_tracker(name: str) -> Any:
    """Return the module under test, with what it and the scenarios use loaded once for all of them."""
    os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true", MPLBACKEND="agg")
    ml = importlib.import_module(MODULES[name])
    for module in LOADED[name]:
        importlib.import_module(module)
    if name == "mlflow":
        importlib.import_module("sqlalchemy.orm").configure_mappers()
    return ml


def prepare(name: str, ml: Any, folder: Path) -> Callable[[Path], None]:
    """Return what gives a scenario a store of its own."""
    if name != "mlflow":

        def make_repository(place: Path) -> None:
            subprocess.run(["git", "init", "-q", place], check=True)
            if name == "plugin":
                ml.set_tracking_uri(f"gittrack:{place}")

        return make_repository
    template = folder / "template.db"
    child = os.fork()
    if not child:
        ml.set_tracking_uri(f"sqlite:///{template}")
        ml.search_experiments()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

    def copy_database(place: Path) -> None:
        place.mkdir()
        shutil.copy(template, place / "mlflow.db")
        with contextlib.closing(sqlite3.connect(place / "mlflow.db")) as database, database:
            database.execute("UPDATE experiments SET artifact_location = ?", [f"{place}/artifacts"])
        ml.set_tracking_uri(f"sqlite:///{place}/mlflow.db")

    return copy_database


def run_forked(action: Callable[[], Any], report: Path, log: Path, *, ends_at_once: bool = False) -> Any:
    """Run something in a process of its own; return what it reports.

    Args:
        action: What to run.
        report: A file for what it returns.
        log: A file for what it prints.
        ends_at_once: The process does not end as processes end, with all that is done then. That takes
            longer than most scenarios, and nobody needs it where only something is read.
    """
    sys.stdout.flush()
    child = os.fork()
    if not child:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        try:
            report.write_text(json.dumps(action()), "utf-8")
        except Exception:  # noqa: BLE001  (the parent fails for it)
            traceback.print_exc()
        if ends_at_once:
            os._exit(0)
        raise SystemExit
    os.waitpid(child, 0)
    return (
        json.loads(report.read_text("utf-8"))
        if report.exists()
        else {"broken": log.read_text("utf-8", "replace")}
    )


def main(name: str, folder: Path) -> None:
    """Print the record of every scenario, played in a new folder each."""
    ml = load_tracker(name)
    make_store = prepare(name, ml, folder)
    gc.freeze()  # what is loaded is not looked through, and so not copied, in each process
    records = {}
    for number, scenario in enumerate(
        [*scenarios.SCENARIOS, *registry_scenarios.SCENARIOS, *differences.SCENARIOS]
    ):
        place = folder / f"{number}"

        def play(scenario: Callable[[Any, Notes], None] = scenario, place: Path = place) -> Any:
            make_store(place)
            os.chdir(place)
            notes = Notes()
            scenario(ml, notes)
            return notes.taken

        def look(place: Path = place) -> Any:
            os.chdir(place)
            if name == "mlflow":
                ml.set_tracking_uri(f"sqlite:///{place}/mlflow.db")
            elif name == "plugin":
                ml.set_tracking_uri(f"gittrack:{place}")
            return read_store(ml)

        log = folder / f"{number}.log"
        records[scenario.__name__] = {
            "notes": run_forked(play, folder / f"{number}.notes", log),
            "store": run_forked(look, folder / f"{number}.store", log, ends_at_once=True),
        }
    json.dump(records, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
