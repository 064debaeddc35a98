"""Sharing runs from the command line: what is said, what is asked for, and with which status it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

TOKEN = "gh" + "p_" + "Zq7Rk2Vw9Xc4Bn1Mj6Hd3Fs8Lp5Ty0Ua2Ge4"


@pytest.fixture
def remote(repository: Path, tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "remote.git", "bare")
    git(repository, "remote", "add", "origin", str(made))
    return made


def test_a_run_with_a_token_is_named_with_what_to_do_and_the_token_is_not_shown(
    cli: Cli, remote: Path
) -> None:
    cli("log", "-m", "acc=0.9", "--name", "good")
    run_id = cli("log", "-p", f"hub={TOKEN}", "--name", "bad").lines[0]
    done = cli("push")
    assert done.status == 1
    assert done.err.splitlines() == [
        "origin: 1 run sent, 0 runs taken in",
        "warning: bad stays here: param 'hub' looks like a GitHub token (ghp_…)",
        f"hint: revoke it, if it is one; if it is none: gittrack push --allow {run_id[:12]}",
    ]
    told = json.loads(cli("push", "--json", "--dry-run").out)
    assert [one["name"] for one in told["held"]] == ["bad"]
    assert TOKEN not in done.err + json.dumps(told)
    allowed = cli("push", "--allow", "bad")
    assert (allowed.status, allowed.err) == (0, "bad: 1 allowed\norigin: 1 run sent, 0 runs taken in\n")
    assert cli("push").err == "origin: everything up to date\n"


def test_what_is_not_pushed_is_said_in_one_line_after_log_and_run(cli: Cli, remote: Path) -> None:
    assert cli("log", "-m", "acc=0.1").err == "nothing is pushed to origin yet; `gittrack push` does\n"
    cli("push")
    assert cli("log", "-m", "acc=0.2").err == "1 run not pushed to origin; `gittrack push` does\n"
    assert cli("run", "--", "true").err == "2 runs not pushed to origin; `gittrack push` does\n"
    git(remote.parent / "work", "remote", "remove", "origin")
    assert cli("log", "-m", "acc=0.3").err == ""


def test_status_names_the_runs_that_are_not_pushed(cli: Cli, remote: Path) -> None:
    cli("log", "-m", "acc=0.1", "--name", "first")
    cli("push")
    cli("log", "-m", "acc=0.1", "--name", "second")
    cli("log", "-p", f"hub={TOKEN}", "--name", "held")
    shown = cli("status").out
    assert "origin, 2 runs to push, 0 to pull" in shown
    lines = {line[:13].strip(): line[15:] for line in shown.splitlines()}
    assert (lines["to push"], lines["held back"]) == ("held, second", "held (param 'hub')")
    told = json.loads(cli("status", "--json").out)
    assert (told["unpushed"], told["held"]) == (["held", "second"], [["held", "param 'hub'"]])


def test_a_purge_says_what_would_go_and_what_would_remain_before_it_does_anything(
    cli: Cli, remote: Path
) -> None:
    run_id = cli("log", "-m", "acc=0.1", "--name", "gone").lines[0]
    cli("push")
    planned = cli("purge", "gone")
    assert planned.out == f"{run_id}  gone\n"
    assert planned.err.startswith("would remove 1 run; `--yes` does\nit would remain in\n")
    assert "  - origin, until `gittrack push origin`" in planned.err
    assert cli("show", "gone").status == 0
    assert cli("purge", "gone", "--yes").err.startswith("removed 1 run\nit remains in\n")
    assert cli("show", "gone").status == 4
    assert cli("push").status == 0
    assert git(remote, "ls-tree", "-r", "--name-only", "refs/gittrack/runs").count("run.json") == 0


def test_a_bundle_says_which_of_its_runs_hold_a_token(cli: Cli, remote: Path, tmp_path: Path) -> None:
    cli("log", "-m", "acc=0.1", "--name", "good")
    cli("log", "-p", f"hub={TOKEN}", "--name", "bad")
    file = tmp_path / "runs.bundle"
    done = cli("bundle", "create", str(file))
    assert done.status == 0
    assert done.err.splitlines()[1:] == [
        f"warning: whoever gets {file} can read bad: param 'hub' looks like a GitHub token"
    ]
