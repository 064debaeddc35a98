"""Building the site: gather, template, pages, write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site import paths
from gittrack.site.build_index import write_index
from gittrack.site.build_pages import write_pages
from gittrack.site.build_runs import write_run
from gittrack.site.fingerprint import Fingerprints
from gittrack.site.gather import gather
from gittrack.site.job import Job
from gittrack.site.many import uncollected
from gittrack.site.options import SiteOptions
from gittrack.site.render import Renderer
from gittrack.site.templates import find_templates
from gittrack.site.write import Folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gittrack.site.source import Source


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build made."""

    index: Path
    """The page to open."""
    pages: int
    written: int
    """Files that are new or changed."""
    unchanged: int
    removed: int
    bytes: int
    """Size of the whole site."""
    problems: tuple[str, ...] = ()
    """What is wrong in reports, each with its place."""


def build(
    source: Source,
    output: Path,
    *,
    templates: Path | None = None,
    title: str | None = None,
    options: SiteOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Build the site into the folder ``output``, or bring the site there up to date.

    Only what changed since the build before is read, rendered and written. ``progress`` is called
    with the number of runs done and of all runs. ``title`` goes before the one in ``options``.

    Raises:
        ConflictError: A file in the folder that gittrack did not write is in the way.
        NotFoundError: The folder ``templates`` is missing.
        StoreError: The source cannot be read or the folder cannot be written.
        UserError: A template of yours is wrong.
    """
    found = find_templates(templates)
    options = options or SiteOptions()
    if title is not None:
        options = replace(options, title=title)
    with uncollected() as settle:
        folder = Folder(output)
        known = folder.facts if folder.generator == found.digest else {}
        contents = gather(source, options, known)
        settle()
        folder.check_free(paths.FIXED)
        renderer = Renderer(found, options.cache)
        job = Job(source, contents, Fingerprints(contents), found, renderer, folder, options)
        return _write(job, output, progress)


def _write(job: Job, output: Path, progress: Callable[[int, int], None] | None) -> BuildReport:
    runs = job.contents.runs
    _write_assets(job)
    notes: dict[str, str] = {}
    # Oldest first: a page refers to the run before, which a build that dies has then written.
    for done, run in enumerate(reversed(runs)):
        if progress is not None:
            progress(done, len(runs))
        notes[run.run_id] = write_run(job, run)
    write_index(job, notes)
    pages = write_pages(job, notes)
    written = job.folder.finish(notes, pages.reports, job.contents.facts, job.templates.digest)
    if progress is not None:
        progress(len(runs), len(runs))
    return BuildReport(
        index=output / paths.INDEX,
        pages=len(runs) + pages.count,
        written=written.written,
        unchanged=written.unchanged,
        removed=written.removed,
        bytes=written.bytes,
        problems=tuple(pages.problems),
    )


def _write_assets(job: Job) -> None:
    job.folder.put(paths.NO_JEKYLL, b"")
    for name, content in job.templates.assets.items():
        job.folder.put(job.templates.path_of(name), content)
