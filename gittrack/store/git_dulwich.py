"""A Git repository by dulwich, without a subprocess."""

from __future__ import annotations

import contextlib
import os
import random
import struct
import threading
import time
import weakref
import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.errors import (
    ApplyDeltaError,
    ChecksumMismatch,
    FileFormatException,
    RefFormatError,
    WrongObjectException,
)
from dulwich.file import FileLocked
from dulwich.objects import ZERO_SHA, ObjectID
from dulwich.refs import SymrefLoop
from dulwich.repo import Repo

from gittrack.errors import CorruptDataError, LockedError
from gittrack.store import ref_lock
from gittrack.store.disk import disk_error, disk_errors, replace_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dulwich.config import StackedConfig
    from dulwich.refs import Ref

DAMAGE = (
    ApplyDeltaError, ArithmeticError, AssertionError, ChecksumMismatch, EOFError, FileFormatException,
    IndexError, NotImplementedError, RefFormatError, TypeError, ValueError, WrongObjectException,
    struct.error, zlib.error,
)  # fmt: skip
"""What dulwich raises about files that are not as they were written."""
IDENTITY = b"gittrack <gittrack@localhost>"


class DulwichDatabase:
    """Objects and refs of one repository."""

    def __init__(self, repo: Repo) -> None:
        """Take over an open repository."""
        self._open_repo = repo
        self._pid = os.getpid()
        self._lock = threading.RLock()
        # At the latest when the interpreter leaves: an open repository then prints what nobody can catch.
        weakref.finalize(self, repo.close)
        self.hash_name = repo.object_format.name
        self.common_dir = Path(os.fsdecode(repo.commondir())).resolve()
        self.top = None if repo.bare else Path(os.fsdecode(repo.path)).resolve()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[Repo]:
        """Let one thread at a time use the repository: open packs have one position each."""
        if self._pid != os.getpid():
            # After a fork open files are the parent's too, and who held the lock may be gone.
            self._pid, self._lock = os.getpid(), threading.RLock()
            self._open_repo = Repo(self._open_repo.path)
        with self._lock:
            yield self._open_repo

    def read(self, oid: str) -> bytes:
        """Return the content of an object."""
        try:
            with disk_errors("read an object"), self._locked() as repo:
                return repo.object_store.get_raw(ObjectID(oid.encode()))[1]
        except KeyError:
            message = f"object {oid} is missing from the repository"
        except DAMAGE as error:
            message = f"object {oid} is damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`; a clone or remote may still have it")

    def has(self, oid: str) -> bool:
        """Whether an object is there."""
        with self._locked() as repo:
            return ObjectID(oid.encode()) in repo.object_store

    def read_ref(self, name: str) -> str | None:
        """Return the id a ref points at."""
        try:
            with disk_errors(f"read {name}"), self._locked() as repo:
                return repo.refs[_ref(name)].decode()
        except (KeyError, SymrefLoop):
            if not self._is_empty_file(name):
                return None
            message = f"the ref {name} is damaged: its file is empty"
        except DAMAGE as error:
            message = f"the ref {name} is damaged: {error}"
        raise CorruptDataError(message, hint=f"its last good value is in {self.common_dir / 'logs' / name}")

    def _is_empty_file(self, name: str) -> bool:
        # What a power cut leaves of a ref that was just written; for dulwich there is none then.
        try:
            return not (self.common_dir / name).read_bytes().strip()
        except OSError:
            return False

    def swap_ref(self, name: str, old: str | None, new: str, message: str) -> bool:
        """Move a ref if it still is at ``old``."""
        self._begin_reflog(name)
        deadline = time.monotonic() + ref_lock.PATIENCE_S
        pause_s = 0.001
        while True:
            try:
                with self._locked() as repo:
                    moved = repo.refs.set_if_equals(
                        _ref(name),
                        # Not None: for dulwich that means "whatever it is now".
                        old.encode() if old else ZERO_SHA,  # type: ignore[arg-type]
                        new.encode(),  # type: ignore[arg-type]
                        committer=IDENTITY,
                        timestamp=int(time.time()),
                        timezone=0,
                        message=message.encode(),
                    )
                if moved and not old:
                    self._mend_reflog(name, len(new))
                return moved  # noqa: TRY300  (the end of a round that raised nothing)
            except FileLocked as error:
                if time.monotonic() > deadline:
                    text = f"the ref {name} is locked by another process"
                    raise LockedError(
                        text, hint=f"if no git is running, remove {error.lockfilename!r}"
                    ) from error
                ref_lock.remove_if_stale(Path(os.fsdecode(error.lockfilename)))
                time.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)
                pause_s = min(pause_s * 2, 2.0)
            except OSError as error:
                raise disk_error(f"move {name}", error) from error

    def read_config(self, section: str, key: str) -> str | None:
        """Return a value of the configuration."""
        try:
            with self._locked() as repo:
                value = repo.get_config_stack().get((section.encode(),), key.encode())
        except (KeyError, ValueError, OSError):
            return None
        return bytes(value).decode(errors="replace")

    def config_stack(self) -> StackedConfig:
        """Return the configuration of the repository, the user and the system."""
        with self._locked() as repo:
            return repo.get_config_stack()

    def trusted_folders(self) -> list[str]:
        """Return what ``safe.directory`` names, which a repository cannot say of itself."""
        from dulwich.config import StackedConfig

        own = StackedConfig.default()
        return [value.decode(errors="replace") for value in own.get_multivar((b"safe",), b"directory")]

    def remove_ref(self, name: str, old: str) -> bool:
        """Remove a ref if it still is at ``old``; return whether it was removed."""
        with disk_errors(f"remove {name}"), self._locked() as repo:
            return repo.refs.remove_if_equals(_ref(name), ObjectID(old.encode()))

    def read_head(self) -> tuple[str | None, str | None]:
        """Return HEAD's commit and branch."""
        branch = None
        with contextlib.suppress(KeyError, ValueError, OSError, SymrefLoop):
            with self._locked() as repo:
                names, _ = repo.refs.follow(_ref("HEAD"))
            branch = names[-1].decode().removeprefix("refs/heads/") if len(names) > 1 else None
        return self.read_ref("HEAD"), branch

    def remote_names(self) -> list[str]:
        """Return the names of the configured remotes."""
        with contextlib.suppress(ValueError, OSError), self._locked() as repo:
            sections = repo.get_config_stack().sections()
            return sorted({one[1].decode() for one in sections if one[0] == b"remote" and len(one) > 1})
        return []

    def remote_url(self) -> str | None:
        """Return the URL of ``origin``, or of the only remote, as it was when first asked for."""
        return self._remote_url

    @cached_property
    def _remote_url(self) -> str | None:
        with contextlib.suppress(ValueError, OSError):
            with self._locked() as repo:
                config = repo.get_config()
            remotes = [
                section for section in config.sections() if section[0] == b"remote" and len(section) > 1
            ]
            if (b"remote", b"origin") in remotes:
                remotes = [(b"remote", b"origin")]
            if len(remotes) == 1:
                with contextlib.suppress(KeyError):
                    return config.get(remotes[0], b"url").decode(errors="replace")
        return None

    def close(self) -> None:
        """Let go of all files."""
        self._open_repo.close()

    def _begin_reflog(self, name: str) -> None:
        # A ref outside refs/heads gets no reflog by itself; once the file is there, all append to it.
        log = self.common_dir / "logs" / name
        if not log.exists():
            with disk_errors("create a reflog"):
                log.parent.mkdir(parents=True, exist_ok=True)
                log.touch()

    def _mend_reflog(self, name: str, digits: int) -> None:
        # dulwich writes 40 zeros for "nothing before", also where ids have 64 digits.
        log = self.common_dir / "logs" / name
        with contextlib.suppress(OSError):
            lines = log.read_bytes().splitlines(keepends=True)
            if lines and lines[-1].startswith(b"0" * 40 + b" ") and digits > len(b"0" * 40):
                lines[-1] = b"0" * (digits - 40) + lines[-1]
                replace_file(log, b"".join(lines))


def _ref(name: str) -> Ref:
    return name.encode()  # type: ignore[return-value]
