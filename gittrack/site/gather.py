"""Everything the pages need about all runs, read from a source once."""

from __future__ import annotations

import math
from operator import attrgetter, itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.artifact_uri import RUNS
from gittrack.core.direction import agreed_directions
from gittrack.core.frozen import dataclass
from gittrack.core.late import list_lasts
from gittrack.core.model import TAG_NOTE
from gittrack.core.views import VIEWS_FILE, decode_views
from gittrack.errors import UserError
from gittrack.site.budget import assign_limits
from gittrack.site.code import earlier_trees
from gittrack.site.column_facts import Cell, digest_runs, list_facts
from gittrack.site.columns import Columns, choose_columns, flatten_params
from gittrack.site.curves import MAX_POINTS
from gittrack.site.formats import format_size
from gittrack.site.paths import buckets_of, count_segments
from gittrack.site.previews import MAX_IMAGE, MAX_TEXT
from gittrack.site.relations import find_previous, find_same_code, list_children, list_users
from gittrack.site.reports import list_reports
from gittrack.tracking.alerts import list_alerts
from gittrack.tracking.definitions import declared_x_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.alerts import Alert
    from gittrack.core.model import Run
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.site.column_facts import Facts
    from gittrack.site.options import SiteOptions
    from gittrack.site.reports import Files, ReportFile
    from gittrack.site.source import Source

_PAGES = (
    ("index.html", "Overview"),
    ("runs.html", "Runs"),
    ("charts.html", "Charts"),
    ("compare.html", "Compare"),
    ("history.html", "History"),
)
_POLICY = (
    "Deleted runs are not here.",
    f"Curves of more than {MAX_POINTS} points are thinned; peaks, dips and gaps stay.",
    "Of artifacts, names, sizes and digests are shown.",
    f"Previews: pictures, pages, figures to {format_size(MAX_IMAGE)}, others to {format_size(MAX_TEXT)}.",
    "Logged pages are shown without their scripts.",
    "Nothing larger is part of the site.",
    "Of the code, files that differ between runs are shown, up to 100 kB each.",
)
_Use: TypeAlias = "tuple[str, str | None, str]"
_start, _end = attrgetter("start_time"), attrgetter("end_time")


@dataclass(frozen=True, slots=True)
class Contents:
    """What the site is about."""

    title: str
    head: str | None
    """Commit of the hidden branch the site is built from."""
    experiments: Mapping[str, str]
    """Experiment id → name, of experiments that have runs."""
    runs: tuple[Run, ...]
    """Newest first."""
    segments: Sequence[Sequence[Run]]
    """The same, cut so that a run stays in its segment whatever others there are; newest first."""
    facts: Mapping[str, Facts]
    """What columns the runs of a segment have, by a digest of these."""
    params: Mapping[str, Mapping[str, Cell]]
    """Run id → flat params."""
    columns: Columns
    lasts: tuple[float | None, ...]
    """Last value of the primary metric in each of the runs, in their order."""
    axes: Mapping[str, Mapping[str, str]]
    """Experiment id → metric → what it is drawn over, where that is declared."""
    children: Mapping[str, tuple[Run, ...]]
    """Run id → runs that name it as their parent, oldest first."""
    users: Mapping[str, tuple[tuple[Run, str], ...]]
    """Run id → runs that used artifacts of it, oldest first, each with the path of what it used."""
    by_id: Mapping[str, Run]
    nav: tuple[tuple[str, str], ...]
    """Path and title of every page that is about all runs."""
    policy: tuple[str, ...]
    """What of the runs the site shows, in sentences."""
    live: bool
    """Whether the site listens to the server it comes from."""
    limits: Mapping[str, int]
    """Run id → points a curve may have, where that is fewer than usual."""
    models: tuple[RegisteredModel, ...]
    versions: tuple[ModelVersion, ...]
    previous: Mapping[str, Run]
    """Run id → the run of its experiment that was started before it."""
    earlier: Mapping[str, str]
    """Run id → the tree of the run before that had other code."""
    same_code: Mapping[str, tuple[tuple[Run, ...], int]]
    """Run id → the last few runs before it that have the same code, newest first, and how many more."""
    reports: tuple[ReportFile, ...]
    views: tuple[tuple[str, str], ...]
    """Name and address of each named view, by their names."""
    views_problem: UserError | None
    """Why there are none, though there is a file."""
    alerts: Mapping[str, Sequence[Alert]]
    """Run id → its alerts, oldest first, of runs that have any."""

    @property
    def has_feed(self) -> bool:
        """Whether there is anything that the feed could tell of."""
        return self.columns.primary is not None or bool(self.alerts)

    @property
    def updated(self) -> int | None:
        """Time of the last thing that happened in any run, in milliseconds since the epoch."""
        return max((*map(_start, self.runs), *filter(None, map(_end, self.runs))), default=None)

    def find_best(self) -> Run | None:
        """Return the finished or live run with the best primary metric, None when no run has one."""
        ranked = [
            (value, run)
            for value, run in zip(self.lasts, self.runs, strict=True)
            if value is not None and not math.isnan(value)
        ]
        if not ranked:
            return None
        choose = min if self.columns.primary in self.columns.lower else max
        return choose(ranked, key=itemgetter(0))[1]


def gather(
    source: Source, options: SiteOptions, known: Mapping[str, Facts] = MappingProxyType({})
) -> Contents:
    """Read what all pages share; ``known`` is what an earlier build had as ``facts``.

    Raises:
        StoreError: The source cannot be read.
    """
    runs = tuple(sorted(source.list_late_runs(), key=lambda run: (-run.start_time, run.run_id)))
    params = {run.run_id: flatten_params(run.params) for run in runs}
    used = {run.experiment_id for run in runs}
    experiments = [one for one in source.list_experiments() if one.experiment_id in used]
    names = {one.experiment_id: one.name for one in experiments}
    segments = cut_segments(runs)
    facts = {
        key: known.get(key) or list_facts(segment, params)
        for segment, key in ((segment, digest_runs(segment)) for segment in segments)
    }
    columns = choose_columns(list(facts.values()), agreed_directions(experiments))
    primary = columns.primary
    models = tuple(source.list_registered_models())
    files = options.drafts or source
    reports = list_reports(files)
    views, views_problem = _read_views(files)
    return Contents(
        title=options.title or source.repository_name(),
        head=source.head(),
        experiments={
            key: names.get(key, key) for key in sorted(used, key=lambda key: (names.get(key, key), key))
        },
        runs=runs,
        segments=segments,
        facts=facts,
        params=params,
        columns=columns,
        lasts=_list_lasts(runs, primary),
        axes={one.experiment_id: axes for one in experiments if (axes := declared_x_axes(one.tags))},
        children=list_children(runs),
        users=list_users(runs),
        by_id={run.run_id: run for run in runs},
        nav=_list_pages(runs, models, reports),
        policy=(*options.left_out, *_POLICY),
        live=options.live,
        limits=assign_limits(runs, options.max_bytes),
        models=models,
        versions=tuple(source.list_model_versions()) if models else (),
        previous=find_previous(runs),
        earlier=earlier_trees(runs),
        same_code=find_same_code(runs),
        alerts={run.run_id: found for run in runs if (found := list_alerts(source, run))},
        reports=reports,
        views=tuple(views.items()),
        views_problem=views_problem,
    )


def cut_segments(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs in segments, each a function of the ids in it, newest run first."""
    count = count_segments(len(runs))
    segments: list[list[Run]] = [[] for _ in range(count)]
    for run, bucket in zip(runs, buckets_of([run.run_id for run in runs], count), strict=True):
        segments[bucket].append(run)
    return segments


def _list_lasts(runs: Sequence[Run], metric: str | None) -> tuple[float | None, ...]:
    if metric is None:
        return (None,) * len(runs)
    return tuple(list_lasts((run.metrics for run in runs), metric))


def _read_views(files: Files) -> tuple[dict[str, str], UserError | None]:
    content = files.read_committed(VIEWS_FILE)
    try:
        return ({} if content is None else decode_views(content)), None
    except UserError as error:
        return {}, error


def _list_pages(
    runs: Sequence[Run], models: Sequence[RegisteredModel], reports: Sequence[ReportFile]
) -> tuple[tuple[str, str], ...]:
    """Return the pages there is something for."""
    more = [("models.html", "Models")] if models else []
    if any(run.datasets for run in runs):
        more.append(("data.html", "Data"))
    if reports:
        more.append(("reports.html", "Reports"))
    return (*_PAGES, *more)


def describe_lineage(run: Run, contents: Contents) -> tuple[list[_Use], list[_Use]]:
    """Return what a run used of others and who used it: id, name (None: not here) and path of each."""
    if not run.used and run.run_id not in contents.users:
        return [], []
    inputs: list[_Use] = []
    for uri in sorted(run.used):
        maker, _, path = uri.removeprefix(RUNS).partition("/")
        other = contents.by_id.get(maker)
        inputs.append((maker, other.name if other else None, path))
    users: list[_Use] = [(user.run_id, user.name, path) for user, path in contents.users.get(run.run_id, ())]
    return inputs, users


def note_of(run: Run) -> str | None:
    """Return the note people wrote about a run."""
    return run.tags.get(TAG_NOTE)
