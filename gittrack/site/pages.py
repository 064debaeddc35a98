"""What the templates of all pages are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.views import PAGES
from gittrack.site.paths import ABOUT, MANIFEST, report_page
from gittrack.site.render import Trusted, hash_of

if TYPE_CHECKING:
    from gittrack.site.gather import Contents
    from gittrack.site.templates import Templates


_WITH_STATE = frozenset(["index", *(page.removesuffix(".html") for page in PAGES)])


def share_values(contents: Contents, here: str, root: str = "") -> dict[str, object]:
    """Return the values every page's template has: its name, where the site's top is, and the other pages."""
    return {
        "root": root,
        "here": here,
        "site": contents.title,
        "nav": contents.nav,
        "live": contents.live,
        "manifest": MANIFEST,
        "banded": False,
        "feed": contents.has_feed,
        # Not on the pages of runs: a new view would change all of them.
        "views": contents.views if here in _WITH_STATE else None,
    }


def view_about(contents: Contents) -> dict[str, object]:
    """Return the values of the about page's template."""
    return {**share_values(contents, ABOUT.removesuffix(".html")), "policy": contents.policy}


def view_not_found(contents: Contents, templates: Templates) -> dict[str, object]:
    """Return the values of the template of the page for addresses that lead nowhere.

    It is served in any folder, so that it can refer to no file: its style is in it.
    """
    style = templates.assets["404.css"]
    return {**share_values(contents, "404"), "style": Trusted(style.decode()), "style_hash": hash_of(style)}


def view_reports(contents: Contents) -> dict[str, object]:
    """Return the values of the template of the list of reports."""
    rows = [(one, report_page(one.slug)) for one in contents.reports]
    return {**share_values(contents, "reports"), "reports": rows}
