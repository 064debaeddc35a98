"""``gittrack search`` and ``gittrack log --filter``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


@pytest.fixture
def ids(repository: Path, cli: Cli) -> dict[str, str]:
    """Return the ids of a few runs by name."""
    found = {}
    for name, *facts in (
        ("a", "-m", "val/acc=0.7", "-p", "lr=0.1"),
        ("b", "-m", "val/acc=0.9", "-p", "lr=0.01", "-t", "a tag=it's `odd`"),
        ("c", "-m", "val/acc=nan", "-x", "other"),
    ):
        recorded = cli("log", "--name", name, *facts)
        assert recorded.status == 0, recorded.err
        found[name] = recorded.out.strip()
    return found


def test_ids_are_printed_one_a_line_newest_first(ids: dict[str, str], cli: Cli) -> None:
    found = cli("search", "metrics.val/acc > 0.5")
    assert (found.status, found.err) == (0, "")
    assert found.lines == [ids["b"], ids["a"]]
    assert cli("search", "").lines == [ids["c"], ids["b"], ids["a"]]


def test_order_number_experiment_and_json_are_options(ids: dict[str, str], cli: Cli) -> None:
    ordered = cli("search", "", "--order-by", "metrics.val/acc DESC")
    assert ordered.lines == [ids["b"], ids["a"], ids["c"]]
    assert cli("search", "", "--order-by", "name", "-n", "1").lines == [ids["a"]]
    assert cli("search", "", "-x", "other").lines == [ids["c"]]
    assert json.loads(cli("search", "params.lr < 0.05", "--json").out) == [ids["b"]]
    assert json.loads(cli("search", "params.lr < 0", "--json").out) == []


def test_deleted_runs_are_searched_when_asked_for(ids: dict[str, str], cli: Cli) -> None:
    assert cli("rm", ids["a"]).status == 0
    assert cli("search", "name = 'a'").out == ""
    assert cli("search", "name = 'a'", "--deleted").lines == [ids["a"]]
    assert len(cli("search", "", "--all").lines) == 3


def test_nothing_found_is_no_error_and_prints_nothing_for_a_pipe(ids: dict[str, str], cli: Cli) -> None:
    found = cli("search", "name = 'nobody'")
    assert (found.status, found.out, found.err) == (0, "", "no run fits\n")


def test_the_history_is_filtered(ids: dict[str, str], cli: Cli) -> None:
    shown = cli(
        "log", "--json", "-f", "tags.`a tag` = 'it''s `odd`' OR params.lr = 0.1", "--sort", "metrics.val/acc"
    )
    assert [run["run_id"] for run in json.loads(shown.out)] == [ids["a"], ids["b"]]
    empty = cli("log", "--filter", "metrics.val/acc > 1")
    assert (empty.status, empty.out, empty.err) == (0, "", "no run fits\n")


@pytest.mark.parametrize("command", [("search",), ("log", "-f"), ("runs", "-f")])
def test_what_cannot_be_read_is_shown_with_a_caret(
    command: tuple[str, ...], ids: dict[str, str], cli: Cli
) -> None:
    found = cli(*command, "metrics.val/acc > 'high'")
    assert found.status == 2
    assert found.out == ""
    assert found.err.splitlines() == [
        """error: expected a number, not "'high'\"""",
        "  metrics.val/acc > 'high'",
        "                    ^",
        "hint: numbers are not quoted, e.g. 0.9 or 1e-3",
    ]


def test_an_order_that_cannot_be_read_is_shown_with_a_caret(ids: dict[str, str], cli: Cli) -> None:
    found = cli("search", "", "--order-by", "metrics.val/acc UP")
    assert found.status == 2
    assert found.err.splitlines()[1:3] == ["  metrics.val/acc UP", "                  ^"]


def test_a_filter_is_not_for_recording(repository: Path, cli: Cli) -> None:
    found = cli("log", "-m", "a=1", "-f", "name = 'x'")
    assert found.status == 2
    assert "--filter is for showing runs" in found.err
