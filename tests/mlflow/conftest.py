"""What the trackers make of all scenarios, recorded once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.mlflow.serving import Served, serve
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]

Records: TypeAlias = "dict[str, dict[str, Any]]"
"""Tracker, then scenario, to what was noted and stored."""


@pytest.fixture(scope="session")
def served(_own_git_config: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return MLflow's server on a repository, one for all tests: it takes its time to start."""
    top = tmp_path_factory.mktemp("served")
    with serve(make_repository(top / "work"), top / "server.log") as running:
        yield running


@pytest.fixture(scope="session")
def records(_own_git_config: None, tmp_path_factory: pytest.TempPathFactory) -> Records:
    """Return what all three recorded; a missing MLflow is a failure, not a reason to skip."""
    players = {
        name: subprocess.Popen(
            [sys.executable, "-m", "tests.mlflow.recording", name, tmp_path_factory.mktemp(name)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("mlflow", "gittrack", "plugin")
    }
    found = {}
    for name, player in players.items():
        output, complaints = player.communicate(timeout=800)
        assert player.returncode == 0, f"{name}: {complaints}"
        found[name] = json.loads(output)
    return found
