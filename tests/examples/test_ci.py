"""The steps of the CI examples, in a checkout as CI systems make it: shallow, detached, nobody's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.repositories import RUNS_REF, check_repository, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Mapping

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TRAIN = """
import gittrack
with gittrack.start_run(run_name="in ci"):
    gittrack.log_metric("val/acc", 0.9)
"""
LOCAL = ("gittrack ", "python ", "git fetch ")
"""How commands begin that need no network and no token."""


def steps_of(name: str, job: str) -> list[str]:
    """Return those commands of a job of an example that can run here."""
    file = yaml.safe_load((EXAMPLES / name).read_text("utf-8"))
    commands = (
        file[job]["script"] if job in file else [one.get("run", "") for one in file["jobs"][job]["steps"]]
    )
    return [command for command in commands if command.startswith(LOCAL)]


def run_steps(steps: list[str], checkout: Path, variables: Mapping[str, str]) -> None:
    """Run commands as CI systems do: the first that fails is the last."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for step in steps:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step],
            cwd=checkout,
            env={**os.environ, **variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{step}\n{done.stdout}{done.stderr}"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    remote = make_repository(tmp_path / "remote.git", "bare")
    source = make_repository(tmp_path / "source")
    (source / "train.py").write_text(TRAIN, "utf-8")
    git(source, "commit", "-q", "-a", "-m", "train")
    git(source, "push", "-q", str(remote), "HEAD:refs/heads/main")
    git(tmp_path, "clone", "-q", "--depth", "1", "-b", "main", remote.as_uri(), "checkout")
    git(tmp_path / "checkout", "checkout", "-q", "--detach")
    return tmp_path / "checkout"


@pytest.mark.parametrize(("name", "folder"), [("github-actions.yml", "site"), ("gitlab-ci.yml", "public")])
def test_the_steps_work_in_a_shallow_detached_checkout_without_identity(
    checkout: Path, tmp_path: Path, name: str, folder: str
) -> None:
    steps = steps_of(name, "train")
    assert [step.split()[1] for step in steps] == ["pull", "train.py", "push", "site"]
    run_steps(steps, checkout, {"GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(tmp_path), "CI": "true"})
    remote = tmp_path / "remote.git"
    assert "in ci finished: val/acc 0.9" in git(remote, "log", "--format=%s", RUNS_REF)
    assert (checkout / folder / "index.html").is_file()
    assert not (checkout / "runs.bundle").exists()
    check_repository(remote)


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_the_runs_of_a_branch_are_compared_with_the_best_of_where_it_goes(
    checkout: Path, tmp_path: Path, name: str
) -> None:
    variables = {"BASE": "main", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    run_steps(["python train.py", "gittrack push"], checkout, variables)
    source = tmp_path / "source"
    git(source, "checkout", "-q", "-b", "better")
    (source / "train.py").write_text(TRAIN.replace("0.9", "0.95"), "utf-8")
    git(source, "commit", "-q", "-a", "-m", "better")
    git(source, "push", "-q", str(tmp_path / "remote.git"), "HEAD:refs/heads/better")
    git(tmp_path, "clone", "-q", "-b", "better", (tmp_path / "remote.git").as_uri(), "branch")
    git(tmp_path / "branch", "checkout", "-q", "--detach")
    steps = steps_of(name, "compare")
    assert "report" in [step.split()[1] for step in steps]
    run_steps(steps, tmp_path / "branch", variables)
    report = (tmp_path / "branch" / "report.md").read_text("utf-8")
    assert "1 new run: val/acc 0.95, better" in report
    assert "| baseline |" in report


def test_a_push_that_is_refused_leaves_a_bundle(checkout: Path, tmp_path: Path) -> None:
    hook = tmp_path / "remote.git" / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    hook.chmod(0o755)
    steps = steps_of("github-actions.yml", "train")
    run_steps([step for step in steps if "train" in step or "push" in step], checkout, {})
    other = make_repository(tmp_path / "other")
    run_steps([f"gittrack bundle apply {checkout / 'runs.bundle'} 2> said"], other, {})
    assert "1 run taken in" in (other / "said").read_text("utf-8")
