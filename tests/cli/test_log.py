"""``gittrack log``: recording and looking back."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from pathlib import Path
from typing import Any, NoReturn

import pytest

import gittrack
from gittrack.cli.listing import Column, Listing, print_listing
from tests.cli.conftest import Cli, Terminal, without_colours
from tests.repositories import check_repository


def runs_of(cli: Cli, *arguments: str) -> list[dict[str, Any]]:
    shown = cli("log", "--json", *arguments)
    assert shown.status == 0, shown.err
    answer: list[dict[str, Any]] = json.loads(shown.out)
    return answer


def record(cli: Cli, *arguments: str) -> str:
    recorded = cli("log", *arguments)
    assert recorded.status == 0, recorded.err
    assert re.fullmatch(r"[0-9a-f]{32}\n", recorded.out)
    return recorded.out.strip()


def test_recording_prints_only_the_id_and_keeps_everything(repository: Path, cli: Cli) -> None:
    Path("model.pt").write_bytes(b"weights")
    Path("plots").mkdir()
    Path("plots/roc.png").write_bytes(b"picture")
    arguments = [
        *("-p", "lr=0.1", "-p", "model.depth=3", "-p", "name=resnet", "-p", "nesterov=true", "-p", "id=007"),
        *("-p", "layers=[1, 2]", "-p", "big=1e999", "-p", "none=null"),
        *(
            "-m",
            "acc=0.9",
            "-m",
            "loss=0.5@1",
            "-m",
            "loss=0.3@10",
            "-m",
            "bad=nan",
            "-m",
            "far=1@-9223372036854775808",
        ),
        *("-t", "team=vision=yes", "-a", "model.pt", "-a", "plots", "-a", "model.pt=models/best.pt"),
        *("--name", "first try", "-x", "vision", "--note", "A *note*.", "--status", "failed"),
    ]
    run_id = record(cli, *arguments)
    run = gittrack.Client().get_run(run_id)
    assert run.params == {
        "lr": 0.1, "model.depth": 3, "name": "resnet", "nesterov": True, "id": "007",
        "layers": [1, 2], "big": "1e999", "none": None,
    }  # fmt: skip
    assert (run.metrics["loss"].last, run.metrics["loss"].last_step, run.metrics["loss"].count) == (
        0.3,
        10,
        2,
    )
    assert math.isnan(run.metrics["bad"].last)
    assert run.metrics["far"].last_step == -(2**63)
    assert run.tags["team"] == "vision=yes"
    assert run.tags["mlflow.note.content"] == "A *note*."
    assert sorted(run.artifacts) == ["model.pt", "models/best.pt", "plots/roc.png"]
    assert (run.name, run.status, run.source) == ("first try", "FAILED", "gittrack log")
    assert run.end_time is not None
    experiment = gittrack.Client().get_experiment_by_name("vision")
    assert experiment is not None
    assert run.experiment_id == experiment.experiment_id
    check_repository(repository)


def test_what_is_recorded_in_an_experiment_is_found_there(repository: Path, cli: Cli) -> None:
    first = record(cli, "-m", "acc=1", "-x", "vision")
    second = record(cli, "-m", "acc=2", "-x", "vision")
    record(cli, "-m", "acc=3")
    assert [run["run_id"] for run in runs_of(cli, "-x", "vision")] == [second, first]
    assert len(runs_of(cli)) == 3


def test_json_lines_are_recorded_in_every_shape(repository: Path, cli: Cli) -> None:
    lines = b"""
        {"params": {"lr": 0.1, "optimizer": {"name": "adam"}}}
        {"loss": 0.5, "acc": 0.7, "step": 1}

        {"metrics": {"loss": 0.25}, "step": 2, "timestamp": 1700000000000, "tags": {"phase": "late"}}
        {"loss": NaN, "step": 3}
        {"params": 3, "step": 4}
    """
    recorded = cli("log", "-p", "seed=1", "-m", "start=1", "-", stdin=lines)
    assert recorded.status == 0, recorded.err
    run = gittrack.Client().get_run(recorded.out.strip())
    assert run.params == {"seed": 1, "lr": 0.1, "optimizer": {"name": "adam"}}
    assert run.metrics["loss"].count == 3
    assert (run.metrics["loss"].min, run.metrics["loss"].min_step) == (0.25, 2)
    assert run.metrics["params"].last == 3  # a flat object is metrics, whatever they are called
    assert run.tags["phase"] == "late"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"{not json", "not JSON"),
        (b"[1, 2]", "not an object"),
        (b'{"loss": "low"}', "must be one number"),
        (b'{"loss": true}', "must be a number"),
        (b'{"loss": 1, "step": 1.5}', "whole number"),
        (b'{"metrics": {"a": 1}, "stpe": 1}', "unknown key 'stpe'"),
        (b'{"params": {"lr": 0.2}}', "lr"),
        (b'{"x\xff": 1}', "not JSON"),
        (b'{"a": ' + b"[" * 100_000, "not JSON"),
    ],
)
def test_a_bad_line_is_named_and_what_came_before_stays(
    line: bytes, complaint: str, repository: Path, cli: Cli
) -> None:
    result = cli("log", "-p", "lr=0.1", "-", stdin=b'{"loss": 0.5}\n' + line + b'\n{"late": 1}\n')
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("error: line 2: ")
    assert complaint in result.err.splitlines()[0]
    assert "FAILED" in result.err.splitlines()[1]
    (run,) = runs_of(cli)
    assert run["status"] == "FAILED"
    assert sorted(run["metrics"]) == ["loss"]
    assert run["reason"].startswith("line 2: ")


def test_nothing_on_the_pipe_still_is_a_run(repository: Path, cli: Cli) -> None:
    assert cli("log", "-").status == 0
    assert [run["status"] for run in runs_of(cli)] == ["FINISHED"]


def test_the_newest_run_is_first_and_reverse_turns_that_round(repository: Path, cli: Cli) -> None:
    ids = [record(cli, "-m", f"acc={number}") for number in range(3)]
    assert [run["run_id"] for run in runs_of(cli)] == ids[::-1]
    assert [run["run_id"] for run in runs_of(cli, "--reverse")] == ids
    assert [run["run_id"] for run in runs_of(cli, "-n", "1")] == ids[-1:]


def test_sorting_puts_missing_and_nan_last_in_both_directions(repository: Path, cli: Cli) -> None:
    for name, value in (("mid", "0.5"), ("high", "0.9"), ("odd", "nan"), ("low", "-inf")):
        record(cli, "-m", f"acc={value}", "-p", f"kind={name}", "--name", name)
    record(cli, "-p", "x=1", "--name", "none")

    def order(*arguments: str) -> list[str]:
        return [run["name"] for run in runs_of(cli, *arguments)]

    assert order("--sort", "metrics.acc") == ["low", "mid", "high", "odd", "none"]
    assert order("--sort", "-acc") == ["high", "mid", "low", "odd", "none"]
    assert order("--sort", "acc", "--reverse") == ["high", "mid", "low", "odd", "none"]
    assert order("--sort", "params.kind") == ["high", "low", "mid", "odd", "none"]
    assert order("--sort", "name") == ["high", "low", "mid", "none", "odd"]


def test_the_value_that_is_asked_for_is_shown(repository: Path, cli: Cli) -> None:
    record(
        cli,
        "-m",
        "loss=3@1",
        "-m",
        "loss=1@2",
        "-m",
        "loss=2@3",
        "-m",
        "acc=1@1",
        "-m",
        "acc=3@2",
        "-m",
        "acc=2@3",
    )
    shown = {
        value: next(csv.DictReader(io.StringIO(cli("log", "--csv", "--value", value).out)))
        for value in ("last", "best", "min", "max")
    }
    assert {value: (row["metrics.loss"], row["metrics.acc"]) for value, row in shown.items()} == {
        "last": ("2.0", "2.0"), "best": ("1.0", "3.0"), "min": ("1.0", "1.0"), "max": ("3.0", "3.0"),
    }  # fmt: skip


def test_groups_show_mean_and_deviation_over_seeds(repository: Path, cli: Cli) -> None:
    for lr, seed, acc in ((0.1, 1, 0.8), (0.1, 2, 0.9), (0.2, 1, 0.5)):
        record(cli, "-p", f"lr={lr}", "-p", f"seed={seed}", "-m", f"acc={acc}")
    record(cli, "-m", "acc=0.1")
    groups = json.loads(cli("log", "--group-by", "lr", "--json").out)
    assert [group["group"]["params.lr"] for group in groups] == [0.1, 0.2, None]
    first = groups[0]["metrics"]["acc"]
    assert first["mean"] == pytest.approx(0.85)
    assert first["std"] == pytest.approx(math.sqrt(0.005))
    assert (groups[0]["runs"], first["n"], groups[1]["metrics"]["acc"]["std"]) == (2, 2, None)
    assert cli("log", "--group-by", "params.lr").lines == [
        " lr  n           acc",
        "0.1  2  0.85 ± 0.071",
        "0.2  1           0.5",
        "  -  1           0.1",
    ]


def test_deleted_runs_are_shown_when_asked_for(repository: Path, cli: Cli) -> None:
    gone, kept = record(cli, "-m", "a=1", "--name", "gone"), record(cli, "-m", "a=2", "--name", "kept")
    assert cli("rm", "gone").status == 0
    assert [run["run_id"] for run in runs_of(cli)] == [kept]
    assert [run["run_id"] for run in runs_of(cli, "--deleted")] == [gone]
    assert [run["run_id"] for run in runs_of(cli, "--all")] == [kept, gone]
    assert cli("restore", "gone").status == 0
    assert len(runs_of(cli)) == 2


def test_in_a_pipe_the_listing_is_aligned_text_without_tabs_or_colours(repository: Path, cli: Cli) -> None:
    record(cli, "-p", "lr=0.1", "-p", "same=1", "-m", "val/acc=0.9", "-m", "val/loss=0.25", "--name", "one")
    record(
        cli,
        "-p",
        "lr=0.01",
        "-p",
        "same=1",
        "-m",
        "val/acc=0.95",
        "-m",
        "val/loss=nan",
        "--name",
        "zwölf 漢字",
    )
    shown = cli("log")
    assert "\t" not in shown.out
    assert "\x1b" not in shown.out
    heading, second, first = shown.lines
    assert heading.split() == ["run", "name", "started", "val/acc", "val/loss", "lr"]
    assert first.split()[-3:] == ["0.9", "0.25", "0.1"]
    assert second.split()[-3:] == ["0.95", "nan", "0.01"]
    started = second.index(" 20") + 1  # a space before it: the run's id may hold these digits too
    assert started == heading.index("started") - 2  # two characters take two places each
    assert cli("log").out == shown.out


def test_csv_has_everything_and_markdown_is_escaped(repository: Path, cli: Cli) -> None:
    run_id = record(
        cli, "-p", 'text=a|b,"c"', "-p", 'deep={"x": {"y": 1}}', "-m", "acc=0.1234567890123", "-t", "t=<b>"
    )
    (row,) = csv.DictReader(io.StringIO(cli("log", "--csv").out))
    assert (row["run_id"], row["params.text"], row["params.deep.x.y"]) == (run_id, 'a|b,"c"', "1")
    assert (row["metrics.acc"], row["tags.t"], row["experiment"]) == ("0.1234567890123", "<b>", "Default")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["start_time"])
    markdown = cli("log", "--md").lines
    assert markdown[1].count("|") == markdown[0].count("|")
    assert 'a\\|b,"c"' in markdown[2]
    assert "&lt;b>" in markdown[2]


def test_an_empty_repository_says_how_to_begin_and_exports_nothing(repository: Path, cli: Cli) -> None:
    assert "record one" in cli("log").err
    assert cli("log").out == ""
    assert json.loads(cli("log", "--json").out) == []
    assert cli("log", "--csv").lines[0].startswith("run_id,name")
    assert "no deleted runs" in cli("log", "--deleted").err


def test_columns_are_those_that_are_asked_for(repository: Path, cli: Cli) -> None:
    record(cli, "-p", "lr=0.1", "-m", "acc=1@1", "-m", "acc=2@2", "--name", "n")
    assert cli("log", "--columns", "name,metrics.acc.min,lr").lines[0].split() == [
        "run",
        "name",
        "acc.min",
        "lr",
    ]
    assert cli("log", "--columns", "acc", "--csv").lines == [
        "run_id,name,metrics.acc",
        f"{runs_of(cli)[0]['run_id']},n,2.0",
    ]
    assert "lr" in cli("log", "--columns", "*").lines[0]


def test_more_runs_than_fit_are_announced_on_the_other_stream(
    repository: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gittrack.cli.log.SHOWN_RUNS", 2)
    for number in range(3):
        record(cli, "-m", f"acc={number}")
    shown = cli("log")
    assert len(shown.lines) == 3
    assert "the newest 2 runs" in shown.err
    assert len(cli("log", "-n", "0").lines) == 4
    assert len(runs_of(cli)) == 3


def test_text_of_others_cannot_drive_the_terminal(repository: Path, cli: Cli, terminal: Terminal) -> None:
    record(
        cli, "-p", "evil=\x1b]0;owned\x07", "-t", "e=\x1b[2J\n\r\u202e", "-m", "a=1", "--note", "\x1b[31mred"
    )
    for arguments in (("log",), ("show", "@"), ("note", "@"), ("log", "--md"), ("log", "--group-by", "evil")):
        shown = cli(*arguments)
        assert shown.status == 0, shown.err
        assert not set(shown.out) & set("\x1b\x07\r\u202e"), arguments
    assert "\x07" not in terminal("log", width=200).out
    assert "\x1b[2J" not in terminal("log", width=200).out


def test_on_a_terminal_the_table_fits_the_width_and_keeps_what_matters(
    repository: Path, cli: Cli, terminal: Terminal
) -> None:
    for number in range(3):
        params = [f"-pparam_number_{key}={number}" for key in range(12)]
        record(cli, "-m", f"val/acc=0.{number}1", "-m", f"zeta={number}", *params, "--name", f"run-{number}")
    for width in (50, 80, 200):
        shown = terminal("log", width=width)
        lines = without_colours(shown.out).splitlines()
        assert all(len(line) <= width for line in lines), lines
        assert "val/acc" in lines[0]
        assert all(f"run-{number}" in shown.out for number in range(3))
        assert "more column" in shown.out
        assert "\x1b[" in shown.out


def test_no_colour_means_no_colour(repository: Path, cli: Cli, terminal: Terminal) -> None:
    record(cli, "-m", "acc=1", "--status", "failed")
    assert re.search(r"\x1b\[[0-9;]*3\dm", terminal("log").out)
    assert not re.search(r"\x1b\[[0-9;]*3\dm", terminal("log", NO_COLOR="1").out)
    assert not re.search(r"\x1b\[[0-9;]*3\dm", terminal("show", "@", NO_COLOR="1").out)
    assert "\x1b" not in terminal("show", "nobody", NO_COLOR="1").out


def test_on_a_terminal_a_recorded_run_is_named(repository: Path, terminal: Terminal) -> None:
    shown = terminal("log", "-m", "acc=1", "--name", "mine").out
    assert "recorded mine" in shown


def test_a_table_makes_nothing_of_the_other_forms(capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> NoReturn:
        pytest.fail("nobody asked for it")

    print_listing(Listing([Column("lr")], [[0.1]], records=refuse, exported=refuse), None)
    assert capsys.readouterr().out == "lr\n0.1\n"
    print_listing(Listing([], [], records=lambda: [{"lr": 0.1}], exported=refuse), "json")
    assert json.loads(capsys.readouterr().out) == [{"lr": 0.1}]
    print_listing(Listing([], [], records=refuse, exported=lambda: (["lr"], [[0.1]])), "csv")
    assert capsys.readouterr().out.split() == ["lr", "0.1"]
