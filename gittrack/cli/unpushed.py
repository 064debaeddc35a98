"""One line on runs that only this clone has, after what records one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.cli.complain import tell
from gittrack.cli.listing import count
from gittrack.errors import GittrackError
from gittrack.tracking.sync import choose_remote, has_exchanged, remember

if TYPE_CHECKING:
    from gittrack.tracking.client import Client


def tell_unpushed(client: Client) -> None:
    """Say how many runs are not pushed, as far as the last exchange told; nothing without a remote."""
    try:
        remote = choose_remote(client, None)
        if not has_exchanged(client, remote):  # then all of them, which nobody needs to count
            tell(f"nothing is pushed to {remote} yet; `gittrack push` does")
        elif (known := remember(client)) is not None and known.sent:
            tell(f"{count(known.sent, 'run')} not pushed to {remote}; `gittrack push` does")
    except GittrackError:
        return  # no remote, or none that is the obvious one
