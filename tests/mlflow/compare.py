"""Whether two trackers agree, given what is no promise of MLflow's."""

from __future__ import annotations

from typing import Any

ACCIDENTAL = {
    "refused: without a code",  # a plain exception of Python's
    "refused: INTERNAL_ERROR",  # what nobody gave a code
    "refused: BAD_REQUEST",  # what the database found
    "refused: INVALID_STATE",  # said of renaming a deleted experiment alone
}
"""Codes of MLflow's that tell no more than that something was refused."""
CONTEXT_TAGS = {"mlflow.user", "mlflow.source.name", "mlflow.source.type"}
"""MLflow's fluent functions set these; runs that its client makes have none, while ours do."""


def agrees(theirs: Any, ours: Any) -> bool:
    """Return whether a note of ours says what MLflow's says; refusals by accident agree with any refusal."""
    if isinstance(theirs, str) and theirs in ACCIDENTAL:
        return isinstance(ours, str) and ours.startswith("refused: ")
    return bool(theirs == ours)


def different_notes(theirs: list[Any], ours: list[Any]) -> list[tuple[Any, Any]]:
    """Return the notes that do not agree."""
    labels = [label for label, _ in theirs], [label for label, _ in ours]
    if labels[0] != labels[1]:
        return [labels]
    pairs = zip(theirs, ours, strict=True)
    return [(their, our) for their, our in pairs if not agrees(their[1], our[1])]


def comparable_runs(theirs: list[Any], ours: list[Any]) -> list[Any]:
    """Return our runs without the context tags that MLflow's twins lack."""
    if len(theirs) != len(ours):
        return ours
    compared = []
    for their, our in zip(theirs, ours, strict=True):
        missing = CONTEXT_TAGS - their["tags"].keys()
        tags = {key: value for key, value in our["tags"].items() if key not in missing}
        compared.append({**our, "tags": tags})
    return compared
