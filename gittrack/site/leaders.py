"""Runs that differ in nothing but their seed, ranked by what they reached together."""

from __future__ import annotations

import hashlib
import heapq
import math
from operator import itemgetter
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.grouping import Spread, measure
from gittrack.core.plain import pack_plain
from gittrack.site.column_facts import unify
from gittrack.site.columns import is_seed
from gittrack.site.run_note import Note, encode_note, setting_in
from gittrack.site.spark import encode_spark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Run
    from gittrack.site.column_facts import Cell
    from gittrack.site.gather import Contents

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Leader:
    """One setting and what its runs reached."""

    runs: tuple[Run, ...]
    """The best first."""
    spread: Spread


def digest_setting(run: Run, params: Mapping[str, Cell]) -> str:
    """Return what runs have alike that differ in nothing but their seed; ``params`` are flat.

    It is empty without params: such runs are not known to be alike.
    """
    if not params:
        return ""
    kept = {key: unify(cell) for key, cell in params.items() if not is_seed(key)}
    facts = run.experiment_id, list(kept), list(kept.values())
    return hashlib.sha256(pack_plain(facts)).hexdigest()[:_DIGITS]


def note_settings(contents: Contents) -> dict[str, str]:
    """Return notes of runs that say their settings only, for where no pages of theirs are built."""
    blank = encode_spark([])
    return {
        run.run_id: encode_note(Note("", "", blank, digest_setting(run, contents.params[run.run_id])))
        for run in contents.runs
    }


def rank_settings(contents: Contents, notes: Mapping[str, str], count: int) -> list[Leader]:
    """Return the best settings by the mean of the primary metric's last value.

    Settings are read off the runs' ``notes``: to compare the params of thousands of runs takes long.
    """
    key = contents.columns.primary
    if key is None:
        return []
    groups: dict[str, list[tuple[float, Run]]] = {}
    for value, run in zip(contents.lasts, contents.runs, strict=True):
        if value is not None and math.isfinite(value):
            groups.setdefault(setting_in(notes[run.run_id]) or run.run_id, []).append((value, run))
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
