"""``gittrack export``: CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from gittrack import Client
from gittrack.tracking import export

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


@pytest.fixture
def logged(repository: Path, cli: Cli) -> Path:
    facts = (
        ("one", "-m", "loss=0.5@1", "-m", "loss=0.25@2", "-p", "lr=0.1", "-p", 'opt={"name": "adam"}'),
        ("two", "-m", "loss=nan", "-m", "acc=1e-300", "-t", 'note=a "quoted", \nline', "-x", "other"),
    )
    for name, *recording in facts:
        done = cli("log", "--name", name, *recording)
        assert done.status == 0, done.err
    return repository


def test_csv_has_a_row_for_each_run_and_every_key(logged: Path, cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("export", "csv").out)))
    assert [row["name"] for row in rows] == ["two", "one"]
    assert {"params.lr", "params.opt.name", "metrics.loss", "metrics.acc", "tags.note"} <= rows[0].keys()
    two, one = rows
    assert (two["metrics.loss"], two["metrics.acc"], two["params.lr"]) == ("nan", "1e-300", "")
    assert two["tags.note"] == 'a "quoted", \nline'
    assert (two["experiment"], one["experiment"]) == ("other", "Default")
    assert (one["metrics.loss"], one["params.opt.name"]) == ("0.25", "adam")
    assert one["start_time"].endswith("Z")


def test_json_lines_keep_types_and_leave_out_what_is_missing(logged: Path, cli: Cli) -> None:
    two, one = (json.loads(line) for line in cli("export", "jsonl").lines)
    assert (one["params.lr"], one["metrics.loss"], two["metrics.loss"]) == (0.1, 0.25, "NaN")
    assert "params.lr" not in two


def test_parquet_has_types(logged: Path, cli: Cli) -> None:
    done = cli("export", "parquet", "-o", "runs.parquet")
    assert (done.status, done.out, done.err) == (0, "", "wrote 2 runs to runs.parquet\n")
    frame = pd.read_parquet("runs.parquet")
    assert frame["name"].tolist() == ["two", "one"]
    assert frame["metrics.acc"].dtype == "float64"
    assert str(frame["start_time"].dt.tz) == "UTC"
    assert pd.isna(frame["params.lr"][0])


def test_points_are_rows_of_a_history(logged: Path, cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("export", "csv", "--history", "--metric", "loss").out)))
    assert [(row["name"], row["step"], row["value"]) for row in rows] == [
        ("two", "0", "nan"),
        ("one", "1", "0.5"),
        ("one", "2", "0.25"),
    ]
    assert len(cli("export", "jsonl", "--history").lines) == 4
    assert cli("export", "parquet", "--history", "-o", "p.parquet").status == 0
    assert pd.read_parquet("p.parquet")["step"].dtype == "int64"


def test_filter_order_number_experiment_and_columns_choose(logged: Path, cli: Cli) -> None:
    chosen = cli("export", "csv", "--columns", "name, metrics.loss.min,params.*", "--order-by", "name")
    assert chosen.lines == [
        "name,metrics.loss.min,params.lr,params.opt.name",
        "one,0.25,0.1,adam",
        "two,nan,,",
    ]
    assert cli("export", "csv", "--columns", "name", "-f", "metrics.loss < 1").lines == ["name", "one"]
    assert cli("export", "csv", "--columns", "name", "-n", "1").lines == ["name", "two"]
    assert cli("export", "csv", "--columns", "name", "-x", "other").lines == ["name", "two"]
    assert cli("rm", "two").status == 0
    assert cli("export", "csv", "--columns", "name").lines == ["name", "one"]
    assert cli("export", "csv", "--columns", "name", "--deleted").lines == ["name", "two"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("xml",),
        ("csv", "--columns", "nope"),
        ("csv", "--columns", "name", "--history"),
        ("csv", "--metric", "loss"),
        ("csv", "-f", "loss >"),
    ],
)
def test_what_makes_no_sense_is_refused(logged: Path, cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("export", *arguments).status == 2


def test_a_file_that_cannot_be_written_leaves_what_was_there(logged: Path, cli: Cli) -> None:
    (logged / "runs.csv").write_text("before", "utf-8")
    assert cli("export", "csv", "-o", "runs.csv", "--columns", "nope").status == 2
    assert (logged / "runs.csv").read_text("utf-8") == "before"
    assert cli("export", "csv", "-o", str(logged / "none" / "runs.csv")).status == 6
    assert not list(logged.glob(".runs*"))


def test_pages_put_together_are_all_runs(logged: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> None:
    monkeypatch.setattr(export, "PAGE", 1)
    assert cli("export", "csv", "--columns", "name").lines == ["name", "two", "one"]
    assert cli("export", "csv", "--columns", "name", "-n", "1").lines == ["name", "two"]


def test_without_pyarrow_the_hint_says_what_to_install(logged: Path) -> None:
    script = (
        "import sys; sys.modules['pyarrow'] = None; from gittrack.cli.main import run; "
        "sys.exit(run(['export', 'parquet', '-o', 'x.parquet']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "pip install 'gittrack[parquet]'" in done.stderr
    assert not (logged / "x.parquet").exists()


def test_a_declared_direction_is_followed_and_shown(logged: Path, cli: Cli) -> None:
    with pytest.MonkeyPatch.context():
        client = Client(logged)
        client.define_metric("0", "score", direction="lower")
        assert client.get_metric_direction("score") == "lower"
        assert client.get_metric_direction("acc") == "higher"
        client.close()
    for name, value in (("high", "2"), ("low", "1")):
        assert cli("log", "--name", name, "-m", f"score={value}").status == 0
    ranked = json.loads(cli("best", "score", "--json").out)
    assert [(row["name"], row["direction"]) for row in ranked] == [("low", "lower"), ("high", "lower")]
    assert "score (lower)" in cli("best", "score").lines[0]
    assert json.loads(cli("show", "best:score", "--json").out)["name"] == "low"
    assert cli("show", "high").out.count("lower") == 1
    assert cli("search", "", "--order-by", "metrics.score.best").status == 0
    assert "worse" in cli("diff", "low", "high").out
    assert "score (higher)" in cli("best", "score", "--higher").lines[0]
