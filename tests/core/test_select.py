"""Selectors: what they read, and which run they name."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.model import Code, LifecycleStage, MetricSummary, Run, RunStatus
from gittrack.core.select import (
    ByAge,
    ByHead,
    ById,
    ByRank,
    ByText,
    parse_selector,
    rank_runs,
    select_run,
    unique_length,
)
from gittrack.errors import AmbiguousRunError, GittrackError, QuerySyntaxError, RunNotFoundError

IDS = st.text("0123456789abcdef", min_size=32, max_size=32)
COMMIT = "c0ffee" + "0" * 34


def make_run(run_id: str, name: str = "some-run-1", **facts: object) -> Run:
    return replace(Run(run_id, name, "0", RunStatus.FINISHED, 0), **facts)  # type: ignore[arg-type]


def with_metric(run: Run, key: str, low: float, high: float) -> Run:
    return replace(run, metrics={key: MetricSummary(high, 3, 0, low, 1, high, 2, 3)})


A, B, C = "0" * 31 + "a", "0" * 31 + "b", "1234" + "c" * 28
RUNS = [
    make_run(C, "newest", code=Code(commit=COMMIT)),
    make_run(B, "middle", code=Code(commit=COMMIT)),
    make_run(A, "oldest", code=Code(commit="d" * 40)),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (A, ById(A)),
        (A.upper(), ById(A)),
        ("@", ByAge(0)),
        ("@{-0}", ByAge(0)),
        ("@{-2}", ByAge(2)),
        ("HEAD", ByHead()),
        ("best:val/acc", ByRank("val/acc")),
        ("best:a:b", ByRank("a:b")),
        (" tidy-otter-412 ", ByText("tidy-otter-412")),
        ("head", ByText("head")),
        ("@home", ByText("@home")),
    ],
)
def test_each_form_is_read_as_what_it_is(text: str, expected: object) -> None:
    assert parse_selector(text) == expected


@pytest.mark.parametrize("text", ["", "  ", "best:", "@{", "@{2}", "@{-}", "@{-1", "@{-99999999999}"])
def test_an_unfinished_form_is_an_error_with_a_hint(text: str) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse_selector(text)
    assert caught.value.hint


@given(st.text())
def test_any_text_is_read_or_refused_with_our_own_error(text: str) -> None:
    try:
        select_run(parse_selector(text), RUNS, head=COMMIT)
    except GittrackError as error:
        hint = error.hint
    else:
        hint = "found"
    assert hint


@given(st.lists(IDS, min_size=1, max_size=20, unique=True))
def test_unique_length_tells_all_ids_apart_and_one_digit_less_does_not(ids: list[str]) -> None:
    length = unique_length(ids, least=1)
    assert len({one[:length] for one in ids}) == len(ids)
    if length > 1:
        assert len({one[: length - 1] for one in ids}) < len(ids)


@given(st.lists(IDS, min_size=1, max_size=20, unique=True), st.data())
def test_every_prefix_long_enough_names_its_run(ids: list[str], data: st.DataObject) -> None:
    runs = [make_run(one) for one in ids]
    chosen = data.draw(st.sampled_from(ids))
    prefix = chosen[: data.draw(st.integers(unique_length(ids, least=4), 31))]
    assert select_run(parse_selector(prefix), runs).run_id == chosen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@", C),
        ("@{-1}", B),
        ("middle", B),
        ("1234", C),
        ("1234CC", C),
        (A, A),
        ("HEAD", C),
        ("c0ffee", C),
        ("dddd", A),
    ],
)
def test_a_run_is_named_in_every_way(text: str, expected: str) -> None:
    assert select_run(parse_selector(text), RUNS, head=COMMIT).run_id == expected


def test_an_exact_name_wins_over_a_prefix_that_reads_the_same() -> None:
    runs = [*RUNS, make_run("f" * 32, "1234")]
    assert select_run(parse_selector("1234"), runs).run_id == "f" * 32
    assert select_run(parse_selector("1234c"), runs).run_id == C


def test_a_prefix_of_two_ids_is_ambiguous_and_names_both() -> None:
    with pytest.raises(AmbiguousRunError, match=r"2 runs fit '0000'.*(oldest|middle)"):
        select_run(parse_selector("0000"), RUNS)


def test_three_digits_are_too_few_and_the_hint_says_so() -> None:
    with pytest.raises(RunNotFoundError) as caught:
        select_run(parse_selector("123"), RUNS)
    assert caught.value.hint == "give at least 4 digits of an id"


def test_a_commit_prefix_of_two_commits_is_ambiguous() -> None:
    runs = [
        make_run(A, code=Code(commit="abcd1" + "0" * 35)),
        make_run(B, code=Code(commit="abcd2" + "0" * 35)),
    ]
    with pytest.raises(AmbiguousRunError):
        select_run(parse_selector("abcd"), runs)
    assert select_run(parse_selector("abcd2"), runs).run_id == B


def test_deleted_runs_are_found_by_name_but_do_not_count_for_age_and_rank() -> None:
    gone = with_metric(make_run("e" * 32, "gone", lifecycle_stage=LifecycleStage.DELETED), "acc", 9, 9)
    kept = with_metric(make_run(A, "kept"), "acc", 1, 1)
    runs = [gone, kept]
    assert select_run(parse_selector("@"), runs) is kept
    assert select_run(parse_selector("best:acc"), runs) is kept
    assert select_run(parse_selector("gone"), runs) is gone
    assert select_run(parse_selector("@"), runs, stage=LifecycleStage.DELETED) is gone


def test_of_an_active_and_a_deleted_run_of_one_name_the_stage_decides() -> None:
    active = make_run(A, "same")
    deleted = make_run(B, "same", lifecycle_stage=LifecycleStage.DELETED)
    assert select_run(parse_selector("same"), [deleted, active]) is active
    assert select_run(parse_selector("same"), [deleted, active], stage=LifecycleStage.DELETED) is deleted


def test_best_follows_the_direction_of_the_name_and_passes_over_nan() -> None:
    nan = float("nan")
    runs = [
        with_metric(make_run("a" * 32), "loss", 0.5, 0.6),
        with_metric(make_run("b" * 32), "loss", 0.1, 9.0),
        with_metric(make_run("c" * 32), "loss", nan, nan),
    ]
    assert select_run(parse_selector("best:loss"), runs).run_id == "b" * 32
    assert [run.run_id[0] for run in rank_runs(runs, "loss")] == ["b", "a"]
    assert [run.run_id[0] for run in rank_runs(runs, "loss", lower=False)] == ["b", "a"]


def test_the_newest_of_equals_is_the_best() -> None:
    runs = [with_metric(make_run(one * 32), "acc", 1, 1) for one in "abc"]
    assert rank_runs(runs, "acc")[0].run_id == "a" * 32


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("middel", "did you mean 'middle'?"),
        ("new", "did you mean 'newest'?"),
        ("best:acc", "no run has any metric yet"),
        ("HEAD~1", "name a commit by its id: `git rev-parse` tells it"),
        ("@{-3}", "`gittrack log` lists runs"),
    ],
)
def test_what_is_not_found_comes_with_what_may_have_been_meant(text: str, hint: str) -> None:
    with pytest.raises(RunNotFoundError) as caught:
        select_run(parse_selector(text), RUNS, head=COMMIT)
    assert caught.value.hint == hint


def test_without_a_commit_or_a_run_of_it_head_names_nothing() -> None:
    for head in (None, "9" * 40):
        with pytest.raises(RunNotFoundError):
            select_run(ByHead(), RUNS, head=head)
