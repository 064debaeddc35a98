"""Naming a run: by id or its prefix, by name, by age, by rank, or by the code that made it."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.direction import is_lower_better
from gittrack.core.frozen import dataclass
from gittrack.core.messages import best_value
from gittrack.core.model import LifecycleStage
from gittrack.core.names import shorten
from gittrack.errors import AmbiguousRunError, QuerySyntaxError, RunNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.model import Run

MIN_PREFIX = 4
"""Digits of an id or commit that are enough, if only one fits."""
MAX_COMPARED_NAMES = 2_000
SHOWN_CANDIDATES = 5
HINT_RECORD = "record one: gittrack log -p lr=0.1 -m acc=0.9"

_ID = re.compile(r"[0-9a-f]{32}")
_DIGITS = re.compile(r"[0-9a-f]{4,64}")
_NEWEST = re.compile(r"@(?:\{-(\d{1,9})\})?")


@dataclass(frozen=True, slots=True)
class ById:
    """A full run id."""

    run_id: str


@dataclass(frozen=True, slots=True)
class ByAge:
    """``@``, the newest run, or ``@{-2}``, the second before it."""

    back: int


@dataclass(frozen=True, slots=True)
class ByRank:
    """``best:val/acc``, the run with the best value of a metric."""

    metric: str


@dataclass(frozen=True, slots=True)
class ByHead:
    """``HEAD``, the newest run of the code that is checked out."""


@dataclass(frozen=True, slots=True)
class ByText:
    """A name, or a prefix of an id or of a commit."""

    text: str


Selector: TypeAlias = ById | ByAge | ByRank | ByHead | ByText


def parse_selector(text: str) -> Selector:
    """Return what ``text`` asks for.

    Raises:
        QuerySyntaxError: It is empty, or a special form that is not finished.
    """
    text = text.strip()
    if not text:
        message = "the name of the run is empty"
        raise QuerySyntaxError(message, hint="name a run by its id, its name, or @ for the newest")
    if _ID.fullmatch(text.lower()):
        return ById(text.lower())
    if text == "HEAD":
        return ByHead()
    if found := _NEWEST.fullmatch(text):
        return ByAge(int(found[1] or 0))
    if text.startswith("best:"):
        if text == "best:":
            message = "'best:' needs the name of a metric"
            raise QuerySyntaxError(message, hint="e.g. best:val/acc")
        return ByRank(text.removeprefix("best:"))
    if text.startswith("@{"):
        message = f"cannot read {shorten(text)}"
        raise QuerySyntaxError(message, hint="@ is the newest run, @{-1} the one before it")
    return ByText(text)


def is_digits(text: str) -> bool:
    """Return whether a text may begin an id or a commit."""
    return _DIGITS.fullmatch(text.lower()) is not None


def select_run(
    selector: Selector,
    runs: Sequence[Run],
    *,
    head: str | None = None,
    stage: LifecycleStage = LifecycleStage.ACTIVE,
) -> Run:
    """Return the one run that a selector names.

    Args:
        selector: What `parse_selector` read.
        runs: All runs, deleted ones too, newest first.
        head: The commit that is checked out, None if there is none.
        stage: Runs at this stage win over others of the same name, and only they count for age and rank.

    Raises:
        RunNotFoundError: None fits.
        AmbiguousRunError: More than one fits.
    """
    eligible = [run for run in runs if run.lifecycle_stage == stage]
    match selector:
        case ById(run_id):
            return _only([run for run in runs if run.run_id == run_id], run_id, runs)
        case ByAge(back):
            if back < len(eligible):
                return eligible[back]
            if not eligible:
                raise RunNotFoundError("there are no runs yet", hint=HINT_RECORD)
            message = f"there are only {len(eligible)} runs"
            raise RunNotFoundError(message, hint="`gittrack log` lists runs")
        case ByRank(metric):
            return _best(metric, eligible)
        case ByHead():
            return _newest_of_code(head, eligible)
        case ByText(text):
            return _by_text(text, runs, stage)


def rank_runs(runs: Iterable[Run], metric: str, *, lower: bool | None = None) -> list[Run]:
    """Return the runs that have a value of a metric, best first, newest first among equals.

    Args:
        runs: Newest first.
        metric: The metric's key.
        lower: Whether less is better; told by the metric's name if None.
    """
    is_lower = is_lower_better(metric) if lower is None else lower
    values = [(rank_value(run, metric, lower=lower), run) for run in runs if metric in run.metrics]
    valued = [(value, run) for value, run in values if not math.isnan(value)]
    return [run for _, run in sorted(valued, key=lambda row: row[0], reverse=not is_lower)]


def rank_value(run: Run, metric: str, *, lower: bool | None = None) -> float:
    """Return the best value that a run ever had of a metric."""
    summary = run.metrics[metric]
    if lower is None:
        return best_value(metric, summary)
    return summary.min if lower else summary.max


def rank_step(run: Run, metric: str, *, lower: bool | None = None) -> int:
    """Return the step of the best value that a run ever had of a metric."""
    summary = run.metrics[metric]
    is_lower = is_lower_better(metric) if lower is None else lower
    return summary.min_step if is_lower else summary.max_step


def unique_length(ids: Iterable[str], least: int = 8) -> int:
    """Return how many digits tell all ids apart."""
    ordered = sorted(ids)
    longest = least
    for one, other in pairwise(ordered):
        if one[:longest] == other[:longest] and one != other:
            shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
            longest = max(longest, shared + 1)
    return longest


def unknown_metric(metric: str, known: Iterable[str]) -> RunNotFoundError:
    """Return the error for a metric that no run has a value of, though of others that are ``known``."""
    from difflib import get_close_matches

    keys = sorted(known)
    close = get_close_matches(metric, keys, 3)
    hint = f"did you mean {_quote(close)}?" if close else f"there is {_quote(keys[:8])}" if keys else None
    message = f"no run has a value of {metric!r}"
    return RunNotFoundError(message, hint=hint or "no run has any metric yet")


def _best(metric: str, runs: Sequence[Run]) -> Run:
    ranked = rank_runs(runs, metric)
    if not ranked:
        raise unknown_metric(metric, {key for run in runs for key in run.metrics})
    return ranked[0]


def _newest_of_code(head: str | None, runs: Sequence[Run]) -> Run:
    if head is None:
        message = "there is no commit yet, so HEAD names no run"
        raise RunNotFoundError(message, hint="@ is the newest run")
    for run in runs:
        if run.code is not None and run.code.commit == head:
            return run
    message = f"no run was made with HEAD ({head[:8]})"
    raise RunNotFoundError(message, hint="@ is the newest run, whatever its code")


def _by_text(text: str, runs: Sequence[Run], stage: LifecycleStage) -> Run:
    named = [run for run in runs if text in {run.run_id, run.name}]
    if named:
        return _only(_preferred(named, stage), text, runs)
    digits = text.lower()
    if is_digits(digits):
        begun = [run for run in runs if run.run_id.startswith(digits)]
        if begun:
            return _only(begun, text, runs)
        coded = _preferred(
            [run for run in runs if run.code and (run.code.commit or "").startswith(digits)], stage
        )
        commits = {run.code.commit for run in coded if run.code}
        if len(commits) == 1:
            return coded[0]
        if commits:
            message = f"{text!r} begins {len(commits)} commits"
            raise AmbiguousRunError(message, hint="give more digits of the commit")
    raise _not_found(text, runs)


def _preferred(runs: list[Run], stage: LifecycleStage) -> list[Run]:
    return [run for run in runs if run.lifecycle_stage == stage] or runs


def _only(found: Sequence[Run], text: str, runs: Sequence[Run]) -> Run:
    if not found:
        raise _not_found(text, runs)
    if len(found) > 1:
        length = unique_length((run.run_id for run in runs), 8)
        shown = ", ".join(f"{run.run_id[:length]} ({run.name})" for run in found[:SHOWN_CANDIDATES])
        more = ", …" if len(found) > SHOWN_CANDIDATES else ""
        message = f"{len(found)} runs fit {shorten(text)}: {shown}{more}"
        raise AmbiguousRunError(message, hint="use the id of one of them")
    return found[0]


def _not_found(text: str, runs: Sequence[Run]) -> RunNotFoundError:
    message = f"no run {shorten(text)}"
    if not runs:
        return RunNotFoundError(message, hint=f"there are no runs yet; {HINT_RECORD}")
    if len(text) < MIN_PREFIX and any(run.run_id.startswith(text.lower()) for run in runs):
        return RunNotFoundError(message, hint=f"give at least {MIN_PREFIX} digits of an id")
    if text.startswith("HEAD"):
        return RunNotFoundError(message, hint="name a commit by its id: `git rev-parse` tells it")
    from difflib import get_close_matches

    names = dict.fromkeys(run.name for run in runs[:MAX_COMPARED_NAMES])
    close = [name for name in names if len(text) > 1 and text.lower() in name.lower()][:3]
    close = close or get_close_matches(text, names, 3)
    hint = f"did you mean {_quote(close)}?" if close else "`gittrack log` lists runs"
    return RunNotFoundError(message, hint=hint)


def _quote(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
