"""How fine the curves of each run are, so that a site stays within its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.site.curves import MAX_POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Run

_BYTES_A_POINT = 12
_BYTES_A_RUN = 24_000
"""A page with its pictures, about."""
_BYTES_OF_ASSETS = 1_400_000
_LEVELS = (MAX_POINTS, 200, 24)


def assign_limits(runs: Sequence[Run], max_bytes: int | None) -> Mapping[str, int]:
    """Return by run id the points a curve may have, where that is fewer than usual.

    ``runs`` come newest first: these keep their points, older ones get coarser. Sizes are estimates.
    """
    if max_bytes is None:
        return {}
    needed = sum(_size(run, _LEVELS[-1]) for run in runs)
    room = max_bytes - _BYTES_OF_ASSETS - len(runs) * _BYTES_A_RUN
    limits = {}
    for run in runs:
        # What the older ones need at least is not given away.
        needed -= _size(run, _LEVELS[-1])
        level = next((one for one in _LEVELS if _size(run, one) + needed <= room), _LEVELS[-1])
        room -= _size(run, level)
        if level != MAX_POINTS:
            limits[run.run_id] = level
    return limits


def _size(run: Run, limit: int) -> int:
    return sum(min(summary.count, limit) for summary in run.metrics.values()) * _BYTES_A_POINT
