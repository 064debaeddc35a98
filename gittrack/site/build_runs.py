"""Writing each run's page and data, unless the build before did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.manifest import signature_stamps
from gittrack.core.shared import forget_values
from gittrack.errors import NotFoundError
from gittrack.site import paths
from gittrack.site.around import read_around
from gittrack.site.curves import MAX_POINTS, sort_points
from gittrack.site.leaders import digest_setting
from gittrack.site.run_code import read_run_code
from gittrack.site.run_data import describe_full, describe_run
from gittrack.site.run_note import Note, encode_note, files_in
from gittrack.site.run_page import choose_previews, list_files, show_artifacts, view_run
from gittrack.site.scripts import encode_script
from gittrack.site.spark import encode_spark

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Run
    from gittrack.core.series import Series
    from gittrack.site.job import Job
    from gittrack.site.source import Source


def write_run(job: Job, run: Run) -> str:
    """Write a run's page and data unless the build before did; return what the next one should know."""
    key = job.fingerprints.of(run)
    line = job.folder.runs.get(run.run_id, "")
    is_same = line.startswith(key) and job.folder.generator == job.templates.digest
    if is_same and job.folder.keep_all(files_in(line)):
        return line
    series = job.source.get_series(run.run_id)
    contents, is_partial = read_previews(job.source, run)
    artifacts = show_artifacts(run, contents)
    limit = job.contents.limits.get(run.run_id, MAX_POINTS)
    full = _encode_full(run, series) if limit == MAX_POINTS else {}
    code = read_run_code(job.source, run, job.contents.earlier.get(run.run_id))
    pictures = {
        shown.artifact.path: shown.file
        for shown in artifacts
        if shown.file and shown.preview and shown.preview.picture
    }
    described = describe_run(
        run,
        job.contents,
        series,
        limit=limit,
        full={key: paths.data_path(script) for key, script in full.items()},
        pictures=pictures,
        environment=code.environment,
        tree=code.tree,
    )
    script = encode_script(f"run/{run.run_id}", described)
    data = paths.data_path(script)
    more = {
        **list_files(artifacts),
        **code.files,
        **{paths.data_path(script): script for script in full.values()},
    }
    job.folder.put(data, script)
    for path, content in sorted(more.items()):
        job.folder.put(path, content)
    view = view_run(run, job.contents, series, artifacts, data, code)
    view["verification"] = job.source.verify_run(run.run_id) if signature_stamps(run) else None
    view["around"] = read_around(job.source, run, job.contents.alerts.get(run.run_id, ()))
    page = paths.run_page(run.run_id)
    job.folder.put(page, job.renderer.render("run.html", view))
    for shown in filter(None, (run, job.contents.previous.get(run.run_id))):
        forget_values(shown.metrics)
        forget_values(shown.artifacts)
    spark = _spark(series, job.contents.columns.primary or "")
    setting = digest_setting(run, job.contents.params[run.run_id])
    return encode_note(Note("" if is_partial else key, data, spark, setting, [page, *sorted(more)]))


def _encode_full(run: Run, series: Mapping[str, Series]) -> dict[str, bytes]:
    """Return the scripts of the curves that the run's own has thinned, by metric."""
    return {
        key: encode_script(f"full/{run.run_id}/{key}", describe_full(run, column))
        for key, column in sorted(series.items())
        if len(column) > MAX_POINTS
    }


def _spark(series: Mapping[str, Series], primary: str) -> str:
    return encode_spark(sort_points(series[primary])[1]) if primary in series else ""


def read_previews(source: Source, run: Run) -> tuple[dict[str, bytes], bool]:
    """Return the contents worth showing that are here, and whether some are not."""
    contents = {}
    is_partial = False
    for path in choose_previews(run):
        try:
            contents[path] = source.read_artifact(run.run_id, path, fetch=False)
        except NotFoundError:
            is_partial = True
    return contents, is_partial
