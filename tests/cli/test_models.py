"""`gittrack models`: what a user registers, promotes, looks at and takes away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import gittrack
from tests.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Terminal


@pytest.fixture
def trained(repository: Path) -> Path:
    """Return a repository with two runs, each with a model."""
    gittrack.set_tracking_uri(repository)
    for number in (1, 2):
        with gittrack.start_run(run_name=f"teacher-{number}"):
            gittrack.log_metric("val/acc", number / 10)
            gittrack.log_model({"number": number}, "net")
    return repository


def test_a_model_is_registered_promoted_shown_and_downloaded(trained: Path, cli: Cli, tmp_path: Path) -> None:
    assert cli("models", "register", "teacher-1", "iris", "-t", "kind=dict").out == "1\n"
    assert cli("models", "register", "best:val/acc", "iris", "--alias", "candidate").out == "2\n"
    assert cli("models", "promote", "iris", "1").err == "iris@champion is version 1\n"
    assert cli("models", "promote", "iris", "2").err == "iris@champion is version 2; it was version 1\n"
    (record,) = json.loads(cli("models", "--json").out)
    assert (record["name"], record["latest_version"]) == ("iris", 2)
    assert record["aliases"] == {"candidate": 2, "champion": 2}
    assert "candidate → 2, champion → 2" in cli("models").lines[-1]
    shown = cli("models", "show", "iris")
    assert [line.split()[0] for line in shown.lines[-2:]] == ["2", "1"]
    (version,) = [json.loads(cli("models", "show", "iris@champion", "--json").out)]
    assert (version["version"], version["aliases"]) == (2, ["candidate", "champion"])
    path = cli("models", "download", "iris@champion", "-o", str(tmp_path / "out")).out.strip()
    assert gittrack.load_model(path) == {"number": 2}
    log = git(trained, "log", "--format=%s", "refs/gittrack/runs")
    assert "model iris: champion is version 2 (was 1), by " in log


def test_models_are_tagged_described_renamed_and_deleted(trained: Path, cli: Cli) -> None:
    cli("models", "register", "teacher-1", "iris")
    assert cli("models", "tag", "iris/1", "checked=yes", "by=ada").status == 0
    assert cli("models", "tag", "iris/1", "-d", "by").status == 0
    assert cli("models", "tag", "iris", "team=flowers").status == 0
    assert cli("models", "describe", "iris/1", "the **first**").status == 0
    shown = cli("models", "show", "iris/1").out
    assert "checked  yes" in shown
    assert "the **first**" in shown
    assert cli("models", "alias", "iris/1", "old").err == "iris@old is version 1\n"
    assert cli("models", "alias", "iris", "old", "-d").status == 0
    assert cli("models", "rename", "iris", "flowers").status == 0
    assert cli("models", "list", "tags.team = 'flowers'").lines[-1].startswith("flowers ")
    refused = cli("models", "delete", "flowers")
    assert (refused.status, "--all" in refused.err) == (2, True)
    assert cli("models", "delete", "flowers/1").status == 0
    assert cli("models", "delete", "flowers", "--all").status == 0
    assert "no registered models" in cli("models").err


def test_models_that_only_one_side_has_are_said_and_exchanged(
    trained: Path, cli: Cli, tmp_path: Path
) -> None:
    git(trained, "init", "-q", "--bare", str(tmp_path / "remote.git"))
    git(trained, "remote", "add", "origin", str(tmp_path / "remote.git"))
    cli("push")
    assert "to exchange" not in cli("status").out
    cli("models", "register", "teacher-1", "iris")
    assert "models or experiments to exchange" in cli("status").out
    assert cli("push", "--dry-run").err == "origin: models or experiments to exchange\n"
    assert cli("push").err == "origin: models or experiments exchanged\n"
    assert cli("push").err == "origin: everything up to date\n"
    assert "to exchange" not in cli("status").out


def test_logged_models_are_listed(trained: Path, cli: Cli) -> None:
    lines = cli("models", "logged").lines[1:]
    assert [line.split()[1] for line in lines] == ["net", "net"]
    assert cli("models", "logged", "name = 'other'").lines == []
    assert len(json.loads(cli("models", "logged", "--json").out)) == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("show", "rose"), 4),
        (("show", "rose/1"), 4),
        (("register", "none", "iris"), 4),
        (("promote", "iris", "9"), 4),
        (("alias", "iris", "champion"), 2),
        (("alias", "iris/1", "latest"), 2),
        (("tag", "iris"), 2),
        (("tag", "iris", "novalue"), 2),
        (("list", "color = 'red'"), 2),
        (("download", "s3://bucket/model"), 2),
        (("register", "teacher-1", "a/b"), 2),
        (("register", "teacher-1", "iris", "--path", "other"), 4),
    ],
)
def test_what_is_not_there_or_makes_no_sense_is_said_with_a_hint(
    trained: Path, cli: Cli, arguments: tuple[str, ...], status: int
) -> None:
    cli("models", "register", "teacher-1", "iris")
    found = cli("models", *arguments)
    assert (found.status, found.out) == (status, "")
    assert "hint: " in found.err


def test_a_run_shows_its_datasets_and_models(trained: Path, cli: Cli, terminal: Terminal) -> None:
    with gittrack.start_run(run_name="reader"):
        frame = gittrack.data.from_numpy(__import__("numpy").eye(2), source="s3://bucket/eye.npy", name="eye")
        gittrack.log_input(frame, context="training")
        gittrack.log_model({"n": 3})
    page = cli("show", "reader").out
    assert "datasets" in page
    assert f"eye@{frame.digest}  training: s3 s3://bucket/eye.npy" in page
    assert "made at step 0" in page
    assert "models" in terminal("show", "reader").out
