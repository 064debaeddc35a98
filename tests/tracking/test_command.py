"""`gittrack run` as a program: its bytes, signals, exit codes, and what is recorded."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gittrack.core.console import CONSOLE_FILE
from gittrack.tracking.client import Client
from gittrack.tracking.command.output import FULL_OUTPUT
from tests.repositories import check_repository, make_repository

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit, which is also where the test is."""
    made = make_repository(tmp_path / "work")
    monkeypatch.chdir(made)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return made


def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gittrack", "run", *arguments]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(command, **options)


def close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    process.wait(timeout=60)


def run(*arguments: str, **options: Any) -> tuple[int, bytes, bytes]:
    process = start(*arguments, **options)
    out, err = process.communicate()
    return process.returncode, out, err


def newest(repository: Path) -> Any:
    client = Client(repository)
    try:
        return client.list_runs()[0]
    finally:
        client.close()


def console_of(repository: Path) -> str:
    client = Client(repository)
    try:
        found = client.find_side_file(client.list_runs()[0].run_id, CONSOLE_FILE)
        return "" if found is None else found.decode()
    finally:
        client.close()


def lines_of(repository: Path) -> list[str]:
    return [line.split(" ", 1)[1] for line in console_of(repository).splitlines()]


def wait_until(condition: Any, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_command_becomes_a_run_with_its_output_and_exit_code(repository: Path) -> None:
    status, out, err = run("--", "sh", "-c", "echo said; echo cried >&2; exit 3")
    assert (status, out, err) == (3, b"said\n", b"cried\n")
    found = newest(repository)
    assert found.status == "FAILED"
    assert found.reason == "exit code 3"
    assert found.source == "sh -c 'echo said; echo cried >&2; exit 3'"
    assert json.loads(found.tags["gittrack.command"]) == ["sh", "-c", "echo said; echo cried >&2; exit 3"]
    assert found.tags["gittrack.cwd"] == str(repository)
    assert found.tags["gittrack.exitCode"] == "3"
    assert sorted(lines_of(repository)) == ["err cried", "out said"]
    assert found.code.commit
    check_repository(repository)


def test_bytes_pass_unchanged_whatever_they_are(repository: Path) -> None:
    data = os.urandom(300_000) + b"\xff\xfe\r\n\x1b[2J no end"
    (repository / "data").write_bytes(data)
    status, out, _ = run("--", "cat", "data")
    assert (status, out) == (0, data)


def test_what_is_kept_of_a_flood_is_its_ends_and_the_whole_as_an_artifact(repository: Path) -> None:
    status, out, _ = run("--", "seq", "400000")
    assert status == 0
    lines = lines_of(repository)
    assert lines[0] == "out 1"
    assert lines[-1] == "out 400000"
    assert any("left out" in line for line in lines)
    client = Client(repository)
    assert client.read_artifact(client.list_runs()[0].run_id, FULL_OUTPUT) == out
    client.close()


def test_a_terminal_is_a_terminal_for_the_command_too(repository: Path) -> None:
    main, side = pty.openpty()
    code = "import os, sys; print(sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size())"
    process = start("--", sys.executable, "-c", code, stdin=side, stdout=side, stderr=side)
    os.close(side)
    shown = b""
    while True:
        try:
            if not (piece := os.read(main, 65_536)):
                break
        except OSError:
            break
        shown += piece
    os.close(main)
    assert process.wait() == 0
    assert shown.startswith(b"True True os.terminal_size"), shown
    assert lines_of(repository)[0].startswith("out True True")


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        (["nonesuch"], 127, b"there is no program 'nonesuch'"),
        (["./train.py"], 126, b"'./train.py' cannot be executed"),
        ([""], 2, b"cannot be empty"),
    ],
)
def test_a_command_that_cannot_be_started_leaves_no_run(
    repository: Path, command: list[str], status: int, words: bytes
) -> None:
    code, out, err = run("--", *command)
    assert (code, out) == (status, b"")
    assert words in err
    assert b"hint: " in err
    client = Client(repository)
    assert client.list_runs() == []
    client.close()
    assert not list((repository / ".git" / "gittrack").glob("console/*"))


def test_outside_of_a_repository_nothing_is_started(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    status, _, err = run(
        "--", "touch", "started", cwd=tmp_path / "empty", env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert status == 4
    assert b"hint: run `git init`" in err
    assert not (tmp_path / "empty" / "started").exists()


def test_sigterm_is_passed_on_and_makes_a_killed_and_complete_run(repository: Path) -> None:
    code = (
        "import time, signal, sys; print('ready', flush=True);"
        "signal.signal(15, lambda *_: (print('bye'), sys.exit(0))); time.sleep(60)"
    )
    process = start("-a", "train.py", "--", sys.executable, "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate()
    assert out == b"bye\n"
    found = newest(repository)
    assert (found.status, found.reason, found.tags["gittrack.signal"]) == ("KILLED", "SIGTERM", "SIGTERM")
    assert lines_of(repository) == ["out ready", "out bye"]
    assert "train.py" in found.artifacts


def test_a_command_that_ignores_sigterm_is_killed_in_the_end(repository: Path) -> None:
    process = start(
        "--kill-after", "0.3", "--", "sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 137
    assert newest(repository).status == "KILLED"


@pytest.mark.parametrize("name", ["SIGUSR1", "SIGHUP", "SIGINT"])
def test_other_signals_reach_the_command_too(repository: Path, name: str) -> None:
    code = (
        f"import signal, sys; signal.signal(signal.{name}, lambda *_: sys.exit(5));"
        "print('ready', flush=True); signal.pause()"
    )
    process = start("--", sys.executable, "-c", code)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.2)
    process.send_signal(getattr(signal, name))
    process.communicate()
    assert process.returncode == 5
    assert newest(repository).status == ("FAILED" if name == "SIGUSR1" else "KILLED")


def test_a_killed_gittrack_loses_no_output_and_the_run_fails(repository: Path) -> None:
    process = start("--", "sh", "-c", "echo one; echo two >&2; exec sleep 60")
    assert process.stderr is not None
    assert process.stdout is not None
    assert process.stdout.readline() + process.stderr.readline() == b"one\ntwo\n"
    wait_until(lambda: list((repository / ".git" / "gittrack" / "journal").glob("*/*.jsonl")))
    time.sleep(0.2)
    process.kill()
    close(process)
    found = newest(repository)
    assert (found.status, found.reason) == ("FAILED", "killed")
    assert sorted(lines_of(repository)) == ["err two", "out one"]
    assert not list((repository / ".git" / "gittrack" / "console").iterdir())
    check_repository(repository)


def test_kills_at_random_moments_lose_no_line_that_was_passed_on(repository: Path) -> None:
    for attempt in range(8):
        process = start("--", "seq", "-f", f"{attempt}:%.0f", "1000000")
        assert process.stdout is not None
        seen = process.stdout.read(1000 + attempt * 40_000)
        process.kill()
        process.stdout.close()
        close(process)
        client = Client(repository)
        runs = client.list_runs()
        if runs and runs[0].source == f"seq -f {attempt}:%.0f 1000000":
            assert (runs[0].status, runs[0].reason) == ("FAILED", "killed")
            if FULL_OUTPUT in runs[0].artifacts:
                assert client.read_artifact(runs[0].run_id, FULL_OUTPUT).startswith(seen)
            else:
                kept = client.find_side_file(runs[0].run_id, CONSOLE_FILE)
                assert kept is not None
                assert len(kept.splitlines()) >= seen.count(b"\n")
        client.close()


def test_the_commands_own_calls_log_to_the_same_run(repository: Path) -> None:
    (repository / "mine.py").write_text(
        "import gittrack\n"
        "gittrack.set_experiment('mine')\n"
        "with gittrack.start_run():\n"
        "    gittrack.log_metric('acc', 0.9, 3)\n"
        "with gittrack.start_run(run_name='second'):\n"
        "    gittrack.log_metric('acc', 0.8)\n",
        "utf-8",
    )
    (repository / "deeper").mkdir()
    status, _, err = run(
        "-p", "lr=0.1", "--name", "outer", "--", sys.executable, "../mine.py", cwd=repository / "deeper"
    )
    assert (status, err) == (0, b"")
    client = Client(repository)
    runs = {one.name: one for one in client.list_runs()}
    client.close()
    assert set(runs) == {"outer", "second"}
    assert runs["outer"].metrics["acc"].last == 0.9
    assert runs["outer"].params == {"lr": 0.1}
    assert runs["outer"].status == "FINISHED"
    assert runs["second"].parent == runs["outer"].run_id


def test_a_failed_command_is_tried_again_as_a_run_of_its_own(repository: Path) -> None:
    script = "if [ -e once ]; then echo better; else touch once; exit 9; fi"
    status, out, _ = run("--retry", "3", "--", "sh", "-c", script)
    assert (status, out) == (0, b"better\n")
    client = Client(repository)
    second, first = client.list_runs()
    client.close()
    assert (first.status, second.status) == ("FAILED", "FINISHED")
    assert second.tags["gittrack.retryOf"] == first.run_id
    assert (first.tags["gittrack.attempt"], second.tags["gittrack.attempt"]) == ("1", "2")


def test_metrics_come_from_lines_and_from_a_descriptor(repository: Path) -> None:
    script = (
        'echo "step 1 loss 0.5"; echo "step 2 loss 0.25" >&2;'
        'echo "{\\"acc\\": 0.9, \\"step\\": 7}" >&3; echo nonsense >&3'
    )
    status, _, err = run("-m", "step {step} loss {loss}", "--metrics-fd", "3", "--", "sh", "-c", script)
    assert status == 0
    assert b"not JSON" in err
    found = newest(repository)
    assert (found.metrics["loss"].count, found.metrics["loss"].last) == (2, 0.25)
    assert found.metrics["acc"].last_step == 7


def test_params_come_from_files_of_three_kinds(repository: Path) -> None:
    (repository / "a.yaml").write_text(
        "lr: 0.1\nmodel: {width: 8, name: '${kind}'}\nkind: mlp\nday: 2024-01-02\n", "utf-8"
    )
    (repository / "b.toml").write_text("[data]\nsize = 3\n", "utf-8")
    (repository / "c.json").write_text('{"lr": 0.2, "on": true}', "utf-8")
    files = [part for name in ("a.yaml", "b.toml", "c.json") for part in ("--param-file", name)]
    assert run(*files, "-p", "on=false", "--", "true")[0] == 0
    params = newest(repository).params
    assert params["lr"] == 0.2
    assert params["model"]["width"] == 8
    assert params["data"] == {"size": 3}
    assert params["on"] is False
    assert params["day"] == "2024-01-02"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.yaml", "a: [1", "no valid YAML"),
        ("a.json", "{", "no valid JSON"),
        ("a.toml", "a =", "no valid TOML"),
        ("a.yaml", "- 1", "no table of params"),
        ("a.ini", "[a]", "no file of params"),
        ("a.json", '{"a//b": 1}', "not a plain path"),
    ],
)
def test_a_broken_param_file_is_an_error_before_anything_runs(
    repository: Path, name: str, text: str, words: str
) -> None:
    (repository / name).write_text(text, "utf-8")
    status, _, err = run("--param-file", name, "--", "touch", "started")
    assert status == 2
    assert words in err.decode()
    assert b"hint: " in err
    assert not (repository / "started").exists()


def test_the_configuration_that_hydra_writes_is_recognised(repository: Path) -> None:
    folder = "outputs/2024-01-02/03-04-05/.hydra"
    script = f"mkdir -p {folder} && printf 'lr: 0.5\\nmodel:\\n  width: 4\\n' > {folder}/config.yaml"
    assert run("--", "sh", "-c", script)[0] == 0
    found = newest(repository)
    assert found.params == {"lr": 0.5, "model": {"width": 4}}
    assert "hydra/03-04-05/config.yaml" in found.artifacts


def test_files_are_found_at_the_end_by_patterns(repository: Path) -> None:
    script = "mkdir -p out/deep; echo a > out/a.txt; echo b > out/deep/b.txt"
    status, _, err = run(
        "-a", "out/**/*.txt", "-a", "none-*", "-a", "train.py=code", "--", "sh", "-c", script
    )
    assert status == 0
    assert b"no file fits 'none-*'" in err
    assert set(newest(repository).artifacts) == {"out/a.txt", "out/deep/b.txt", "code/train.py"}


def test_a_command_that_closes_its_output_or_leaves_a_daemon_ends_in_time(repository: Path) -> None:
    began = time.monotonic()
    assert run("--", "sh", "-c", "echo a; exec >&- 2>&-; sleep 0.1; exit 4")[0] == 4
    status, out, _ = run("--", "sh", "-c", "(sleep 30; echo late) & echo now")
    assert (status, out) == (0, b"now\n")
    assert time.monotonic() - began < 20


def test_a_reader_that_goes_away_ends_the_command_as_without_gittrack(repository: Path) -> None:
    process = start("--", "yes")
    assert process.stdout is not None
    process.stdout.read(10)
    close(process)
    assert process.returncode == 141
    assert newest(repository).status == "FAILED"


def test_a_full_disk_costs_the_recording_and_never_the_command(repository: Path) -> None:
    shutil.rmtree(repository / ".git" / "gittrack", ignore_errors=True)
    (repository / ".git" / "gittrack").write_text("in the way", "utf-8")
    status, out, err = run("--", "echo", "said")
    assert (status, out) == (0, b"said\n")
    assert b"warning: " in err


def test_output_that_cannot_be_stored_is_kept_and_stored_later(repository: Path) -> None:
    gittrack = repository / ".git" / "gittrack"
    gittrack.mkdir(exist_ok=True)
    (gittrack / "objects").write_text("in the way", "utf-8")
    status, out, err = run("--", "seq", "200000")
    assert status == 0
    assert b"could not keep the output" in err
    assert newest(repository).status == "FINISHED"
    (gittrack / "objects").unlink()
    with closing(Client(repository)) as client:
        client.list_runs()
        kept = client.read_artifact(newest(repository).run_id, FULL_OUTPUT)
    assert kept == out
    assert lines_of(repository)[-1] == "out 200000"
    assert not list((gittrack / "console").iterdir())


def test_show_prints_the_end_of_the_output_and_console_all_of_it(repository: Path) -> None:
    run("--", "seq", "30")
    shown = subprocess.run(
        [sys.executable, "-m", "gittrack", "show", "@"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.rstrip().splitlines()[-1] == "30"
    assert "last 10 of 30 lines" in shown.stderr
    whole = subprocess.run(
        [sys.executable, "-m", "gittrack", "show", "@", "--console"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(whole.stdout.splitlines()) == 30
