"""Whatever people pass: a clear refusal with a hint, and what was acknowledged before stays."""

from __future__ import annotations

import decimal
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gittrack
from gittrack.errors import (
    ArtifactNotFoundError,
    ConflictError,
    ExperimentNotFoundError,
    GittrackError,
    InvalidNameError,
    InvalidValueError,
    NotFoundError,
    ParamOverwriteError,
    RepositoryNotFoundError,
    RunNotFoundError,
    RunStateError,
    StoreError,
    TagNotFoundError,
    UserError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

NOBODY = 65534
"""A user without rights; root may write everywhere, so a test of permissions needs another one."""


class Tensor:
    """What frameworks call a scalar: not a number, but it knows one."""

    dtype = "float32"

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value

    def item(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"tensor({self.value})"


def log_something(folder: Path) -> gittrack.Run:
    """Log a run in a repository and return it as another client reads it."""
    gittrack.set_tracking_uri(folder)
    with gittrack.start_run(run_name="run") as run:
        gittrack.log_metric("m", 1.5)
    return gittrack.Client(folder).get_run(run.run_id)


# Repositories


def test_outside_a_repository_the_hint_is_git_init(tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError, match="no Git repository") as caught:
        gittrack.Client(tmp_path)
    assert "git init" in str(caught.value.hint)


def test_a_folder_that_does_not_exist_is_no_repository(tmp_path: Path) -> None:
    with pytest.raises(GittrackError) as caught:
        gittrack.Client(tmp_path / "none")
    assert caught.value.hint


def test_a_uri_of_another_scheme_is_refused(repo: Path) -> None:
    with pytest.raises(UserError, match=r"cannot track at 'https://example\.org'") as caught:
        gittrack.set_tracking_uri("https://example.org")
    assert "path of a Git repository" in str(caught.value.hint)
    assert gittrack.get_tracking_uri().endswith(repo.name)


def test_a_bare_repository_is_tracked_in(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", bare], check=True)
    assert log_something(bare).data.metrics == {"m": 1.5}
    subprocess.run(["git", "fsck", "--strict", "--no-dangling"], cwd=bare, check=True)


def test_a_repository_without_a_commit_is_tracked_in(repo: Path) -> None:
    run = log_something(repo)
    assert run.status == "FINISHED"
    assert run.code is not None
    assert run.code.commit is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
def test_a_read_only_repository_is_read_and_says_what_to_do_when_written(repo: Path, tmp_path: Path) -> None:
    run = log_something(repo)
    for place in [*repo.rglob("*"), repo]:
        place.chmod(0o555 if place.is_dir() else 0o444)
    for parent in list(repo.parents)[:4]:
        parent.chmod(parent.stat().st_mode | 0o555)
    warm = tmp_path / "warm"
    subprocess.run(["git", "init", "-q", warm], check=True)
    script = f"""
import os, sys
sys.path[:0] = {sys.path!r}
import gittrack
os.environ["GITTRACK_REPO"] = {str(warm)!r}
with gittrack.start_run(): pass  # loads what only root may read where Python itself is root's
os.environ["GITTRACK_REPO"] = {str(repo)!r}
os.setuid({NOBODY})
client = gittrack.Client({str(repo)!r})
print(client.get_run({run.run_id!r}).data.metrics)
try:
    with gittrack.start_run(): pass
except gittrack.StoreError as error:
    print(error)
"""
    variables = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd="/",
        env={**variables, "GITTRACK_REPO": str(repo)},
        capture_output=True,
        text=True,
        check=False,
    )
    for place in [repo, *repo.rglob("*")]:
        place.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "{'m': 1.5}" in done.stdout
    assert "Permission denied" in done.stdout
    assert "hint: check the permissions of the Git directory" in done.stdout


def test_a_file_in_the_place_of_gittracks_folder_is_said_to_be_in_the_way(repo: Path) -> None:
    (repo / ".git" / "gittrack").write_text("in the way", "utf-8")
    with pytest.raises(StoreError, match="cannot create a journal"):
        gittrack.start_run()
    assert gittrack.active_run() is None
    (repo / ".git" / "gittrack").unlink()
    assert log_something(repo).data.metrics == {"m": 1.5}


# Keys, names and values

HUGE = "x" * 10_000_000
LONE = "a\ud800"
BAD_KEYS = ["", HUGE, LONE, "a\nb", "a\0b", "/a", "a/", "a//b", "../a", "a/../b", "..", "a@b", None, 3]
BAD_NAMES = ["", " ", HUGE, LONE, "a\nb", "a\0b", "a\x1bb"]
BAD_PATHS = ["", HUGE, LONE, "a\nb", "a\0b", "/a", "../a", "a/../b", "..", "p" * 256, None, 3]


def show(value: object) -> str:
    """Return a name for a case that is the same in every process."""
    return type(value).__name__ if type(value) is object else ascii(value)[:12]


def assert_refused(kind: type[GittrackError], call: Callable[[], Any]) -> None:
    """Check that a call is refused in a few words, with a hint."""
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.hint
    assert 10 < len(str(caught.value)) < 400
    str(caught.value).encode()


@pytest.mark.parametrize("key", BAD_KEYS, ids=show)
def test_bad_keys_are_refused_and_cost_nothing(repo: Path, key: Any) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("before", 1)
        assert_refused(InvalidNameError, lambda: gittrack.log_metric(key, 1))
        assert_refused(InvalidNameError, lambda: gittrack.log_metrics({"with": 1, key: 1}))
        assert_refused(InvalidNameError, lambda: gittrack.log_param(key, 1))
        assert_refused(InvalidNameError, lambda: gittrack.log_params({"with": 1, key: 1}))
        assert_refused(InvalidNameError, lambda: gittrack.set_tag(key, 1))
        assert_refused(InvalidNameError, lambda: gittrack.set_experiment_tag(key, 1))
    data = gittrack.get_run(run.run_id).data
    assert (data.metrics, data.params) == ({"before": 1.0}, {})


@pytest.mark.parametrize("name", BAD_NAMES, ids=show)
def test_bad_names_are_refused(repo: Path, name: str) -> None:
    assert_refused(InvalidNameError, lambda: gittrack.create_experiment(name))
    assert_refused(InvalidNameError, lambda: gittrack.set_experiment(name))
    with gittrack.start_run(run_name="good") as run:
        assert_refused(UserError, lambda: gittrack.set_tag("mlflow.runName", name))
        assert_refused(InvalidNameError, lambda: gittrack.Client().update_run(run.run_id, name=name))
    if name:
        assert_refused(InvalidNameError, lambda: gittrack.start_run(run_name=name))
    assert gittrack.get_run(run.run_id).name == "good"
    assert [one.name for one in gittrack.search_experiments()] == ["Default"]


@pytest.mark.parametrize("path", BAD_PATHS, ids=show)
def test_bad_artifact_paths_are_refused(repo: Path, path: Any) -> None:
    Path("file.txt").write_text("x", "utf-8")
    with gittrack.start_run():
        assert_refused(InvalidNameError, lambda: gittrack.log_text("x", path))
        if path not in {"", None}:  # which mean the top
            assert_refused(InvalidNameError, lambda: gittrack.log_artifact("file.txt", path))
        assert gittrack.artifacts.list_artifacts(gittrack.get_artifact_uri()) == []


@pytest.mark.parametrize("value", [HUGE, LONE], ids=show)
def test_values_that_cannot_be_stored_are_refused(repo: Path, value: str) -> None:
    with gittrack.start_run() as run:
        assert_refused(InvalidValueError, lambda: gittrack.log_param("p", value))
        assert_refused(InvalidValueError, lambda: gittrack.set_tag("t", value))
    data = gittrack.get_run(run.run_id).data
    assert data.params == {}
    assert "t" not in data.tags


def test_text_that_is_no_utf_8_is_kept_when_python_can_say_it_in_utf_8(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_param("p", "\ufffd\x1b[31m\u2028</script>")
    assert gittrack.get_run(run.run_id).data.params == {"p": "\ufffd\x1b[31m\u2028</script>"}


def test_a_changed_param_is_refused_and_the_first_value_stays(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_param("lr", 0.1)
        with pytest.raises(ParamOverwriteError, match=r"param 'lr' is '0\.1' already, not '0\.2'") as caught:
            gittrack.log_params({"new": 1, "lr": 0.2})
        assert "log what does as a metric or tag" in str(caught.value.hint)
    assert gittrack.get_run(run.run_id).data.params == {"lr": "0.1"}


# Metrics

NUMBERS: list[tuple[Any, float]] = [
    (math.nan, math.nan),
    (math.inf, math.inf),
    (-math.inf, -math.inf),
    (1e-320, 1e-320),
    (-0.0, -0.0),
    (2**63, 2.0**63),
    (2**53 + 1, 2.0**53),
    (True, 1.0),
    ("0.5", 0.5),
    (np.float32(0.1), float(np.float32(0.1))),
    (np.int64(-3), -3.0),
    (np.bool_(True), 1.0),
    (np.array(2.5), 2.5),
    (np.array([[2.5]]), 2.5),
    (decimal.Decimal("0.1"), 0.1),
    (Tensor(0.25), 0.25),
]


@pytest.mark.parametrize(("given", "stored"), NUMBERS, ids=repr)
def test_every_number_is_stored_and_read_bit_by_bit(repo: Path, given: Any, stored: float) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("m", given, step=1)
        gittrack.log_metrics({"n": given}, step=1)
    (point,) = gittrack.Client(repo).get_metric_history(run.run_id, "m")
    (other,) = gittrack.Client(repo).get_metric_history(run.run_id, "n")
    assert point.value.hex() == other.value.hex() == stored.hex()


@pytest.mark.parametrize("value", [None, "", "abc", [1], {}, 1j, object(), np.zeros(2), 10**400], ids=show)
def test_what_is_no_number_is_refused_and_what_was_logged_before_stays(repo: Path, value: Any) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("m", 1, step=0)
        assert_refused(InvalidValueError, lambda: gittrack.log_metric("m", value, step=1))
        assert_refused(InvalidValueError, lambda: gittrack.log_metrics({"good": 1, "m": value}, step=1))
        gittrack.log_metric("m", 2, step=2)
    history = gittrack.Client().get_metric_history(run.run_id, "m")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (2, 2.0)]
    assert gittrack.get_run(run.run_id).data.metrics == {"m": 2.0}


@pytest.mark.parametrize("step", [2**63, -(2**63) - 1, 1.5, math.nan, math.inf, "1", [1]], ids=show)
def test_steps_that_are_no_64_bit_integers_are_refused(repo: Path, step: Any) -> None:
    with gittrack.start_run():
        assert_refused(InvalidValueError, lambda: gittrack.log_metric("m", 1, step=step))
        assert_refused(InvalidValueError, lambda: gittrack.log_metrics({"m": 1}, step=step))


@pytest.mark.parametrize("timestamp", [-1, 2**63, 1.5, "now", math.nan], ids=show)
def test_times_that_are_no_milliseconds_since_1970_are_refused(repo: Path, timestamp: Any) -> None:
    with gittrack.start_run() as run:
        assert_refused(InvalidValueError, lambda: gittrack.log_metric("m", 1, timestamp=timestamp))
        client = gittrack.Client()
        assert_refused(InvalidValueError, lambda: client.log_metric(run.run_id, "m", 1, timestamp=timestamp))


def test_scalars_of_frameworks_are_params_by_their_text(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_params(
            {"f": np.float32(0.1), "i": np.int64(3), "d": decimal.Decimal("1.10"), "t": Tensor(1)}
        )
    assert gittrack.get_run(run.run_id).data.params == {"f": "0.1", "i": "3", "d": "1.10", "t": "tensor(1)"}


# A clock that jumps back


def test_a_clock_that_jumps_back_loses_no_point_and_no_edit(repo: Path) -> None:
    now = [2_000_000_000_000]
    client = gittrack.Client(repo, clock_ms=lambda: now[0])
    run_id = client.create_run().run_id
    client.log_metric(run_id, "m", 1, step=0)
    client.set_tag(run_id, "t", "before")
    now[0] -= 3_600_000
    client.log_metric(run_id, "m", 2, step=1)
    client.set_tag(run_id, "t", "after")
    client.set_terminated(run_id)
    client.set_tag(run_id, "t", "ended")
    client.delete_run(run_id)
    client.restore_run(run_id)
    client.close()
    run = gittrack.Client(repo).get_run(run_id)
    assert (run.tags["t"], run.lifecycle_stage, run.status) == ("ended", "active", "FINISHED")
    assert run.data.metrics == {"m": 2.0}
    dates = subprocess.run(
        ["git", "log", "--format=%ct", "refs/gittrack/runs"],
        cwd=repo,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert sorted(dates, reverse=True) == dates


# Artifacts


def test_a_file_that_is_not_there_is_said_to_be_missing(repo: Path) -> None:
    with gittrack.start_run():
        with pytest.raises(ArtifactNotFoundError, match=r"no file or folder at 'none\.txt'") as caught:
            gittrack.log_artifact("none.txt")
        assert str(repo) in str(caught.value.hint)
        assert_refused(ArtifactNotFoundError, lambda: gittrack.log_artifacts("none"))
        assert_refused(NotFoundError, lambda: gittrack.log_artifact("a\0b"))
        assert_refused(InvalidNameError, lambda: gittrack.log_artifact(HUGE))


def test_a_folder_is_logged_under_its_name_and_a_file_is_no_folder(repo: Path) -> None:
    Path("folder").mkdir()
    Path("folder/a.txt").write_text("x", "utf-8")
    with gittrack.start_run():
        gittrack.log_artifact("folder")
        assert_refused(InvalidValueError, lambda: gittrack.log_artifacts("folder/a.txt"))
        listed = gittrack.artifacts.list_artifacts(f"{gittrack.get_artifact_uri()}/folder")
    assert [entry.path for entry in listed] == ["folder/a.txt"]


def test_a_link_out_of_the_folder_is_refused_before_anything_is_stored(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    Path("folder").mkdir()
    Path("folder/a.txt").write_text("x", "utf-8")
    Path("folder/link.txt").symlink_to(tmp_path / "secret.txt")
    with gittrack.start_run():
        with pytest.raises(UserError, match="leads out of 'folder'") as caught:
            gittrack.log_artifacts("folder")
        assert "remove the link" in str(caught.value.hint)
        assert gittrack.artifacts.list_artifacts(gittrack.get_artifact_uri()) == []
        Path("folder/link.txt").unlink()
        Path("folder/link.txt").symlink_to("a.txt")
        gittrack.log_artifacts("folder")
        assert gittrack.artifacts.load_text(f"{gittrack.get_artifact_uri()}/link.txt") == "x"


@pytest.mark.timeout(20)
def test_a_fifo_is_refused_and_not_waited_for(repo: Path) -> None:
    Path("folder").mkdir()
    os.mkfifo("folder/pipe")
    with gittrack.start_run():
        assert_refused(InvalidValueError, lambda: gittrack.log_artifact("folder/pipe"))
        assert_refused(InvalidValueError, lambda: gittrack.log_artifacts("folder"))


def test_a_file_whose_name_is_no_utf_8_is_refused_by_name(repo: Path) -> None:
    os.mkdir(b"folder")  # noqa: PTH102  (paths as bytes)
    Path(os.fsdecode(b"folder/\xff.txt")).write_text("x", "utf-8")
    with gittrack.start_run():
        assert_refused(InvalidNameError, lambda: gittrack.log_artifacts("folder"))


def test_an_artifact_that_is_not_there_is_said_to_be_missing(repo: Path) -> None:
    with gittrack.start_run():
        gittrack.log_text("x", "a.txt")
        with pytest.raises(ArtifactNotFoundError, match=r"has no artifact 'b\.txt'") as caught:
            gittrack.artifacts.load_text(f"{gittrack.get_artifact_uri()}/b.txt")
    assert caught.value.hint == "it has 'a.txt'"


# What is not there


def test_unknown_things_are_not_found(repo: Path) -> None:
    unknown = "0123456789abcdef0123456789abcdef"
    with gittrack.start_run():
        cases: list[tuple[type[NotFoundError], Callable[[], Any]]] = [
            (RunNotFoundError, lambda: gittrack.get_run(unknown)),
            (RunNotFoundError, lambda: gittrack.delete_run(unknown)),
            (RunNotFoundError, lambda: gittrack.log_metric("m", 1, run_id=unknown)),
            (ExperimentNotFoundError, lambda: gittrack.get_experiment(unknown)),
            (ExperimentNotFoundError, lambda: gittrack.start_run(experiment_id=unknown, nested=True)),
            (TagNotFoundError, lambda: gittrack.delete_tag("none")),
            (TagNotFoundError, lambda: gittrack.delete_experiment_tag("none")),
        ]
        for kind, call in cases:
            assert_refused(kind, call)
    assert_refused(InvalidNameError, lambda: gittrack.get_run("../../etc/passwd"))


def test_states_that_forbid_something_say_how_to_leave_them(repo: Path) -> None:
    experiment_id = gittrack.create_experiment("one")
    assert_refused(ConflictError, lambda: gittrack.create_experiment("one"))
    with gittrack.start_run() as run:
        assert_refused(RunStateError, gittrack.start_run)
        assert_refused(RunStateError, lambda: gittrack.set_tracking_uri(repo))
    gittrack.delete_run(run.run_id)
    assert_refused(RunStateError, lambda: gittrack.log_metric("m", 1, run_id=run.run_id))
    gittrack.delete_experiment(experiment_id)
    assert_refused(RunStateError, lambda: gittrack.set_experiment("one"))
    assert_refused(UserError, gittrack.set_experiment)
    assert_refused(InvalidValueError, lambda: gittrack.search_experiments(max_results=0))
