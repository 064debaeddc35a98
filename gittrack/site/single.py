"""The whole site as one file to mail: its pages in scripts, and for who has none what can be read without."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass
from gittrack.errors import StoreError
from gittrack.site import paths
from gittrack.site.build import build
from gittrack.site.build_runs import read_previews
from gittrack.site.changes import list_changes
from gittrack.site.gather import gather
from gittrack.site.leaders import note_settings
from gittrack.site.options import SiteOptions
from gittrack.site.overview import view_overview
from gittrack.site.pack import Pack, pack_site
from gittrack.site.previews import suffix_of
from gittrack.site.render import Renderer, Trusted, hash_of
from gittrack.site.run_page import cut_sections, show_artifacts
from gittrack.site.templates import find_templates
from gittrack.site.write import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Run
    from gittrack.site.gather import Contents
    from gittrack.site.source import Source

_RUNS = 100
"""Newest runs that are shown with their curves."""
_MAX_PICTURES = 8 * 1024 * 1024
"""Bytes of all pictures; mail servers refuse more than some 20 MB."""
_MAX_FILE = 16 * 1024 * 1024
"""Bytes of the whole file, if nothing else is asked for."""
_STYLES = ("site.css", "overview.css", "single.css")


@dataclass(frozen=True, slots=True)
class InlinePicture:
    """A picture in the page itself."""

    path: str
    source: str
    file: str | None
    """Path in the site."""


@dataclass(frozen=True, slots=True)
class SingleReport:
    """What a single file holds."""

    bytes: int
    listed: int
    """Runs that are only listed: there was no room for their pages."""


def build_single(
    source: Source,
    output: Path,
    *,
    templates: Path | None = None,
    options: SiteOptions | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SingleReport:
    """Write the site into one HTML file.

    Its pages are those of the site, put in place of one another by a script; without scripts it is a page of
    the newest runs. ``max_bytes`` of the options is its size, about; the oldest runs are only listed then.

    Raises:
        StoreError: The source cannot be read or the file cannot be written.
        UserError: A template of yours is wrong.
    """
    found = find_templates(templates)
    options = options or SiteOptions()
    room = options.max_bytes or _MAX_FILE
    options = replace(options, tables=False, max_bytes=None)
    contents = gather(source, options)
    style = "\n".join(found.assets[name].decode() for name in _STYLES)
    budget = min(_MAX_PICTURES, room // 2)
    runs = []
    for run in contents.runs[:_RUNS]:
        view, budget = _view_run(source, run, contents, budget)
        runs.append(view)
    first, last = (found.assets[name] for name in ("packed.js", "pack.js"))
    values = {
        **view_overview(contents, note_settings(contents), []),
        "runs": runs,
        "style": Trusted(style),
        "style_hash": hash_of(style.encode()),
        "scripts": [Trusted(first.decode()), Trusted(last.decode())],
    }
    renderer = Renderer(found, options.cache)

    def render(pack: Pack) -> bytes:
        hashes = sorted({hash_of(first), hash_of(last), *pack.scripts})
        return renderer.render(
            "single.html", {**values, "pack": Trusted(pack.as_json()), "script_hashes": hashes}
        )

    pictures = {picture.file for view in runs for picture in view["pictures"]}
    with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
        build(source, Path(folder), templates=templates, options=options, progress=progress)
        pages = [paths.run_page(run.run_id) for run in contents.runs]
        pack = pack_site(Path(folder), pages, known=pictures, room=room - len(render(Pack())))
    page = render(pack)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        replace_file(output, page)
    except OSError as error:
        message = f"the site cannot be written to {str(output)!r}: {error.strerror}"
        raise StoreError(message, hint="free some space, or choose another place") from error
    return SingleReport(len(page), pack.left_out)


def _view_run(source: Source, run: Run, contents: Contents, budget: int) -> tuple[dict[str, Any], int]:
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
            pictures.append(InlinePicture(item.artifact.path, address, item.file))
    before = contents.previous.get(run.run_id)
    params = contents.params
    view: dict[str, Any] = {
        "run": run,
        "params": params[run.run_id],
        "changes": list_changes(params[before.run_id], params[run.run_id])[:6] if before else [],
        "sections": cut_sections(run.metrics, series),
        "pictures": pictures,
    }
    return view, budget
