"""Writing the pages that are about all runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site import paths
from gittrack.site.build_machine import write_machine_files
from gittrack.site.catalog import view_data, view_models
from gittrack.site.history import view_history
from gittrack.site.overview import view_overview
from gittrack.site.pages import share_values, view_about, view_not_found, view_reports
from gittrack.site.records import find_records
from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.site.job import Job


@dataclass(frozen=True, slots=True)
class Pages:
    """What was written besides the pages of runs."""

    count: int
    reports: Mapping[str, Mapping[str, str]]
    """What the next build should know of each report, by its path."""
    problems: Sequence[str]
    """What is wrong in them."""


def write_pages(job: Job, notes: Mapping[str, str]) -> Pages:
    """Write every page that is not a run's, the overview last; ``notes`` has what is known of each run.

    Only the overview changes with every run: the others get what changes from the manifest, by their scripts.
    Most of those are not even rendered again.
    """
    contents, render = job.contents, job.renderer.render
    chart_data = _write_charts(job)
    pages: dict[str, dict[str, object]] = {
        paths.RUNS: {
            **share_values(contents, "runs"),
            "primary": contents.columns.primary,
            "count": bool(contents.runs),
        },
        paths.CHARTS: {**share_values(contents, "charts"), "charts": chart_data, "banded": True},
        paths.EMBED: share_values(contents, "embed"),
        paths.COMPARE: {**share_values(contents, "compare"), "charts": chart_data},
        paths.ABOUT: view_about(contents),
        paths.NOT_FOUND: view_not_found(contents, job.templates),
    }
    for path, values in pages.items():
        key = paths.digest_of_parts([path, job.templates.digest, values])
        if job.folder.reuse(key) is None:
            job.folder.put(path, render(path, values))
            job.folder.remember(key, path)
    records = find_records(contents)
    about_runs = {paths.HISTORY: view_history(contents, records, chart_data)}
    if contents.models:
        about_runs[paths.MODELS] = view_models(contents)
    if (paths.DATA, "Data") in contents.nav:
        about_runs[paths.DATA] = view_data(contents)
    problems: list[str] = []
    reports: Mapping[str, Mapping[str, str]] = {}
    if contents.reports:
        from gittrack.site.build_reports import write_reports  # few builds need it

        reports, found = write_reports(job, chart_data)
        problems += found
        about_runs[paths.REPORTS] = view_reports(contents)
    if contents.views_problem is not None:
        problems.append(contents.views_problem.message)
    for path, values in about_runs.items():
        job.folder.put(path, render(path, values))
    links = write_machine_files(job, records)
    job.folder.put(paths.INDEX, render("overview.html", view_overview(contents, notes, links)))
    return Pages(len(pages) + len(about_runs) + len(contents.reports) + 1, reports, problems)


def _write_charts(job: Job) -> str:
    """Write the chart templates, unless the build before made the same ones, and return their path."""
    key = paths.digest_of_parts(["charts", job.templates.digest])
    path = job.folder.reuse(key)
    if path is None:
        from gittrack.site import charts  # Altair takes longer to load than a small change to build

        script = encode_script("charts", charts.specifications())
        path = paths.data_path(script)
        job.folder.put(path, script)
        job.folder.remember(key, path)
    return path
