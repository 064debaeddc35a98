"""The gate as a pipeline meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli


@pytest.fixture
def three(cli: Cli, repository: Path) -> None:
    for name, acc in (("base", 0.9), ("better", 0.92), ("newest", 0.91)):
        assert cli("log", "--name", name, "-m", f"val/acc={acc}", "-m", f"loss={1 - acc}").status == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((), 7),
        (("--tolerance", "0.02"), 0),
        (("--tolerance", "2%"), 0),
        (("--tolerance", "0.1%"), 7),
        (("--against", "base"), 0),
        (("--against", "better"), 7),
        (("--against", "0.91"), 0),
        (("--against", "0.911"), 7),
        (("--run", "better"), 0),
        (("--against", "base", "--min", "0.95"), 7),
        (("--against", "base", "--lower"), 7),
        (("--run", "nobody"), 4),
        (("--tolerance", "much"), 2),
    ],
)
def test_a_run_passes_if_it_is_no_worse(
    cli: Cli, three: None, arguments: tuple[str, ...], status: int
) -> None:
    assert cli("check", "val/acc", *arguments).status == status


def test_less_is_better_where_the_name_says_so(cli: Cli, three: None) -> None:
    assert cli("check", "loss").status == 7
    assert cli("check", "loss", "--against", "base").status == 0
    assert cli("check", "nothing").status == 4


def test_the_verdict_is_said_in_words_json_and_markdown(cli: Cli, three: None) -> None:
    assert cli("check", "val/acc").out == "newest val/acc 0.91 against better 0.92: worse: worse than 0.92\n"
    told = json.loads(cli("check", "val/acc", "--json").out)
    assert (told["value"], told["baseline"], told["passes"]) == (0.91, 0.92, False)
    markdown = cli("check", "val/acc", "--against", "base", "--md").out.splitlines()
    assert markdown[2] == "| ✅ | newest | 0.91 | base 0.9 | +0.01 |"


def test_the_first_run_of_an_experiment_passes(cli: Cli, repository: Path) -> None:
    assert cli("log", "-m", "acc=0.5").status == 0
    passed = cli("check", "acc")
    assert passed.status == 0
    assert "no other run" in passed.out
