"""A real repository for each test, and a process that forgets the one before."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

import gittrack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a repository without a commit; it is the current folder and what is tracked in."""
    folder = tmp_path / "project"
    subprocess.run(["git", "init", "-q", folder], check=True)
    monkeypatch.chdir(folder)
    for name in ("GITTRACK_REPO", "GITTRACK_EXPERIMENT_ID"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    gittrack.set_tracking_uri(folder)
    yield folder
    while gittrack.active_run():
        gittrack.end_run("KILLED")
