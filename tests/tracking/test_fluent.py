"""The fluent API in real repositories: what MLflow has no twin of, or what its own tests would not see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gittrack
from gittrack.errors import RunStateError, TagNotFoundError, UserError


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints."""
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def run_script(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own, without what this one set for its children."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GITTRACK_", "MLFLOW_"))
    }
    (folder / "script.py").write_text(script, "utf-8")
    command = [sys.executable, "script.py"]
    return subprocess.run(
        command, cwd=folder, env={**kept, **variables}, capture_output=True, text=True, check=False
    )


def test_a_run_is_committed_on_the_hidden_branch_and_nothing_else_is_touched(repo: Path) -> None:
    Path("train.py").write_text("pass\n", "utf-8")
    git(repo, "add", "train.py")
    git(repo, "commit", "-q", "-m", "first")
    before = [git(repo, *command) for command in (["status", "--porcelain"], ["rev-parse", "HEAD"])]
    config = Path(".git/config").read_bytes()
    with gittrack.start_run(run_name="tidy-otter") as run:
        gittrack.log_metric("acc", 0.5)
    assert [git(repo, *command) for command in (["status", "--porcelain"], ["rev-parse", "HEAD"])] == before
    assert Path(".git/config").read_bytes() == config
    assert git(repo, "log", "--format=%s", "refs/gittrack/runs").startswith("tidy-otter finished: acc 0.5")
    assert run.info.status == "FINISHED"
    code = gittrack.get_run(run.run_id).code
    assert code is not None
    assert code.commit == before[1].strip()
    git(repo, "fsck", "--strict", "--no-dangling")


def test_what_was_logged_is_seen_by_another_process_before_the_run_ends(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("m", 1, step=3)
        gittrack.log_param("p", {"deep": [1, 2.5]})
        script = f"""
import gittrack, json
run = gittrack.get_run({run.run_id!r})
print(json.dumps([run.status, run.data.metrics, run.data.params, run.params]))
"""
        seen = json.loads(run_script(script, repo).stdout)
    assert seen == ["RUNNING", {"m": 1.0}, {"p": "{'deep': [1, 2.5]}"}, {"p": {"deep": [1, 2.5]}}]


def test_params_keep_their_type_and_have_mlflows_text(repo: Path) -> None:
    params = {"i": 1, "f": 0.1, "t": True, "n": None, "l": [1, "a"], "d": {"a": {"b": 2}}}
    with gittrack.start_run() as run:
        gittrack.log_params(params)
    after = gittrack.get_run(run.run_id)
    assert dict(after.params) == params
    assert after.data.params == {key: str(value) for key, value in params.items()}


def test_a_script_finds_the_repository_it_stands_in(repo: Path) -> None:
    folder = repo / "experiments" / "one"
    folder.mkdir(parents=True)
    done = run_script("import gittrack\nwith gittrack.start_run(run_name='below'): pass", folder)
    assert done.returncode == 0, done.stderr
    (run,) = gittrack.Client(repo).list_runs()
    assert (run.name, run.source) == ("below", "script.py")
    assert run.code is not None
    assert run.code.entry == "experiments/one/script.py"


def test_the_environment_chooses_another_repository(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", other], check=True)
    script = "import gittrack\nprint(gittrack.is_tracking_uri_set())\nwith gittrack.start_run(): pass"
    for name in ("GITTRACK_REPO", "GITTRACK_TRACKING_URI", "MLFLOW_TRACKING_URI"):
        done = run_script(script, repo, **{name: f"gittrack:{other}"})
        assert done.returncode == 0, done.stderr
    assert len(list(gittrack.Client(other).list_runs())) == 3
    assert list(gittrack.Client(repo).list_runs()) == []


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("", "FINISHED"),
        ("raise ValueError", "FAILED"),
        ("raise SystemExit(0)", "FINISHED"),
        ("1 / 0", "FAILED"),
    ],
)
def test_a_run_that_nobody_ends_is_ended_with_its_script(repo: Path, ending: str, status: str) -> None:
    run_script(f"import gittrack\ngittrack.start_run()\ngittrack.log_metric('m', 1)\n{ending}", repo)
    (run,) = gittrack.Client(repo).list_runs()
    assert (run.status, run.data.metrics) == (status, {"m": 1.0})


def test_changing_the_repository_forgets_the_experiment(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", other], check=True)
    chosen = gittrack.set_experiment("chosen")
    assert os.environ["GITTRACK_EXPERIMENT_ID"] == chosen.experiment_id
    gittrack.set_tracking_uri(other)
    assert "GITTRACK_EXPERIMENT_ID" not in os.environ
    with gittrack.start_run() as run:
        assert run.info.experiment_id == "0"


def test_the_environments_experiment_may_not_contradict_itself(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "by name")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", "0")
    with pytest.raises(UserError, match="names experiment 'by name', whose id is") as caught:
        gittrack.start_run()
    assert caught.value.hint
    assert gittrack.active_run() is None


def test_a_block_that_is_left_ends_all_runs_inside_it(repo: Path) -> None:
    with gittrack.start_run() as outer:
        inner = gittrack.start_run(nested=True)
        innermost = gittrack.start_run(nested=True)
    assert gittrack.active_run() is None
    assert {gittrack.get_run(one.run_id).status for one in (outer, inner, innermost)} == {"FINISHED"}


def test_a_run_that_cannot_start_leaves_the_stack_as_it_was(repo: Path) -> None:
    with gittrack.start_run() as run:
        with pytest.raises(UserError):
            gittrack.start_run(nested=True, tags={"bad\nkey": 1})
        assert gittrack.active_run() is run
        with pytest.raises(RunStateError):
            gittrack.start_run(run_id=run.run_id, nested=True)
        assert gittrack.active_run() is run


def test_a_batch_is_logged_whole_or_not_at_all(repo: Path) -> None:
    client = gittrack.Client()
    run_id = client.create_run().run_id
    client.log_param(run_id, "p", "1")
    good = [gittrack.Metric("m", 1.0, 1, 1)], [gittrack.Param("new", "1")], [gittrack.RunTag("t", "1")]
    bad = [
        ([gittrack.Metric("m@", 1.0, 1, 1)], good[1], good[2]),
        ([gittrack.Metric("m", 1.0, -1, 1)], good[1], good[2]),
        (good[0], [*good[1], gittrack.Param("p", "2")], good[2]),
        (good[0], [*good[1], gittrack.Param("new", "2")], good[2]),
        (good[0], good[1], [gittrack.RunTag("t\n", "1")]),
    ]
    for batch in bad:
        with pytest.raises(UserError):
            client.log_batch(run_id, *batch)
        data = client.get_run(run_id).data
        assert (data.metrics, data.params) == ({}, {"p": "1"})
        assert "t" not in data.tags
    client.log_batch(run_id, *good)
    client.log_batch(run_id, *good)
    assert client.get_run(run_id).metrics["m"].count == 1
    client.set_terminated(run_id)


def test_a_tag_set_by_another_process_can_be_deleted(repo: Path) -> None:
    with gittrack.start_run() as run:
        run_script(f"import gittrack\ngittrack.Client().set_tag({run.run_id!r}, 'theirs', 1)", repo)
        gittrack.delete_tag("theirs")
        with pytest.raises(TagNotFoundError, match="no tag with name 'none'") as caught:
            gittrack.delete_tag("none")
        assert "its tags:" in str(caught.value.hint)


def test_an_empty_tag_can_be_deleted_in_a_resumed_run(repo: Path) -> None:
    with gittrack.start_run(tags={"empty": ""}) as run:
        pass
    with gittrack.start_run(run_id=run.run_id):
        gittrack.delete_tag("empty")
    assert "empty" not in gittrack.get_run(run.run_id).tags


def test_the_last_active_run_is_the_one_that_ended_last(repo: Path) -> None:
    with gittrack.start_run(run_name="outer"), gittrack.start_run(run_name="inner", nested=True):
        pass
    last = gittrack.last_active_run()
    assert last is not None
    assert last.name == "outer"


def test_asynchronous_logging_is_done_when_the_call_returns(repo: Path) -> None:
    with gittrack.start_run() as run:
        operation = gittrack.log_metric("m", 1, synchronous=False)
        assert gittrack.Client().get_run(run.run_id).data.metrics == {"m": 1.0}
        assert operation is not None
        operation.wait()


def test_autolog_without_mlflow_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"xgboost"}
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if name in there else None)
    with pytest.raises(UserError) as caught:
        gittrack.autolog()
    assert caught.value.hint == (
        "pip install 'gittrack[mlflow]', "
        "or pass gittrack.integrations.xgboost.GittrackCallback() to the training"
    )


@pytest.mark.parametrize("name", ["evaluate", "trace"])
def test_what_mlflow_does_says_without_mlflow_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match=rf"{name}\(\) needs MLflow") as caught:
        getattr(gittrack, name)(lambda: None)
    assert caught.value.hint == "pip install 'gittrack[mlflow]'"


def test_a_span_says_without_mlflow_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(UserError, match="needs MLflow"), gittrack.start_span("by hand"):
        pass


def test_a_run_whose_end_lies_ahead_can_be_opened_again(repo: Path) -> None:
    client = gittrack.Client()
    run = client.create_run()
    client.set_terminated(run.run_id, end_time=client.time_ms() + 3_600_000)
    client.update_run(run.run_id, status="RUNNING")
    assert client.get_run(run.run_id).status == "RUNNING"
