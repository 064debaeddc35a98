"""The commands that bring code back."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from tests.cli.conftest import without_colours
from tests.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Terminal


@pytest.fixture
def two_runs(repository: Path) -> Path:
    """Return a clean repository in which a run of committed code and one of changed code were recorded."""
    record(repository, "clean", 0.9)
    (repository / "train.py").write_text("print('better')\n")
    record(repository, "dirty", 0.95)
    git(repository, "checkout", "-q", "train.py")
    return repository


def record(repository: Path, name: str, acc: float) -> None:
    with closing(Client(repository)) as client:
        run = client.create_run(run_name=name)
        client.log_metric(run.run_id, "acc", acc)
        client.set_terminated(run.run_id)


def test_checkout_prints_where_the_code_is(two_runs: Path, cli: Cli) -> None:
    place = two_runs.with_name("work-dirty")
    assert cli("checkout", "dirty").lines == [str(place)]
    assert (place / "train.py").read_text() == "print('better')\n"
    again = cli("checkout", "dirty")
    assert (again.status, again.err.splitlines()[1][:5]) == (5, "hint:")


@pytest.mark.parametrize("command", [("checkout", "dirty", "--in-place"), ("restore", "dirty", "--in-place")])
def test_both_spellings_restore_in_place_and_are_undone(
    two_runs: Path, cli: Cli, command: tuple[str, ...]
) -> None:
    done = cli(*command)
    assert done.status == 0
    assert "`gittrack undo` brings yours back (1 file written, 0 removed)" in done.err
    assert (two_runs / "train.py").read_text() == "print('better')\n"
    assert cli(*command).status == 5
    assert cli("undo").status == 0
    assert git(two_runs, "status", "--short") == ""
    assert cli("undo").status == 4


def test_restore_without_in_place_still_brings_back_deleted_runs(two_runs: Path, cli: Cli) -> None:
    cli("rm", "dirty")
    assert "restored dirty" in cli("restore", "dirty").err
    assert git(two_runs, "status", "--short") == ""


def test_apply_merges_the_changes_of_a_run(two_runs: Path, cli: Cli) -> None:
    assert cli("apply", "dirty").status == 0
    assert (two_runs / "train.py").read_text() == "print('better')\n"
    assert cli("undo").status == 0
    refused = cli("apply", "clean")
    assert (refused.status, "no changes on top" in refused.err) == (2, True)


def test_branch_names_the_code(two_runs: Path, cli: Cli) -> None:
    assert "git switch better" in cli("branch", "dirty", "better").err
    assert git(two_runs, "show", "better:train.py") == "print('better')\n"


def test_diff_lets_git_show_the_code(two_runs: Path, cli: Cli) -> None:
    shown = cli("diff", "clean", "dirty", "--code").out
    assert "-print('training')\n+print('better')\n" in shown
    assert "train.py | 2 +-" in cli("diff", "@", "--code", "--stat").out
    assert cli("diff", "clean", "dirty", "clean", "--code").status == 2
    assert " code        1 file, +1 -1 lines" in cli("diff", "@", "--stat").lines
    assert "train.py  1  1" in cli("diff", "@").lines


def test_diff_uses_the_pager_and_the_colours_of_git(two_runs: Path, terminal: Terminal) -> None:
    git(two_runs, "config", "core.pager", "sed s/^/paged:/")
    shown = terminal("diff", "clean", "dirty", "--code").out
    assert "\x1b[32m+" in shown
    assert "paged:+print('better')" in without_colours(shown)


def test_show_says_that_the_code_changed(two_runs: Path, cli: Cli) -> None:
    lines = cli("show", "dirty").lines
    assert lines[lines.index("since clean") + 1].split(maxsplit=1) == ["code", "1 file, +1 -1 lines"]


def test_show_names_uncommitted_files_and_what_was_left_out(repository: Path, cli: Cli) -> None:
    (repository / "train.py").write_text("print('better')\n")
    (repository / ".env").write_text("TOKEN=1\n")
    (repository / "new.py").write_text("")
    record(repository, "dirty", 0.9)
    lines = cli("show", "dirty").lines
    start = lines.index("uncommitted code")
    assert [line.split() for line in lines[start + 1 : start + 3]] == [
        ["new.py", "added"],
        ["train.py", "changed"],
    ]
    assert any(line.startswith(".env") for line in lines[lines.index("left out of the code") :])
    assert "1 file that differed" in cli("checkout", "dirty").err
    about = json.loads(cli("show", "dirty", "--json").out)
    assert about["uncommitted"] == {"new.py": "added", "train.py": "changed"}
    assert list(about["left_out"]) == [".env"]


def test_log_lists_the_runs_of_some_code(two_runs: Path, cli: Cli) -> None:
    assert [line.split()[1] for line in cli("log", "--code", "HEAD").lines[1:]] == ["clean"]
    git(two_runs, "commit", "-q", "--allow-empty", "-m", "the same tree")
    assert [line.split()[1] for line in cli("log", "--code", "HEAD").lines[1:]] == ["clean"]
    assert "no run fits" in cli("log", "--code", "HEAD", "-f", "metrics.acc > 0.9").err
    assert "'clean'" not in cli("log", "--code", "HEAD", "-f", "metrics.acc > 0.8 OR status = 'FAILED'").out
    assert cli("log", "--code", "nowhere").status == 4
    caret = cli("log", "--code", "HEAD", "-f", "metrics.acc >")
    assert caret.status == 2
    assert cli("log", "--code", "HEAD", "-p", "lr=1").status == 2
