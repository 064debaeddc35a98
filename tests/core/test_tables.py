"""Fields, columns and groups of runs, and what people type to record one."""

from __future__ import annotations

import contextlib
import json
import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.columns import all_columns, choose_columns, rank_metrics
from gittrack.core.fields import Field, flatten_params, list_fields, parse_field, read_field
from gittrack.core.grouping import group_runs, measure
from gittrack.core.model import MetricSummary, Run, RunStatus
from gittrack.core.recording import parse_line, parse_metric, parse_param, parse_tag
from gittrack.errors import QuerySyntaxError, UserError

NAN = float("nan")


def make_run(
    number: int, params: dict[str, Any] | None = None, tags: dict[str, str] | None = None, **metrics: float
) -> Run:
    summaries = {
        key.replace("__", "/"): MetricSummary(value, 3, 0, value - 1, 1, value + 1, 2, 3)
        for key, value in metrics.items()
    }
    run = Run(f"{number:032x}", f"run-{number}", "0", RunStatus.FINISHED, number)
    return replace(run, params=params or {}, tags=tags or {}, metrics=summaries)


def test_a_field_is_found_with_and_without_its_prefix() -> None:
    runs = [make_run(1, {"lr": 0.1, "opt": {"name": "adam"}}, {"team": "a"}, loss=1.0, **{"a.min": 2.0})]
    assert (
        parse_field("metrics.loss", list_fields(runs))
        == parse_field("loss", list_fields(runs))
        == Field("metrics", "loss")
    )
    assert parse_field("metric.loss.min", list_fields(runs)) == Field("metrics", "loss", "min")
    assert parse_field("metrics.a.min", list_fields(runs)) == Field("metrics", "a.min")
    assert parse_field("opt.name", list_fields(runs)) == Field("params", "opt.name")
    assert parse_field("tags.`team`", list_fields(runs)) == Field("tags", "team")
    assert parse_field("id", list_fields(runs)) == Field("attributes", "run_id")
    assert read_field(runs[0], Field("metrics", "loss", "min")) == 0.0
    assert read_field(runs[0], Field("metrics", "loss"), "best") == 0.0


@pytest.mark.parametrize("text", ["metrics.los", "params.loss", "xyz", "", "metrics.", "loss.median"])
def test_a_field_that_no_run_has_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_field(text, list_fields([make_run(1, loss=1.0)]))
    assert caught.value.hint


def test_every_field_can_be_named_by_its_own_name() -> None:
    runs = [make_run(1, {"lr": 0.1, "opt": {"name": "adam"}}, {"team": "a"}, loss=1.0, val__acc=2.0)]
    for field in all_columns(list_fields(runs)):
        assert parse_field(field.name, list_fields(runs)) == field


CELLS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


def test_what_was_achieved_comes_first_then_what_differs_then_the_rest() -> None:
    runs = [
        make_run(n, {"lr": n, "same": 1, "seed": n}, {"team": f"t{n}"}, val__acc=n, val__loss=n, train__acc=n)
        for n in range(3)
    ]
    assert [field.name for field in choose_columns(runs)] == [
        "metrics.val/acc", "metrics.val/loss", "params.lr", "params.seed", "metrics.train/acc", "tags.team",
    ]  # fmt: skip


def test_of_a_single_run_every_param_is_shown() -> None:
    assert [field.name for field in choose_columns([make_run(1, {"lr": 1, "b": 2})])] == [
        "params.b",
        "params.lr",
    ]
    assert choose_columns([]) == []


def test_a_metric_of_few_runs_is_no_column_of_all() -> None:
    runs = [make_run(n, acc=1.0) for n in range(40)] + [make_run(41, rare=1.0)]
    assert [field.key for field in choose_columns(runs)] == ["acc"]


def test_machine_metrics_come_last() -> None:
    assert rank_metrics(["system/gpu", "acc", "loss"]) == ["acc", "loss", "system/gpu"]


def test_nested_params_become_dotted_and_the_outer_key_wins() -> None:
    assert flatten_params({"a": {"b": {"c": 1}, "d": {}}, "a.b.c": 2, "l": [1]}) == {
        "a.b.c": 2, "a.d": {}, "l": [1],
    }  # fmt: skip


FLOATS = st.floats(-1e150, 1e150)


@given(st.lists(FLOATS, min_size=2, max_size=20))
def test_mean_and_deviation_are_those_of_the_standard_library(values: list[float]) -> None:
    found = measure(values)
    assert found.count == len(values)
    assert found.mean == pytest.approx(statistics.mean(values), rel=1e-9, abs=1e-300)
    assert found.std == pytest.approx(
        statistics.stdev(values), rel=1e-6, abs=1e-9 * max(map(abs, values)) + 1e-300
    )


def test_equal_values_have_no_deviation_and_huge_ones_do_not_overflow() -> None:
    assert measure([0.1] * 3).std == 0.0
    assert measure([1.7e308, 1.7e308]).mean == 1.7e308
    assert measure([1.7e308, -1.7e308]).mean == 0.0
    assert measure([5.0]).std is None
    assert math.isnan(measure([NAN, 1.0]).mean)


def test_one_and_one_point_zero_are_a_group_and_text_is_another() -> None:
    runs = [make_run(n, {"x": value}) for n, value in enumerate([1, 1.0, "1", True, None])] + [make_run(9)]
    groups = group_runs(runs, [Field("params", "x")])
    assert [len(group.runs) for group in groups] == [2, 1, 1, 2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lr=0.1", 0.1),
        ("n=3", 3),
        ("b=true", True),
        ("b=True", "True"),
        ("z=null", None),
        ("s=text", "text"),
        ('q="3"', "3"),
        ("e=", ""),
        ("x=a=b", "a=b"),
        ("id=007", "007"),
        ("v=1e999", "1e999"),
        ("v=NaN", "NaN"),
        ("l=[1, 2]", [1, 2]),
        ('o={"a": 1}', {"a": 1}),
        ("d=" + "[" * 10_000, "[" * 10_000),
        ("big=" + "9" * 5000, "9" * 5000),
    ],
)
def test_a_param_is_json_if_it_reads_as_json_else_text(text: str, expected: object) -> None:
    _, value = parse_param(text)
    assert value == expected
    assert type(value) is type(expected)


@given(st.floats(), st.integers(-(2**63), 2**63 - 1))
def test_every_number_and_step_that_is_printed_is_read_back(value: float, step: int) -> None:
    point = parse_metric(f"val/loss={value!r}@{step}")
    assert (repr(point.value), point.step) == (repr(value), step)


@given(st.binary(max_size=60))
def test_any_line_is_read_or_refused_with_our_own_error(line: bytes) -> None:
    with contextlib.suppress(UserError):
        parse_line(line)


@given(st.dictionaries(st.text("abcxyz/", min_size=1, max_size=6), st.floats(allow_nan=False), max_size=4))
def test_a_flat_object_is_metrics(metrics: dict[str, float]) -> None:
    try:
        facts = parse_line(json.dumps({**metrics, "step": 3}).encode())
    except UserError:
        assert any(part == "" for key in metrics for part in key.split("/"))
    else:
        assert (dict(facts.metrics), facts.step) == (metrics, 3)


def test_the_value_of_a_tag_stays_text() -> None:
    assert parse_tag("n=007=x") == ("n", "007=x")
