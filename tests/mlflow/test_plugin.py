"""MLflow's own clients on gittrack's store find what they find on MLflow's database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.mlflow import scenarios, workflows
from tests.mlflow.compare import comparable_runs, different_notes
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from tests.mlflow.conftest import Records
    from tests.mlflow.serving import Served

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parents[2]
NAMES = [one.__name__ for one in workflows.WORKFLOWS]

Found: TypeAlias = "dict[str, dict[str, dict[str, Any]]]"
"""Store, then workflow, to what it found."""


@pytest.fixture(scope="module")
def found(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Return what all workflows found on each store."""
    top = tmp_path_factory.mktemp("workflows")
    direct = make_repository(top / "direct")
    places = {"mlflow": f"sqlite:///{top}/mlflow.db", "direct": f"gittrack:{direct}"}
    with ThreadPoolExecutor() as players:
        playing = {name: players.submit(play, uri, top / f"{name}-files") for name, uri in places.items()}
        results = {name: one.result() for name, one in playing.items()}
    results["rest"] = play(served.address, top / "rest-files")
    for repository in (direct, served.repository):
        git(repository, "fsck", "--strict")
        assert git(repository, "status", "--porcelain") == ""
    return results


def play(tracking_uri: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Run all workflows in a process of their own."""
    command = [sys.executable, "-m", "tests.mlflow.workflows", tracking_uri, str(folder)]
    environment = {**os.environ, "MPLBACKEND": "agg", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    results: dict[str, dict[str, Any]] = json.loads((folder / "found.json").read_text("utf-8"))
    return results


def test_there_are_forty_workflows_and_mlflow_itself_plays_them_all(found: Found) -> None:
    assert len(NAMES) >= 40
    assert {name: one for name, one in found["mlflow"].items() if "found" not in one} == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_store_finds_what_mlflows_database_finds(name: str, found: Found) -> None:
    assert found["direct"][name] == found["mlflow"][name]


@pytest.mark.parametrize("name", NAMES)
def test_so_does_a_server_on_the_store(name: str, found: Found) -> None:
    assert found["rest"][name] == found["mlflow"][name]


@pytest.mark.parametrize("name", [scenario.__name__ for scenario in scenarios.SCENARIOS])
def test_the_fluent_functions_of_mlflow_record_the_same(name: str, records: Records) -> None:
    theirs, ours = records["mlflow"][name], records["plugin"][name]
    assert "broken" not in ours["notes"], ours["notes"]
    assert different_notes(theirs["notes"], ours["notes"]) == []
    assert ours["store"]["experiments"] == theirs["store"]["experiments"]
    assert comparable_runs(theirs["store"]["runs"], ours["store"]["runs"]) == theirs["store"]["runs"]
