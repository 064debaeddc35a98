"""A folder that is logged while a training writes to it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gittrack
from gittrack.errors import NotFoundError
from gittrack.tracking.client import Client
from gittrack.tracking.folder_watch import FolderWatch
from gittrack.watch import is_on_network
from tests.core.test_growing import EVENTS, PNG
from tests.disks import make_deep, no_room
from tests.wire import event

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


class Watching:
    """A watch whose warnings are kept."""

    def __init__(self, folder: Path, run_id: str | None = None) -> None:
        self.client = Client()
        self.run_id = run_id or self.client.create_run().run_id
        self.warnings: list[str] = []
        self.watch = FolderWatch(
            self.client, self.run_id, folder, artifacts=["*.yaml"], warn=self.warnings.append, settled_s=0
        )

    def points(self, key: str) -> list[tuple[int, float]]:
        return sorted((one.step, one.value) for one in self.client.get_metric_history(self.run_id, key))


def test_metrics_are_logged_row_by_row_as_files_grow(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    lines = folder / "metrics.jsonl"
    lines.write_text('{"loss": 3, "step": 1}\n{"loss": 2, "st', "utf-8")
    (folder / "events.out.tfevents.1").write_bytes(EVENTS[:-5])
    (folder / "sub").mkdir()
    (folder / "sub" / "progress.csv").write_text("epoch,acc\n1,0.5\n", "utf-8")
    assert watching.watch.look() == 3
    assert watching.points("loss") == [(1, 0.5), (1, 3.0)]
    with lines.open("a") as file:
        file.write('ep": 2}\n')
    (folder / "events.out.tfevents.1").write_bytes(EVENTS + event("loss", 0.125, 9))
    assert watching.watch.look() == 3
    assert watching.watch.look() == 0
    assert watching.points("loss") == [(1, 0.5), (1, 3.0), (2, 2.0), (9, 0.125)]
    assert watching.points("val/acc") == [(2, 0.75)]
    assert watching.points("sub/acc") == [(1, 0.5)]
    assert watching.warnings == []


def test_files_are_stored_once_they_are_complete_and_again_when_they_change(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    (folder / "plot.png").write_bytes(PNG[:20])
    (folder / "conf.yaml").write_text("a: 1\n", "utf-8")
    (folder / "notes.txt").write_text("not asked for", "utf-8")
    assert watching.watch.look() == 1
    (folder / "plot.png").write_bytes(PNG)
    assert watching.watch.look() == 1
    assert watching.watch.look() == 0
    (folder / "conf.yaml").write_text("a: 2\n", "utf-8")
    assert watching.watch.look() == 1
    run = watching.client.get_run(watching.run_id)
    assert set(run.artifacts) == {"plot.png", "conf.yaml"}
    assert watching.client.read_artifact(watching.run_id, "conf.yaml") == b"a: 2\n"


def test_an_image_that_is_never_finished_is_left_out_and_said(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    (folder / "plot.png").write_bytes(PNG[:20])
    watching.watch.look(is_last=True)
    assert watching.warnings == ["plot.png: is not complete, and left out"]


def test_going_on_after_a_kill_logs_nothing_twice(repo: Path, folder: Path) -> None:
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n{"loss": 2}\n', "utf-8")
    (folder / "a.png").write_bytes(PNG)
    first = Watching(folder)
    first.watch.look()
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n{"loss": 2}\n{"loss": 3}\n', "utf-8")
    second = Watching(folder, first.run_id)  # as another process would: it knows only the run
    assert second.watch.look() == 1
    assert second.points("loss") == [(0, 1.0), (1, 2.0), (2, 3.0)]


def test_rows_whose_tag_was_lost_are_recognised(repo: Path, folder: Path) -> None:
    first = Watching(folder)
    for step, value in enumerate([1.0, 2.0]):
        first.client.log_metric(first.run_id, "loss", value, timestamp=5, step=step)
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n{"loss": 2}\n{"loss": 3}\n', "utf-8")
    second = Watching(folder, first.run_id)
    second.watch.look()
    assert second.points("loss") == [(0, 1.0), (1, 2.0), (2, 3.0)]


@pytest.mark.parametrize("room", [0, 1_000, 100_000])
def test_a_full_disk_is_said_and_what_it_cost_is_logged_once_there_is_room(
    repo: Path, folder: Path, room: int
) -> None:
    watching = Watching(folder)
    with (folder / "metrics.jsonl").open("w") as file:
        file.writelines(json.dumps({"loss": step, "step": step}) + "\n" for step in range(3000))
    (folder / "a.png").write_bytes(PNG)
    watching.client.log_metric(watching.run_id, "mine", 1.0)
    journal = next((repo / ".git/gittrack/journal").rglob("*.jsonl"))
    with no_room(journal.stat().st_size + room):
        watching.watch.look()
        watching.watch.look()
    assert any("metrics.jsonl: cannot log" in warning for warning in watching.warnings)
    watching.watch.look()
    assert watching.points("loss") == [(step, step) for step in range(3000)]
    assert set(watching.client.get_run(watching.run_id).artifacts) == {"a.png"}
    assert watching.watch.look() == 0


def test_pipes_sockets_and_dangling_links_are_passed_over(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    os.mkfifo(folder / "metrics.jsonl")
    (folder / "gone.png").symlink_to(folder / "nothing")
    assert watching.watch.look(is_last=True) == 0
    assert watching.warnings == []


@pytest.mark.timeout(60)
def test_link_loops_and_the_longest_names_end_no_look(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    longest = f"{'n' * 249}.jsonl"
    (folder / longest).write_text('{"loss": 1}\n', "utf-8")
    (folder / f"{'p' * 251}.png").write_bytes(PNG)
    for name, target in {"self": ".", "one.jsonl": "two.jsonl", "two.jsonl": "one.jsonl", "a": "a"}.items():
        (folder / name).symlink_to(target)
    make_deep(folder)
    assert watching.watch.look(is_last=True) == 2
    assert watching.points("loss") == [(0, 1.0)]
    assert set(watching.client.get_run(watching.run_id).artifacts) == {f"{'p' * 251}.png"}
    assert watching.warnings == []
    assert watching.watch.look(is_last=True) == 0


def test_a_file_that_shrinks_is_read_anew_and_damage_is_said_once(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n{"loss": 2}\n', "utf-8")
    (folder / "events.out.tfevents.1").write_bytes(b"\1" * 50)
    watching.watch.look()
    (folder / "metrics.jsonl").write_text('{"other": 7}\n', "utf-8")
    watching.watch.look()
    assert watching.points("other") == [(0, 7.0)]
    assert any("no record at byte 0" in warning for warning in watching.warnings)
    assert any("shorter than before" in warning for warning in watching.warnings)


def test_a_folder_that_is_gone_is_an_error(repo: Path, folder: Path) -> None:
    watching = Watching(folder)
    folder.rmdir()
    with pytest.raises(NotFoundError, match="is gone"):
        watching.watch.look()


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gittrack", "watch", *arguments]
    return subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def count_points(run_id: str) -> int:
    run = gittrack.Client().get_run(run_id)
    return run.metrics["loss"].count if "loss" in run.metrics else 0


@pytest.mark.parametrize("poll", ["--poll", "--no-poll"])
def test_the_command_follows_a_training_until_it_is_asked_to_end(repo: Path, folder: Path, poll: str) -> None:
    process = start(str(folder), "--name", "seen", poll)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    for step in range(3):
        with (folder / "metrics.jsonl").open("a") as file:
            file.write(json.dumps({"loss": step, "step": step}) + "\n")
        wait_for(lambda wanted=step + 1: count_points(run_id) == wanted)
    (folder / "last.png").write_bytes(PNG)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 0, err
    run = gittrack.Client().get_run(run_id)
    assert (run.name, run.status) == ("seen", "FINISHED")
    assert set(run.artifacts) == {"last.png"}


def test_a_killed_watch_goes_on_with_its_run(repo: Path, folder: Path) -> None:
    with (folder / "metrics.jsonl").open("w") as file:
        file.writelines(json.dumps({"loss": step, "step": step}) + "\n" for step in range(500))
    process = start(str(folder))
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    wait_for(lambda: count_points(run_id) > 0)
    process.kill()
    process.communicate()
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('{"loss": 500, "step": 500}\n')
    again = start(str(folder), "--resume", "--once")
    out, err = again.communicate()
    assert (again.returncode, out.strip(), err) == (0, run_id, "")
    run = gittrack.Client().get_run(run_id)
    assert (run.status, run.metrics["loss"].count) == ("FINISHED", 501)


def test_a_run_that_is_running_takes_a_folder_in_and_goes_on(repo: Path, folder: Path) -> None:
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n', "utf-8")
    client = gittrack.Client()
    run = client.create_run(run_name="training")
    process = start(str(folder), "--run", "training", "--until-idle", "0.1")
    process.communicate()
    assert process.returncode == 0
    client.log_metric(run.run_id, "mine", 1)
    found = client.get_run(run.run_id)
    assert found.status == "RUNNING"
    assert set(found.metrics) == {"loss", "mine"}
    client.set_terminated(run.run_id)


def test_a_folder_that_is_not_there_says_so(repo: Path, folder: Path) -> None:
    missing = start(str(folder / "nothing"))
    _, err = missing.communicate()
    assert missing.returncode == 4
    assert "there is no folder" in err


@pytest.mark.parametrize("lose", [shutil.rmtree, lambda folder: folder.rename(folder.with_name("moved"))])
def test_a_folder_that_is_deleted_or_renamed_ends_the_run(
    repo: Path, folder: Path, lose: Callable[[Path], object]
) -> None:
    (folder / "metrics.jsonl").write_text('{"loss": 1}\n', "utf-8")
    process = start(str(folder))
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    wait_for(lambda: count_points(run_id) == 1)
    lose(folder)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "; the run ends" in err
    run = gittrack.Client().get_run(run_id)
    assert (run.status, run.metrics["loss"].count) == ("FINISHED", 1)


def test_network_disks_are_known_by_their_kind(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    lines = [
        f"server:/x {tmp_path}/far nfs4 rw",
        f"host: {tmp_path}/ssh fuse.sshfs rw",
        "/dev/a / ext4 rw",
        "",
    ]
    mounts.write_text("\n".join(lines))
    assert is_on_network(tmp_path / "far" / "deep", mounts)
    assert is_on_network(tmp_path / "ssh", mounts)
    assert not is_on_network(tmp_path / "near", mounts)
    assert not is_on_network(tmp_path, tmp_path / "nothing")


def test_the_site_is_built_again_whenever_a_run_ends(repo: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "gittrack", "site", "build", "--watch", "-o", str(site)]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip().endswith("index.html")
    with gittrack.start_run(run_name="later") as run:
        pass
    wait_for(
        lambda: list(site.rglob(f"*{run.info.run_id[:12]}*.html")) or list(site.rglob(f"*{run.info.run_id}*"))
    )
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
