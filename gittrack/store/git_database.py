"""What the store needs of a Git repository, as one narrow interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class GitDatabase(Protocol):
    """Objects and refs of one repository; every failure is a `StoreError`."""

    hash_name: str
    """``sha1`` or ``sha256``."""
    common_dir: Path
    """Shared by all worktrees."""
    top: Path | None
    """The work tree, None in a bare repository."""

    def read(self, oid: str) -> bytes:
        """Return the content of an object.

        Raises:
            CorruptDataError: It is missing or damaged.
        """

    def has(self, oid: str) -> bool:
        """Whether an object is there."""

    def read_ref(self, name: str) -> str | None:
        """Return the id a ref points at, None if there is no such ref."""

    def swap_ref(self, name: str, old: str | None, new: str, message: str) -> bool:
        """Move a ref if it still is at ``old`` (None: if it does not exist); return whether it was moved.

        The move is written to the ref's reflog.
        """

    def read_config(self, section: str, key: str) -> str | None:
        """Return a value of the repository's, the user's or the system's configuration."""

    def read_head(self) -> tuple[str | None, str | None]:
        """Return HEAD's commit and branch, each None if there is none."""

    def remote_names(self) -> list[str]:
        """Return the names of the configured remotes, sorted."""

    def remote_url(self) -> str | None:
        """Return the URL of ``origin``, or of the only remote, as configured."""

    def close(self) -> None:
        """Let go of all files."""
