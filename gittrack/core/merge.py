"""Two states of one thing into one: commutative, associative, idempotent, and without a common ancestor.

Fields that were edited after a run was first committed carry stamps; the greater stamp wins, and of equal
stamps the greater value, so that both sides of a merge arrive at the same bytes whatever the order.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from gittrack.core.documents import encode_inputs, encode_manifest
from gittrack.core.event_lines import encode_code
from gittrack.core.fold import side_file_field
from gittrack.core.jsonform import encode_compact

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.model import Artifact, Experiment, Run

Value = TypeVar("Value")

NOT_THERE = b""
"""Ranks below the encoding of any value."""


def merge_runs(ours: Run, theirs: Run) -> Run:
    """Return the run that both states of it lead to; its metrics are left to `gittrack.core.series.union`.

    Params and inputs, once logged, do not change: of two values the one that encodes smaller stays.
    """
    if ours == theirs:
        return ours
    begun = max(ours, theirs, key=_rank_beginning)
    ended = _later(ours, theirs, "status", _rank_end)
    tags = _merge_entries(ours.tags, theirs.tags, ours.edits, theirs.edits, "tags.", encode_compact)
    artifacts = _merge_entries(
        ours.artifacts, theirs.artifacts, ours.edits, theirs.edits, "artifacts.", _encode_artifact
    )
    stage = _later(ours, theirs, "lifecycle_stage", lambda run: run.lifecycle_stage.value.encode())
    return replace(
        begun,
        name=_later(ours, theirs, "name", lambda run: run.name.encode()).name,
        parent=_later(ours, theirs, "parent", lambda run: encode_compact([run.parent])).parent,
        status=ended.status,
        end_time=ended.end_time,
        reason=ended.reason,
        lifecycle_stage=stage.lifecycle_stage,
        environment=min(filter(None, (ours.environment, theirs.environment)), default=None),
        params=_merge_first(ours.params, theirs.params, encode_compact),
        tags=tags,
        artifacts=artifacts,
        datasets=_merge_first(
            ours.datasets, theirs.datasets, lambda one: encode_compact(encode_inputs({"": one}))
        ),
        used=_merge_first(ours.used, theirs.used, encode_compact),
        model_inputs=tuple(sorted({*ours.model_inputs, *theirs.model_inputs})),
        model_outputs=_merge_first(ours.model_outputs, theirs.model_outputs, encode_compact),
        edits=_merge_edits(ours.edits, theirs.edits),
    )


def merge_side_files(
    ours: Mapping[str, Value],
    theirs: Mapping[str, Value],
    runs: tuple[Run, Run],
    encode: Callable[[Value], bytes],
) -> dict[str, Value]:
    """Return the side files that both states of a run lead to, by name.

    Args:
        ours: Ours, as anything.
        theirs: Theirs.
        runs: Our and their state of the run, whose stamps say what was set, or removed, last.
        encode: Returns the content of one; of equal stamps the greater content stays.
    """
    return _merge_entries(ours, theirs, runs[0].edits, runs[1].edits, side_file_field(""), encode)


def merge_experiments(ours: Experiment, theirs: Experiment) -> Experiment:
    """Return the experiment that both states of it lead to."""
    if ours == theirs:
        return ours
    named = _later(ours, theirs, "name", lambda one: one.name.encode())
    staged = _later(ours, theirs, "lifecycle_stage", lambda one: one.lifecycle_stage.encode())
    created = min(ours, theirs, key=lambda one: (one.creation_time, one.artifact_location))
    return replace(
        created,
        name=named.name,
        lifecycle_stage=staged.lifecycle_stage,
        last_update_time=max(ours.last_update_time, theirs.last_update_time),
        tags=_merge_entries(ours.tags, theirs.tags, ours.edits, theirs.edits, "tags.", encode_compact),
        edits=_merge_edits(ours.edits, theirs.edits),
    )


Stamped = TypeVar("Stamped", "Run", "Experiment")


def _later(ours: Stamped, theirs: Stamped, field: str, rank: Callable[[Stamped], bytes]) -> Stamped:
    """Return the side on which a field was changed last; of equal stamps, the one with the greater value."""
    return max(ours, theirs, key=lambda one: (one.edits.get(field, ""), rank(one)))


def _rank_beginning(run: Run) -> tuple[bool, bytes]:
    """Rank a run that knows how it started above one that was only heard of."""
    code = encode_code(run.code) if run.code else None
    about = [run.start_time, run.experiment_id, run.user, run.source, code]
    return run.start_time != 0, encode_compact(about)


def _rank_end(run: Run) -> bytes:
    return encode_compact([run.status.is_terminated, run.end_time, run.status.value, run.reason])


def _merge_first(
    ours: Mapping[str, Value], theirs: Mapping[str, Value], encode: Callable[[Value], bytes]
) -> dict[str, Value]:
    """Merge what does not change once it is there."""
    merged = {**theirs, **ours}
    for key in ours.keys() & theirs.keys():
        merged[key] = min(ours[key], theirs[key], key=encode)
    return merged


def _merge_entries(
    ours: Mapping[str, Value],
    theirs: Mapping[str, Value],
    our_edits: Mapping[str, str],
    their_edits: Mapping[str, str],
    prefix: str,
    encode: Callable[[Value], bytes],
) -> dict[str, Value]:
    """Merge a mapping key by key; a key with a stamp and no value was deleted."""
    deleted = {
        field.removeprefix(prefix)
        for field in our_edits.keys() | their_edits.keys()
        if field.startswith(prefix)
    }
    merged = {}
    for key in ours.keys() | theirs.keys() | deleted:
        field = prefix + key
        sides = [(our_edits.get(field, ""), ours), (their_edits.get(field, ""), theirs)]
        _, winner = max(
            sides, key=lambda side: (side[0], encode(side[1][key]) if key in side[1] else NOT_THERE)
        )
        if key in winner:
            merged[key] = winner[key]
    return merged


def _merge_edits(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    merged = {**theirs, **ours}
    for field in ours.keys() & theirs.keys():
        merged[field] = max(ours[field], theirs[field])
    return merged


def _encode_artifact(artifact: Artifact) -> bytes:
    return encode_compact(encode_manifest({artifact.path: artifact}))
