"""Named views of the site: a page and its state, as `.gittrack-views.json` keeps them beside the code."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

VIEWS_FILE = ".gittrack-views.json"
PAGES = ("runs.html", "charts.html", "compare.html", "history.html")
"""Pages whose address holds their state."""
MAX_NAME = 80

_ADDRESS = re.compile(rf"(?:.*/)?(?P<page>{'|'.join(map(re.escape, PAGES))})(?:\?[^#]*)?#(?P<state>[^\s#]+)")


def parse_address(text: str) -> str:
    """Return the page and state of an address as a browser shows it, wherever the site is.

    Raises:
        UserError: It is none of a page that has a state, or has none.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        message = f"{text!r} is no view of a site"
        raise UserError(message, hint=f"copy the address of {', '.join(PAGES)}, with what follows the #")
    return f"{found['page']}#{found['state']}"


def check_name(name: str) -> str:
    """Return the name of a view, without space around it.

    Raises:
        UserError: It is empty, too long, or cannot be printed.
    """
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        message = f"{name!r} is no name of a view"
        raise UserError(message, hint=f"use 1 to {MAX_NAME} characters that can be printed")
    return name


def encode_views(views: Mapping[str, str]) -> bytes:
    """Return the file of views: one a line, by their names, so that changes of different ones merge."""
    return (json.dumps(dict(sorted(views.items())), indent=1, ensure_ascii=False) + "\n").encode()


def decode_views(content: bytes) -> dict[str, str]:
    """Return name → address of each view.

    Raises:
        UserError: It is no file of views.
    """
    try:
        document = json.loads(content)
    except ValueError:
        document = None
    if not isinstance(document, dict) or not all(isinstance(address, str) for address in document.values()):
        message = f"{VIEWS_FILE} is no object of names and addresses"
        raise UserError(message, hint="`gittrack view save` writes it")
    return {check_name(name): parse_address(address) for name, address in sorted(document.items())}
