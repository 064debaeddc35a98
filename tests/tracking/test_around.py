"""What is said around the numbers: modes, series, declarations, alerts, signs of life."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import gittrack
from gittrack.errors import InvalidValueError, RunStateError, UserError
from gittrack.store import journal_files
from gittrack.store.layout import Layout
from gittrack.tracking.definitions import declared_x_axes
from gittrack.tracking.heartbeat import Heartbeat, find_heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import gittrack
with gittrack.start_run(run_name="x") as run:
    gittrack.log_params({"lr": 0.1})
    gittrack.log_metrics({"val": {"acc": 0.9}}, step=3)
    gittrack.log_text("hello", "a.txt")
    gittrack.set_tag("a", "b")
    gittrack.alert("look")
    gittrack.define_metric("loss", "lower")
stored = gittrack.get_run(run.info.run_id)
print(stored.data.params, stored.data.metrics, gittrack.get_tracking_uri())
"""


@pytest.mark.parametrize(("mode", "metrics"), [("dry", "{'val/acc': 0.9}"), ("disabled", "{}")])
def test_a_training_runs_unchanged_where_nothing_is_recorded(tmp_path: Path, mode: str, metrics: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITTRACK_MODE": mode}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{{'lr': '0.1'}} {metrics} memory:\n"
    assert list(tmp_path.iterdir()) == []


def test_disable_forgets_everything_until_enable(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITTRACK_MODE", "")
    gittrack.disable()
    with gittrack.start_run():
        gittrack.log_metric("a", 1)
        with pytest.raises(RunStateError):
            gittrack.enable()
        with pytest.raises(UserError):
            gittrack.log_metric("a//b", 1)
    gittrack.enable()
    with gittrack.start_run(run_name="kept"):
        pass
    assert [run.name for run in gittrack.Client(repo).list_runs()] == ["kept"]


def test_a_mode_that_is_none_says_which_there_are(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITTRACK_MODE", "offline")
    with pytest.raises(UserError, match="GITTRACK_MODE cannot be 'offline'") as error:
        gittrack.Client(repo)
    assert error.value.hint == "one of on, dry, disabled"


def test_a_series_is_logged_as_its_points_would_be(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_series("a", [3, 2.5, float("nan")], steps=10)
        gittrack.log_series("b", np.linspace(0, 1, 5000, dtype=np.float32), np.arange(0, 10_000, 2), 1234)
        gittrack.log_series("c", [])
    client = gittrack.Client()
    points = client.get_metric_history(run.info.run_id, "a")
    assert [(point.step, point.value) for point in points[:2]] == [(10, 3.0), (11, 2.5)]
    assert math.isnan(points[2].value)
    history = client.get_metric_history(run.info.run_id, "b")
    assert (len(history), history[-1].step, history[-1].timestamp) == (5000, 9998, 1234)
    assert client.get_metric_history(run.info.run_id, "c") == []


@pytest.mark.parametrize(
    ("values", "steps"), [([1, 2], [1]), (["x"], 0), (3, 0), ("12", 0), ([1], [0.5]), ([1, 2], 2**63 - 1)]
)
def test_a_series_that_makes_no_sense_logs_nothing(repo: Path, values: Any, steps: Any) -> None:
    with gittrack.start_run() as run:
        with pytest.raises(InvalidValueError) as error:
            gittrack.log_series("a", values, steps)
        assert error.value.hint
    assert gittrack.Client().get_metric_history(run.info.run_id, "a") == []


def test_nested_metrics_have_their_keys_joined(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metrics({"loss": 1, "val": {"acc": 0.5, "top": {"5": 1}}})
    assert gittrack.get_run(run.info.run_id).data.metrics == {"loss": 1.0, "val/acc": 0.5, "val/top/5": 1.0}


def test_a_metric_is_declared_for_its_experiment(repo: Path) -> None:
    gittrack.set_experiment("mine")
    with gittrack.start_run():
        gittrack.define_metric("score", direction="minimize", x="epoch")
    experiment = gittrack.get_experiment_by_name("mine")
    assert experiment is not None
    assert experiment.tags["gittrack.direction.score"] == "lower"
    assert declared_x_axes(experiment.tags) == {"score": "epoch"}
    for bad in ({"direction": "sideways"}, {}, {"x": "a//b"}):
        with pytest.raises(UserError):
            gittrack.define_metric("score", **bad)


@contextmanager
def listening() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/secret", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_alert_is_kept_shown_and_sent(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as (address, received):
        monkeypatch.setenv("GITTRACK_ALERT_WEBHOOK", address)
        with gittrack.start_run(run_name="hot") as run:
            gittrack.alert("loss is NaN", "since step 3\nlook", level="error")
            gittrack.alert("calm again")
        for thread in threading.enumerate():
            if thread.name == "gittrack-alert":
                thread.join()
    assert sorted(one["title"] for one in received) == ["calm again", "loss is NaN"]
    assert next(one for one in received if one["level"] == "ERROR")["run_name"] == "hot"
    client = gittrack.Client()
    stored = client.get_run(run.info.run_id)
    assert stored.tags["gittrack.alert"] == "INFO: calm again"
    shown = subprocess.run(
        [sys.executable, "-m", "gittrack", "show", "@"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "ERROR: loss is NaN\n    since step 3\n    look\n" in shown
    everything = subprocess.run(
        "git cat-file --batch-all-objects --batch", shell=True, capture_output=True, check=True
    ).stdout
    assert b"/secret" not in everything


def test_an_alert_that_cannot_be_sent_is_kept_and_says_so(repo: Path) -> None:
    def alert_and_wait() -> None:
        gittrack.alert("look", webhook="http://127.0.0.1:9/secret")
        for thread in threading.enumerate():
            if thread.name == "gittrack-alert":
                thread.join()

    with gittrack.start_run(), pytest.warns(UserWarning, match="could not be sent"):
        alert_and_wait()


@pytest.mark.parametrize(
    "arguments", [{"title": ""}, {"title": "a", "level": "loud"}, {"title": "a", "webhook": "nowhere"}]
)
def test_an_alert_that_makes_no_sense_is_refused(repo: Path, arguments: dict[str, str]) -> None:
    with gittrack.start_run(), pytest.raises(InvalidValueError):
        gittrack.alert(**arguments)


def test_a_run_with_checkpoints_gives_signs_of_life_that_others_can_read(repo: Path) -> None:
    client = gittrack.Client()
    client.set_checkpoint_interval(3600)
    run = client.create_run()
    client.checkpoint(run.run_id)
    client.wait_for_checkpoints()
    reader = gittrack.Client(repo)
    found = find_heartbeat(reader, reader.get_run(run.run_id))
    assert found is not None
    assert found.interval_s == 3600
    client.set_terminated(run.run_id)
    assert find_heartbeat(reader, reader.get_run(run.run_id)) is None
    reader.close()
    client.close()


def test_a_run_is_lost_after_three_missing_beats_and_a_minute() -> None:
    beat = Heartbeat(time=0, interval_s=100, host="node1")
    assert not beat.is_lost(359_999)
    assert beat.is_lost(360_001)


def test_a_journal_of_another_host_lives_as_long_as_it_is_touched_where_no_lock_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_files, "try_flock", lambda _descriptor: None)
    layout = Layout(tmp_path)
    folder = layout.journals / "run"
    folder.mkdir(parents=True)
    path = folder / "elsewhere-1-2-000000.jsonl"
    path.touch()
    (journal,) = journal_files.list_journals(layout)
    assert journal_files.is_alive(journal)
    long_ago = time.time() - journal_files.LOST_S - 1
    os.utime(path, (long_ago, long_ago))
    assert not journal_files.is_alive(journal)
