"""What differs between runs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.diff import (
    ABSENT,
    MetricRow,
    Row,
    Surroundings,
    Verdict,
    count_changes,
    diff_runs,
    find_previous,
)
from gittrack.core.inputs import TAG_CONTEXT, Dataset, DatasetInput, InputTag
from gittrack.core.model import Artifact, Code, Run, RunStatus
from gittrack.errors import UserError
from tests.core.test_tables import make_run
from tests.strategies import runs, values

NAN = math.nan


def test_a_metric_says_which_side_is_better_by_its_name() -> None:
    diff = diff_runs([make_run(1, acc=0.9, loss=0.3), make_run(2, acc=0.8, loss=0.2)])
    verdicts = {row.key: row.verdict(1) for row in diff.metrics}
    assert verdicts == {"acc": Verdict.WORSE, "loss": Verdict.BETTER}
    (acc,) = [row for row in diff.metrics if row.key == "acc"]
    assert acc.delta(1) == pytest.approx(-0.1)
    assert acc.relative(1) == pytest.approx(-1 / 9)


def test_a_run_that_diverged_is_worse_than_any_number() -> None:
    assert MetricRow("acc", (NAN, -math.inf), is_lower_better=False).verdict(1) is Verdict.BETTER
    assert MetricRow("loss", (1e300, NAN), is_lower_better=True).verdict(1) is Verdict.WORSE
    same = MetricRow("loss", (NAN, NAN), is_lower_better=True)
    assert same.verdict(1) is Verdict.SAME
    assert not same.differs


def test_infinities_have_no_delta_and_zero_no_percentage() -> None:
    assert MetricRow("x", (math.inf, math.inf), is_lower_better=False).delta(1) is None
    row = MetricRow("x", (0.0, 1.0), is_lower_better=False)
    assert row.delta(1) == 1
    assert row.relative(1) is None


@given(values, values, st.booleans())
def test_what_is_better_one_way_is_worse_the_other_way(first: float, other: float, lower: bool) -> None:
    there = MetricRow("x", (first, other), is_lower_better=lower)
    back = MetricRow("x", (other, first), is_lower_better=lower)
    opposite = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER, Verdict.SAME: Verdict.SAME}
    verdict = there.verdict(1)
    assert verdict is not None
    assert back.verdict(1) is opposite[verdict]
    assert there.differs == (verdict is not Verdict.SAME)


def test_the_best_of_many_is_the_first_with_the_best_value() -> None:
    assert MetricRow("acc", (0.1, 0.3, None, 0.2), is_lower_better=False).best == 1
    assert MetricRow("loss", (0.1, NAN, 0.1, 0.2), is_lower_better=True).best == 0
    assert MetricRow("acc", (0.1, 0.1), is_lower_better=False).best is None
    assert MetricRow("acc", (NAN, NAN), is_lower_better=False).best is None


@given(runs(), runs())
def test_a_run_does_not_differ_from_itself_and_a_difference_is_seen_from_both_sides(a: Run, b: Run) -> None:
    assert not diff_runs([a, a]).differs
    there, back = diff_runs([a, b]), diff_runs([b, a])
    assert there.differs == back.differs
    for name, rows in there.sections.items():
        mirrored = [Row(row.key, row.cells[::-1]) for row in back.sections[name]]
        assert repr(list(rows)) == repr(mirrored)


def test_params_are_compared_with_their_types_and_nested_ones_by_dotted_keys() -> None:
    one = make_run(1, {"lr": 1, "optimizer": {"name": "adam", "beta": 0.9}, "none": None})
    other = make_run(2, {"lr": 1.0, "optimizer": {"name": "sgd"}})
    differing = {row.key: row.cells for row in diff_runs([one, other]).params if row.differs}
    assert differing == {
        "lr": (1, 1.0),
        "none": (None, ABSENT),
        "optimizer.beta": (0.9, ABSENT),
        "optimizer.name": ("adam", "sgd"),
    }


def test_tags_that_the_tracker_set_are_no_difference_but_the_note_is() -> None:
    one = make_run(1, tags={"mlflow.source.type": "LOCAL", "team": "a", "mlflow.note.content": "good"})
    other = make_run(2, tags={"gittrack.rerunOf": "1", "team": "a"})
    assert [row.key for row in diff_runs([one, other]).tags if row.differs] == ["mlflow.note.content"]


def test_packages_are_compared_only_where_both_environments_are_known() -> None:
    pair = [make_run(1), make_run(2)]
    known = Surroundings(packages={"numpy": "1.26", "torch": "2.0"})
    assert diff_runs(pair, [known, Surroundings()]).packages == ()
    rows = diff_runs(pair, [known, Surroundings(packages={"numpy": "2.0", "six": "1"})]).packages
    assert count_changes(rows) == {"changed": 1, "added": 1, "removed": 1}


def test_datasets_and_artifacts_are_compared_by_digest() -> None:
    digests = ("a" * 64, "b" * 64)
    inputs = [
        DatasetInput(Dataset("cifar", digest, "local", "{}"), (InputTag(TAG_CONTEXT, "training"),))
        for digest in digests
    ]
    pair = [
        replace(make_run(1), artifacts={"model.pt": Artifact("model.pt", one, 3)}, datasets={read.key: read})
        for one, read in zip(digests, inputs, strict=True)
    ]
    diff = diff_runs(pair)
    assert diff.artifacts == (Row("model.pt", digests),)
    assert diff.datasets == (Row("cifar (training)", digests),)


def test_code_and_status_are_attributes() -> None:
    one = replace(make_run(1), code=Code(commit="1" * 40, branch="main"))
    other = replace(make_run(2), code=Code(commit="2" * 40, branch="main"), status=RunStatus.FAILED)
    differing = [row.key for row in diff_runs([one, other]).attributes if row.differs]
    assert differing == ["status", "commit"]


def test_one_run_alone_cannot_be_compared() -> None:
    with pytest.raises(UserError, match="only one run"):
        diff_runs([make_run(1)])


def test_the_run_before_is_of_the_same_experiment_and_parent() -> None:
    known = [
        make_run(5),
        replace(make_run(4), experiment_id="other"),
        replace(make_run(3), parent="0" * 32),
        make_run(2),
        make_run(1),
    ]
    assert find_previous(known[0], known) == known[3]
    assert find_previous(known[4], known) is None
    child = replace(make_run(6), parent="0" * 32)
    assert find_previous(child, [child, *known]) == known[2]
