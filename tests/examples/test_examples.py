"""Each example runs as its reader would run it, in a repository of its own, and records what it says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Execute

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def runs_in(repository: Path, execute: Execute) -> list[dict[str, Any]]:
    """Return what ``gittrack log --json`` says."""
    rows: list[dict[str, Any]] = json.loads(execute("gittrack", "log", "--json", cwd=repository))
    return rows


def make_repository(folder: Path, execute: Execute, *scripts: str) -> Path:
    """Return a repository whose only commit holds these examples."""
    execute("git", "init", "--quiet", cwd=folder)
    for script in scripts:
        shutil.copyfile(EXAMPLES / script, folder / script)
    execute("git", "add", ".", cwd=folder)
    execute("git", "commit", "--quiet", "-m", "Examples", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, execute: Execute) -> Path:
    repository = make_repository(tmp_path_factory.mktemp("sweep"), execute, "02_sweep.py", "05_compare.py")
    execute(sys.executable, "02_sweep.py", cwd=repository)
    return repository


def test_the_first_run_finds_the_line(tmp_path: Path, execute: Execute) -> None:
    repository = make_repository(tmp_path, execute, "01_first_run.py")
    assert "gittrack show " in execute(sys.executable, "01_first_run.py", cwd=repository)
    (row,) = runs_in(repository, execute)
    assert row["status"] == "FINISHED"
    assert row["name"] == "gradient descent"
    assert row["metrics"]["slope"]["last"] == pytest.approx(3, abs=0.3)
    assert row["metrics"]["offset"]["last"] == pytest.approx(1, abs=0.3)


def test_the_sweep_records_24_trainings_below_one_parent(sweep: Path, execute: Execute) -> None:
    rows = runs_in(sweep, execute)
    assert len(rows) == 25
    assert {row["status"] for row in rows} == {"FINISHED"}
    (parent,) = [row for row in rows if row["name"] == "sweep"]
    children = [row for row in rows if row["parent"] == parent["run_id"]]
    assert len(children) == 24
    best = max(row["metrics"]["val/acc"]["last"] for row in children)
    assert best > 0.95
    assert parent["metrics"]["best/val/acc"]["max"] == best


def test_the_comparison_ranks_the_runs_of_the_sweep(sweep: Path, execute: Execute) -> None:
    printed = execute(sys.executable, "05_compare.py", cwd=sweep)
    assert printed.startswith("24 runs have val/acc\n")
    assert {"linear", "mlp", "forest", "neighbours"} <= set(printed.split())


def test_every_kind_of_artifact_is_kept(tmp_path: Path, execute: Execute) -> None:
    repository = make_repository(tmp_path, execute, "03_artifacts_and_figures.py")
    execute(sys.executable, "03_artifacts_and_figures.py", cwd=repository)
    listing = execute("gittrack", "artifacts", "ls", "@", cwd=repository)
    for name in ("config.json", "data", "figures", "notes"):
        assert name in listing


def test_the_best_model_is_promoted_and_refuses_what_does_not_fit(tmp_path: Path, execute: Execute) -> None:
    repository = make_repository(tmp_path, execute, "07_models.py")
    printed = execute(sys.executable, "-W", "error", "07_models.py", cwd=repository)
    assert "iris@champion is version 3" in printed
    assert "refused: the model lacks the inputs" in printed
    (model,) = json.loads(execute("gittrack", "models", "--json", cwd=repository))
    assert (model["name"], model["latest_version"], model["aliases"]) == ("iris", 3, {"champion": 3})


def test_runs_come_from_the_shell_too(tmp_path: Path, execute: Execute) -> None:
    repository = make_repository(tmp_path, execute, "04_from_the_shell.sh")
    execute("bash", "04_from_the_shell.sh", cwd=repository)
    rows = {row["name"]: row for row in runs_in(repository, execute)}
    assert set(rows) == {"by-hand", "by-pipe"}
    by_hand, by_pipe = rows["by-hand"], rows["by-pipe"]
    assert {key: metric["last"] for key, metric in by_hand["metrics"].items()} == {"acc": 0.9, "loss": 0.2}
    assert by_pipe["metrics"]["loss"]["count"] == 3
    assert by_pipe["metrics"]["loss"]["last"] == pytest.approx(1 / 3, rel=1e-4)


def test_the_way_back_leads_to_the_code_of_a_run_and_the_same_result(
    tmp_path: Path, execute: Execute
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    repository = make_repository(folder, execute, "06_way_back.py")
    printed = execute(sys.executable, "06_way_back.py", cwd=repository).splitlines()
    assert printed[0].endswith("worse")
    assert printed[1:5] == [
        "fit.py: +1 -1",
        "in work-rate-0.1: RATE = 0.1; here: RATE = 0.5",
        "restored: RATE = 0.1",
        "undone: RATE = 0.5",
    ]
    assert printed[-2] == "rate 0.1 again: the same"
    assert printed[-1] == "runs of this code: ['rate 0.5']"
