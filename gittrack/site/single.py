"""All that can be read without scripts, as one file to mail."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import StoreError
from gittrack.site.build_runs import read_previews
from gittrack.site.changes import list_changes
from gittrack.site.gather import gather
from gittrack.site.options import SiteOptions
from gittrack.site.overview import view_overview
from gittrack.site.previews import suffix_of
from gittrack.site.render import Renderer, Trusted
from gittrack.site.run_page import cut_sections, show_artifacts
from gittrack.site.spark import encode_spark
from gittrack.site.templates import find_templates
from gittrack.site.write import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gittrack.core.model import Run
    from gittrack.site.gather import Contents
    from gittrack.site.source import Source

_RUNS = 100
"""Newest runs that are shown with their curves."""
_MAX_PICTURES = 8 * 1024 * 1024
"""Bytes of all pictures; mail servers refuse more than some 20 MB."""
_STYLES = ("site.css", "overview.css", "single.css")


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A picture in the page itself."""

    path: str
    source: str


def build_single(
    source: Source,
    output: Path,
    *,
    templates: Path | None = None,
    options: SiteOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write the runs into one HTML file without scripts, and return its size in bytes.

    Raises:
        StoreError: The source cannot be read or the file cannot be written.
        UserError: A template of yours is wrong.
    """
    found = find_templates(templates)
    contents = gather(source, options or SiteOptions())
    style = "\n".join(found.assets[name].decode() for name in _STYLES)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shown = contents.runs[:_RUNS]
    budget = _MAX_PICTURES
    runs = []
    for done, run in enumerate(shown):
        if progress is not None:
            progress(done, len(shown))
        view, budget = _view_run(source, run, contents, budget)
        runs.append(view)
    notes = {run.run_id: {"spark": encode_spark([])} for run in contents.runs}
    values = {**view_overview(contents, notes, []), "runs": runs, "style_hash": f"sha256-{digest}"}
    page = Renderer(found).render("single.html", {**values, "style": Trusted(style)})
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        replace_file(output, page)
    except OSError as error:
        message = f"the site cannot be written to {str(output)!r}: {error.strerror}"
        raise StoreError(message, hint="free some space, or choose another place") from error
    return len(page)


def _view_run(source: Source, run: Run, contents: Contents, budget: int) -> tuple[dict[str, object], int]:
    """Return what the template needs of a run, and the room for pictures that is left."""
    series = source.get_series(run.run_id)
    previews, _ = read_previews(source, run)
    pictures = []
    for item in show_artifacts(run, previews):
        if item.preview is None:
            continue
        address = item.preview.source
        if item.preview.picture is not None and len(item.preview.picture) <= budget:
            budget -= len(item.preview.picture)
            kind = {".jpg": "jpeg"}.get(suffix_of(item.artifact.path), suffix_of(item.artifact.path)[1:])
            address = f"data:image/{kind};base64,{base64.b64encode(item.preview.picture).decode()}"
        if address is not None:
            pictures.append(InlinePicture(item.artifact.path, address))
    before = contents.previous.get(run.run_id)
    params = contents.params
    view: dict[str, object] = {
        "run": run,
        "params": params[run.run_id],
        "changes": list_changes(params[before.run_id], params[run.run_id])[:6] if before else [],
        "sections": cut_sections(run.metrics, series),
        "pictures": pictures,
    }
    return view, budget
