"""A search for runs as one value, and its plain meaning: look at every run."""

from __future__ import annotations

from dataclasses import field, replace
from itertools import islice
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.model import LifecycleStage
from gittrack.core.query_setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittrack.core.model import Run
    from gittrack.core.query import Rank
    from gittrack.core.query_tree import Filter, Order

BOTH_STAGES = frozenset(LifecycleStage)


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs, in which order, how many."""

    tree: Filter | None = None
    """What a run must fit; None for every run."""
    order: tuple[Order, ...] = ()
    """Then newest first, then by id."""
    setting: Setting = field(default_factory=Setting)
    experiment_ids: frozenset[str] | None = None
    """Of these experiments; None for all."""
    stages: frozenset[LifecycleStage] = BOTH_STAGES
    deleted_experiments: frozenset[str] = frozenset()
    """Their runs count as deleted."""
    after: Rank | None = None
    """Only what comes later in the order than what stands here."""
    limit: int | None = None
    """At most so many."""


def show_run(run: Run, query: RunQuery) -> Run:
    """Return a run as a query sees it: deleted if its experiment is."""
    if run.experiment_id in query.deleted_experiments:
        return replace(run, lifecycle_stage=LifecycleStage.DELETED)
    return run


def match_runs(runs: Iterable[Run], query: RunQuery) -> Iterator[Run]:
    """Yield the runs that a query means as it sees them, whatever their order."""
    from gittrack.core.query_match import make_match

    matches = make_match(query.tree, query.setting)
    for run in runs:
        if query.experiment_ids is not None and run.experiment_id not in query.experiment_ids:
            continue
        shown = show_run(run, query)
        if shown.lifecycle_stage in query.stages and matches(shown):
            yield shown


def select_runs(runs: Iterable[Run], query: RunQuery) -> list[Run]:
    """Return the runs that a query means, in its order, by looking at every one."""
    from gittrack.core.query import compile_order, is_after, sort_runs

    found = sort_runs(match_runs(runs, query), query.order, query.setting)
    if query.after is None:
        return found[: query.limit]
    rank, after = compile_order(query.order, query.setting), query.after
    later = (run for run in found if is_after(rank(run), after, query.order))
    return list(islice(later, query.limit))
