"""Facts about the columns of some runs add up to those of all."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gittrack.site.column_facts import digest_runs, list_facts
from gittrack.site.columns import Column, choose_columns, flatten_params
from gittrack.site.gather import gather
from gittrack.site.options import SiteOptions
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.site.column_facts import Facts

CELLS = st.sampled_from([1, 1.0, 0.5, "1", "x", "", math.inf])
PARAMS = st.lists(st.dictionaries(st.sampled_from("abc"), CELLS), max_size=6)


def facts_of(runs: list[Run]) -> Facts:
    found: Facts = json.loads(
        json.dumps(list_facts(runs, {run.run_id: flatten_params(run.params) for run in runs}))
    )
    return found


@given(PARAMS, st.integers(0, 6))
def test_the_facts_of_parts_are_those_of_the_whole(params: list[dict[str, object]], cut: int) -> None:
    runs = [make_run(number, params=one, tags=one_tag(one)) for number, one in enumerate(params)]
    whole = choose_columns([facts_of(runs)])
    assert choose_columns([facts_of(runs[:cut]), facts_of(runs[cut:])]) == whole
    columns = {column.key: column for column in whole.all if column.kind == "p"}
    for key in {key for one in params for key in one}:
        values = [one[key] for one in params if key in one]
        assert columns[key] == Column(
            "p",
            key,
            numeric=all(value not in {"x", ""} for value in values),
            count=len(values),
            varies=len(set(values)) > 1 or len(values) < len(runs),
        )


def one_tag(params: dict[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in params.items()}


def test_facts_are_taken_over_where_no_run_changed() -> None:
    source = MemorySource()
    for number in range(3):
        source.add(make_run(number, params={"lr": number}), {"acc": make_series([0.5])})
    first = gather(source, SiteOptions())
    assert list(first.facts) == [digest_runs(first.runs)]
    invented = {key: {**facts, "params": {"invented": (3, 1, "")}} for key, facts in first.facts.items()}
    again = gather(source, SiteOptions(), invented)
    assert [column.key for column in again.columns.all] == ["acc", "invented"]
    source.add(make_run(9, params={"lr": 9}), {"acc": make_series([0.5])})
    after = gather(source, SiteOptions(), invented)
    assert [(column.key, column.count) for column in after.columns.all] == [("acc", 4), ("lr", 4)]
