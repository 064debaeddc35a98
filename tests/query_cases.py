"""Filters and what they find, for the reader in Python and for the one of the site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.model import Code, MetricSummary, Run, RunStatus

_CONTENT = json.loads(Path(__file__).with_name("query_cases.json").read_text("utf-8"))
NOW: int = _CONTENT["now"]
EXPERIMENTS: dict[str, str] = _CONTENT["experiments"]
CASES: list[tuple[str, str]] = [(text, ids) for text, ids in _CONTENT["cases"]]
"""Each filter with the ids it finds, one letter each."""
ERRORS: list[str] = _CONTENT["errors"]
"""What neither reads."""


def make_run(row: dict[str, Any]) -> Run:
    """Return a run of the file."""
    return Run(
        row["id"],
        row["name"],
        row["experiment_id"],
        RunStatus(row["status"]),
        row["start"],
        row["end"],
        user=row["user"],
        params=row["params"],
        metrics={key: _summary(float(value)) for key, value in row["metrics"].items()},
        tags=row["tags"],
        parent=row.get("parent"),
        code=Code(row["commit"]) if "commit" in row else None,
        datasets={one.key: one for one in map(_make_input, row.get("datasets", ()))},
    )


def _make_input(fact: tuple[str, str, str | None]) -> DatasetInput:
    name, digest, context = fact
    tags = (InputTag("mlflow.data.context", context),) if context else ()
    return DatasetInput(Dataset(name, digest, "local", "{}"), tags)


def _summary(value: float) -> MetricSummary:
    return MetricSummary(value, 0, 0, value, 0, value, 0, 1)


RUNS = [make_run(row) for row in _CONTENT["runs"]]
PARENTS = {run.name: run.run_id for run in RUNS}
"""What stands for a run where a filter names it."""
