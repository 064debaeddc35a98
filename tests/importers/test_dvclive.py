"""Folders of DVCLive are taken in; as their times are those of files, these do not make a run another."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Metric
from gittrack.errors import NotFoundError
from gittrack.importers.dvclive import read_dvclive_folders
from gittrack.importers.write import Outcome, import_runs, verify_runs
from tests.importers.twice import import_twice

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.tracking.client import Client


def test_what_the_real_dvclive_wrote_is_taken_in_once(recorded: Path, client: Client) -> None:
    import_twice(client, lambda: read_dvclive_folders(recorded, experiment="moons", warn=print), 1)
    (run,) = client.iter_runs()
    assert (run.name, run.params) == ("dvclive", {"lr": 0.1, "net": {"depth": 3}})
    assert client.get_metric_history(run.run_id, "train/loss") == [
        Metric("train/loss", 1.0, 1_795_663_565_965, 0),
        Metric("train/loss", 0.5, 1_795_663_566_010, 1),
        Metric("train/loss", 1 / 3, 1_795_663_566_037, 2),
    ]
    assert [point.step for point in client.get_metric_history(run.run_id, "acc")] == [0, 1, 2]
    assert (run.metrics["final"].last, run.metrics["final"].last_step) == (0.5, 2)
    assert sorted(run.artifacts) == [
        "artifacts/model.txt",
        "artifacts/model.txt.dvc",
        "plots/custom/pl.json",
        "plots/images/im.png",
    ]


def test_files_that_were_only_touched_are_the_same_run_and_others_another(
    recorded: Path, client: Client
) -> None:
    folder = recorded / "dvclive"
    import_runs(client, read_dvclive_folders(folder, warn=print))
    for file in folder.rglob("*"):
        os.utime(file, (1_900_000_000, 1_900_000_000))
    reader = read_dvclive_folders(folder, warn=print)
    assert import_runs(client, reader).outcomes == {Outcome.WAS_THERE: 1}
    assert verify_runs(client, reader).problems == []
    (folder / "params.yaml").write_text("lr: 0.2", "utf-8")
    again = import_runs(client, read_dvclive_folders(folder, warn=print))
    assert again.outcomes == {Outcome.IMPORTED: 1}
    assert sorted(str(run.params["lr"]) for run in client.iter_runs()) == ["0.1", "0.2"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("params.yaml", b"{"),
        ("params.yaml", b"- 1"),
        ("metrics.json", b'{"a": '),
        ("metrics.json", b"\xff"),
        ("plots/metrics/acc.tsv", b"step\tacc\n0\tx\n"),
        ("plots/metrics/acc.tsv", b"step\tacc\n0\n"),
        ("plots/metrics/acc.tsv", b"step\tacc\nnan\t1\n"),
    ],
)
def test_a_damaged_file_is_named(recorded: Path, client: Client, name: str, content: bytes) -> None:
    (recorded / "dvclive" / name).write_bytes(content)
    report = import_runs(client, read_dvclive_folders(recorded / "dvclive", warn=print))
    assert report.outcomes == {Outcome.REFUSED: 1}
    assert f"{name}' is damaged" in report.problems[0]


def test_a_folder_that_dvclive_did_not_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "metrics.json").write_text("{}", "utf-8")
    with pytest.raises(NotFoundError, match="no folder of DVCLive"):
        read_dvclive_folders(tmp_path, warn=print)
