"""Commit messages: a log one likes to read, from which entries are read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.messages import (
    best_value,
    compose_message,
    describe_run,
    format_duration,
    format_number,
    parse_entry_ids,
    pick_primary_metric,
)
from gittrack.core.model import MetricSummary, Run, RunStatus
from tests import strategies

entry_ids = st.lists(st.text("0123456789abcdef", min_size=12, max_size=12), min_size=1, max_size=5)
subjects = st.lists(strategies.texts.filter(lambda text: "\n" not in text), min_size=1, max_size=6)


def summary(last: float, low: float | None = None, high: float | None = None) -> MetricSummary:
    return MetricSummary(last, 1, 1, last if low is None else low, 1, last if high is None else high, 1, 1)


@given(subjects, entry_ids)
def test_the_entries_of_a_message_parse_back(lines: list[str], ids: list[str]) -> None:
    assert parse_entry_ids(compose_message(lines, ids)) == set(ids)


@given(st.lists(st.text(max_size=9), min_size=1, max_size=4), entry_ids)
def test_a_message_holds_no_control_characters_but_newlines(lines: list[str], ids: list[str]) -> None:
    message = compose_message(lines, ids)
    assert not set(message) & ({chr(code) for code in range(32)} - {"\n"})
    assert parse_entry_ids(message) == set(ids)


@given(entry_ids, entry_ids)
def test_a_run_whose_name_looks_like_the_trailer_fools_nobody(ids: list[str], false_ids: list[str]) -> None:
    for separator in ("", "\u2028", "\x85", "x "):
        assert parse_entry_ids(compose_message([f"{separator}Entries: {' '.join(false_ids)}"], ids)) == set(
            ids
        )


@given(strategies.texts)
def test_a_message_of_somebody_else_holds_no_entries(text: str) -> None:
    assert parse_entry_ids(text) == set()


@given(strategies.runs())
def test_every_run_is_described_in_one_line(run: Run) -> None:
    line = describe_run(run)
    assert line.startswith(f"{run.name} {run.status.value.lower()}")


def test_a_subject_reads_like_a_log_line() -> None:
    run = Run(
        "a" * 32, "tidy-otter-412", "0", RunStatus.FINISHED, 1000, 721_000,
        metrics={"loss": summary(0.1), "val/acc": summary(0.943), "system/cpu": summary(5.0)},
    )  # fmt: skip
    assert describe_run(run) == "tidy-otter-412 finished: val/acc 0.943, 12m"
    assert compose_message([describe_run(run)], ["0123456789ab"]).splitlines() == [
        "tidy-otter-412 finished: val/acc 0.943, 12m", "", "Entries: 0123456789ab",
    ]  # fmt: skip


def test_a_shared_commit_names_three_runs_and_lists_all() -> None:
    lines = compose_message(
        [f"run-{i} finished: loss 1, 2s" for i in range(5)], ["0123456789ab"]
    ).splitlines()
    assert lines[0] == "5 changes: run-0 finished, run-1 finished, run-2 finished, …"
    assert lines[2:7] == [f"run-{i} finished: loss 1, 2s" for i in range(5)]


@pytest.mark.parametrize(
    ("keys", "primary"),
    [
        (["loss", "acc", "val/loss", "val/acc"], "val/acc"),
        (["loss", "val_loss"], "val_loss"),
        (["loss", "acc"], "acc"),
        (["lr", "loss"], "loss"),
        (["system/cpu"], None),
        ([], None),
    ],
)
def test_the_primary_metric_is_a_held_out_score_before_all_others(
    keys: list[str], primary: str | None
) -> None:
    assert pick_primary_metric(keys) == primary


@pytest.mark.parametrize(("key", "best"), [("val/loss", 1.0), ("val/acc", 3.0), ("neg_log_likelihood", 1.0)])
def test_the_best_value_is_in_the_direction_the_name_implies(key: str, best: float) -> None:
    assert best_value(key, summary(2.0, 1.0, 3.0)) == best


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (9.94, "9.9s"),
        (12, "12s"),
        (60, "1m"),
        (185, "3m 5s"),
        (7800, "2h 10m"),
        (273_600, "3d 4h"),
    ],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("value", "text"), [(0.94321, "0.9432"), (1e-7, "1e-07"), (float("nan"), "nan")])
def test_numbers_have_four_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_a_run_of_which_only_the_end_is_known_took_no_time_anybody_knows() -> None:
    run = Run("a" * 32, "a" * 12, "0", RunStatus.FINISHED, start_time=0, end_time=1_700_000_000_000)
    assert describe_run(run) == f"{'a' * 12} finished"
