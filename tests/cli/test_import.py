"""`gittrack import` as a user meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.importers.conftest import RECORDED
from tests.importers.folders import EXPERIMENT, PARENT, write_mlruns

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


def test_an_import_says_what_it_did_and_what_it_would_do(repository: Path, tmp_path: Path, cli: Cli) -> None:
    folder = str(write_mlruns(tmp_path / "mlruns"))
    assert cli("import", "mlflow", folder, "--dry-run").out == (
        "3 runs would be imported into 2 new experiments\n"
    )
    assert cli("import", "mlflow", folder).out == "3 runs imported into 2 new experiments, 2 models\n"
    assert cli("import", "mlflow", folder).out == "0 runs imported, 3 here already\n"
    assert cli("import", "mlflow", folder, "--verify").out == "3 runs compared: none differ\n"
    assert [line.split()[-1] for line in cli("log", "-x", "moons", "--columns", "name").lines[1:]] == [
        "child",
        "parent",
    ]


def test_a_difference_is_named_and_is_a_failure_of_integrity(
    repository: Path, tmp_path: Path, cli: Cli
) -> None:
    folder = write_mlruns(tmp_path / "mlruns")
    cli("import", "mlflow", str(folder))
    (folder / EXPERIMENT / PARENT / "params" / "lr").write_text("0.2", "utf-8")
    shown = cli("import", "mlflow", str(folder), "--verify")
    assert (shown.status, shown.out) == (8, "3 runs compared: 1 differ\n")
    assert "parent (aaaaaaaaaaaa): params differ" in shown.err


def test_a_folder_that_is_none_says_which_to_name(repository: Path, tmp_path: Path, cli: Cli) -> None:
    shown = cli("import", "mlflow", str(tmp_path))
    assert shown.status == 4
    assert "hint: name the folder that holds 0/meta.yaml" in shown.err


def test_what_was_imported_is_exported_for_mlflow(repository: Path, tmp_path: Path, cli: Cli) -> None:
    folder = str(write_mlruns(tmp_path / "mlruns"))
    cli("import", "mlflow", folder)
    shown = cli("export", "mlflow", "-o", str(tmp_path / "out"))
    assert (shown.status, shown.err) == (0, f"wrote 3 runs to {tmp_path / 'out'}\n")
    assert cli("import", "mlflow", str(tmp_path / "out"), "--verify").out == "3 runs compared: none differ\n"
    assert cli("export", "mlflow", "-o", str(tmp_path / "out")).status == 2
    assert cli("export", "mlflow").status == 2


def test_event_files_runs_of_wandb_dvclive_and_tables_are_taken_in(
    repository: Path, tmp_path: Path, cli: Cli
) -> None:
    table = tmp_path / "sweep.csv"
    table.write_text("lr,score\n0.1,0.9\n", "utf-8")
    shown = cli("import", "tensorboard", str(RECORDED / "tensorboard"), "-x", "moons")
    assert shown.out == "2 runs imported into 1 new experiment\n"
    assert cli("import", "dvclive", str(RECORDED / "dvclive"), "-x", "moons").out == "1 run imported\n"
    shown = cli("import", "wandb", str(RECORDED / "wandb"))
    assert shown.out == "1 run imported\n"
    assert shown.err.count("is called 'mAP_0.5' here") == 1
    shown = cli("import", "csv", str(table), "--metric", "score", "--dry-run")
    assert shown.out == "1 run would be imported into 1 new experiment\n"
    assert shown.err == "sweep.csv: a row is a run; param lr; metric score\n"
    assert cli("import", "csv", str(table), "--step", "nope").status == 2
    for kind in ("tensorboard", "wandb", "dvclive"):
        assert cli("import", kind, str(RECORDED / kind), "--verify").out.endswith("compared: none differ\n")


def test_a_damaged_run_is_a_failure_of_integrity(repository: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "events.out.tfevents.1.box").write_bytes(b"nonsense" * 9)
    (tmp_path / "young").mkdir()
    shown = cli("import", "tensorboard", str(tmp_path))
    assert (shown.status, shown.out) == (8, "0 runs imported into 1 new experiment, 1 refused\n")
    assert "is no event file, or damaged at byte 0" in shown.err
