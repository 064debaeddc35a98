"""Tables are taken in: a run a row, or a step a row; and what we exported comes back as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gittrack.core.model import Metric
from gittrack.core.run_table import Choice
from gittrack.errors import CorruptDataError, GittrackError, InvalidValueError, NotFoundError
from gittrack.importers.tables import read_tables
from gittrack.importers.write import Outcome, import_runs, verify_runs
from gittrack.tracking.client import Client
from gittrack.tracking.export import COLUMNS, export_histories, export_runs
from gittrack.tracking.search import make_query
from tests.importers.twice import import_twice
from tests.repositories import make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run


def write(folder: Path, text: str, name: str = "sweep.csv") -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def runs_of(client: Client) -> dict[str, Run]:
    return {run.name: run for run in client.iter_runs()}


def test_a_row_is_a_run(tmp_path: Path, client: Client) -> None:
    file = write(
        tmp_path,
        "name;lr;depth;val_acc;started;runtime;state;user;tags.team;wild\n"
        "one;1e-3;3;0.9;2024-01-02T03:04:05Z;60;crashed;ann;vision;007\n"
        "two;0.5;True;;2024-01-02T03:05:05Z;;finished;;;\n",
    )
    import_twice(client, lambda: read_tables([file], warn=print), 2)
    one, two = runs_of(client)["one"], runs_of(client)["two"]
    assert one.params == {"lr": "1e-3", "depth": 3, "wild": "007"}
    assert two.params == {"lr": 0.5, "depth": True}
    assert (one.start_time, one.end_time) == (1_704_164_645_000, 1_704_164_705_000)
    assert (one.status, one.user, one.tags) == ("FAILED", "ann", {"team": "vision"})
    assert client.get_metric_history(one.run_id, "val_acc") == [Metric("val_acc", 0.9, 1_704_164_705_000, 0)]
    assert (two.metrics, two.status) == ({}, "FINISHED")
    assert client.get_experiment(one.experiment_id).name == "sweep"


def test_a_row_is_a_step_of_the_run_it_names(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, "run,epoch,loss\na,1,0.5\nb,1,0.4\na,2,nan\nb,2,0.2\n")
    import_twice(client, lambda: read_tables([file], warn=print), 2)
    history = client.get_metric_history(runs_of(client)["a"].run_id, "loss")
    assert [(point.step, str(point.value)) for point in history] == [(1, "0.5"), (2, "nan")]


def test_equal_rows_are_as_many_runs(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, "lr,acc\n0.1,0.9\n0.1,0.9\n")
    import_twice(client, lambda: read_tables([file], warn=print), 2)


def test_a_file_that_was_only_touched_holds_the_same_runs(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, "lr,acc\n0.1,0.9\n")
    import_runs(client, read_tables([file], warn=print))
    os.utime(file, (1_900_000_000, 1_900_000_000))
    assert import_runs(client, read_tables([file], warn=print)).outcomes == {Outcome.WAS_THERE: 1}
    assert verify_runs(client, read_tables([file], warn=print)).problems == []


def test_cells_that_are_no_numbers_are_named_and_left_out(tmp_path: Path, client: Client) -> None:
    file = write(tmp_path, "lr,score\n0.1,0.9\n0.2,none\n")
    said: list[str] = []
    reader = read_tables([file], choice=Choice(metrics=["score"]), experiment="other", warn=said.append)
    import_runs(client, reader)
    assert sorted(len(run.metrics) for run in client.iter_runs()) == [0, 1]
    assert said[0] == "sweep.csv: a row is a run; param lr; metric score"
    assert "metric 'score' has cells that are no numbers, such as 'none': left out" in said
    assert client.get_experiment_by_name("other") is not None


def test_what_we_exported_comes_back_as_it_was(tmp_path: Path, client: Client) -> None:
    experiment = client.create_experiment("moons, and suns")
    for number in range(3):
        run = client.create_run(experiment, run_name=f"run {number}", tags={"team": 'a "b"; c'})
        client.log_param(run.info.run_id, "net", {"depth": number, "act": "relu"})
        for step in range(3):
            client.log_metric(run.info.run_id, "val/acc", step / 7, step=step)
        client.log_metric(run.info.run_id, "bad", float("nan"))
        client.set_terminated(run.info.run_id, "KILLED" if number else "FINISHED")
    tables = export(client, tmp_path / "first")
    other = Client(make_repository(tmp_path / "other"))
    import_twice(other, lambda: read_tables(tables[:1], warn=print), 3)
    assert export(other, tmp_path / "second")[0].read_bytes() == tables[0].read_bytes()
    third = Client(make_repository(tmp_path / "third"))
    import_twice(third, lambda: read_tables(tables[1:], warn=print), 3)
    assert export(third, tmp_path / "last")[1].read_bytes() == tables[1].read_bytes()
    other.close()
    third.close()


def export(client: Client, folder: Path) -> tuple[Path, Path]:
    """Write runs and points of all experiments, in an order that does not depend on times."""
    folder.mkdir()
    runs, points = folder / "runs.csv", folder / "points.csv"
    query = make_query(client, None, "", 1, ("attributes.run_id",))
    with runs.open("wb") as file:
        export_runs(client, query, "csv", file, columns=[one for one in COLUMNS if one != "code.dirty"])
    with points.open("wb") as file:
        export_histories(client, query, "csv", file)
    return runs, points


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", CorruptDataError, "no rows below a header"),
        (b"a,b\n", CorruptDataError, "no rows below a header"),
        (b"a,b\n1,2,3\n", CorruptDataError, "more cells in row 2 than columns"),
        (b"a\n\xff\n", CorruptDataError, "is no table"),
        (b'a\n"' + b"x" * 200_000 + b'"\n', CorruptDataError, "is no table"),
        (b"a,a\n1,2\n", InvalidValueError, "two columns are called 'a'"),
    ],
)
def test_what_is_no_table_is_refused(
    tmp_path: Path, content: bytes, error: type[GittrackError], message: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    with pytest.raises(error, match=message):
        read_tables([file], warn=print)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read_tables([tmp_path / "none.csv"], warn=print)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(content=st.binary(max_size=120))
def test_whatever_the_bytes_a_table_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.csv"
    file.write_bytes(content)
    try:
        reader = read_tables([file], warn=lambda _: None)
    except GittrackError:
        return
    for experiment in reader.experiments():
        for run in reader.runs(experiment):
            list(run.read_metrics())  # type: ignore[union-attr]
