"""The same code gives the same runs under MLflow and under gittrack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.mlflow import registry_scenarios, scenarios
from tests.mlflow.compare import comparable_runs, different_notes

if TYPE_CHECKING:
    from tests.mlflow.conftest import Records

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(900)]


@pytest.mark.parametrize(
    "name", [one.__name__ for one in (*scenarios.SCENARIOS, *registry_scenarios.SCENARIOS)]
)
def test_the_same_comes_out_as_under_mlflow(name: str, records: Records) -> None:
    theirs, ours = records["mlflow"][name], records["gittrack"][name]
    assert "broken" not in theirs["notes"], theirs["notes"]
    assert "broken" not in ours["notes"], ours["notes"]
    assert different_notes(theirs["notes"], ours["notes"]) == []
    assert ours["store"]["experiments"] == theirs["store"]["experiments"]
    assert comparable_runs(theirs["store"]["runs"], ours["store"]["runs"]) == theirs["store"]["runs"]


def test_every_scenario_leaves_something_to_compare(records: Records) -> None:
    def size(record: Any) -> int:
        return len(record["notes"]) + len(record["store"]["runs"])

    assert [name for name, record in records["mlflow"].items() if not size(record)] == []
