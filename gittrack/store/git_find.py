"""Where a folder's Git directory is, seen without opening the repository: a matter of a millisecond."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def find_common_dir(start: Path) -> Path | None:
    """Return what all worktrees of the repository around ``start`` share, None if that is not plain."""
    try:
        for folder in (start.resolve(), *start.resolve().parents):
            entry = folder / ".git"
            if entry.is_dir():
                return _common_dir(entry)
            if entry.is_file():
                text = entry.read_text("utf-8")
                return _common_dir((folder / text.removeprefix("gitdir:").strip()).resolve())
    except (OSError, UnicodeDecodeError):
        return None
    return None


def _common_dir(git_dir: Path) -> Path | None:
    if not (git_dir / "HEAD").exists():
        return None
    shared = git_dir / "commondir"
    return (git_dir / shared.read_text("utf-8").strip()).resolve() if shared.is_file() else git_dir.resolve()
