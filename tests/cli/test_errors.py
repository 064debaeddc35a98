"""Bad input of every kind: one line that says what is wrong, one that says what to do, and a status."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Result, check_snapshot, environment
from tests.repositories import git, make_repository

USAGE, NOT_FOUND, STORE, INTEGRITY = 2, 4, 6, 8

BAD = [
    ("lgo",),
    ("log", "--colums", "x"),
    ("log", "foo"),
    ("log", "acc=0.9"),
    ("log", "-p", "lr"),
    ("log", "-p", "=3"),
    ("log", "-p", "a/../b=1"),
    ("log", "-p", "a=1", "-p", "a=2"),
    ("log", "-p", "a=1", "-n", "3"),
    ("log", "-m", "loss=low"),
    ("log", "-m", "loss=1e999"),
    ("log", "-m", "loss=1@soon"),
    ("log", "-m", f"loss=1@{2**63}"),
    ("log", "-p", "k\udcff=1"),
    ("log", "-t", "k=\udcff"),
    ("log", "--name", ""),
    ("log", "--name", "a\nb"),
    ("log", "-m", "a=1", "--status", "done"),
    ("log", "-m", "a=1", "--parent", "nobody"),
    ("log", "-a", "missing.pt"),
    ("log", "-a", "missing.pt=there.pt"),
    ("log", "-a", "/dev/null"),
    ("log", "-a", "train.py=../up"),
    ("log", "-n", "-3"),
    ("log", "-x", "visoin"),
    ("log", "--sort", "metrics.ac"),
    ("log", "--group-by", "params.lrr"),
    ("show",),
    ("show", ""),
    ("show", "baselin"),
    ("show", "nothing like it"),
    ("show", "@{-9}"),
    ("show", "@{"),
    ("show", "best:"),
    ("show", "best:val/ac"),
    ("show", "HEAD~1"),
    ("show", "0" * 32),
    ("best", "ac"),
    ("tag", "@"),
    ("tag", "@", "team"),
    ("tag", "@", "-d", "team"),
    ("rename", "@", ""),
    ("note", "@", "--edit"),
    ("runs", "lst"),
    ("runs", "delete"),
    ("runs", "restore", "baseline"),
    ("experiments", "create", "vision"),
    ("experiments", "get", "visoin"),
    ("experiments", "rename", "vision"),
    ("experiments", "restore", "vision"),
    ("artifacts", "cat", "@", "model.pt"),
    ("artifacts", "ls", "@", "plots"),
    ("artifacts", "put", "@", "missing"),
    ("artifacts", "download"),
    ("artifacts", "download", "--artifact-uri", "s3://bucket/x"),
    ("site", "serve", "--port", "70000"),
    ("completion", "tcsh"),
    ("--repo", "/nowhere", "log"),
]


@pytest.fixture
def few_runs(repository: Path, cli: Cli) -> Path:
    """Return a repository with two runs."""
    assert cli("log", "-x", "vision", "-p", "lr=0.1", "-m", "val/acc=0.8", "--name", "baseline").status == 0
    assert cli("log", "-m", "val/acc=0.9", "--name", "better").status == 0
    return repository


def test_every_error_says_what_is_wrong_and_what_to_do(few_runs: Path, cli: Cli) -> None:
    before = cli("log", "--json", "--all").out
    page = []
    for arguments in BAD:
        result = cli(*arguments)
        assert result.out == "", arguments
        assert "Traceback" not in result.err
        first, *rest = result.err.splitlines()
        assert first.startswith("error: "), arguments
        assert first[7] == first[7].lower()
        assert rest, f"no hint: {arguments}"
        assert rest[0].startswith("hint: ")
        shown = " ".join(
            repr(word) if not word or set(word) & set(" \n\udcff") else word for word in arguments
        )
        page.append(f"$ gittrack {shown}\n{result.err}[{result.status}]\n")
    text = "\n".join(page).replace(str(few_runs), "WORK")
    check_snapshot("errors", text)
    assert cli("log", "--json", "--all").out == before, "an error recorded something"


def test_outside_a_repository_the_error_says_git_init(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = cli("log")
    assert result.status == NOT_FOUND
    assert "no Git repository" in result.err
    assert "git init" in result.err


@pytest.mark.parametrize("kind", ["bare", "unborn", "sha256", "linked worktree"])
def test_every_kind_of_repository_takes_and_shows_runs(
    kind: str, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(make_repository(tmp_path / "other", kind))
    recorded = cli("log", "-m", "acc=0.5", "--name", "here")
    assert recorded.status == 0, recorded.err
    assert cli("show", recorded.out.strip()).lines[0].split() == ["name", "here"]
    assert cli("doctor").status == 0
    head = cli("show", "HEAD")
    if kind in {"bare", "unborn"}:
        assert head.status == NOT_FOUND
        assert "no commit" in head.err
    else:
        assert head.status == 0


def test_a_repository_named_by_option_or_variable_is_used(
    repository: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = cli("log", "-m", "acc=1").out.strip()
    monkeypatch.chdir(tmp_path)
    assert run_id[:8] in cli("--repo", str(repository), "log").out
    assert run_id[:8] in cli("log", "--repo", str(repository)).out
    monkeypatch.setenv("GITTRACK_REPO", str(repository))
    assert run_id[:8] in cli("log").out


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, to be no superuser")
def test_a_repository_that_cannot_be_written_is_read_and_says_so(repository: Path, cli: Cli) -> None:
    run_id = cli("log", "-m", "acc=1").out.strip()
    paths = [repository, *repository.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)

    def call(*arguments: str) -> Result:
        # Even the superuser may not write then.
        powerless = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
        command = [*powerless, sys.executable, "-m", "gittrack", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
        return Result(done.returncode, done.stdout, done.stderr)

    try:
        assert run_id[:8] in call("log").out
        for arguments in (("log", "-m", "a=1"), ("tag", "@", "a=b"), ("rm", "@"), ("site", "build")):
            result = call(*arguments)
            assert result.status == STORE, (arguments, result)
            assert "hint: " in result.err
        sick = call("doctor")
        assert sick.status == 1
        assert re.search(r"^writable +problem ", sick.out, re.MULTILINE)
    finally:
        for path in paths:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_reader_that_goes_away_ends_the_listing_quietly(repository: Path, cli: Cli) -> None:
    lines = b"".join(b'{"params": {"p%d": "%s"}}\n' % (number, b"x" * 500) for number in range(400))
    cli("log", "-", stdin=lines)
    with subprocess.Popen(
        [sys.executable, "-m", "gittrack", "log", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(1) == b"["
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 141


def test_a_full_disk_behind_the_output_is_an_error(repository: Path, cli: Cli) -> None:
    cli("log", "-m", "acc=1")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gittrack", "log"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert (done.returncode, done.stderr) == (STORE, "error: no space left on device\n")


def test_closed_outputs_are_no_error(repository: Path, program: Cli) -> None:
    command = f"{sys.executable} -m gittrack log -m acc=1 >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], env=environment(), check=False).returncode == 0
    assert "1 " in program("status").out


def test_an_interrupted_pipe_leaves_a_killed_run_and_status_130(repository: Path, program: Cli) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gittrack", "log", "--name", "cut", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdin is not None
    process.stdin.write(b'{"loss": 0.5, "step": 1}\n')
    process.stdin.flush()
    deadline = time.monotonic() + 30
    while not list(Path(".git/gittrack/journal").rglob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert '"status": "KILLED"' in program("show", "cut", "--json").out


def test_damage_is_found_named_and_exits_with_8(repository: Path, cli: Cli) -> None:
    Path("large.bin").write_bytes(os.urandom(100_000))
    cli("log", "-a", "large.bin", "--name", "whole")
    assert cli("fsck").status == 0
    assert cli("artifacts", "verify", "@").status == 0
    (stored,) = [path for path in Path(".git/gittrack/objects").rglob("*") if path.is_file()]
    stored.chmod(0o644)
    stored.write_bytes(b"other" + stored.read_bytes()[5:])
    sick = cli("fsck")
    assert sick.status == INTEGRITY
    assert "large.bin" in sick.out
    assert cli("artifacts", "verify", "@").status == INTEGRITY
    assert cli("artifacts", "get", "@", "-o", "out").status == INTEGRITY
    assert not Path("out/large.bin").exists()


def test_an_unknown_run_says_what_the_name_may_have_been(few_runs: Path, cli: Cli) -> None:
    assert "'baseline'" in cli("show", "basline").err
    assert "'better'" in cli("show", "bett").err


def test_a_name_of_two_runs_is_ambiguous_and_both_are_named(few_runs: Path, cli: Cli) -> None:
    second = cli("log", "-m", "val/acc=0.7", "--name", "baseline").out.strip()
    result = cli("show", "baseline")
    assert result.status == NOT_FOUND
    assert "2 runs fit 'baseline'" in result.err
    assert second[:8] in result.err


def test_a_deep_folder_of_the_work_tree_is_fine(
    repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = cli("log", "-m", "acc=1").out.strip()
    (repository / "a/b").mkdir(parents=True)
    monkeypatch.chdir(repository / "a/b")
    assert run_id[:8] in cli("log").out


def test_a_damaged_ref_is_an_error_without_a_traceback(repository: Path, cli: Cli) -> None:
    cli("log", "-m", "acc=1")
    head = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "update-ref", "refs/gittrack/runs", head)
    result = cli("log")
    assert result.status in {0, STORE, INTEGRITY}
    assert "Traceback" not in result.err
