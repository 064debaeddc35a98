"""Event files are taken in: a folder a run, with pictures, texts, hyperparameters and times."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Metric
from gittrack.errors import NotFoundError
from gittrack.importers.tensorboard import read_event_folders
from gittrack.importers.write import Outcome, import_runs, verify_runs
from tests.importers.twice import import_twice
from tests.wire import event, event_record, field, message, value_event, varint

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

NAME = "events.out.tfevents.1.box"


def runs_by_name(client: Client) -> dict[str, Run]:
    return {run.name: run for run in client.iter_runs()}


def write(folder: Path, *records: bytes, name: str = NAME) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"".join(records))
    return folder


def test_what_a_real_writer_wrote_is_taken_in_once(recorded: Path, client: Client) -> None:
    said: list[str] = []
    top = recorded / "tensorboard"
    import_twice(client, lambda: read_event_folders(top, warn=said.append), 2)
    runs = runs_by_name(client)
    outer, inner = runs["a"], runs["a/hparams"]
    history = client.get_metric_history(outer.run_id, "train/loss")
    assert history == [
        Metric("train/loss", 1.0, 1_795_663_507_435, 0),
        Metric("train/loss", 0.5, 1_795_663_507_438, 1),
        Metric("train/loss", 0.3333333432674408, 1_795_663_507_438, 2),
    ]
    assert (outer.start_time, outer.end_time) == (1_795_663_507_420, 1_795_663_508_533)
    assert client.read_artifact(outer.run_id, "text/note/text_summary/1.md") == b"hello **x**"
    (picture,) = [path for path in outer.artifacts if path.startswith("images/")]
    assert picture.startswith("images/im+step+2+timestamp+1795663508531+")
    assert client.read_artifact(outer.run_id, picture).startswith(b"\x89PNG")
    assert inner.params == {"lr": 0.1, "n": 3, "on": True, "opt": "adam"}
    assert (inner.parent, inner.status) == (outer.run_id, "FINISHED")
    assert client.get_experiment(outer.experiment_id).name == "tensorboard"
    # It holds a histogram too, for which there is no other place.
    (kept,) = top.glob("a/events*")
    assert client.read_artifact(outer.run_id, f"tensorboard/{kept.name}") == kept.read_bytes()
    assert any("histograms" in line for line in said)


def test_a_run_that_grew_is_completed_and_keeps_its_id(tmp_path: Path, client: Client) -> None:
    folder = write(tmp_path / "runs" / "a", event("loss", 1.0, 0))
    import_runs(client, read_event_folders(tmp_path / "runs", warn=print))
    write(folder, event("loss", 1.0, 0), event("loss", 0.5, 1, 2.5))
    write(folder, event("loss", 0.25, 2, 3.5), name="events.out.tfevents.2.box")
    (tmp_path / "runs").rename(tmp_path / "moved")
    report = import_runs(client, read_event_folders(tmp_path / "moved", experiment="runs", warn=print))
    assert report.outcomes == {Outcome.IMPORTED: 1}
    (run,) = client.iter_runs()
    assert [point.value for point in client.get_metric_history(run.run_id, "loss")] == [1.0, 0.5, 0.25]
    assert (run.end_time, run.metrics["loss"].count) == (3500, 3)


def test_a_file_whose_end_is_torn_comes_as_far_as_it_goes(tmp_path: Path, client: Client) -> None:
    whole = event("loss", 0.5, 1)
    write(tmp_path / "runs", event("loss", 1.0, 0), whole[: len(whole) // 2])
    said: list[str] = []
    import_runs(client, read_event_folders(tmp_path / "runs", warn=said.append))
    (run,) = client.iter_runs()
    assert run.metrics["loss"].count == 1
    assert any("ends in the middle of an event" in line for line in said)


def test_a_damaged_run_is_named_and_the_others_come(tmp_path: Path, client: Client) -> None:
    write(tmp_path / "runs" / "good", event("loss", 1.0, 0))
    first = event("loss", 1.0, 0)
    write(tmp_path / "runs" / "torn", first, b"nonsense" * 9)
    write(tmp_path / "runs" / "odd", value_event(field(5, 7, b"")))
    write(tmp_path / "runs" / "young", b"\0")
    report = import_runs(client, read_event_folders(tmp_path / "runs", warn=print))
    assert report.outcomes == {Outcome.IMPORTED: 1, Outcome.REFUSED: 3}
    odd, torn, young = sorted(report.problems)
    assert "is damaged" in odd
    assert f"damaged at byte {len(first)}" in torn
    assert f"`truncate -s {len(first)} FILE` keeps what is before" in torn
    assert "no complete event" in young


def test_names_that_cannot_be_keys_are_changed_and_never_become_one(tmp_path: Path, client: Client) -> None:
    write(
        tmp_path / "runs", *(event(tag, value, 0) for tag, value in (("a@b", 1.0), ("a#b", 2.0), ("", 3.0)))
    )
    said: list[str] = []
    import_runs(client, read_event_folders(tmp_path / "runs", warn=said.append))
    (run,) = client.iter_runs()
    assert {key: one.last for key, one in run.metrics.items()} == {"a_b": 1.0, "a_b 2": 2.0, "_": 3.0}
    assert "the metric 'a#b' is called 'a_b 2' here" in said


def test_a_session_that_failed_is_a_run_that_failed(tmp_path: Path, client: Client) -> None:
    end = message(4, field(1, 0, varint(2)))
    write(
        tmp_path / "runs",
        value_event(
            message(1, b"_hparams_") + message(9, message(1, message(1, b"hparams"), message(2, end)))
        ),
    )
    import_runs(client, read_event_folders(tmp_path / "runs", warn=print))
    (run,) = client.iter_runs()
    assert (run.status, dict(run.artifacts)) == ("FAILED", {})


def test_several_pictures_of_a_hostile_name_become_files(tmp_path: Path, client: Client) -> None:
    tag = "../../" + "é<script>" * 60
    picture = message(4, message(4, b"\xff\xd8\xff1"))
    many = message(9, message(1, message(1, b"images"))) + message(
        8, *(message(8, one) for one in (b"1", b"1", b"GIF8a", b"GIF8b"))
    )
    write(tmp_path / "runs", *(value_event(message(1, tag.encode()) + one) for one in (picture, many)))
    import_runs(client, read_event_folders(tmp_path / "runs", warn=print))
    (run,) = client.iter_runs()
    assert {Path(path).suffix for path in run.artifacts} == {".jpg", ".gif"}
    assert len(run.artifacts) == 3
    assert verify_runs(client, read_event_folders(tmp_path / "runs", warn=print)).problems == []


def test_a_graph_is_more_than_there_is_a_place_for(tmp_path: Path, client: Client) -> None:
    about_the_file = event_record(message(3, b"brain.Event:2") + message(10, message(1, b"writer")))
    write(tmp_path / "plain", about_the_file)
    import_runs(client, read_event_folders(tmp_path / "plain", warn=print))
    assert [list(run.artifacts) for run in client.iter_runs()] == [[]]
    write(tmp_path / "runs", about_the_file, event_record(message(4, b"graph")))
    import_runs(client, read_event_folders(tmp_path / "runs", warn=print))
    (path,) = [path for run in client.iter_runs() for path in run.artifacts]
    assert path == f"tensorboard/{NAME}"


def test_a_folder_without_event_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no event files below"):
        read_event_folders(tmp_path, warn=print)
