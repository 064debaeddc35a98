"""``gittrack diff``, and what ``gittrack show`` says changed."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


@pytest.fixture
def three_runs(repository: Path, cli: Cli) -> dict[str, str]:
    """Return the ids of three runs by name."""
    ids = {}
    for name, arguments in {
        "base": "-p lr=0.1 -p opt=adam -m val/acc=0.91 -m loss=0.25 -t team=a",
        "wider": "-p lr=0.2 -p depth=3 -m val/acc=0.94 -m loss=0.4 -t team=a",
        "third": "-p lr=0.2 -p depth=3 -m val/acc=0.92 -t team=a",
    }.items():
        ids[name] = cli("log", "--name", name, *arguments.split()).out.strip()
    return ids


def test_two_runs_are_shown_with_delta_and_verdict(three_runs: dict[str, str], cli: Cli) -> None:
    shown = cli("diff", "base", "wider")
    assert shown.lines == [
        "base → wider",
        "",
        "metrics",
        "metric   base  wider               Δ",
        "val/acc  0.91   0.94   +0.03 (+3.3%)  better",
        "loss     0.25    0.4  +0.15 (+60.0%)  worse",
        "",
        "params",
        "param  base  wider",
        "depth  -     3",
        "lr     0.1   0.2",
        "opt    adam  -",
    ]


def test_three_runs_are_shown_with_the_best_one(three_runs: dict[str, str], cli: Cli) -> None:
    shown = cli("diff", "base", "wider", "third").lines
    assert shown[0] == "3 runs, first base"
    assert shown[3].split() == ["metric", "base", "wider", "third", "best"]
    assert shown[4].split() == ["val/acc", "0.91", "0.94", "0.92", "wider"]
    assert shown[5].split() == ["loss", "0.25", "0.4", "-", "base"]


def test_a_single_run_is_compared_with_the_one_before_it(three_runs: dict[str, str], cli: Cli) -> None:
    assert cli("diff", "@").out == cli("diff", "wider", "third").out
    alone = cli("diff", "base")
    assert (alone.status, alone.lines) == (4, [])
    assert "no run before it" in alone.err


def test_all_shows_what_is_the_same_too(three_runs: dict[str, str], cli: Cli) -> None:
    assert "team" not in cli("diff", "base", "wider").out
    assert "team  a     a" in cli("diff", "base", "wider", "--all").out
    same = cli("diff", "base", "base")
    assert same.lines == ["base → base", "nothing differs"]


def test_stat_counts_a_line_a_section(three_runs: dict[str, str], cli: Cli) -> None:
    assert cli("diff", "base", "wider", "--stat").lines == [
        "base → wider",
        " metrics  2 differ: 1 better, 1 worse",
        " params   1 changed, 1 added, 1 removed",
    ]
    assert " params   3 differ" in cli("diff", "base", "wider", "third", "--stat").lines


def test_markdown_is_made_for_a_pull_request(three_runs: dict[str, str], cli: Cli) -> None:
    cli("log", "--name", "<b>|bold", "-m", "val/acc=0.5")
    lines = cli("diff", "base", "@", "--md").lines
    assert lines[0] == "### base → &lt;b>|bold"
    assert "| metric | base | &lt;b>\\|bold | Δ |  |" in lines
    assert "| val/acc | 0.91 | 0.5 | -0.41 (-45.1%) | worse |" in lines


def test_json_has_what_differs_by_run_id(three_runs: dict[str, str], cli: Cli) -> None:
    found = json.loads(cli("diff", "base", "wider", "--json").out)
    base, wider = three_runs["base"], three_runs["wider"]
    assert [run["name"] for run in found["runs"]] == ["base", "wider"]
    assert found["differs"] is True
    assert found["params"]["depth"] == {wider: 3}
    assert found["tags"] == {}
    assert found["metrics"]["loss"]["values"] == {base: 0.25, wider: 0.4}
    assert found["metrics"]["loss"]["verdict"] == {wider: "worse"}
    assert found["metrics"]["loss"]["best"] == base
    assert json.loads(cli("diff", "base", "wider", "--json", "--all").out)["tags"]["team"] == {
        base: "a",
        wider: "a",
    }


def test_runs_of_the_same_name_are_told_apart_by_their_ids(repository: Path, cli: Cli) -> None:
    ids = [cli("log", "--name", "twin", "-p", f"lr={lr}").out.strip() for lr in (1, 2)]
    assert f"twin ({ids[0][:12]})  twin ({ids[1][:12]})" in cli("diff", *ids).out


def test_show_says_what_changed_since_the_run_before(three_runs: dict[str, str], cli: Cli) -> None:
    lines = cli("show", "wider").lines
    start = lines.index("since base")
    assert lines[start + 1 : start + 6] == [
        "depth    - → 3",
        "lr       0.1 → 0.2",
        "opt      adam → -",
        "val/acc  0.91 → 0.94, +0.03 (+3.3%), better",
        "loss     0.25 → 0.4, +0.15 (+60.0%), worse",
    ]
    assert "since" not in cli("show", "base").out
    assert json.loads(cli("show", "wider", "--json").out)["changes"]["params"]["lr"] == {
        three_runs["base"]: 0.1,
        three_runs["wider"]: 0.2,
    }


def test_a_run_of_another_experiment_is_not_the_one_before(three_runs: dict[str, str], cli: Cli) -> None:
    cli("log", "-x", "other", "-p", "lr=9")
    assert "since" not in cli("show", "@").out


def test_an_experiment_says_which_way_its_metrics_are_better(repository: Path, cli: Cli) -> None:
    cli("experiments", "create", "-n", "custom")
    for value in (1, 2):
        cli("log", "-x", "custom", "--name", f"run-{value}", "-m", f"acc={value}")
    assert cli("diff", "@").lines[-1].split()[-1] == "better"
    with closing(Client(repository)) as client:
        experiment = client.get_experiment_by_name("custom")
        assert experiment is not None
        client.define_metric(experiment.experiment_id, "acc", direction="lower")
    assert cli("diff", "@").lines[-1].split()[-1] == "worse"
