"""Run folders of W&B are taken in, whole, torn, resumed and hostile."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Metric
from gittrack.errors import NotFoundError
from gittrack.importers.wandb import read_wandb_folder
from gittrack.importers.write import Outcome, import_runs
from tests.importers.twice import import_twice
from tests.wire import field, message, varint, wandb_log

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client


def time(number: int, seconds: int) -> bytes:
    return message(number, field(1, 0, varint(seconds)))


def start(run_id: str = "abc", seconds: int = 100, project: str = "moons") -> bytes:
    return message(17, message(1, run_id.encode()), message(3, project.encode()), time(17, seconds))


def row(step: int, seconds: float, **values: object) -> bytes:
    said = {**values, "_timestamp": seconds}
    items = [
        message(1, message(2, key.encode()), message(16, json.dumps(one).encode()))
        for key, one in said.items()
    ]
    return message(2, *items, message(2, field(1, 0, varint(step))))


def ended(code: int = 0, runtime: int = 10) -> bytes:
    return message(18, field(1, 0, varint(code)), field(2, 0, varint(runtime)))


def write(top: Path, *records: bytes, name: str = "1") -> Path:
    folder = top / f"offline-run-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "run-abc.wandb"
    file.write_bytes(wandb_log(records))
    return file


def only_run(client: Client) -> Run:
    (run,) = client.iter_runs()
    return run


def test_what_the_real_wandb_wrote_is_taken_in_once(recorded: Path, client: Client) -> None:
    said: list[str] = []
    import_twice(client, lambda: read_wandb_folder(recorded / "wandb", warn=said.append), 1)
    run = only_run(client)
    assert (run.name, run.status, run.source) == ("first", "FINISHED", "train.py")
    assert client.get_experiment(run.experiment_id).name == "moons"
    assert run.params == {"lr": 0.1, "net": {"depth": 3, "act": "relu"}, "layers": [1, 2], "late": True}
    assert run.tags == {
        "small": "true",
        "a_b": "true",
        "group": "seeds",
        "job_type": "train",
        "host": "box",
        "wandb.id": "mo0ns1st",
        "mlflow.note.content": "It *learns*.",
    }
    assert [(one.step, one.value) for one in client.get_metric_history(run.run_id, "val/acc")] == [
        (0, 0.0),
        (1, 0.25),
        (2, 0.5),
    ]
    assert run.metrics["mAP_0.5"].last == 2.0
    assert "the metric 'mAP@0.5' is called 'mAP_0.5' here" in said
    assert [str(run.metrics[key].last) for key in ("nan", "inf", "best")] == ["nan", "inf", "0.9"]
    assert run.metrics["system/system_memory_usage_percentage"].count > 0
    assert client.read_artifact(run.run_id, "output.log") == b"some output\n"
    assert [path for path in run.artifacts if path.startswith("media/images/picture_10_")]
    (line,) = client.read_artifact(run.run_id, "history.jsonl").decode().splitlines()
    beside = json.loads(line)
    assert (beside["step"], beside["text"], beside["hist"]["_type"]) == (10, "hi", "histogram")
    assert json.loads(client.read_artifact(run.run_id, "wandb-summary.json"))["best"] == 0.9
    assert any("artifacts/model/notes.txt is not on this machine" in line for line in said)
    start, end = run.start_time, run.end_time
    assert end is not None
    assert 0 < end - start < 600_000


def test_a_run_that_was_killed_comes_as_far_as_it_goes(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, start(), row(0, 101, loss=1.0), row(1, 102, loss=0.5))
    file.write_bytes(file.read_bytes()[:-5])
    said: list[str] = []
    import_runs(client, read_wandb_folder(tmp_path, warn=said.append))
    run = only_run(client)
    assert (run.status, run.end_time, run.metrics["loss"].count) == ("FAILED", 101_000, 1)
    assert any("ends in the middle of a record" in line for line in said)


def test_a_run_that_went_on_meanwhile_is_completed(tmp_path: Path, client: Client) -> None:
    write(tmp_path, start(), row(0, 101, loss=1.0))
    import_runs(client, read_wandb_folder(tmp_path, warn=print))
    write(tmp_path, start(), row(0, 101, loss=1.0), row(1, 102, loss=0.5), ended())
    assert import_runs(client, read_wandb_folder(tmp_path, warn=print)).outcomes == {Outcome.IMPORTED: 1}
    run = only_run(client)
    assert (run.status, run.end_time, run.metrics["loss"].count) == ("FINISHED", 110_000, 2)


def test_a_run_that_was_resumed_is_one_run(tmp_path: Path, client: Client) -> None:
    write(tmp_path, start(seconds=200), row(1, 201, loss=0.5), ended(), name="b-second")
    write(tmp_path, start(), row(0, 101, loss=1.0), ended(code=1), name="c-first")
    write(tmp_path, start(project="suns"), ended(code=1), name="other-project")
    import_runs(client, read_wandb_folder(tmp_path, warn=print))
    runs = {client.get_experiment(run.experiment_id).name: run for run in client.iter_runs()}
    moons = runs["moons"]
    assert client.get_metric_history(moons.run_id, "loss") == [
        Metric("loss", 1.0, 101_000, 0),
        Metric("loss", 0.5, 201_000, 1),
    ]
    assert (moons.start_time, moons.end_time, moons.status) == (100_000, 210_000, "FINISHED")
    assert runs["suns"].status == "FAILED"


def test_output_that_is_in_no_file_is_taken_from_the_records(tmp_path: Path, client: Client) -> None:
    write(
        tmp_path, start(), message(13, message(3, "häl".encode())), message(13, message(3, b"lo\n")), ended()
    )
    import_runs(client, read_wandb_folder(tmp_path, warn=print))
    assert client.read_artifact(only_run(client).run_id, "output.log").decode() == "hällo\n"


def logged(name: str, path: str, local: Path, content: bytes) -> bytes:
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
    size = field(4, 0, varint(len(content)))
    entry = message(4, message(1, path.encode()), message(2, digest), size, message(6, str(local).encode()))
    return message(8, message(4, b"model"), message(5, name.encode()), message(12, entry))


def test_an_artifact_is_taken_from_where_it_is_if_it_is_what_was_logged(
    tmp_path: Path, client: Client
) -> None:
    (tmp_path / "weights").write_bytes(b"right")
    (tmp_path / "secret").write_bytes(b"other")
    records = (
        logged("net", "w.bin", tmp_path / "weights", b"right"),
        logged("changed", "x", tmp_path / "secret", b"right"),
        logged("hostile", "../../up", tmp_path / "weights", b"right"),
        logged("gone", "x", tmp_path / "nowhere", b"right"),
    )
    write(tmp_path / "wandb", start(), *records, ended())
    said: list[str] = []
    import_runs(client, read_wandb_folder(tmp_path / "wandb", warn=said.append))
    assert list(only_run(client).artifacts) == ["artifacts/net/w.bin"]
    assert len([line for line in said if "left out" in line]) == 3


def test_a_link_to_nothing_is_left_out(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, start(), ended())
    (file.parent / "files").mkdir()
    (file.parent / "files" / "gone.pt").symlink_to(tmp_path / "nowhere")
    said: list[str] = []
    import_runs(client, read_wandb_folder(tmp_path, warn=said.append))
    assert not only_run(client).artifacts
    assert any("gone.pt" in line for line in said)


def test_a_config_too_long_for_a_param_is_a_file(tmp_path: Path, client: Client) -> None:
    words = ["word"] * 20_000
    item = message(1, message(1, b"words"), message(16, json.dumps(words).encode()))
    write(tmp_path, start(), message(5, item), ended())
    import_runs(client, read_wandb_folder(tmp_path, warn=print))
    run = only_run(client)
    assert not run.params
    assert json.loads(client.read_artifact(run.run_id, "params/words.json")) == words


@pytest.mark.parametrize("damage", [b"", b"not W&B's at all", b":W&B\xe1\xbe\x07" + bytes(50)])
def test_a_file_that_is_none_is_named_and_the_others_come(
    tmp_path: Path, client: Client, damage: bytes
) -> None:
    write(tmp_path, start(), ended())
    write(tmp_path, name="bad").write_bytes(damage)
    report = import_runs(client, read_wandb_folder(tmp_path, warn=print))
    assert report.outcomes == {Outcome.IMPORTED: 1, Outcome.REFUSED: 1}
    assert "run-abc.wandb" in report.problems[0]


def test_damage_in_the_middle_says_where_and_what_keeps_the_rest(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, start(), row(0, 101, loss=1.0), ended())
    data = bytearray(file.read_bytes())
    data[-30] ^= 1
    file.write_bytes(data)
    report = import_runs(client, read_wandb_folder(tmp_path, warn=print))
    (problem,) = report.problems
    assert "is damaged at byte" in problem
    cut = int(problem.partition("truncate -s ")[2].split()[0])
    file.write_bytes(data[:cut])
    assert import_runs(client, read_wandb_folder(tmp_path, warn=print)).outcomes == {Outcome.IMPORTED: 1}


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no runs of W&B"):
        read_wandb_folder(tmp_path, warn=print)
