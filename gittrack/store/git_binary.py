"""A Git repository through the git program, for what dulwich cannot read or must not write."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import CorruptDataError, RepositoryNotFoundError, StoreError
from gittrack.store.git_pipe import QUIET, SAFE, GitPipe

if TYPE_CHECKING:
    from collections.abc import Sequence


class BinaryDatabase:
    """Objects and refs of one repository; one ``git cat-file`` process answers all reads."""

    def __init__(self, start: Path) -> None:
        """Open the repository that contains ``start``.

        Raises:
            RepositoryNotFoundError: There is none, or git cannot read it.
            StoreError: There is no git program.
        """
        self._start = start
        # The common directory as such: git would not find it from a subfolder of a bare repository.
        self.common_dir = Path(self._ask("rev-parse", "--path-format=absolute", "--git-common-dir")).resolve()
        is_bare = self._ask("rev-parse", "--is-bare-repository") == "true"
        inside = not is_bare and self._ask("rev-parse", "--is-inside-work-tree") == "true"
        self.top = Path(self._ask("rev-parse", "--show-toplevel")).resolve() if inside else None
        self.hash_name = self._ask("rev-parse", "--show-object-format")
        self._lock = threading.Lock()
        self._pipe: GitPipe | None = None
        self._pid = os.getpid()

    def read(self, oid: str) -> bytes:
        """Return the content of an object."""
        found = self._look_up(oid)
        if found is None:
            message = f"object {oid} is missing from the repository"
            raise CorruptDataError(message, hint="run `gittrack fsck`; a clone or remote may still have it")
        return found

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        return self._look_up(oid) is not None

    def read_ref(self, name: str) -> str | None:
        """Return the id a ref points at."""
        done = self._run("rev-parse", "--verify", "--quiet", f"{name}^{{object}}")
        return done.stdout.strip() or None

    def swap_ref(self, name: str, old: str | None, new: str, message: str) -> bool:
        """Move a ref if it still is at ``old``."""
        done = self._run("update-ref", "--create-reflog", "-m", message, name, new, old or "0" * len(new))
        if done.returncode == 0:
            return True
        if self.read_ref(name) != old:
            return False
        text = f"git could not move {name}: {done.stderr.strip()}"
        raise StoreError(text, hint="see `gittrack doctor`; nothing is lost, the next command tries again")

    def read_config(self, section: str, key: str) -> str | None:
        """Return a value of the configuration."""
        return self._run("config", "--get", f"{section}.{key}").stdout.strip() or None

    def read_head(self) -> tuple[str | None, str | None]:
        """Return HEAD's commit and branch."""
        branch = self._run("symbolic-ref", "--quiet", "--short", "HEAD").stdout.strip()
        return self.read_ref("HEAD"), branch or None

    def remote_names(self) -> list[str]:
        """Return the names of the configured remotes."""
        return sorted(self._run("remote").stdout.splitlines())

    def remote_url(self) -> str | None:
        """Return the URL of ``origin``, or of the only remote, as configured."""
        remotes = self.remote_names()
        name = "origin" if "origin" in remotes else remotes[0] if len(remotes) == 1 else None
        return self.read_config(f"remote.{name}", "url") if name else None

    def close(self) -> None:
        """End the reading process."""
        if self._pipe is not None and self._pid == os.getpid():
            self._pipe.close()
        self._pipe = None

    def _look_up(self, oid: str) -> bytes | None:
        if self._pid != os.getpid():  # a forked child must not share its parent's pipe
            self._pid, self._pipe, self._lock = os.getpid(), None, threading.Lock()
        with self._lock:
            if self._pipe is not None and not self._pipe.is_open:
                self._pipe.close()
                self._pipe = None
            if self._pipe is None:
                self._pipe = GitPipe(self._start if self._start.is_dir() else self._start.parent)
            return self._pipe.read([oid])[0]

    def _ask(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode != 0:
            reason = done.stderr.strip().removeprefix("fatal: ")
            message = f"git cannot read the repository at {str(self._start)!r}: {reason}"
            raise RepositoryNotFoundError(message, hint="does `git status` work there?")
        return done.stdout.strip()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self._command(*arguments),
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                env={**os.environ, **QUIET},
            )
        except OSError as error:
            message = f"this repository needs the git program, which cannot be started: {error.strerror}"
            raise StoreError(message, hint="install git, 2.45 or newer if its refs are a reftable") from error

    def _command(self, *arguments: str) -> Sequence[str]:
        where = self._start if self._start.is_dir() else self._start.parent
        return ["git", "-C", str(where), *SAFE, *arguments]
