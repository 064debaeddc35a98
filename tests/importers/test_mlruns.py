"""An mlruns folder is taken in whole, once, and says where it differs."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Metric
from gittrack.errors import CorruptDataError, NotFoundError
from gittrack.importers.mlruns import MlrunsReader
from gittrack.importers.write import Outcome, import_runs, verify_runs
from gittrack.tracking.client import Client
from gittrack.tracking.views import ViewType
from tests.importers.folders import CHILD, DELETED, EXPERIMENT, PARENT, STARTED, write_mlruns
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    return write_mlruns(tmp_path / "mlruns")


def test_everything_in_the_folder_is_in_the_repository(mlruns: Path, client: Client) -> None:
    report = import_runs(client, MlrunsReader(mlruns))
    assert (report.experiments, report.outcomes, report.problems) == (2, {Outcome.IMPORTED: 3}, [])
    run = client.get_run(PARENT)
    assert (run.name, run.status, run.experiment_id) == ("parent", "FINISHED", EXPERIMENT)
    assert (run.start_time, run.end_time, run.user) == (STARTED, STARTED + 5000, "ann")
    assert run.params == {"lr": "0.1", "deep/key a": "two\r\nlines ", "empty": ""}
    assert run.tags == {"mlflow.note.content": "It *learns*."}
    assert run.source == "train.py"
    assert client.get_metric_history(PARENT, "val/acc") == [
        Metric("val/acc", 0.5, STARTED + 1, 0),
        Metric("val/acc", 0.5, STARTED + 2, 10),
        Metric("val/acc", 0.75, STARTED + 3, -2),
    ]
    first, second = client.get_metric_history(PARENT, "loss")
    assert math.isnan(first.value)
    assert second == Metric("loss", math.inf, STARTED + 2, 1)
    assert client.get_metric_history(PARENT, "stepless") == [Metric("stepless", 3.5, STARTED + 1, 0)]
    assert client.read_artifact(PARENT, "plots/roc.bin") == bytes(range(256)) * 400
    assert client.read_artifact(PARENT, "empty.txt") == b""
    (read,) = run.inputs.dataset_inputs
    assert (read.key, read.context, read.dataset.profile) == ("train@2981c147", "training", '{"num_rows": 2}')
    assert run.model_outputs == {"m-1": 3}


def test_nested_killed_and_deleted_runs_stay_what_they_are(mlruns: Path, client: Client) -> None:
    import_runs(client, MlrunsReader(mlruns))
    child = client.get_run(CHILD)
    assert (child.parent, child.status) == (PARENT, "KILLED")
    assert client.get_run(DELETED).lifecycle_stage == "deleted"
    assert {run.run_id for run in client.list_runs([EXPERIMENT])} == {PARENT, CHILD}
    assert client.get_experiment("77").lifecycle_stage == "deleted"
    assert client.get_experiment(EXPERIMENT).tags == {"team": "vision"}


def test_a_second_import_changes_nothing(mlruns: Path, client: Client) -> None:
    import_runs(client, MlrunsReader(mlruns))
    head = client.head()
    report = import_runs(client, MlrunsReader(mlruns))
    assert (report.experiments, report.outcomes) == (0, {Outcome.WAS_THERE: 3})
    assert client.head() == head


def test_a_dry_run_writes_nothing(mlruns: Path, client: Client) -> None:
    report = import_runs(client, MlrunsReader(mlruns), dry_run=True)
    assert (report.experiments, report.outcomes) == (2, {Outcome.IMPORTED: 3})
    assert client.head() is None


def test_an_import_that_was_killed_in_the_middle_of_a_run_is_completed(mlruns: Path, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "work")
    script = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from gittrack.importers import mlruns, write\nfrom gittrack.tracking.client import Client\n"
        "mlruns.walk_files = (lambda walk: lambda top: os.kill(os.getpid(), signal.SIGKILL)"
        " if top.name == 'artifacts' else walk(top))(mlruns.walk_files)\n"
        "write.import_runs(Client(sys.argv[1]), mlruns.MlrunsReader(Path(sys.argv[2])))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, repository, mlruns], check=False)
    assert done.returncode == -9
    client = Client(repository)
    assert client.get_run(PARENT).status == "FAILED"  # what a run is whose process was killed
    import_runs(client, MlrunsReader(mlruns))
    run = client.get_run(PARENT)
    assert (run.status, run.end_time, run.reason) == ("FINISHED", STARTED + 5000, None)
    assert {key: one.count for key, one in run.metrics.items()} == {"val/acc": 3, "loss": 2, "stepless": 1}
    assert verify_runs(client, MlrunsReader(mlruns)).problems == []
    client.close()
    git(repository, "fsck", "--strict")


@pytest.mark.parametrize(
    ("part", "content", "what"),
    [
        ("params/lr", "0.2", "params differ"),
        ("tags/new", "x", "tags differ"),
        ("metrics/val/acc", "1600000000001 0.5000001 0\n", "points of metrics differ"),
        ("artifacts/empty.txt", "no more", "artifacts differ"),
    ],
)
def test_verifying_tells_every_difference(
    mlruns: Path, client: Client, part: str, content: str, what: str
) -> None:
    import_runs(client, MlrunsReader(mlruns))
    assert verify_runs(client, MlrunsReader(mlruns)).problems == []
    (mlruns / EXPERIMENT / PARENT / part).write_text(content, "utf-8")
    assert verify_runs(client, MlrunsReader(mlruns)).problems == [f"parent (aaaaaaaaaaaa): {what}"]


def test_an_experiment_of_the_same_name_is_the_same_and_a_taken_id_is_not_taken_away(
    mlruns: Path, client: Client, tmp_path: Path
) -> None:
    own = client.create_experiment("moons")
    import_runs(client, MlrunsReader(mlruns))
    assert client.get_run(PARENT).experiment_id == own
    other = Client(make_repository(tmp_path / "other"))
    import_runs(other, MlrunsReader(mlruns))
    other.rename_experiment(EXPERIMENT, "suns")
    report = import_runs(other, MlrunsReader(mlruns))
    assert report.experiments == 1  # `moons` again, beside what is called `suns` now
    assert {one.name for one in other.search_experiments(ViewType.ALL)} == {"Default", "moons", "suns", "old"}
    other.close()


def test_a_run_that_cannot_be_taken_in_is_named_and_the_others_come(mlruns: Path, client: Client) -> None:
    (mlruns / EXPERIMENT / CHILD / "params").mkdir()
    (mlruns / EXPERIMENT / CHILD / "params" / "bad\nkey").write_text("1", "utf-8")
    report = import_runs(client, MlrunsReader(mlruns))
    assert report.outcomes == {Outcome.IMPORTED: 2, Outcome.REFUSED: 1}
    (problem,) = report.problems
    assert problem.startswith("child (bbbbbbbbbbbb): ")


@pytest.mark.parametrize("content", ["{", "- 1", ""])
def test_a_damaged_meta_file_is_named(mlruns: Path, client: Client, content: str) -> None:
    (mlruns / EXPERIMENT / PARENT / "meta.yaml").write_text(content, "utf-8")
    with pytest.raises(CorruptDataError, match=r"a{32}/meta\.yaml"):
        import_runs(client, MlrunsReader(mlruns))


def test_a_damaged_metric_file_is_named_with_its_line(mlruns: Path, client: Client) -> None:
    file = mlruns / EXPERIMENT / PARENT / "metrics" / "loss"
    file.write_text("1600000000001 0.5 0\nhalf a li", "utf-8")
    report = import_runs(client, MlrunsReader(mlruns))
    assert "is damaged at line 2" in str(report.problems)


def test_a_folder_without_experiments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no experiments in"):
        MlrunsReader(tmp_path)
