"""Which runs keep their artifacts, by the rules of their experiment."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gittrack.core.content_settings import Retention
    from gittrack.core.model import Run

DAY_MS = 86_400_000
ALL = "*"


def find_rule(rules: Sequence[Retention], experiment: str) -> Retention | None:
    """Return the rule for an experiment: its own, else the one for all, else None."""
    named = {rule.experiment: rule for rule in rules}
    return named.get(experiment) or named.get(ALL)


def choose_expired(
    runs: Sequence[Run],
    names: Mapping[str, str],
    rules: Sequence[Retention],
    *,
    now_ms: int,
    is_lower: Callable[[str, str], bool],
) -> list[Run]:
    """Return the runs whose artifacts no rule keeps; what has no rule, is live or holds nothing stays.

    Args:
        runs: All that are not deleted.
        names: Experiment id → name.
        rules: At most one counts for a run: that of its experiment.
        now_ms: The present, ms since the epoch.
        is_lower: Whether less of a metric is better, given metric and experiment id.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run.experiment_id, []).append(run)
    expired: list[Run] = []
    for experiment_id, group in groups.items():
        rule = find_rule(rules, names.get(experiment_id, experiment_id))
        if rule is not None:
            kept = _list_kept(group, rule, now_ms, is_lower)
            expired += [
                run for run in group if run.run_id not in kept and run.status.is_terminated and run.artifacts
            ]
    return expired


def _list_kept(
    runs: Sequence[Run], rule: Retention, now_ms: int, is_lower: Callable[[str, str], bool]
) -> set[str]:
    newest = sorted(runs, key=lambda run: (-run.start_time, run.run_id))
    kept = {run.run_id for run in newest[: rule.newest]}
    kept |= {run.run_id for run in runs if (run.end_time or now_ms) > now_ms - rule.days * DAY_MS}
    if rule.best and rule.metric is not None:
        metric = rule.metric
        ranked = [run for run in newest if metric in run.metrics and not math.isnan(run.metrics[metric].last)]
        ranked.sort(
            key=lambda run: run.metrics[metric].last, reverse=not is_lower(metric, runs[0].experiment_id)
        )
        kept |= {run.run_id for run in ranked[: rule.best]}
    return kept
