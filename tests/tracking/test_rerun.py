"""A run done again, by real processes in a real worktree."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import TAG_RERUN, RunStatus
from gittrack.errors import RunStateError, StoreError, UserError
from gittrack.tracking.client import Client
from gittrack.tracking.provenance import LAUNCH_FILE
from gittrack.tracking.rerun import find_command, place_command
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import pathlib, sys
import gittrack

factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
with gittrack.start_run(run_name="parent"):
    gittrack.log_param("factor", factor)
    gittrack.log_metric("acc", 0.5 * factor)
    gittrack.log_text(pathlib.Path("setting.txt").read_text(), "setting.txt")
    with gittrack.start_run(run_name="child", nested=True):
        gittrack.log_metric("inner", 1)
"""


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    made = make_repository(tmp_path / "repo").resolve()
    (made / "train.py").write_text(SCRIPT)
    (made / "setting.txt").write_text("committed\n")
    git(made, "add", ".")
    git(made, "commit", "-q", "-m", "a script")
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def original(top: Path) -> str:
    """Return the id of a run of changed code that is changed again since."""
    (top / "setting.txt").write_text("never committed\n")
    subprocess.run([sys.executable, "train.py", "1.5"], check=True)
    git(top, "checkout", "-q", "setting.txt")
    with closing(Client(top)) as client:
        (run,) = [run for run in client.list_runs() if run.name == "parent"]
        client.update_run(run.run_id, name="first")
    return run.run_id


@pytest.fixture
def client(top: Path) -> Iterator[Client]:
    with closing(Client(top)) as opened:
        yield opened


def test_a_rerun_has_the_code_of_the_run_and_is_linked_to_it(
    original: str, client: Client, top: Path
) -> None:
    told: list[str] = []
    done = client.rerun(original, restores_packages=False, tell=told.append)
    assert done.status == 0
    assert done.folder == top.with_name("repo-first")
    assert done.run.tags[TAG_RERUN] == original
    assert (done.run.name, done.run.status) == ("parent", RunStatus.FINISHED)
    assert client.read_artifact(done.run.run_id, "setting.txt") == b"never committed\n"
    assert done.run.code is not None
    assert done.original.code is not None
    assert done.run.code.tree == done.original.code.tree
    assert not any(row.differs for row in done.diff.metrics)
    assert done.diff.code == ()
    assert any("repo-first" in text for text in told)
    assert git(top, "status", "--short") == ""


def test_only_the_run_at_the_top_is_linked(original: str, client: Client) -> None:
    client.rerun(original, restores_packages=False)
    linked = [run.name for run in client.list_runs() if TAG_RERUN in run.tags]
    assert linked == ["parent"]


def test_a_rerun_may_differ_and_be_done_again(original: str, client: Client, top: Path) -> None:
    for number, factor in enumerate(("1.0", "3.0"), 1):
        done = client.rerun(original, argv=["python", "train.py", factor], restores_packages=False)
        assert done.folder.name == ("repo-first" if number == 1 else "repo-first-2")
        (acc,) = [row for row in done.diff.metrics if row.key == "acc"]
        assert acc.values == (0.75, 0.5 * float(factor))


def test_what_would_lead_the_command_elsewhere_is_not_passed_on(
    original: str, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITTRACK_RUN_ID", original)
    monkeypatch.setenv("MLFLOW_RUN_ID", original)
    monkeypatch.setenv("GITTRACK_REPO", str(make_repository(tmp_path / "other")))
    done = client.rerun(original, restores_packages=False)
    assert done.run.run_id != original


def test_a_command_that_makes_no_run_is_said_to_make_none(original: str, client: Client) -> None:
    with pytest.raises(RunStateError, match=r"made no run \(it ended with status 3\)"):
        client.rerun(original, argv=["python", "-c", "raise SystemExit(3)"], restores_packages=False)
    with pytest.raises(UserError, match="cannot be started"):
        client.rerun(original, argv=["no-such-program"], restores_packages=False)


def test_a_command_of_gittrack_run_is_run_so_again(client: Client, top: Path) -> None:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "gittrack",
            "run",
            "--name",
            "shell",
            "-m",
            "loss {loss}",
            "--",
            "echo",
            "loss 0.25",
        ],
        check=True,
        capture_output=True,
    )
    (first,) = [run for run in client.list_runs() if run.name == "shell"]
    done = client.rerun(first.run_id, restores_packages=False)
    assert done.run.tags[TAG_RERUN] == first.run_id
    assert done.run.tags["gittrack.command"] == first.tags["gittrack.command"]


def test_a_script_that_fails_again_says_so(client: Client, top: Path) -> None:
    (top / "fail.py").write_text(
        "import gittrack\nwith gittrack.start_run(run_name='f'):\n    raise SystemExit(5)\n"
    )
    subprocess.run([sys.executable, "fail.py"], check=False)
    (first,) = client.list_runs()
    done = client.rerun(first.run_id, restores_packages=False)
    assert (done.status, done.run.status) == (5, RunStatus.FAILED)


def test_a_script_is_started_where_it_was_and_with_its_arguments(client: Client, top: Path) -> None:
    (top / "sub").mkdir()
    (top / "sub/where.py").write_text(
        "import os, sys, gittrack\n"
        "with gittrack.start_run(run_name='where'):\n"
        "    gittrack.log_params({'cwd': os.path.basename(os.getcwd()), 'argv': sys.argv[1:]})\n"
    )
    subprocess.run(
        [sys.executable, "-O", str(top / "sub/where.py"), "--lr", "a b"], check=True, cwd=top / "sub"
    )
    (first,) = client.list_runs()
    found = find_command(client, first)
    assert (found.folder, found.argv[1:]) == ("sub", ("-O", "where.py", "--lr", "a b"))
    done = client.rerun(first.run_id, restores_packages=False)
    assert done.run.params == first.params == {"cwd": "sub", "argv": ["--lr", "a b"]}


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({}, "not known"),
        ({"argv": ["python", "-m", "ipykernel"], "notebook": "a.ipynb"}, "in a notebook"),
        ({"argv": ["python", "x", "--token", "***"], "masked": True}, "a secret"),
        ({"argv": ["python", "../x.py"], "folder": "/somewhere"}, "outside of its code"),
    ],
)
def test_what_cannot_be_done_again_says_why(client: Client, about: dict[str, object], reason: str) -> None:
    run = client.create_run()
    client.set_side_file(run.run_id, LAUNCH_FILE, json.dumps(about).encode())
    client.set_terminated(run.run_id)
    with pytest.raises(RunStateError, match=reason):
        client.rerun(run.run_id)


def test_an_interpreter_and_what_is_beside_it_are_replaced() -> None:
    here = Path("/new/bin/python")
    assert place_command(["/old/bin/python3.12", "/old/bin/tool", "/data/x"], here) == [
        "/new/bin/python",
        "/new/bin/tool",
        "/data/x",
    ]
    assert place_command(["bash", "run.sh"], here) == ["bash", "run.sh"]


def test_the_packages_of_the_run_are_installed_by_uv(
    original: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program in uv's place notes what it is asked, and makes an environment with the packages here."""
    said = tmp_path / "said"
    stand_in = tmp_path / "bin" / "uv"
    stand_in.parent.mkdir()
    stand_in.write_text(
        f'#!/bin/sh\necho "$@" >> {said}\n'
        f'if [ "$1" = venv ]; then shift $(($# - 1)); exec {sys.executable} -m venv --without-pip '
        f'--system-site-packages "$1"; fi\n'
        f'[ "$1 $2" = "pip install" ] && cat .gittrack-packages.txt >> {said}\n'
    )
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    site = next(path for path in sys.path if path.endswith("site-packages"))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{site}")
    done = client.rerun(original)
    assert done.status == 0
    asked = said.read_text()
    assert f"venv --quiet --python {platform.python_version()} {done.folder}/.venv" in asked
    assert f"pip install --quiet --python {done.folder}/.venv/bin/python -r .gittrack-packages.txt" in asked
    assert "\nhypothesis==" in asked
    assert not (done.folder / ".gittrack-packages.txt").exists()
    assert git(done.folder, "status", "--short") == ""
    launch = json.loads(client.find_side_file(done.run.run_id, LAUNCH_FILE) or b"{}")
    assert launch["argv"][0] == f"{done.folder}/.venv/bin/python" or launch["argv"][0].endswith(
        "/.venv/bin/python"
    )


def test_packages_that_cannot_be_installed_are_said_to_be_so(
    original: str, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "uv"
    stand_in.write_text("#!/bin/sh\necho 'no network' >&2\nexit 2\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(StoreError, match="uv venv failed: no network"):
        client.rerun(original)


def test_without_uv_the_packages_here_are_used(
    original: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_arguments, **_options: None)
    told: list[str] = []
    assert client.rerun(original, tell=told.append).status == 0
    assert "uv is not installed: the packages of this interpreter are used" in told


def test_packages_are_part_of_a_comparison(original: str, client: Client) -> None:
    again = client.rerun(original, restores_packages=False).run
    assert not any(row.differs for row in client.diff_runs([original, again.run_id]).packages)
    assert any(row.key == "python" for row in client.diff_runs([original, again.run_id]).packages)
