"""A real notebook, run by a real kernel and exported by nbconvert."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gittrack.core.model import TRACEBACK_FILE
from gittrack.tracking.client import Client
from tests.repositories import make_repository

pytestmark = pytest.mark.frameworks

ROOT = Path(__file__).resolve().parents[2]
CELLS = (
    "%load_ext gittrack\nimport gittrack",
    "%%gittrack first -p lr=0.1 -t team=vision\ngittrack.log_metric('acc', 0.5)\nx = 41",
    "%%gittrack second -p lr=0.2\ngittrack.log_metric('acc', 0.75)\nx + 1",
    "run = gittrack.last_active_run()\nrun",
    "runs = gittrack.search_runs(output_format='list')\nruns",
    "gittrack.Client().diff_runs([one.run_id for one in runs[::-1]])",
    "%%gittrack broken\n1 / 0",
)


def test_runs_lists_and_comparisons_survive_nbconvert(tmp_path: Path) -> None:
    import nbformat

    repository = make_repository(tmp_path / "work")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(book, repository / "book.ipynb")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITTRACK_REPO": str(repository)}
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--execute", "--allow-errors", "book.ipynb"]
    done = subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    page = (repository / "book.html").read_text("utf-8")
    for shown in ("<th", ">acc<", "0.75 ▲", ">second<", "ZeroDivisionError"):
        assert shown in page, shown
    assert "&lt;table" not in page
    client = Client(repository)
    broken, second, first = client.list_runs()
    assert (first.name, first.status, first.params, first.tags["team"]) == (
        "first",
        "FINISHED",
        {"lr": 0.1},
        "vision",
    )
    assert (second.status, broken.status) == ("FINISHED", "FAILED")
    assert client.read_artifact(first.run_id, "cell.py") == b"gittrack.log_metric('acc', 0.5)\nx = 41\n"
    assert b"ZeroDivisionError" in (client.find_side_file(broken.run_id, TRACEBACK_FILE) or b"")
    client.close()


def test_the_magic_prints_nothing_that_nobody_asked_for(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    script = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_line_magic('load_ext', 'gittrack')\n"
        "shell.run_cell_magic('gittrack', 'quiet', 'y = 1')\n"
        "shell.run_cell_magic('gittrack', '--what', 'y = 1')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITTRACK_REPO": str(repository)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    assert "%%gittrack cannot read '--what'" in done.stderr
    client = Client(repository)
    assert [run.name for run in client.list_runs()] == ["quiet"]
    client.close()
