"""Artifacts between clones, as the command line shows it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

SIZE = 200_000


@pytest.fixture
def clone(repository: Path, tmp_path: Path, cli: Cli) -> Path:
    """Return a second clone of the remote; a run with a large and a small file is logged in the first."""
    remote = make_repository(tmp_path / "remote.git", "bare")
    git(repository, "remote", "add", "origin", str(remote))
    git(repository, "push", "-q", "origin", "HEAD")
    (repository / "model.bin").write_bytes(os.urandom(SIZE))
    (repository / "note.txt").write_text("small", "utf-8")
    assert cli("log", "-m", "acc=1", "-a", "model.bin", "-a", "note.txt", "--name", "it").status == 0
    git(tmp_path, "clone", "-q", str(remote), "clone")
    return tmp_path / "clone"


def test_a_push_sends_content_and_a_get_elsewhere_brings_it(
    clone: Path, repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "1 file (195 KiB) to send" in cli("push", "--dry-run").err
    assert json.loads(cli("status", "--json").out)["unsent"] == 1
    pushed = cli("push")
    assert pushed.status == 0
    assert "1 file (195 KiB) sent, of which 195 KiB were new there" in pushed.err
    assert "everything up to date" in cli("push").err
    assert json.loads(cli("status", "--json").out)["unsent"] == 0
    monkeypatch.chdir(clone)
    assert cli("pull").status == 0
    assert not list((clone / ".git" / "gittrack").glob("objects/*/*"))
    verified = cli("artifacts", "verify", "it")
    assert verified.status == 4
    assert "hint: a remote has it: `gittrack artifacts get` brings it" in verified.err
    got = cli("artifacts", "get", "it", "model.bin", "-o", "out")
    assert (got.status, got.lines) == (0, ["out/model.bin"])
    assert (clone / "out" / "model.bin").read_bytes() == (repository / "model.bin").read_bytes()
    assert cli("artifacts", "verify", "it").status == 0
    assert cli("fsck").status == 0


def test_a_pull_with_artifacts_brings_all_of_them(
    clone: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("push")
    monkeypatch.chdir(clone)
    pulled = cli("pull", "--artifacts", "--json")
    assert (pulled.status, json.loads(pulled.out)["content"]["files"]) == (0, 1)
    assert cli("artifacts", "verify", "it").status == 0


def test_content_that_was_not_pushed_says_where_to_push_it(
    clone: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("push", "--no-artifacts").status == 0
    monkeypatch.chdir(clone)
    cli("pull")
    missing = cli("artifacts", "cat", "it", "model.bin")
    assert missing.status == 4
    assert "was never sent to a remote" in missing.err
    assert "hint: run `gittrack push` where the run was made" in missing.err
    assert cli("artifacts", "cat", "it", "note.txt").out == "small"
    assert cli("pull", "--artifacts").status == 4


def test_a_remote_that_cannot_be_reached_keeps_the_runs_from_being_pushed(
    clone: Path, repository: Path, cli: Cli
) -> None:
    (repository / ".gittrack.toml").write_text(
        "[artifacts]\nremote = 'disk'\n[artifacts.remotes.disk]\nurl = 'file:///proc/nowhere'\n", "utf-8"
    )
    failed = cli("push")
    assert failed.status == 6
    assert "'disk'" in failed.err
    assert "hint:" in failed.err
    assert git(repository, "ls-remote", "origin", "refs/gittrack/*") == ""
    assert cli("push", "--no-artifacts").status == 0


def test_settings_that_make_no_sense_are_named_with_their_file(
    clone: Path, repository: Path, cli: Cli
) -> None:
    (repository / ".gittrack.toml").write_text("[artifacts]\nremote = 7\n", "utf-8")
    failed = cli("push")
    assert failed.status == 2
    assert ".gittrack.toml: artifacts.remote has to be a text" in failed.err


def test_links_are_shown_both_ways(repository: Path, cli: Cli) -> None:
    (repository / "data.txt").write_text("1", "utf-8")
    cli("log", "-m", "acc=1", "-a", "data.txt", "--name", "maker")
    cli("log", "-m", "acc=1", "--name", "user")
    assert cli("artifacts", "use", "user", "gittrack:/maker/data.txt").status == 0
    assert "used\n" in cli("show", "user").out
    assert "maker  data.txt" in cli("show", "user").out
    assert "user  data.txt" in cli("show", "maker").out
    [used_by] = json.loads(cli("show", "maker", "--json").out)["used_by"]
    assert (used_by["name"], used_by["path"], used_by["is_current"]) == ("user", "data.txt", True)


def test_references_are_listed_and_files_are_taken_out(repository: Path, cli: Cli) -> None:
    (repository / "data.txt").write_text("1", "utf-8")
    cli("log", "-m", "acc=1", "-a", "data.txt", "--name", "it")
    assert cli("artifacts", "refer", "it", "s3://bucket/train.parquet", "--digest", "sha256:00ff").status == 0
    assert [row["path"] for row in json.loads(cli("artifacts", "ls", "it", "--json").out)] == [
        "data.txt",
        "train.parquet",
    ]
    assert cli("artifacts", "rm", "it", "data.txt").err == "would take 1 file (1 B) out; `--yes` does\n"
    assert cli("artifacts", "rm", "it", "data.txt", "--yes").status == 0
    assert cli("artifacts", "rm", "it", "data.txt", "--yes").status == 4
    assert cli("fsck").status == 0


@pytest.mark.parametrize("digest", [(), ("--digest", "sha256:00ff")])
def test_runs_with_references_travel_like_any_other(
    clone: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch, digest: tuple[str, ...]
) -> None:
    assert cli("artifacts", "refer", "it", "https://example.com/data.csv", *digest).status == 0
    many = clone.parent / "many"
    many.mkdir()
    for number in range(1001):  # so many that small contents have a file of their own
        (many / f"{number}.txt").write_text(str(number), "utf-8")
    assert cli("artifacts", "put", "it", str(many)).status == 0
    for command in (["push", "--dry-run"], ["push"], ["status"], ["du"], ["fsck"], ["gc", "--local"]):
        assert cli(*command).status == 0
    assert json.loads(cli("status", "--json").out)["unsent"] == 0
    monkeypatch.chdir(clone)
    for command in (["pull", "--artifacts"], ["artifacts", "verify", "it"], ["push"], ["fsck"]):
        assert cli(*command).status == 0
    listed = json.loads(cli("artifacts", "ls", "it", "--json").out)
    assert "data.csv" in [row["path"] for row in listed]
    assert cli("artifacts", "cat", "it", "many/149.txt").out == "149"
