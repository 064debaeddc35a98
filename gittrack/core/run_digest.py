"""All that is in a run, as a digest."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import encode_inputs
from gittrack.core.late import pack_lasts, pack_rows
from gittrack.core.plain import pack_plain
from gittrack.core.shared import is_flat, pack_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Run

DIGEST_BYTES = 16
_row_of_code = attrgetter(
    "commit", "branch", "dirty", "remote", "entry", "snapshot", "tree", "changed", "skipped", "reason"
)


def digest_run(run: Run) -> bytes:
    """Return the digest of a run; equal runs have equal ones.

    Raises:
        ValueError: Something in it is no plain value.
    """
    return run.digest or digest_fields(plain_fields(run))


def digest_fields(fields: tuple[Any, ...]) -> bytes:
    """Return the digest of the run that has these `plain_fields`.

    Raises:
        ValueError: Something in them is no plain value.
    """
    return hashlib.sha256(pack_plain(fields)).digest()[:DIGEST_BYTES]


def plain_fields(run: Run) -> tuple[Any, ...]:
    """Return all that is in a run as plain values."""
    return (
        run.run_id, run.name, run.experiment_id, run.status.value, run.start_time, run.end_time,
        run.lifecycle_stage.value, run.reason, run.user, run.source, run.parent,
        _row_of_code(run.code) if run.code else None, run.environment,
        _pack_keys(run.params), pack_cells(run.params), is_flat(run.params),
        _pack_keys(run.metrics), pack_lasts(run.metrics), pack_rows(run.metrics),
        _pack_keys(run.tags), pack_cells(run.tags),
        _pack_keys(run.artifacts), pack_rows(run.artifacts),
        encode_inputs(run.datasets), dict(run.used), run.model_inputs, dict(run.model_outputs),
        dict(run.edits),
    )  # fmt: skip


def _pack_keys(mapping: Mapping[str, Any]) -> bytes:
    return pack_plain(list(mapping)) if mapping else b""
