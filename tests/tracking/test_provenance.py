"""How a run was started: recorded from real processes, without anything secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.core.packages import parse_lock
from gittrack.tracking import devices
from gittrack.tracking.packages import Environment
from gittrack.tracking.provenance import describe_start
from tests.repositories import git, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run

SCRIPT = """
import gittrack
with gittrack.start_run():
    gittrack.log_metric("loss", 1)
"""
TOKEN = "ghp_" + "a1B2c3D4" * 5


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = make_repository(tmp_path / "repo")
    (top / "sub").mkdir()
    (top / "sub/train.py").write_text(SCRIPT, "utf-8")
    return top


def execute(top: Path, *command: str, folder: str = ".", **variables: str) -> None:
    environment = {**os.environ, **variables}
    subprocess.run(command, cwd=top / folder, env=environment, check=True, capture_output=True)


def newest(top: Path) -> tuple[Run, dict[str, Any]]:
    store = open_store(top)
    run = next(iter(store.list_runs()))
    content = store.find_side_file(run.run_id, "launch.json")
    store.close()
    return run, json.loads(content) if content else {}


def lock_of(top: Path, run: Run) -> str:
    store = open_store(top)
    text = store.find_environment(run.environment or "")
    store.close()
    assert text is not None
    return text


def side_file(top: Path, run: Run, name: str) -> str | None:
    store = open_store(top)
    content = store.find_side_file(run.run_id, name)
    store.close()
    return None if content is None else content.decode()


def test_a_run_knows_its_command_line_folder_interpreter_and_packages(repository: Path) -> None:
    execute(
        repository, sys.executable, "-u", "train.py", "--lr", "0.1", folder="sub",
        CUDA_VISIBLE_DEVICES="1", OTHER="not recorded", MY_SWITCH="on", GITTRACK_LOG_VARIABLES="MY_*",
    )  # fmt: skip
    run, launch = newest(repository)
    assert launch["argv"] == [sys.executable, "-u", "train.py", "--lr", "0.1"]
    assert launch["folder"] == "sub"
    assert launch["python"] == ".".join(map(str, sys.version_info[:3]))
    assert launch["platform"].startswith("Linux")
    assert launch["variables"]["CUDA_VISIBLE_DEVICES"] == "1"
    assert launch["variables"]["MY_SWITCH"] == "on"
    assert "OTHER" not in launch["variables"]
    assert "masked" not in launch
    assert run.code is not None
    assert run.code.entry == "sub/train.py"
    lock = parse_lock(lock_of(repository, run))
    assert lock["python"] == launch["python"]
    for package in ("click", "dulwich", "pytest"):
        assert lock[package] == version(package)


def test_the_packages_of_many_runs_are_stored_once(repository: Path) -> None:
    for _ in range(3):
        execute(repository, sys.executable, "train.py", folder="sub")
    files = git(repository, "ls-tree", "-r", "--name-only", "refs/gittrack/runs").split()
    assert len([file for file in files if file.startswith("environments/")]) == 1
    assert len([file for file in files if file.endswith("launch.json")]) == 3


def test_the_lock_is_what_pip_finds_installed(repository: Path, tmp_path: Path) -> None:
    execute(repository, sys.executable, "train.py", folder="sub")
    run, _ = newest(repository)
    lock = tmp_path / "requirements.txt"
    lock.write_text(lock_of(repository, run), "utf-8")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--no-index",
        "--no-deps",
        "-r",
        str(lock),
    ]
    done = subprocess.run([*command, "-r", str(lock)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Would install" not in done.stdout


def test_a_script_named_by_its_whole_path_is_told_relative_to_the_folder(repository: Path) -> None:
    execute(repository, sys.executable, str(repository / "sub/train.py"))
    assert newest(repository)[1]["argv"] == [sys.executable, "sub/train.py"]


def test_no_secret_of_the_command_line_or_the_environment_is_recorded(repository: Path) -> None:
    execute(
        repository, sys.executable, "train.py", "--api-key", "hunter2", f"--note={TOKEN}", "Tr0ub4dor&3xyz",
        folder="sub", WANDB_API_KEY="Tr0ub4dor&3xyz", PYTHONPATH="", TORCH_TOKEN="Abcd1234efgh",
        GITTRACK_LOG_VARIABLES="*",
    )  # fmt: skip
    _, launch = newest(repository)
    assert launch["argv"][2:] == ["--api-key", "***", "--note=***", "***"]
    assert launch["masked"] is True
    text = json.dumps(launch)
    for secret in ("hunter2", TOKEN, "Tr0ub4dor&3xyz", "Abcd1234efgh", "TORCH_TOKEN"):
        assert secret not in text


def test_a_command_of_any_kind_tells_how_it_was_started_and_a_python_in_it_tells_more(
    repository: Path,
) -> None:
    program = [sys.executable, "-m", "gittrack"]
    execute(repository, *program, "run", "--", "sh", "-c", "true", "--token=not-to-be-seen", folder="sub")
    run, launch = newest(repository)
    assert launch["argv"] == ["sh", "-c", "true", "--token=***"]
    assert (launch["folder"], run.environment) == ("sub", None)
    assert "not-to-be-seen" not in json.dumps(dict(run.data.tags))
    execute(repository, *program, "run", "--", sys.executable, "train.py", folder="sub")
    run, launch = newest(repository)
    assert launch["argv"] == [sys.executable, "train.py"]
    assert "python" in launch
    assert run.environment is not None


def test_a_run_that_goes_on_keeps_how_it_was_started(repository: Path) -> None:
    execute(repository, sys.executable, "train.py", "first", folder="sub")
    run, launch = newest(repository)
    execute(repository, sys.executable, "train.py", "second", folder="sub", GITTRACK_RUN_ID=run.run_id)
    again, later = newest(repository)
    assert (again.run_id, again.environment, later) == (run.run_id, run.environment, launch)


SESSION = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.user_ns["__vsc_ipynb_file__"] = {notebook!r}
for cell in [
    "import gittrack",
    "token = '{token}'",
    "%time x = 1",
    "run = gittrack.start_run()",
    "gittrack.log_metric('loss', x)",
    "gittrack.end_run()",
    "print('after the run')",
]:
    shell.run_cell(cell, store_history=True).raise_error()
"""


def test_in_a_notebook_the_cells_executed_so_far_are_kept(repository: Path, tmp_path: Path) -> None:
    notebook = repository / "explore.ipynb"
    notebook.write_text("{}", "utf-8")
    program = SESSION.format(notebook=str(notebook), token=TOKEN)
    execute(repository, sys.executable, "-c", program, IPYTHONDIR=str(tmp_path / "ipython"))
    run, launch = newest(repository)
    cells = side_file(repository, run, "cells.py")
    assert cells is not None
    assert cells.startswith(
        "# %% In [1]\nimport gittrack\n\n# %% In [2]\ntoken = '***'\n\n# %% In [3]\n%time x = 1"
    )
    assert cells.rstrip().endswith("# %% In [6]\ngittrack.end_run()")
    assert launch["notebook"] == "explore.ipynb"
    assert run.code is not None
    assert run.code.entry == "explore.ipynb"
    assert run.edits == {}


def make_package(folder: Path, name: str, version: str, url: dict[str, Any] | None = None) -> None:
    about = folder / f"{name}-{version}.dist-info"
    about.mkdir(parents=True)
    if url is not None:
        (about / "direct_url.json").write_text(json.dumps(url), "utf-8")


def test_packages_that_are_not_from_an_index_say_where_they_are_from(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, later = tmp_path / "site", tmp_path / "later"
    make_package(site, "numpy", "2.1.0")
    make_package(later, "numpy", "1.0.0")  # shadowed
    commit = "c" * 40
    vcs = {"vcs": "git", "commit_id": commit}
    make_package(site, "forked", "3.0", {"url": f"https://me:{TOKEN}@example.org/forked", "vcs_info": vcs})
    make_package(
        site, "mine", "0.1", {"url": f"file://{repository}/lib%20dir", "dir_info": {"editable": True}}
    )
    make_package(site, "scratch", "0.2", {"url": f"file://{tmp_path}/x.whl", "archive_info": {}})
    make_package(site, "odd", "0.3", {"nothing": "known"})
    (site / "old.egg-info").write_text("Name: old\nVersion: 0.4\n", "utf-8")
    (site / "older-0.5-py3.11.egg-info").mkdir()
    monkeypatch.setattr(sys, "path", [str(site), str(later), str(tmp_path / "gone")])
    environment = Environment()
    assert environment.read(repository).splitlines()[1:] == [
        f"forked @ git+https://example.org/forked@{commit}",
        "-e ./lib dir  # mine==0.1",
        "numpy==2.1.0",
        "odd==0.3",
        "old==0.4",
        "older==0.5",
        "# not from an index: scratch==0.2",
    ]
    before = environment.read(repository)
    make_package(site, "more", "1.0")
    os.utime(site, (1, 1))
    assert parse_lock(environment.read(repository))["more"] == "1.0"
    assert "more" not in before


def test_the_names_of_gpus_come_from_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia = tmp_path / "nvidia"
    for number in range(2):
        folder = nvidia / "gpus" / f"0000:0{number}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 1\n", "utf-8")
    (nvidia / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n", "utf-8"
    )
    monkeypatch.setattr(devices, "_NVIDIA", nvidia)
    monkeypatch.setattr(devices, "_AMD", tmp_path / "none")
    devices.describe_devices.cache_clear()
    assert devices.describe_devices() == {"gpus": ["NVIDIA H100 80GB HBM3"] * 2, "driver": "535.104.05"}
    monkeypatch.setenv("CUDA_VERSION", "12.1")
    assert devices.cuda_version() == "12.1"
    devices.describe_devices.cache_clear()


def test_a_command_elsewhere_is_told_by_its_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    about = describe_start(tmp_path / "repo", ["train"], {"LANG": "C", "HOME": "/root"})
    assert about == {"argv": ["train"], "folder": str(tmp_path), "variables": {"LANG": "C"}}


def test_whatever_cannot_be_told_of_the_launch_the_training_goes_on(repository: Path) -> None:
    program = textwrap.dedent("""
        import warnings, gittrack, gittrack.tracking.provenance as launch
        def fail(*_): raise RuntimeError("strange system")
        launch.describe_start = fail
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(2):
                with gittrack.start_run():
                    gittrack.log_metric("loss", 1)
        print(len(caught), caught[0].message)
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 how this run was started is not recorded")
    run, launch = newest(repository)
    assert (launch, run.metrics["loss"].count) == ({}, 1)
