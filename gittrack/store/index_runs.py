"""A run as the index keeps it: bytes that are a run again many times sooner than its documents."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import lru_cache
from math import isnan
from sys import intern
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import decode_inputs
from gittrack.core.frozen import maker_of
from gittrack.core.jsonform import SPECIAL_FLOATS
from gittrack.core.late import LateMapping
from gittrack.core.model import Artifact, Code, LifecycleStage, MetricSummary, Run, RunStatus
from gittrack.core.plain import pack_plain, unpack_plain
from gittrack.core.run_digest import DIGEST_BYTES, digest_fields, plain_fields
from gittrack.core.shared import SharedMapping

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAN = SPECIAL_FLOATS["NaN"]
_CHECK = 4
"""Bytes of the checksum, which come first: what it does not fit must not be read."""
_SHARED = 256
"""Lists of keys that are kept as they were read last."""
_STATUSES = {one.value: one for one in RunStatus}
_STAGES = {one.value: one for one in LifecycleStage}
_make_run, _make_code = maker_of(Run), maker_of(Code)
_set_digest = vars(Run)["digest"].__set__


def pack_run(run: Run) -> bytes:
    """Return a run, as it comes from its documents, as bytes.

    Raises:
        ValueError: Something in it is no plain value.
    """
    fields = plain_fields(run)
    data = digest_fields(fields) + pack_plain(fields)
    return zlib.crc32(data).to_bytes(_CHECK, "big") + data


def unpack_run(packed: bytes, *, is_late: bool = False) -> Run:
    """Return the run that was packed; its metrics and artifacts are made when somebody asks for them.

    ``is_late`` says that its params and tags need not be dicts, which take a fifth of the time.

    Raises:
        zlib.error: The bytes are damaged.
    """
    data = memoryview(packed)[_CHECK:]
    if not data or zlib.crc32(data) != int.from_bytes(packed[:_CHECK], "big"):
        message = "a run in the index is damaged"
        raise zlib.error(message)
    fields: Any = unpack_plain(data[DIGEST_BYTES:])  # ours, in a file of ours, and its checksum fits
    (
        run_id, name, experiment_id, status, start_time, end_time, stage, reason, user, source, parent,
        code, environment, params, settings, is_flat, metrics, lasts, summaries, tags, texts, paths,
        artifacts, datasets, *others,
    ) = fields  # fmt: skip
    run = _make_run(
        run_id,
        name,
        experiment_id,
        _STATUSES[status],
        start_time,
        end_time,
        _STAGES[stage],
        reason,
        user,
        source,
        parent,
        _make_code(*code) if code else None,
        environment,
        _shape(params, settings, is_flat=is_flat, is_late=is_late),
        LateMapping(_places_of(metrics), summaries, _make_summary, lasts) if metrics else {},
        _shape(tags, texts, is_flat=True, is_late=is_late) if tags else {},
        LateMapping(_places_of(paths), artifacts, Artifact) if paths else {},
        decode_inputs(datasets),
        *others,
    )
    _set_digest(run, packed[_CHECK : _CHECK + DIGEST_BYTES])
    return run


def _shape(keys: bytes, packed: bytes, *, is_flat: bool, is_late: bool) -> Mapping[str, Any]:
    shared: SharedMapping[Any] = SharedMapping(_places_of(keys), packed, is_flat=is_flat)
    return shared if is_late else dict(zip(shared, shared.cells, strict=True))


def _make_summary(*row: Any) -> MetricSummary:  # noqa: ANN401  (as it was packed)
    """Return a summary whose NaN is the one that documents give too: equal runs are equal then."""
    summary = MetricSummary(*row)
    if isnan(summary.last) or isnan(summary.min) or isnan(summary.max):
        last, least, greatest = (
            _NAN if isnan(value) else value for value in (summary.last, summary.min, summary.max)
        )
        return replace(summary, last=last, min=least, max=greatest)
    return summary


@lru_cache(_SHARED)
def _places_of(keys: bytes) -> dict[str, int]:
    """Return key → its place; runs with the same keys share it."""
    names: list[str] = unpack_plain(keys) if keys else []
    return {intern(name): place for place, name in enumerate(names)}
