"""Rules that say which runs keep their artifacts."""

from __future__ import annotations

import dataclasses
import math

from gittrack.core.content_settings import Retention
from gittrack.core.model import Artifact, MetricSummary, Run, RunStatus
from gittrack.core.retention import DAY_MS, choose_expired, find_rule

NOW = 1_700_000_000_000
NAMES = {"0": "Default", "1": "resnet"}


def run(
    number: int,
    *,
    acc: float | None = None,
    age_days: float = 100,
    experiment: str = "0",
    live: bool = False,
) -> Run:
    end = None if live else int(NOW - age_days * DAY_MS)
    metrics = {} if acc is None else {"acc": MetricSummary(acc, 0, 0, acc, 0, acc, 0, 1)}
    return Run(
        f"{number:032x}",
        f"run-{number}",
        experiment,
        RunStatus.RUNNING if live else RunStatus.FINISHED,
        number,
        end,
        metrics=metrics,
        artifacts={"m": Artifact("m", "0a" * 32, 1)},
    )


def expired(runs: list[Run], *rules: Retention, lower: bool = False) -> list[str]:
    found = choose_expired(runs, NAMES, rules, now_ms=NOW, is_lower=lambda *_: lower)
    return sorted(one.name for one in found)


def test_what_has_no_rule_stays() -> None:
    runs = [run(1), run(2, experiment="1")]
    assert expired(runs) == []
    assert expired(runs, Retention("resnet", newest=0)) == ["run-2"]
    assert expired(runs, Retention("*", newest=0), Retention("resnet", newest=9)) == ["run-1"]
    assert find_rule((), "x") is None


def test_a_run_that_any_rule_speaks_for_stays() -> None:
    runs = [run(1, acc=0.9), run(2, acc=0.1), run(3, acc=0.5), run(4, age_days=2), run(5, acc=math.nan)]
    rule = Retention("*", best=1, metric="acc", newest=1, days=10)
    assert expired(runs, rule) == ["run-2", "run-3"]
    assert expired(runs, rule, lower=True) == ["run-1", "run-3"]


def test_live_runs_and_runs_without_artifacts_are_left_alone() -> None:
    bare = dataclasses.replace(run(2), artifacts={})
    assert expired([run(1, live=True), bare, run(3)], Retention("*")) == ["run-3"]
