"""Parts in any place that fsspec reaches: a folder, S3, SFTP, WebDAV; a web server to read from."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.errors import ArtifactNotFoundError, GittrackError, RemoteError, UserError
from gittrack.store.disk import replace_file
from gittrack.store.remotes.interface import StoredPart, map_few
from gittrack.store.remotes.trying import TRANSIENT, persist

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from gittrack.store.remotes.interface import Part, PartRange

PART_BYTES = 32 << 20
BATCH_BYTES = 256 << 20
WORKERS = 4
LISTED_FROM = 200
"""From so many parts on, one listing is cheaper than asking for each."""
WHOLE_OR_NOTHING = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oci", "oss", "obs", "tos", "memory"}
)
"""Object stores: what is written to a name appears there at once."""
SEEKING = frozenset({"sftp", "ssh"})
"""Where asking for a range brings the whole file."""
READ_ONLY = frozenset({"http", "https", "zip", "tar", "github"})
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "sftp": {"connect_timeout": 30, "keepalive_interval": 15},
    "ssh": {"connect_timeout": 30, "keepalive_interval": 15},
}
TIMEOUT_S = 60.0
"""A web server that says nothing for so long is given up."""
FORBIDDEN = frozenset({401, 403})
EXTRA_HINT = "install what it needs: pip install 'gittrack[remotes]'"


@dataclass(frozen=True, slots=True)
class FsspecRemote:
    """The parts in one folder of one file system."""

    name: str
    file_system: Any
    """An ``fsspec.AbstractFileSystem``."""
    root: str
    protocol: str
    part_bytes: int = PART_BYTES
    batch_bytes: int = BATCH_BYTES
    now_s: Callable[[], float] = field(default=time.time)

    def find(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which parts are there with the right size."""
        if not sizes:
            return set()
        if len(sizes) >= LISTED_FROM and self.protocol not in READ_ONLY:
            return {part.name for part in self.list_parts() if sizes.get(part.name) == part.size}
        with self._errors("look at"), ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(lambda name: (name, persist(lambda: self._size_of(name), _may_pass)), sizes)
            return {name for name, size in found if size == sizes[name]}

    def put(self, parts: Iterable[Part], progress: Callable[[int], None]) -> None:
        """Write parts, each under its final name only when it is whole."""
        if self.protocol in READ_ONLY:
            message = f"the remote {self.name!r} can only be read"
            raise RemoteError(message, hint="send content to another one")
        with ThreadPoolExecutor(WORKERS) as pool:
            for size in map_few(pool, self._put_one, parts, ahead=WORKERS):
                progress(size)

    def read(self, wanted: Sequence[PartRange]) -> Iterator[bytes]:
        """Read ranges, a few ahead."""
        with ThreadPoolExecutor(WORKERS) as pool:
            yield from map_few(pool, self._read_range, wanted, ahead=WORKERS)

    def list_parts(self) -> Iterator[StoredPart]:
        """Yield the parts of the folder."""
        with self._errors("list"):
            try:
                entries = self.file_system.find(self._join("parts"), detail=True)
            except FileNotFoundError:
                return
            for path, about in entries.items():
                name = path.rpartition("/")[2]
                if "." not in name:  # else half-written, by somebody alive or dead
                    yield StoredPart(name, int(about["size"] or 0), self._time_of(about))

    def remove(self, names: Collection[str]) -> None:
        """Delete parts."""
        with self._errors("remove from"):
            for name in names:
                with suppress(FileNotFoundError):
                    self.file_system.rm_file(self._path(name))

    def _put_one(self, part: Part) -> int:
        with self._errors("write to"):
            return persist(lambda: self._write(part), _may_pass)

    def _write(self, part: Part) -> int:
        path, there = self._path(part.name), self._size_of(part.name)
        if there == part.size:
            return part.size
        if self.protocol in WHOLE_OR_NOTHING:
            self.file_system.pipe_file(path, part.data)
            return part.size
        self.file_system.makedirs(path.rpartition("/")[0], exist_ok=True)
        if self.protocol == "file":
            replace_file(Path(path), part.data, sync=True)
            return part.size
        temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
        try:
            self.file_system.pipe_file(temporary, part.data)
            if there is not None:  # cut off by a full disk: nothing whole is ever replaced
                self.file_system.rm_file(path)
            self.file_system.mv(temporary, path)
        except BaseException:
            with suppress(Exception):
                self.file_system.rm_file(temporary)
            if self._size_of(part.name) == part.size:  # somebody else put it there first
                return part.size
            raise
        return part.size

    def _read_range(self, one: PartRange) -> bytes:
        with self._errors("read from"):
            try:
                path = self._path(one.part)
                return persist(lambda: self._read_bytes(path, one.offset, one.size), _may_pass)
            except FileNotFoundError:
                message = f"part {one.part[:12]} is not at the remote {self.name!r}"
                raise ArtifactNotFoundError(message, hint="whoever logged it can push it again") from None

    def _read_bytes(self, path: str, offset: int, size: int) -> bytes:
        if self.protocol not in SEEKING:
            return bytes(self.file_system.cat_file(path, start=offset, end=offset + size))
        with self.file_system.open(path, "rb") as file:
            file.seek(offset)
            return bytes(file.read(size))

    def _size_of(self, name: str) -> int | None:
        try:
            about = self.file_system.info(self._path(name))
        except FileNotFoundError:
            return None
        size = about.get("size")
        return None if size is None else int(size)

    def _time_of(self, about: Mapping[str, Any]) -> float:
        for key in ("mtime", "LastModified", "last_modified", "modified", "created"):
            value = about.get(key)
            if isinstance(value, datetime):
                return value.timestamp()
            if isinstance(value, (int, float)):
                return float(value)
        return self.now_s()  # unknown counts as new, so that nothing in flight is removed

    def _path(self, name: str) -> str:
        return self._join(f"parts/{name[:2]}/{name}")

    def _join(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}" if self.root else path

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        with translated(f"{action} the remote {self.name!r}"):
            yield


@contextmanager
def translated(action: str) -> Iterator[None]:
    """Turn whatever a file system of fsspec raises into a `RemoteError`.

    Raises:
        RemoteError: The block raised anything that is no error of ours.
    """
    try:
        yield
    except GittrackError:
        raise
    except ImportError as error:
        message = f"cannot {action}: {error}"
        raise UserError(message, hint=EXTRA_HINT) from error
    except Exception as error:  # each file system has errors of its own
        if isinstance(error, PermissionError) or _status_of(error) in FORBIDDEN:
            message = f"cannot {action}: it does not let you: {error}"
            raise RemoteError(message, hint="check your credentials and what they may do there") from error
        message = f"cannot {action}: {str(error) or type(error).__name__}"
        raise RemoteError(
            message, hint="try again when it can be reached; what was logged is safe here"
        ) from error


def _may_pass(error: Exception) -> bool:
    """Whether a failure may be gone a moment later."""
    if (status := _status_of(error)) is not None:
        return status in TRANSIENT
    # By its name, since the package need not be installed: what httpx raises when a connection breaks.
    is_broken = any(one.__name__ == "TransportError" for one in type(error).__mro__)
    return is_broken or isinstance(error, (ConnectionError, TimeoutError))


def _status_of(error: BaseException | None) -> int | None:
    """Return the HTTP status that a failure comes from, None if it comes from none."""
    while error is not None:
        for one in (error, getattr(error, "response", None)):
            status = getattr(one, "status_code", None) or getattr(one, "status", None)
            if isinstance(status, int):
                return status
        error = error.__cause__
    return None


def open_fsspec_remote(name: str, url: str, options: Mapping[str, Any]) -> FsspecRemote:
    """Return the parts under a URL.

    Credentials are those that the file system finds by itself: AWS profiles and variables, ssh keys and
    agents, ``~/.netrc``.

    Raises:
        UserError: A package is missing, or the URL makes no sense.
        RemoteError: It cannot be reached.
    """
    file_system, root, protocol = open_file_system(url, options)
    return FsspecRemote(name, file_system, root, protocol)


def open_file_system(url: str, options: Mapping[str, Any]) -> tuple[Any, str, str]:
    """Return the file system of a URL, the path in it, and the name of its protocol.

    Raises:
        UserError: A package is missing, or the URL makes no sense.
        RemoteError: It cannot be reached.
    """
    try:
        import fsspec
    except ImportError as error:
        message = f"{url!r} needs the package fsspec"
        raise UserError(message, hint=EXTRA_HINT) from error
    protocol, separator, _ = url.partition("://")
    if not separator:
        message = f"{url!r} is no URL"
        raise UserError(message, hint="e.g. s3://bucket/models, sftp://host/path or file:///shared/folder")
    with translated(f"open {url}"):
        if protocol in {"webdav+http", "webdav+https"}:
            return _open_webdav(url.removeprefix("webdav+"), options), "", "webdav"
        known = {**DEFAULTS.get(protocol, {}), **options}
        try:
            file_system, root = fsspec.core.url_to_fs(url, **known)
        except ValueError as error:
            message = f"cannot use {url!r}: {error}"
            raise UserError(message, hint="the package that knows this kind of URL may be missing") from error
        return file_system, root, protocol


def fetch_uri(url: str, target: Path, options: Mapping[str, Any]) -> None:
    """Copy what a URI refers to into a file.

    Raises:
        ArtifactNotFoundError: There is nothing.
        RemoteError: It cannot be reached.
        UserError: A package is missing, or the URI makes no sense.
    """
    file_system, path, _ = open_file_system(url, options)
    with translated(f"read {url}"):
        try:
            file_system.get_file(path, str(target))
        except FileNotFoundError:
            message = f"there is nothing at {url}"
            raise ArtifactNotFoundError(message, hint="it may have been moved or removed there") from None


def _open_webdav(url: str, options: Mapping[str, Any]) -> Any:  # noqa: ANN401  (a file system)
    import httpx
    from webdav4.fsspec import WebdavFileSystem

    auth = None
    with suppress(FileNotFoundError):
        auth = httpx.NetRCAuth()
    # Its own retries leave out connections that broke, and know no jitter.
    return WebdavFileSystem(url, **{"auth": auth, "timeout": TIMEOUT_S, "retry": False, **options})
