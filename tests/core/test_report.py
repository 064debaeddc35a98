"""What reports and their blocks say, and what is found for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.grouping import Spread
from gittrack.core.model import Experiment
from gittrack.core.query_setting import Setting
from gittrack.core.report import KINDS, freeze_report, parse_block, parse_report
from gittrack.core.report_answer import Answer, Basis, answer_block
from gittrack.errors import QuerySyntaxError, RunNotFoundError, UserError
from tests.site.sources import MemorySource, make_run, make_series

COMMIT = "4c0ffee1deadbeef4c0ffee1deadbeef4c0ffee1"


def answer(info: str, text: str = "") -> Answer:
    source = MemorySource(experiments=[Experiment("0", "Default")])
    for number, (optimizer, rate) in enumerate([("adam", 0.1), ("adam", 0), ("sgd", 0.1), ("sgd", 0.01)]):
        run = make_run(number, name=f"run-{number}", params={"optimizer": optimizer, "lr": rate})
        source.add(
            run, {"acc": make_series([0.1, 0.9 - number / 10, 0.5]), "loss": make_series([number + 1.0])}
        )
    return answer_block(parse_block(info, text), Basis(source.list_runs(), Setting()))


def cells(found: Answer, table: int = 0) -> list[tuple[object, ...]]:
    return [line.cells for line in found.tables[table].lines]


def test_a_report_without_a_head_follows_the_runs_and_is_called_as_its_first_heading() -> None:
    report = parse_report("Some text\n\n# Which *one*? #\n")
    assert (report.title, report.runs, report.first_line) == ("Which *one*?", None, 1)


def test_a_head_gives_title_and_commit_and_is_no_part_of_the_text() -> None:
    report = parse_report(f"---\ntitle: A: b\n# a remark\n\nruns: {COMMIT}\n---\n# Other\n")
    assert (report.title, report.runs, report.text, report.first_line) == ("A: b", COMMIT, "# Other", 7)


@pytest.mark.parametrize("text", ["---\ntitle: x\n", "---\nruns: main\n---\n", "---\nauthor: me\n---\n"])
def test_a_head_that_says_something_else_is_the_users_error(text: str) -> None:
    with pytest.raises(UserError):
        parse_report(text)


@given(st.lists(st.sampled_from(["# T", "---", "title: x", "runs: latest", "text", "", "```gittrack table"])))
def test_a_frozen_report_is_about_that_commit_and_else_the_same(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        before = parse_report(text)
    except UserError:
        return
    after = parse_report(freeze_report(text, COMMIT))
    assert (after.runs, after.title, after.text.strip()) == (COMMIT, before.title, before.text.strip())
    assert parse_report(freeze_report(freeze_report(text, COMMIT), None)).runs is None


@pytest.mark.parametrize(
    ("info", "text", "said"),
    [
        ("gittrack", "", "no kind"),
        ("gittrack pie", "", "no kind"),
        ("gittrack table", "filtr: x", "no 'filtr'"),
        ("gittrack table", "filter: x = 1\nfilter: y = 2", "twice"),
        ("gittrack table", "just words", "no `key: value`"),
        ("gittrack table", "limit: 0", "limit"),
        ("gittrack table", "value: median", "value"),
        ("gittrack table", "filter: x = 1\nruns: a", "both"),
        ("gittrack curves", "", "needs 'metric'"),
        ("gittrack curves", "metric: acc\nx: params.lr", "x: 'params.lr'"),
        ("gittrack curves", "metric: acc\nsmooth: 1", "smooth"),
        ("gittrack scatter", "x: params.lr", "needs 'y'"),
    ],
)
def test_a_block_that_cannot_be_meant_says_what_was_expected(info: str, text: str, said: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_block(info, text)
    assert said in raised.value.message
    assert raised.value.hint


def test_an_error_names_the_line_of_the_file() -> None:
    with pytest.raises(UserError, match="line 12: "):
        parse_block("gittrack table", "\nfiltr: x", first_line=11)


def test_a_table_has_the_runs_that_fit_sorted_and_says_how_many_more_there_are() -> None:
    found = answer(
        "gittrack table", "filter: params.lr > 0\nsort: -acc.max\ncolumns: acc.max, params.lr\nlimit: 2"
    )
    assert cells(found) == [("run-0", 0.9, 0.1), ("run-2", pytest.approx(0.7), 0.1)]
    assert [(head.title, head.look) for head in found.tables[0].heads] == [
        ("run", "text"),
        ("acc.max", "number"),
        ("lr", "number"),
    ]
    assert found.left_out == 1


def test_columns_that_are_not_named_are_those_that_say_most() -> None:
    titles = [head.title for head in answer("gittrack table").tables[0].heads]
    assert titles == ["run", "acc", "loss", "lr", "optimizer"]


def test_groups_have_mean_and_deviation() -> None:
    found = answer("gittrack table", "group: optimizer\ncolumns: loss\nlimit: 1")
    assert cells(found) == [("adam", 2, Spread(1.5, pytest.approx(0.7071, abs=1e-4), 2))]  # type: ignore[arg-type]
    assert found.left_out == 1


def test_curves_have_the_last_and_the_best_value_of_each_run() -> None:
    found = answer("gittrack curves", "metric: acc\nlimit: 3")
    assert cells(found)[0] == ("run-0", 0.5, 0.9, 1)
    assert (len(found.runs), found.left_out) == (3, 1)
    two = answer("gittrack curves", "metric: acc, loss")
    assert [head.title for head in two.tables[0].heads] == ["run", "acc", "acc best", "loss", "loss best"]


def test_points_and_bars_keep_zero_which_is_a_number() -> None:
    found = answer("gittrack scatter", "x: params.lr\ny: loss")
    assert ("run-1", 0, 2.0) in cells(found)
    bars = answer("gittrack bar", "x: params.lr\ny: loss")
    assert [line[0] for line in cells(bars)] == [0, 0.01, 0.1]


def test_compared_runs_show_what_differs_and_which_is_best() -> None:
    found = answer("gittrack compare", "runs: run-0, run-2, run-0")
    assert [run.name for run in found.runs] == ["run-0", "run-2"]
    assert [table.title for table in found.tables] == ["metrics", "params"]
    assert cells(found) == [("loss", 1.0, 3.0, "run-0")]
    assert cells(found, 1) == [("optimizer", "adam", "sgd")]


@pytest.mark.parametrize(
    ("info", "text", "kind"),
    [
        ("gittrack table", "filter: metrics.acc > 5", RunNotFoundError),
        ("gittrack table", "filter: metrics.acc >", QuerySyntaxError),
        ("gittrack table", "columns: nothing", QuerySyntaxError),
        ("gittrack table", "group: nothing", QuerySyntaxError),
        ("gittrack curves", "metric: nothing", RunNotFoundError),
        ("gittrack compare", "runs: nobody", RunNotFoundError),
        ("gittrack compare", "runs: run-0", UserError),
    ],
)
def test_what_is_not_there_is_said(info: str, text: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        answer(info, text)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_runs_at_all_are_said_by_every_kind(kind: str) -> None:
    block = parse_block(
        f"gittrack {kind}",
        {"curves": "metric: a"}.get(kind, "x: a\ny: b" if kind in {"scatter", "bar"} else ""),
    )
    with pytest.raises(RunNotFoundError, match="no runs yet"):
        answer_block(block, Basis([], Setting()))
