"""Objects asked of one running ``git cat-file``, which reads packs several times quicker than Python does."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

from gittrack.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone must not go to the network to look for a run
    "LC_ALL": "C",
}
SAFE = ("-c", "core.fsmonitor=false", "-c", "safe.directory=*")
ASKED_AT_ONCE = 24
"""Requests that fit into the smallest pipe there is: nobody then waits for who waits for him."""


class GitPipe:
    """One ``git cat-file --batch``; not for two threads at once."""

    def __init__(self, where: Path) -> None:
        """Start git in a folder of the repository.

        Raises:
            StoreError: There is no git program.
        """
        environment: Mapping[str, str] = {**os.environ, **QUIET}
        try:
            self._process = subprocess.Popen(
                ["git", "-C", str(where), *SAFE, "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        except OSError as error:
            message = f"the git program cannot be started: {error.strerror}"
            raise StoreError(message, hint="install git") from error

    @property
    def is_open(self) -> bool:
        """Whether git still runs."""
        return self._process.poll() is None

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the content of objects by their ids, None for what is not there.

        Raises:
            StoreError: git ended, or said what cannot be understood.
        """
        found: list[bytes | None] = []
        for first in range(0, len(names), ASKED_AT_ONCE):
            found += self._ask(names[first : first + ASKED_AT_ONCE])
        return found

    def close(self) -> None:
        """Let git end."""
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was not read any more
                if pipe:
                    pipe.close()
        self._process.wait()

    def _ask(self, names: Sequence[str]) -> list[bytes | None]:
        requests, answers = self._process.stdin, self._process.stdout
        if requests is None or answers is None:
            message = "git cat-file has no pipes"
            raise StoreError(message)
        found: list[bytes | None] = []
        try:
            requests.write("".join(f"{name}\n" for name in names).encode())
            requests.flush()
            for _ in names:
                line = answers.readline()
                head = line.split()
                if len(head) == 3:  # noqa: PLR2004  (id, kind, size)
                    data = answers.read(int(head[2]) + 1)
                    if len(data) <= int(head[2]):
                        line = b""
                    found.append(data[:-1])
                else:
                    found.append(None)
                if not line:
                    message = "git cat-file ended while it was asked"
                    raise StoreError(message, hint="run `git fsck`")
        except (OSError, ValueError) as error:
            message = f"git cat-file failed: {error}"
            raise StoreError(message, hint="run `git fsck`") from error
        return found
