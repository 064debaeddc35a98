"""Where gittrack keeps its own files under the common Git directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path

SMALL_BYTES = 64 << 10
"""Content up to this size may share a file."""
RUNS_REF = "refs/gittrack/runs"
CODE_REF = "refs/gittrack/code"
"""Keeps the code of runs reachable, see `gittrack.store.git_code`."""
OUTGOING_REF = "refs/gittrack-local/outgoing"
"""Pins what a push sends in place of our own history, while it is on its way."""


def tracking_ref(remote: str) -> str:
    """Return where the hidden branch of a remote is kept here, as it was at the last fetch.

    Not under ``refs/remotes/``: a plain ``git fetch --prune`` deletes there.
    """
    return f"refs/gittrack-remote/{remote}/runs"


def tracking_code_ref(remote: str) -> str:
    """Return where the code of a remote's runs is kept here, once somebody asked for it."""
    return f"refs/gittrack-remote/{remote}/code"


@dataclass(frozen=True, slots=True)
class Layout:
    """The folders and files of one repository, shared by all its worktrees."""

    root: Path
    """``<git common dir>/gittrack``."""

    @property
    def journals(self) -> Path:
        """One folder for each run with unfinished business, one file in it for each writer."""
        return self.root / "journal"

    @property
    def spool(self) -> Path:
        """Folded journals that wait to be committed."""
        return self.root / "spool"

    @property
    def lock(self) -> Path:
        """Held by whoever commits."""
        return self.root / "lock"

    @property
    def packs(self) -> Path:
        """Names of the packs that gittrack wrote and may roll up, one a line."""
        return self.root / "packs"

    @property
    def allowed(self) -> Path:
        """What looks like a secret and may be pushed nevertheless."""
        return self.root / "allowed.json"

    @property
    def objects(self) -> Path:
        """Artifacts by digest."""
        return self.root / "objects"

    def blob(self, digest: str) -> Path:
        """Where the content with ``digest`` is, or would be."""
        return self.objects / digest[:2] / digest[2:]

    @property
    def unhashed(self) -> Path:
        """Large files that are kept already, by the stand-ins for their digests."""
        return self.root / "unhashed"

    @property
    def unsettled(self) -> Path:
        """Digests of content that may not have reached the disk yet."""
        return self.root / "unsettled"

    @property
    def damaged(self) -> Path:
        """Content that turned out not to be what its name says, out of the way of what is whole."""
        return self.root / "damaged"

    @property
    def temporary(self) -> Path:
        """Files on their way to their final names."""
        return self.root / "tmp"

    @property
    def small(self) -> Path:
        """Small artifacts that are too many to ride in a commit, in packs."""
        return self.root / "small"

    @property
    def small_index(self) -> Path:
        """Where which of them is: derived, may be deleted at any time."""
        return self.root / "small-index.sqlite"

    @property
    def known(self) -> Path:
        """What large files that were stored looked like, so that an unchanged one is not read again."""
        return self.root / "known"

    @property
    def partial(self) -> Path:
        """Content on its way from a remote: what has arrived is kept if the transfer breaks off."""
        return self.root / "partial"
