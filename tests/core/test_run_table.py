"""What columns of tables are taken for."""

from __future__ import annotations

import pytest

from gittrack.core.run_table import Choice, Role, parse_moment, understand_table
from gittrack.errors import InvalidValueError


def roles(text: str, **chosen: object) -> dict[str, str]:
    header, *rows = [line.split(",") for line in text.splitlines()]
    table = understand_table(header, rows, Choice(**chosen))  # type: ignore[arg-type]
    return {column: role.value for column, role in table.roles.items()}


def test_numbers_whose_name_is_a_metrics_are_metrics_and_the_rest_are_params() -> None:
    assert roles("lr,val_loss,acc,accent,note\n0.1,0.5,0.9,us,hi") == {
        "lr": "param",
        "val_loss": "metric",
        "acc": "metric",
        "accent": "param",
        "note": "note",
    }
    assert roles("loss\nhinge") == {"loss": "param"}  # no numbers: the name of a loss


def test_a_column_of_growing_steps_makes_a_row_a_step() -> None:
    found = roles("Epoch,lr,loss,time\n1,0.1,0.5,1700000000\n2,0.1,0.4,1700000001")
    assert found == {"Epoch": "step", "lr": "metric", "loss": "metric", "time": "time of the point"}


@pytest.mark.parametrize(
    "text",
    [
        "epoch,loss\n5,0.1\n3,0.2",
        "epoch,loss\n5,0.1",
        "epoch,status,loss\n1,ok,0.1\n2,ok,0.2",
        "epoch,a\nx,1",
    ],
)
def test_steps_that_do_not_grow_are_params_of_runs(text: str) -> None:
    assert roles(text)["epoch"] == "param"


def test_steps_grow_in_each_run_by_itself() -> None:
    assert roles("run,step,loss\na,1,0.5\nb,1,0.4\na,2,0.3\nb,2,0.2")["step"] == "step"


def test_what_the_user_says_comes_first() -> None:
    found = roles("when,title,name,score,loss\nx,y,z,1,2", metrics=["score"], tags=["loss"], name="title")
    assert found == {"when": "param", "title": "name", "name": "left out", "score": "metric", "loss": "tag"}


def test_prefixes_say_what_a_column_is_and_are_not_in_its_key() -> None:
    header = ["params.lr", "metrics.x", "tags.team", "config.depth"]
    table = understand_table(header, [["1", "2", "a", "3"]], Choice())
    assert list(table.cells(["1", "2", "a", "3"], Role.PARAM)) == [("lr", "1"), ("depth", "3")]
    assert list(table.cells(["1", "", "a", "3"], Role.METRIC)) == []


@pytest.mark.parametrize(
    ("text", "choice", "message"),
    [
        ("a,a\n1,2", Choice(), "two columns are called 'a'"),
        ("a\n1", Choice(step="b"), "no column is called 'b'"),
    ],
)
def test_columns_that_cannot_be_told_apart_or_are_not_there_are_refused(
    text: str, choice: Choice, message: str
) -> None:
    header, *rows = [line.split(",") for line in text.splitlines()]
    with pytest.raises(InvalidValueError, match=message):
        understand_table(header, rows, choice)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T03:04:05Z", 1_704_164_645_000),
        ("1704164645", 1_704_164_645_000),
        ("1704164645000", 1_704_164_645_000),
        ("yesterday", None),
        ("nan", None),
        ("-5", None),
    ],
)
def test_moments_are_dates_seconds_or_milliseconds(text: str, moment: int | None) -> None:
    assert parse_moment(text) == moment
