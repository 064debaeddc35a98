"""Files of a repository as they are on disk, committed or not: what somebody is writing at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Drafts:
    """The work tree below ``top``; links are not followed, as they may lead out of it."""

    top: Path

    def list_committed(self, folder: str) -> list[str]:
        """Return the paths of the files right in a folder, sorted."""
        try:
            names = [file.name for file in (self.top / folder).iterdir() if self._is_file(file)]
        except OSError:
            return []
        return sorted(f"{folder}/{name}" for name in names)

    def read_committed(self, path: str) -> bytes | None:
        """Return the content of a file, None if there is none."""
        file = self.top / path
        try:
            return file.read_bytes() if self._is_file(file) else None
        except OSError:
            return None

    def _is_file(self, file: Path) -> bool:
        return file.is_file() and file.resolve() == self.top.resolve() / file.relative_to(self.top)
