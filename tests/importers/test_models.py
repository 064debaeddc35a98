"""Logged and registered models of an mlruns folder are taken in, and written out again as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.errors import UserError
from gittrack.importers.mlruns import MlrunsReader
from gittrack.importers.mlruns_writer import MlrunsWriter
from gittrack.importers.write import import_runs, verify_runs
from gittrack.tracking.client import Client
from tests.importers.folders import EXPERIMENT, PARENT, STARTED, write_mlruns
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def mlruns(tmp_path: Path) -> Path:
    return write_mlruns(tmp_path / "mlruns")


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    opened = Client(make_repository(tmp_path / "work"))
    yield opened
    opened.close()


def everything(folder: Path) -> dict[str, Any]:
    """Return all that a reader finds in an mlruns folder."""
    reader = MlrunsReader(folder)
    found: dict[str, Any] = {}
    for experiment in reader.experiments():
        found[experiment.experiment_id] = experiment
        for run in reader.runs(experiment):
            points = {(one.key, one.step, one.timestamp, repr(one.value)) for one in run.read_metrics()}
            files = {path: file.read_bytes() for path, file in run.read_artifacts()}
            about = replace(run, tags={}, read_metrics=None, read_artifacts=None)  # type: ignore[arg-type]
            found[run.run_id] = (about, points, files)
        for model in reader.logged_models(experiment):
            files = {path: file.read_bytes() for path, file in model.read_files()}
            found[model.model.model_id] = (model.model, files)
    return found | {one.model.name: one for one in reader.registered_models()}


def test_models_keep_ids_times_versions_and_aliases(mlruns: Path, client: Client) -> None:
    report = import_runs(client, MlrunsReader(mlruns))
    assert (report.models, report.problems) == (2, [])
    model = client.get_logged_model("m-1")
    assert (model.name, model.status, model.source_run_id, model.params) == (
        "net", "READY", PARENT, {"depth": "3"},
    )  # fmt: skip
    assert (model.creation_timestamp, model.last_updated_timestamp) == (STARTED + 2, STARTED + 3)
    assert model.metrics is not None
    (metric,) = model.metrics
    assert (metric.key, metric.value, metric.dataset_name) == ("acc", 0.875, "train")
    registered = client.get_registered_model("moons-net")
    assert (registered.description, registered.aliases) == ("flowers", {"champion": 3})
    assert [one.version for one in client.search_model_versions("name = 'moons-net'")] == [3, 1]
    version = client.get_model_version("moons-net", 3)
    assert (version.tags, version.current_stage, version.run_id, version.creation_timestamp) == (
        {"checked": "yes"}, "Production", PARENT, STARTED + 4,
    )  # fmt: skip


def test_a_second_import_of_models_changes_nothing(mlruns: Path, client: Client) -> None:
    import_runs(client, MlrunsReader(mlruns))
    head = client.head()
    assert import_runs(client, MlrunsReader(mlruns)).models == 0
    assert client.head() == head


def test_what_was_taken_in_is_written_out_as_it_was(mlruns: Path, client: Client, tmp_path: Path) -> None:
    import_runs(client, MlrunsReader(mlruns))
    assert MlrunsWriter(client, tmp_path / "out").write() == 3
    before, after = everything(mlruns), everything(tmp_path / "out")
    # A point without a step has step 0 from now on, and one that was there twice is there once.
    assert after.keys() == before.keys()
    for name in before:
        assert after[name] == before[name], name
    assert verify_runs(client, MlrunsReader(tmp_path / "out")).problems == []


def test_nothing_is_written_over_other_peoples_files(mlruns: Path, client: Client, tmp_path: Path) -> None:
    import_runs(client, MlrunsReader(mlruns))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(UserError, match="is not empty"):
        MlrunsWriter(client, tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text("utf-8") == "mine"


def test_the_run_that_made_a_model_is_not_told_of_its_files_twice(
    mlruns: Path, client: Client, tmp_path: Path
) -> None:
    import_runs(client, MlrunsReader(mlruns))
    MlrunsWriter(client, tmp_path / "out").write()
    run = tmp_path / "out" / EXPERIMENT / PARENT
    assert sorted(one.name for one in (run / "artifacts").iterdir()) == ["empty.txt", "plots"]
