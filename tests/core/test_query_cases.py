"""The cases that the site's reader of the search language is held to as well."""

from __future__ import annotations

import pytest

from gittrack.core.query import Setting, compile_filter, parse_filter
from gittrack.errors import QuerySyntaxError
from tests.query_cases import CASES, ERRORS, EXPERIMENTS, NOW, PARENTS, RUNS


@pytest.mark.parametrize(("text", "ids"), CASES)
def test_a_filter_finds_the_runs_of_the_shared_cases(text: str, ids: str) -> None:
    matches = compile_filter(text, Setting(NOW, EXPERIMENTS, parents=PARENTS))
    assert "".join(run.run_id for run in RUNS if matches(run)) == ids


@pytest.mark.parametrize("text", ERRORS)
def test_what_is_wrong_in_the_shared_cases_is_refused(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse_filter(text)
