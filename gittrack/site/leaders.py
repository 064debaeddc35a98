"""Runs that differ in nothing but their seed, ranked by what they reached together."""

from __future__ import annotations

import heapq
import math
from operator import itemgetter
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.grouping import Spread, measure
from gittrack.core.shared import cells_of
from gittrack.site.columns import PARAM, is_seed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from gittrack.core.model import Run
    from gittrack.site.columns import Cell
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
    seeds = {one.key for one in contents.columns.all if one.kind == PARAM and is_seed(one.key)}
    groups: dict[tuple[object, ...], list[tuple[float, Run]]] = {}
    for value, run in zip(contents.lasts, contents.runs, strict=True):
        if value is not None and math.isfinite(value):
            groups.setdefault(_setting(run, contents.params[run.run_id], seeds), []).append((value, run))
    sign = 1 if key in contents.columns.lower else -1
    ranked = []
    for members in groups.values():
        mean = members[0][0]
        if len(members) > 1:
            members.sort(key=lambda one: sign * one[0])
            mean = measure([value for value, _ in members]).mean
        ranked.append((sign * mean, members[0][1].run_id, members))
    best = [members for *_, members in heapq.nsmallest(count, ranked, key=itemgetter(0, 1))]
    return [
        Leader(tuple(run for _, run in members), measure([value for value, _ in members])) for members in best
    ]


def _setting(run: Run, params: Mapping[str, Cell], seeds: AbstractSet[str]) -> tuple[object, ...]:
    if not params:
        # Runs without params are not known to be alike.
        return (run.run_id,)
    if not seeds.isdisjoint(params):
        params = {key: cell for key, cell in params.items() if key not in seeds}
    return (run.experiment_id, *params, *cells_of(params))
