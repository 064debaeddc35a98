"""What a builder may ask of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.site.reports import Files


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """How a site is made, besides what it is made of."""

    title: str | None = None
    """The name of the repository where it is not given."""
    live: bool = False
    """Whether the site listens to the server it comes from."""
    tables: bool | None = None
    """Whether ``runs.csv`` and ``runs.json`` are written; None leaves them out of large sites."""
    max_bytes: int | None = None
    """Size the site shall keep within, about, by thinning the curves of old runs."""
    left_out: tuple[str, ...] = ()
    """Sentences about what the source was told to leave out, for the about page."""
    drafts: Files | None = None
    """Where reports and views are read in place of the commit that is checked out."""
    cache: Path | None = None
    """Folder for what can be made again, where nobody but the owner of the runs may write."""
