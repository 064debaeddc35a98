"""What every part of one build needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from gittrack.site.fingerprint import Fingerprints
    from gittrack.site.gather import Contents
    from gittrack.site.options import SiteOptions
    from gittrack.site.render import Renderer
    from gittrack.site.source import Source
    from gittrack.site.templates import Templates
    from gittrack.site.write import Folder


@dataclass(frozen=True, slots=True)
class Job:
    """One build under way."""

    source: Source
    contents: Contents
    fingerprints: Fingerprints
    templates: Templates
    renderer: Renderer
    folder: Folder
    options: SiteOptions
