"""All other commands, each through its effect on a real repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

import gittrack
from tests.cli.conftest import Cli, Terminal, environment, without_colours
from tests.repositories import git


@pytest.fixture
def baseline(repository: Path, cli: Cli) -> str:
    """Return the id of a run named baseline, one of two."""
    made = cli(
        "log", "-p", "lr=0.1", "-m", "acc=0.5@1", "-m", "acc=0.8@2", "-m", "loss=1", "--name", "baseline"
    )
    cli("log", "-p", "lr=0.2", "-m", "acc=0.7", "-m", "loss=0.5", "--name", "second", "-x", "vision")
    return made.out.strip()


def test_a_run_is_found_by_every_name_it_has(baseline: str, cli: Cli, repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD").strip()
    newest = json.loads(cli("show", "@", "--json").out)["run_id"]
    names = {
        baseline: [baseline, baseline.upper(), "baseline", "@{-1}", "best:acc"],
        newest: ["second", "@", "@{-0}", "best:loss", "HEAD", head, head[:7]],
    }
    for run_id, texts in names.items():
        for text in texts:
            shown = cli("show", text, "--json")
            assert json.loads(shown.out)["run_id"] == run_id, (text, shown.err)


def test_a_run_is_shown_with_its_facts_metrics_and_relatives(baseline: str, cli: Cli) -> None:
    cli("log", "-m", "acc=1", "--parent", "baseline", "--name", "child")
    shown = cli("show", "baseline").out
    assert re.search(r"^name +baseline$", shown, re.MULTILINE)
    assert re.search(r"^children +child \(finished\)$", shown, re.MULTILINE)
    assert re.search(r"^acc +0\.8 +0\.8 +2 +0\.5 +0\.8 +2  higher$", shown, re.MULTILINE)
    assert re.search(r"^loss +1 +1 +0 +1 +1 +1  lower$", shown, re.MULTILINE)
    assert re.search(rf"^parent +baseline \({baseline}\)$", cli("show", "child").out, re.MULTILINE)
    child = json.loads(cli("show", "child", "--json").out)
    assert child["parent"] == baseline
    assert json.loads(cli("show", "baseline", "--json").out)["children"] == [child["run_id"]]


def test_runs_are_ranked_by_their_best_value_in_the_direction_of_the_name(baseline: str, cli: Cli) -> None:
    assert [line.split()[2] for line in cli("best", "acc").lines[1:]] == ["baseline", "second"]
    assert [line.split()[2] for line in cli("best", "loss").lines[1:]] == ["second", "baseline"]
    assert [line.split()[2] for line in cli("best", "acc", "--lower").lines[1:]] == ["baseline", "second"]
    first = json.loads(cli("best", "acc", "-n", "1", "--json").out)
    assert [(one["rank"], one["value"], one["step"]) for one in first] == [(1, 0.8, 2)]
    assert [line.split()[2] for line in cli("best", "acc", "-x", "vision").lines[1:]] == ["second"]


def test_tags_notes_and_names_can_be_changed_afterwards(baseline: str, cli: Cli) -> None:
    assert cli("tag", "baseline", "team=vision", "stage=draft").status == 0
    assert cli("tag", "baseline", "-d", "stage", "team=speech").status == 0
    assert cli("note", "baseline", "-", stdin="Über\nzwei Zeilen\n".encode()).status == 0
    assert cli("note", "baseline").out == "Über\nzwei Zeilen\n"
    assert cli("rename", "baseline", "wider").status == 0
    run = gittrack.Client().get_run(baseline)
    assert (run.name, dict(run.tags)) == (
        "wider",
        {"team": "speech", "mlflow.note.content": "Über\nzwei Zeilen"},
    )
    assert cli("note", "wider", "").status == 0
    assert "no note" in cli("note", "wider").err


def test_a_note_is_written_in_the_editor_on_a_terminal(
    baseline: str, terminal: Terminal, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "from the editor" > "$1"\n', "utf-8")
    editor.chmod(0o755)
    assert terminal("note", "baseline", EDITOR=str(editor), VISUAL="").status == 0
    assert gittrack.Client().get_run(baseline).tags["mlflow.note.content"] == "from the editor"


def test_runs_are_deleted_and_restored_by_both_spellings(baseline: str, cli: Cli) -> None:
    assert cli("rm", "baseline", "second").status == 0
    assert json.loads(cli("log", "--json").out) == []
    assert cli("restore", "second").status == 0
    assert cli("runs", "restore", "--run-id", baseline).status == 0
    assert len(json.loads(cli("runs", "list", "--json").out)) == 2
    assert cli("runs", "delete", "--run-id", baseline).status == 0
    assert cli("runs", "delete", "--run-id", baseline).status == 2
    views = {
        view: json.loads(cli("runs", "list", "--view", view, "--json").out)
        for view in ("deleted_only", "all")
    }
    assert [run["run_id"] for run in views["deleted_only"]] == [baseline]
    assert len(views["all"]) == 2


def test_mlflows_commands_about_runs_work(repository: Path, cli: Cli) -> None:
    made = cli(
        "runs", "create", "--experiment-name", "vision", "--run-name", "r", "-t", "a=b", "--description", "d"
    )
    run_id = made.out.strip()
    described = json.loads(cli("runs", "describe", "--run-id", run_id).out)
    assert (described["info"]["run_id"], described["info"]["status"]) == (run_id, "FINISHED")
    assert described["data"]["tags"]["a"] == "b"
    experiment_id = described["info"]["experiment_id"]
    listed = json.loads(cli("runs", "list", "--experiment-id", experiment_id, "--json").out)
    assert [run["run_id"] for run in listed] == [run_id]
    assert json.loads(cli("runs", "--json").out) == listed


def test_experiments_are_created_renamed_deleted_and_restored(repository: Path, cli: Cli) -> None:
    made = cli("experiments", "create", "-n", "vision").out.strip()
    assert cli("experiments", "rename", "-x", made, "--new-name", "sight").status == 0
    assert json.loads(cli("experiments", "get", "sight", "--json").out)["experiment_id"] == made
    cli("log", "-m", "a=1", "-x", "sight")
    assert [line.split()[1:3] for line in cli("experiments").lines[1:]] == [["sight", "1"], ["Default", "0"]]
    assert cli("experiments", "delete", "sight").status == 0
    assert json.loads(cli("log", "--json").out) == []
    assert [
        one["name"]
        for one in json.loads(cli("experiments", "search", "--view", "deleted_only", "--json").out)
    ] == ["sight"]
    assert cli("experiments", "restore", "-x", made).status == 0
    assert len(json.loads(cli("log", "--json").out)) == 1


def test_artifacts_go_in_and_come_out_whole(baseline: str, cli: Cli) -> None:
    Path("d/e").mkdir(parents=True)
    Path("d/e/x.bin").write_bytes(bytes(range(256)) * 1000)
    Path("f=g.txt").write_text("text", "utf-8")
    assert cli("artifacts", "put", "baseline", "d", "f=g.txt", "--to", "in").status == 0
    assert cli("artifacts", "put", "baseline", "f=g.txt=named.txt").status == 0
    paths = [one["path"] for one in json.loads(cli("artifacts", "ls", "baseline", "-R", "--json").out)]
    assert paths == ["in/d/e/x.bin", "in/f=g.txt", "named.txt"]
    assert [line.split()[0] for line in cli("artifacts", "ls", "baseline", "in").lines[1:]] == [
        "in/d/",
        "in/f=g.txt",
    ]
    assert cli("artifacts", "cat", "baseline", "named.txt").out == "text"
    assert cli("artifacts", "get", "baseline", "in/d", "-o", "out").lines == ["out/in/d/e/x.bin"]
    assert Path("out/in/d/e/x.bin").read_bytes() == Path("d/e/x.bin").read_bytes()
    assert "3 artifacts verified, 0 bad" in cli("artifacts", "verify", "baseline").err


def test_mlflows_commands_about_artifacts_work(baseline: str, cli: Cli) -> None:
    Path("d").mkdir()
    Path("d/x").write_text("x", "utf-8")
    assert cli("artifacts", "log-artifact", "-l", "d/x", "-r", baseline, "-a", "one").status == 0
    assert cli("artifacts", "log-artifacts", "-l", "d", "-r", baseline, "-a", "many").status == 0
    assert json.loads(cli("artifacts", "list", "-r", baseline, "-a", "one").out) == [
        {"path": "one/x", "is_dir": False, "file_size": 1}
    ]
    there = cli("artifacts", "download", "-u", f"runs:/{baseline}/many", "-d", "out").out.strip()
    assert (Path(there) / "x").read_text("utf-8") == "x"
    assert cli("artifacts", "log-artifacts", "-l", "d/x", "-r", baseline).status == 2


def test_binary_content_is_not_thrown_at_a_terminal(baseline: str, cli: Cli, terminal: Terminal) -> None:
    Path("b").write_bytes(b"\0\1\2")
    cli("artifacts", "put", "baseline", "b")
    shown = terminal("artifacts", "cat", "baseline", "b")
    assert shown.status == 2
    assert "is binary" in shown.out


def test_status_counts_what_there_is(baseline: str, cli: Cli) -> None:
    client = gittrack.Client()
    live = client.create_run(run_name="going on")
    client.log_metric(live.run_id, "a", 1)
    found = json.loads(cli("status", "--json").out)
    assert (found["runs"], found["deleted"], found["experiments"], found["running"]) == (
        3,
        0,
        2,
        ["going on"],
    )
    assert (found["journals"], found["waiting"]) == (1, 0)
    assert found["pack_bytes"] > 0
    assert "going on" in cli("status").out
    client.set_terminated(live.run_id)
    client.close()
    assert json.loads(cli("status", "--json").out)["running"] == []


def test_the_doctor_finds_a_fetch_that_would_delete_the_runs(
    baseline: str, cli: Cli, repository: Path
) -> None:
    assert cli("doctor").status == 0
    git(repository, "config", "remote.mirror.url", "https://example.org/x.git")
    git(repository, "config", "remote.mirror.fetch", "+refs/*:refs/*")
    sick = cli("doctor")
    assert sick.status == 1
    assert "--prune deletes refs/gittrack/runs" in sick.out
    assert "git config remote.mirror.fetch" in sick.err
    assert {one["result"] for one in json.loads(cli("doctor", "--json").out)} == {"ok", "problem"}


def test_the_doctor_names_changes_that_the_disk_lost(baseline: str, cli: Cli, repository: Path) -> None:
    torn = repository / ".git" / "gittrack" / "spool" / "documents-1.damaged"
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"what is left")
    sick = cli("doctor")
    assert sick.status != 0
    assert str(torn) in sick.out
    assert "make them again" in sick.err
    torn.unlink()
    assert cli("doctor").status == 0


def test_the_site_is_built_and_found_by_the_doctor(baseline: str, cli: Cli) -> None:
    built = cli("site", "build", "-o", "public", "--title", "Ours")
    assert built.status == 0, built.err
    assert built.out == "public/index.html\n"
    assert "Ours" in Path("public/index.html").read_text("utf-8")
    assert "none built" in cli("doctor").out
    assert cli("site", "build").out == "gittrack-site/index.html\n"
    assert "gittrack-site/index.html, built" in cli("doctor").out


def test_the_site_is_served_until_it_is_interrupted(baseline: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "gittrack", "site", "serve"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    try:
        assert url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
    finally:
        process.send_signal(2)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(shell: str, cli: Cli) -> None:
    script = cli("completion", shell)
    assert script.status == 0
    assert "_GITTRACK_COMPLETE" in script.out
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script.out.encode(), check=True)


def complete(*words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "gittrack"],
        env={
            **environment(),
            "_GITTRACK_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(["gittrack", *words]),
            "COMP_CWORD": str(len(words)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return [line.partition(",")[2] for line in done.stdout.split("\n") if line]


def test_names_of_commands_runs_experiments_metrics_and_artifacts_are_completed(
    baseline: str, cli: Cli
) -> None:
    Path("model.pt").write_bytes(b"x")
    cli("artifacts", "put", "baseline", "model.pt")
    assert complete("sh") == ["show"]
    assert complete("show", "base") == ["baseline"]
    assert complete("show", baseline[:20]) == [baseline]
    assert complete("log", "-x", "vis") == ["vision"]
    assert complete("best", "a") == ["acc"]
    assert complete("artifacts", "cat", "baseline", "mo") == ["model.pt"]
    assert "--group-by" in complete("log", "--gr")


def test_completion_outside_a_repository_offers_nothing_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complete("show", "x") == []


def test_a_slow_command_shows_a_bar_on_a_terminal_only(
    baseline: str, cli: Cli, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = Path("sitecustomize.py")
    patch.write_text("import gittrack.cli.progress as p\np.PATIENCE_S = 0.0\n", "utf-8")
    shown = terminal("fsck", PYTHONPATH=f"{environment()['PYTHONPATH']}{os.pathsep}{Path.cwd()}")
    assert "verifying" in without_colours(shown.out)
    assert "verifying" not in terminal("fsck").out
    assert "verifying" not in cli("fsck").err


def test_mlflows_ui_says_what_is_missing(repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    shown = cli("ui", "--mlflow")
    assert shown.status == 2
    assert "hint: pip install mlflow" in shown.err
