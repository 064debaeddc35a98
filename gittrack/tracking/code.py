"""Which code a run has: that of the script's repository, unless the environment says otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.model import Code
from gittrack.errors import GittrackError
from gittrack.tracking.context import find_entry, main_folder, read_code, strip_user_info

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.store.git_database import GitDatabase
    from gittrack.store.git_store import GitStore
    from gittrack.store.interface import Store
    from gittrack.tracking.capture import CodeWatch

CODE_FILE = "code.json"
"""The side file that names what differs from HEAD and what was left out."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Capture:
    """What was found of the code."""

    code: Code
    details: bytes | None = None
    """Content of `CODE_FILE`, None if there is nothing to tell."""


@dataclass(frozen=True, slots=True)
class CodeSettings:
    """What the environment says of the code."""

    commit: str | None = None
    """Full id, where there is no repository to ask, as in a container."""
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    keeps: bool = True
    """Whether code that differs from HEAD is stored."""
    secrets: tuple[bytes, ...] = ()
    """Values of variables whose names say that they are secret."""


class CodeSource:
    """Tells the code of each run that one client starts."""

    def __init__(self, store: Store, read_settings: Callable[[], CodeSettings]) -> None:
        """Keep snapshots in ``store``."""
        self._store = store
        self._read_settings = read_settings
        self._watches: dict[Path, CodeWatch] = {}
        self.top: Path | None = None
        """Of the work tree that the code was found in."""

    def capture(self) -> Capture:
        """Return what the code is now, as far as it can be told; nothing is raised."""
        from gittrack.store.git_store import GitStore

        settings = self._read_settings()
        if settings.commit is not None:
            return Capture(self._override(settings))
        if not isinstance(self._store, GitStore) or self._store.database is None:
            return Capture(_amend(Code(), settings))
        found = self._find(self._store, self._store.database, settings)
        return replace(found, code=_amend(found.code, settings))

    def _find(self, store: GitStore, database: GitDatabase, settings: CodeSettings) -> Capture:
        folder = main_folder()
        if folder is None or (database.top is not None and folder.is_relative_to(database.top)):
            return self._watch(store, database, settings)
        try:
            other = _open(folder)
        except GittrackError:  # the script is in no repository: the runs' own is the nearest there is
            return self._watch(store, database, settings)
        try:
            if other.common_dir == database.common_dir:  # another work tree of the same repository
                return self._watch(store, other, settings)
            reason = f"the code is in another repository than the runs: {other.top or other.common_dir}"
            return Capture(replace(read_code(other), reason=reason))
        finally:
            other.close()

    def _watch(self, store: GitStore, database: GitDatabase, settings: CodeSettings) -> Capture:
        from gittrack.tracking.capture import CodeWatch  # with subprocess and the like, for who starts runs

        about = read_code(database)
        if database.top is None:
            return Capture(replace(about, snapshot=about.commit) if about.commit else about)
        self.top = database.top
        watch = self._watches.get(database.top)
        if watch is None:
            watch = CodeWatch(store, database.top, settings.secrets, keeps=settings.keeps)
            self._watches[database.top] = watch
        found = watch.capture()
        if found.code.reason is not None and found.code.dirty is None:
            return Capture(replace(about, reason=found.code.reason))
        return replace(found, code=replace(found.code, remote=about.remote, entry=about.entry))

    def _override(self, settings: CodeSettings) -> Code:
        commit = settings.commit or ""
        entry = find_entry(Path.cwd())
        if _COMMIT.fullmatch(commit) is None:
            return _amend(
                Code(entry=entry, reason=f"GITTRACK_CODE_COMMIT is no full commit id: {commit!r}"), settings
            )
        code = _amend(Code(commit, entry=entry), settings)
        return code if code.dirty else replace(code, snapshot=commit)


def _open(folder: Path) -> GitDatabase:
    from gittrack.store.git_open import open_repository

    return open_repository(folder)


def _amend(code: Code, settings: CodeSettings) -> Code:
    remote = strip_user_info(settings.remote) if settings.remote else code.remote
    return replace(
        code,
        branch=settings.branch or code.branch,
        remote=remote,
        dirty=code.dirty if settings.dirty is None else settings.dirty,
    )
