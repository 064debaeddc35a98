"""Runs that differ in nothing but their seed, ranked by what they reached together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.grouping import Spread, measure
from gittrack.site.columns import is_seed

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.site.gather import Contents


@dataclass(frozen=True, slots=True)
class Leader:
    """One setting and what its runs reached."""

    runs: tuple[Run, ...]
    """The best first."""
    spread: Spread


def rank_settings(contents: Contents, count: int) -> list[Leader]:
    """Return the best settings by the mean of the primary metric's last value."""
    key = contents.columns.primary
    if key is None:
        return []
    groups: dict[tuple[object, ...], list[Run]] = {}
    for run in contents.runs:
        if key in run.metrics and math.isfinite(run.metrics[key].last):
            groups.setdefault(_setting(run, contents), []).append(run)
    sign = 1 if key in contents.columns.lower else -1
    leaders = []
    for runs in groups.values():
        best_first = sorted(runs, key=lambda run: sign * run.metrics[key].last)
        leaders.append(Leader(tuple(best_first), measure([run.metrics[key].last for run in best_first])))
    leaders.sort(key=lambda leader: (sign * leader.spread.mean, leader.runs[0].run_id))
    return leaders[:count]


def _setting(run: Run, contents: Contents) -> tuple[object, ...]:
    params = contents.params[run.run_id]
    if not params:
        # Runs without params are not known to be alike.
        return (run.run_id,)
    if any(map(is_seed, params)):
        params = {key: cell for key, cell in params.items() if not is_seed(key)}
    return (run.experiment_id, *params.items())
