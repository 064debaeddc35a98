"""The user's work tree, read as git reads it: status, ignored files, content as git would store it.

Nothing is written to it; nothing here takes a lock, refreshes the index, runs a hook or asks for a password.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.core.work_tree import LINK_MODE, Candidate, is_derived, parse_status
from gittrack.errors import StoreError
from gittrack.store.git_pipe import QUIET, SAFE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gittrack.core.work_tree import WorkTreeStatus

PATIENCE_S = 30.0
"""Git that takes longer hangs, on a dead network disk say: training must not wait for it."""
MAX_LISTED = 20_000
"""So many entries of untracked folders are looked at."""
REGULAR_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
_ATTRIBUTES = ("text", "crlf", "eol", "filter", "ident", "working-tree-encoding")
_UNSET = frozenset({"unspecified", "unset", "false"})
_LOCATION = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE")
"""What a hook that started us sets; the work tree is told by its folder instead."""


@dataclass(slots=True)
class Listing:
    """What is in the untracked part of a work tree."""

    files: list[Candidate] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Content:
    """One file as git would store it."""

    mode: int
    data: bytes


class WorkTree:
    """One work tree, by the git program and by looking."""

    def __init__(self, top: Path) -> None:
        """Read the work tree at ``top``."""
        self.top = top

    def status(self) -> WorkTreeStatus:
        """Return HEAD and everything that differs from it.

        Raises:
            StoreError: Git cannot tell.
        """
        arguments = (
            "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "--no-renames",
            "--untracked-files=normal", "--ignore-submodules=none", "-z",
        )  # fmt: skip
        done = self._git(arguments)
        if done.returncode != 0 and b"filter" in done.stderr:
            # A filter that is not installed: what it would change is left out later, file by file.
            done = self._git((*self._without_filters(), *arguments))
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            message = f"git status failed: {reason}"
            raise StoreError(message, hint="does `git status` work there?")
        try:
            return parse_status(done.stdout)
        except ValueError as error:
            raise StoreError(str(error), hint="does `git status` work there?") from error

    def list_untracked(self, found: Iterable[str], replaced: Iterable[str] = ()) -> Listing:
        """Return the files under what ``git status`` lists as untracked, without those that are ignored.

        Folders are read level by level, in the order of their names, up to `MAX_LISTED` entries.

        Args:
            found: What git lists.
            replaced: Tracked files that are gone: git lists no folder that took the place of one.
        """
        folders = [path for path in replaced if (self.top / path).is_dir() and not is_derived(path)]
        hidden = self._ignored(folders) if folders else frozenset()
        level = sorted({path for path in found if not is_derived(path.rstrip("/"))} | {*folders} - hidden)
        listing = Listing()
        looked_at = 0
        is_listed_by_git = True
        while level:
            looked_at += len(level)
            if looked_at > MAX_LISTED:
                listing.skipped[f"{os.path.commonpath(level) or '.'}/"] = "more untracked files than are read"
                break
            ignored = frozenset() if is_listed_by_git else self._ignored(level)
            is_listed_by_git = False
            below: list[str] = []
            for path in level:
                if path.rstrip("/") not in ignored:
                    below += self._look(path.rstrip("/"), listing)
            level = sorted(below)
        return listing

    def find_size(self, path: str) -> int | None:
        """Return the size of a file or link in bytes, None if it is gone, -1 if it is a fifo or the like."""
        try:
            about = os.lstat(self._full(path))
        except OSError:
            return None
        if stat.S_ISDIR(about.st_mode):  # what is in it is told of for itself
            return None
        return about.st_size if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode) else -1

    def read(
        self, paths: Sequence[str], modes: Mapping[str, int], largest: int
    ) -> Iterator[tuple[str, Content | str]]:
        """Yield each path with its content as git would store it, or the reason why it cannot be had.

        A file that vanished meanwhile is left out.

        Args:
            paths: Relative to the top.
            modes: Those git tells, for file systems without an executable bit; others are looked at.
            largest: A file that grew beyond this, bytes, is refused.
        """
        raw: dict[str, Content] = {}
        for path in paths:
            try:
                raw[path] = self._read_raw(path, modes.get(path), largest)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                yield path, f"cannot be read: {getattr(error, 'strerror', None) or error}"
        converted = self._convert(list(self._to_convert(raw)))
        for path, content in raw.items():
            data = converted.get(path, content.data)
            yield path, data if isinstance(data, str) else Content(content.mode, data)

    def submodule_head(self, path: str) -> str | None:
        """Return the commit that is checked out in a submodule, None if there is none."""
        if not (self.top / path / ".git").exists():
            return None
        done = self._git(("rev-parse", "--verify", "--quiet", "HEAD"), folder=self.top / path)
        return done.stdout.decode().strip() or None

    def is_published(self, commit: str) -> bool:
        """Whether a ref that came from elsewhere holds a commit, as far as this clone knows."""
        done = self._git(("for-each-ref", f"--contains={commit}", "--format=%(refname)"))
        own = ("refs/heads/", "refs/gittrack", "refs/stash")
        return any(not name.startswith(own) for name in done.stdout.decode(errors="replace").split())

    # Inner

    def _full(self, path: str) -> str:
        # Thousands of times for one capture: a Path costs more than the call to the system.
        return f"{self.top}/{path}"

    def _look(self, path: str, listing: Listing) -> list[str]:
        """Add a file to the listing; of a folder return what is in it."""
        full = self._full(path)
        try:
            about = os.lstat(full)
            if not stat.S_ISDIR(about.st_mode):
                if stat.S_ISREG(about.st_mode) or stat.S_ISLNK(about.st_mode):
                    listing.files.append(Candidate(path, about.st_size, is_tracked=False))
                else:
                    listing.skipped[path] = "no regular file"
                return []
            names = os.listdir(full)
        except FileNotFoundError:
            return []
        except OSError as error:
            listing.skipped[path] = f"cannot be read: {error.strerror}"
            return []
        if ".git" in names:
            listing.skipped[f"{path}/"] = "a repository of its own"
            return []
        if "pyvenv.cfg" in names:  # a virtual environment, whatever it is called
            return []
        return [f"{path}/{name}" for name in names if not is_derived(name)]

    def _ignored(self, paths: Sequence[str]) -> frozenset[str]:
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        done = self._git(("check-ignore", "--no-index", "--stdin", "-z"), data)
        return frozenset(os.fsdecode(path) for path in done.stdout.split(b"\0") if path)

    def _read_raw(self, path: str, mode: int | None, largest: int) -> Content:
        full = self._full(path)
        try:
            # Not blocking, since it may have become a fifo meanwhile.
            descriptor = os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            return Content(LINK_MODE, os.fsencode(os.readlink(full)))
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                message = "no regular file"
                raise ValueError(message)
            data = _read_whole(descriptor, min(about.st_size, largest) + 1)
        finally:
            os.close(descriptor)
        if len(data) > about.st_size:
            message = "it grows while it is read"
            raise ValueError(message)
        if mode not in {REGULAR_MODE, EXECUTABLE_MODE}:
            mode = EXECUTABLE_MODE if about.st_mode & stat.S_IXUSR else REGULAR_MODE
        return Content(mode, data)

    def _to_convert(self, files: Mapping[str, Content]) -> Iterator[str]:
        """Yield the paths whose content git would store otherwise than it is."""
        paths = [path for path, content in files.items() if content.mode != LINK_MODE]
        if not paths:
            return
        data = b"".join(os.fsencode(path) + b"\0" for path in paths)
        done = self._git(("check-attr", "-z", "--stdin", *_ATTRIBUTES), data)
        fields = [os.fsdecode(one) for one in done.stdout.split(b"\0")]
        attributes: dict[str, dict[str, str]] = {}
        for path, name, value in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
            if value not in _UNSET:
                attributes.setdefault(path, {})[name] = value
        windows = {path for path in paths if b"\r\n" in files[path].data}
        converts = self._git(("config", "--get", "core.autocrlf")).stdout.strip() if windows else b""
        always, endings = {"filter", "working-tree-encoding"}, {"text", "crlf", "eol"}
        for path in paths:
            given = attributes.get(path, {}).keys()
            has_ident = "ident" in given and b"$Id" in files[path].data
            has_endings = path in windows and (converts not in {b"", b"false"} or given & endings)
            if given & always or has_ident or has_endings:
                yield path

    def _convert(self, paths: Sequence[str]) -> dict[str, bytes | str]:
        """Return files as git's filters make them, or the reason why a filter does not."""
        found: dict[str, bytes | str] = {}
        if not paths:
            return found
        with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
            # Objects of our own: the user's store gets only what a snapshot keeps.
            objects = self._git(("rev-parse", "--git-path", "objects")).stdout.decode().strip()
            place = {
                "GIT_OBJECT_DIRECTORY": folder,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.top / objects),
            }
            waiting = [path for path in paths if "\n" not in path]
            found.update(dict.fromkeys(set(paths) - set(waiting), "its name has a line break"))
            while waiting:
                lines = b"".join(os.fsencode(path) + b"\n" for path in waiting)
                done = self._git(("hash-object", "-w", "--stdin-paths"), lines, variables=place)
                oids = done.stdout.decode().split()
                for path, oid in zip(waiting, oids, strict=False):
                    blob = self._git(("cat-file", "blob", oid), variables=place)
                    found[path] = blob.stdout if blob.returncode == 0 else "its filter failed"
                # Git stops at the first that fails.
                if len(oids) < len(waiting):
                    found[waiting[len(oids)]] = "its clean filter failed or is not installed"
                waiting = waiting[len(oids) + 1 :]
        return found

    def _without_filters(self) -> list[str]:
        listed = self._git(
            ("config", "--name-only", "--get-regexp", r"^filter\..*\.(clean|process|required)$")
        )
        options = []
        for key in listed.stdout.decode(errors="replace").split("\n"):
            if key:
                options += ["-c", f"{key}=false" if key.endswith(".required") else f"{key}="]
        return options

    def _git(
        self,
        arguments: Sequence[str],
        data: bytes = b"",
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        command = ["git", "-C", str(folder or self.top), *SAFE, *arguments]
        environment = {name: value for name, value in os.environ.items() if name not in _LOCATION}
        try:
            # A session of its own: who interrupts training does not interrupt git, and all of it can end.
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environment, **QUIET, **(variables or {})},
                start_new_session=True,
            )
        except OSError as error:
            message = f"the git program cannot be started: {error.strerror}"
            raise StoreError(message, hint="install git: it tells what differs from HEAD") from error
        try:
            output, complaint = process.communicate(data, timeout=PATIENCE_S)
        except subprocess.TimeoutExpired as error:
            message = f"git {arguments[0]} took longer than {PATIENCE_S:.0f} s"
            raise StoreError(message, hint="does `git status` answer there?") from error
        finally:
            if process.poll() is None:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                for pipe in (process.stdin, process.stdout, process.stderr):
                    if pipe:
                        pipe.close()
        return subprocess.CompletedProcess(command, process.returncode, output, complaint)


def _read_whole(descriptor: int, size: int) -> bytes:
    """Return at most so many bytes of a file."""
    data = os.read(descriptor, size)
    if len(data) == size or not data:
        return data
    parts = [data]
    left = size - len(data)
    while left and (more := os.read(descriptor, left)):
        parts.append(more)
        left -= len(more)
    return b"".join(parts)
