"""The site as a branch at a remote, after asking whether everybody may read it."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from gittrack.cli.complain import tell
from gittrack.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.tracking.client import Client

_GITHUB = re.compile(r"github\.com[:/](?P<owner>[\w.-]+)/(?P<name>[\w.-]+?)(?:\.git)?/?$")


def publish_branch(client: Client, folder: Path, remote: str, branch: str, *, force: bool, yes: bool) -> None:
    """Push a built site and print where it is.

    Raises:
        ConflictError: The branch is somebody else's.
        RemoteError: The remote cannot be reached or does not let us.
        UserError: Nobody is there to be asked.
    """
    from gittrack.site.publish import list_files
    from gittrack.tracking.pages import open_pages_branch

    pages = open_pages_branch(client, remote, branch)
    url = pages.find_url()
    if not yes and not pages.has_published():
        _ask(url, branch)
    published = pages.publish(list_files(folder), f"Site of {client.repository_name()}", force=force)
    if published.sent:
        tell(f"{published.changed} files changed; {branch} is now {published.commit[:10]}")
    else:
        tell(f"{branch} already holds it")
    click.echo(_page_of(url) or url)


def _ask(url: str, branch: str) -> None:
    """Pages of a private repository may be public, and no host tells without being asked.

    Raises:
        UserError: Nobody is there to be asked.
    """
    warning = (
        f"everybody who may read {branch!r} at {url} will see these runs; "
        "pages of a private repository can be public"
    )
    if not sys.stdin.isatty():
        raise UserError(warning, hint="if that is meant, pass --yes")
    tell(warning)
    if not click.confirm("publish?", default=False, err=True):
        raise click.Abort


def _page_of(url: str) -> str | None:
    match = _GITHUB.search(url)
    return f"https://{match['owner'].lower()}.github.io/{match['name']}/" if match else None
