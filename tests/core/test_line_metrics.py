"""Metrics picked from lines of output."""

from __future__ import annotations

import math

import pytest

from gittrack.core.line_metrics import LinePicker, parse_pattern
from gittrack.errors import UserError


def pick(pattern: str, *pieces: bytes) -> list[tuple[dict[str, float], int | None]]:
    picker = LinePicker((parse_pattern(pattern),))
    readings = [reading for piece in pieces for reading in picker.feed(piece)] + picker.finish()
    return [(dict(reading.metrics), reading.step) for reading in readings]


def test_a_template_names_metrics_and_the_step() -> None:
    found = pick("epoch {step}: loss={loss} acc={val/acc}", b"epoch 3: loss=1.5e-3 acc=.9\nother\n")
    assert found == [({"loss": 0.0015, "val/acc": 0.9}, 3)]


def test_lines_without_a_step_are_counted() -> None:
    assert [step for _, step in pick("loss {loss}", b"loss 3\nloss 2\n", b"lo", b"ss 1")] == [0, 1, 2]


def test_a_regular_expression_may_take_the_names_from_the_line() -> None:
    found = pick(r"(?P<key>\w+): (?P<value>[\d.]+)", b"loss: 0.5 acc: 0.25\n")
    assert found == [({"loss": 0.5, "acc": 0.25}, 0)]


def test_a_redrawn_line_counts_each_time() -> None:
    assert len(pick("loss {loss}", b"\rloss 3\rloss 2\rloss 1\n")) == 3


def test_a_loss_that_is_no_number_any_more_is_one() -> None:
    ((metrics, _),) = pick("loss {loss}", b"loss nan\n")
    assert math.isnan(metrics["loss"])


def test_colours_in_a_line_do_not_hide_a_metric() -> None:
    assert pick("loss {loss}", b"\x1b[1mloss\x1b[0m 0.5\n") == [({"loss": 0.5}, 0)]


@pytest.mark.parametrize("pattern", ["loss", "(?P<loss>", "step {step}", "{a//b}", ""])
def test_a_pattern_that_names_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(UserError) as error:
        parse_pattern(pattern)
    assert error.value.hint
