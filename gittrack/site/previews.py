"""What a page shows of an artifact's content."""

from __future__ import annotations

import base64
import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass
from gittrack.site.logged_figures import read_figure
from gittrack.site.render import Trusted

if TYPE_CHECKING:
    from gittrack.core.model import Artifact

MAX_TEXT = 256 * 1024
"""Bytes of a text artifact above which it has no preview."""
MAX_IMAGE = 2 * 1024 * 1024
"""Bytes of an image, a page or a figure above which it has no preview."""

_MAX_SHOWN = 20_000
_MAX_ROWS = 50
_MAX_CELLS = 20
_MAX_SVG = 64 * 1024
_PICTURES = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".gif": b"GIF8",
    ".webp": b"RIFF",
}
_TABLES = {".csv": ",", ".tsv": "\t"}
_PROSE = frozenset({".md", ".markdown"})
_PAGES = frozenset({".html", ".htm"})
# It comes before all else of a page: whatever follows, nothing runs and nobody is asked for anything, also
# where somebody opens the file by itself.
_QUIET = (
    b'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="'
    b"default-src 'none'; style-src 'unsafe-inline' data:; img-src data:; font-src data:; media-src data:; "
    b'base-uri \'none\'; form-action \'none\'"><meta name="referrer" content="no-referrer">'
)
_TEXTS = frozenset(
    """
    .cfg .conf .diff .ini .json .jsonl .lock .log .markdown .md .patch .py .rst .sh .toml .txt .yaml .yml
    """.split()
)


@dataclass(frozen=True, slots=True)
class Preview:
    """One of a picture, a page, a table or a text; a text may be that of a figure."""

    picture: bytes | None = None
    """Content of an image, to be written beside the page."""
    page: bytes | None = None
    """An HTML page in which nothing runs, to be written beside this one and framed."""
    figure: dict[str, Any] | None = None
    """A specification of Vega-Lite."""
    source: str | None = None
    """The image itself as a ``data:`` address."""
    rows: tuple[tuple[str, ...], ...] = ()
    """A table, its header first."""
    prose: str | None = None
    """HTML of a Markdown text, which is there too."""
    text: str | None = None
    cut: bool = False
    """Whether there is more than what is shown."""


def can_preview(artifact: Artifact) -> bool:
    """Return whether it is worth reading the artifact for a preview."""
    suffix = suffix_of(artifact.path)
    if suffix in _PICTURES or suffix in _PAGES or suffix in {".svg", ".json"}:
        return 0 < artifact.size <= MAX_IMAGE
    return (suffix in _TABLES or suffix in _TEXTS) and 0 < artifact.size <= MAX_TEXT


def is_text(path: str) -> bool:
    """Return whether a preview would show the artifact's words."""
    suffix = suffix_of(path)
    return suffix in _TABLES or suffix in _TEXTS or suffix in _PAGES or suffix == ".svg"


def suffix_of(path: str) -> str:
    """Return a path's last suffix in lower case, with its dot."""
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2].lower() if "." in name else ""


def make_preview(path: str, content: bytes) -> Preview | None:
    """Return what can be shown, None when the content is not what its name says."""
    suffix = suffix_of(path)
    if suffix in _PICTURES:
        return Preview(picture=content) if content.startswith(_PICTURES[suffix]) else None
    if suffix == ".svg":
        # As an image no script in it runs; as a file beside the page it could be opened by itself.
        encoded = base64.b64encode(content).decode()
        return Preview(source=f"data:image/svg+xml;base64,{encoded}") if len(content) <= _MAX_SVG else None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    if suffix in _TABLES:
        return _preview_table(text, _TABLES[suffix])
    if suffix in _PAGES:
        return Preview(page=_QUIET + text.encode())
    if suffix in _PROSE:
        from gittrack.site.markdown import render_alone  # few builds need it

        shown = _preview_text(text)
        return replace(shown, prose=Trusted(render_alone(shown.text or "", level=2)))
    if suffix == ".json":
        return replace(_preview_text(_indent_json(text)), figure=read_figure(text))
    return _preview_text(text)


def _preview_table(text: str, delimiter: str) -> Preview:
    rows: list[tuple[str, ...]] = []
    cut = False
    try:
        for row in csv.reader(text.splitlines(), delimiter=delimiter):
            if len(rows) > _MAX_ROWS:
                cut = True
                break
            cut = cut or len(row) > _MAX_CELLS
            rows.append(tuple(cell[:200] for cell in row[:_MAX_CELLS]))
    except csv.Error:
        return _preview_text(text)
    return Preview(rows=tuple(rows), cut=cut)


def _preview_text(text: str) -> Preview:
    return Preview(text=text[:_MAX_SHOWN], cut=len(text) > _MAX_SHOWN)


def _indent_json(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
