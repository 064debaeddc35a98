"""The view model of the overview: figures, leaders, what is new, how each experiment goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.late import last_of
from gittrack.core.model import RunStatus
from gittrack.site.changes import Change, list_changes
from gittrack.site.columns import METRIC, PARAM, find_counterpart
from gittrack.site.formats import format_duration, format_number, format_spread, format_time
from gittrack.site.leaders import rank_settings
from gittrack.site.pages import share_values
from gittrack.site.paths import link_runs, run_page
from gittrack.site.run_note import decode_note
from gittrack.site.spark import draw_spark
from gittrack.site.trends import Trend, draw_trend

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.column_facts import Cell
    from gittrack.site.gather import Contents

STATIC_ROWS = 200
"""Newest runs in the table that is there without scripts."""
_STATIC_COLUMNS = 8
_LEADERS = 10
_LEADER_PARAMS = 4
_RECENT = 8
_CHANGES = 3
_EXPERIMENTS = 48


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure."""

    label: str
    value: str
    note: str = ""
    page: str | None = None
    tone: str = ""


@dataclass(frozen=True, slots=True)
class LeaderRow:
    """One setting of the leaderboard."""

    name: str
    page: str
    text: str
    count: int
    params: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Recent:
    """One of the newest runs."""

    name: str
    page: str
    status: str
    start: int
    experiment: str
    value: float | None
    lines: Sequence[str]
    changes: Sequence[Change]
    more: int
    has_before: bool


@dataclass(frozen=True, slots=True)
class ExperimentCard:
    """One experiment with its trends."""

    name: str
    page: str
    count: int
    curves: Sequence[Trend]


def view_overview(contents: Contents, notes: Mapping[str, str], links: Sequence[object]) -> dict[str, object]:
    """Return the values of the overview's template; ``links`` lead to what is for machines."""
    columns = {column.name: column for column in contents.columns.all}
    shown = [columns[name] for name in contents.columns.shown]
    leader_params = [c.key for c in shown if c.kind == PARAM][:_LEADER_PARAMS]
    leaders = rank_settings(contents, notes, _LEADERS)
    static = shown[:_STATIC_COLUMNS]
    primary = contents.columns.primary
    return {
        **share_values(contents, "index"),
        "head": contents.head,
        "count": len(contents.runs),
        "primary": primary,
        "lower": primary in contents.columns.lower,
        "tiles": _list_tiles(contents),
        "leader_params": leader_params,
        "leaders": [
            LeaderRow(
                name=leader.runs[0].name or leader.runs[0].run_id,
                page=run_page(leader.runs[0].run_id),
                text=format_spread(leader.spread.mean, leader.spread.std),
                count=leader.spread.count,
                params=tuple(contents.params[leader.runs[0].run_id].get(key) for key in leader_params),
            )
            for leader in leaders
        ],
        "seeded": any(leader.spread.count > 1 for leader in leaders),
        "recent": [_describe_recent(run, contents, notes) for run in contents.runs[:_RECENT]],
        "experiments": _list_experiments(contents),
        "links": links,
        "columns": static,
        "rows": [
            (run, run_page(run.run_id), [_cell(run, contents, column.kind, column.key) for column in static])
            for run in contents.runs[:STATIC_ROWS]
        ],
    }


def _list_tiles(contents: Contents) -> list[Tile]:
    runs = contents.runs
    tiles = [Tile("Runs", str(len(runs)), _in_experiments(len(contents.experiments)), "runs.html")]
    best, primary = contents.find_best(), contents.columns.primary
    last = last_of(best.metrics, primary) if best and primary else None
    if best is not None and last is not None:
        value = format_number(last)
        tiles.append(Tile(f"Best {primary}", value, best.name or best.run_id, run_page(best.run_id)))
    statuses = [run.status for run in runs]
    running = statuses.count(RunStatus.RUNNING)
    lost = statuses.count(RunStatus.FAILED) + statuses.count(RunStatus.KILLED)
    if running:
        tiles.append(Tile("Running", str(running), "", link_runs("status = 'RUNNING'"), "busy"))
    if lost:
        share = f"{100 * lost / len(runs):.0f} % of all"
        tiles.append(
            Tile("Failed or killed", str(lost), share, link_runs("status IN ('FAILED', 'KILLED')"), "bad")
        )
    spent = sum(run.duration_s or 0 for run in runs)
    tiles.append(Tile("Time spent", format_duration(spent)))
    if contents.updated is not None:
        day, _, minute = format_time(contents.updated).partition(" ")
        tiles.append(Tile("Updated", day, f"{minute} UTC"))
    return tiles


def _in_experiments(count: int) -> str:
    return f"in {count} {'experiment' if count == 1 else 'experiments'}"


def _describe_recent(run: Run, contents: Contents, notes: Mapping[str, str]) -> Recent:
    before = contents.previous.get(run.run_id)
    changes = (
        [] if before is None else list_changes(contents.params[before.run_id], contents.params[run.run_id])
    )
    primary = contents.columns.primary
    return Recent(
        name=run.name or run.run_id,
        page=run_page(run.run_id),
        status=run.status.value,
        start=run.start_time,
        experiment=contents.experiments[run.experiment_id],
        value=last_of(run.metrics, primary) if primary else None,
        lines=draw_spark(decode_note(notes[run.run_id]).spark),
        changes=changes[:_CHANGES],
        more=max(0, len(changes) - _CHANGES),
        has_before=before is not None,
    )


def _list_experiments(contents: Contents) -> list[ExperimentCard]:
    """Return the experiments with the newest runs first."""
    runs: dict[str, list[Run]] = {}
    for run in contents.runs:
        runs.setdefault(run.experiment_id, []).append(run)
    primary = contents.columns.primary
    metrics = [] if primary is None else [primary, *find_counterpart(contents.columns, primary)]
    cards = []
    for experiment, members in list(runs.items())[:_EXPERIMENTS]:
        name = contents.experiments[experiment]
        curves = [
            trend
            for key in metrics
            if (trend := draw_trend(members[::-1], key, is_lower=key in contents.columns.lower)) is not None
        ]
        cards.append(ExperimentCard(name, link_runs("", experiment=experiment), len(members), curves))
    return cards


def _cell(run: Run, contents: Contents, kind: str, key: str) -> object:
    if kind == METRIC:
        return last_of(run.metrics, key)
    return contents.params[run.run_id].get(key)
