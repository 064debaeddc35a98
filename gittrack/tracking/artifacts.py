"""Files into a run and out of it again."""

from __future__ import annotations

import os
import stat
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gittrack.core.events import ArtifactLogged
from gittrack.core.model import Artifact, FileInfo
from gittrack.core.names import check_artifact_path, shorten
from gittrack.errors import (
    ArtifactNotFoundError,
    InvalidNameError,
    InvalidValueError,
)
from gittrack.store.digests import digest_bytes, ignore
from gittrack.store.disk import disk_errors
from gittrack.store.layout import SMALL_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.model import Run
    from gittrack.store.interface import Store
    from gittrack.tracking.live import LiveRun

INLINE_BYTES = SMALL_BYTES
"""Content up to this size rides in the run's own commit."""
INLINE_BYTES_PER_RUN = 1 << 20
"""At most this much content rides in the run's own commit."""
COPY_BYTES = 1 << 20


def join_path(folder: object, name: str) -> str:
    """Return the checked path of ``name`` in an artifact folder.

    Raises:
        InvalidNameError: It cannot be the path of an artifact.
    """
    if folder is None or folder == "":
        return check_artifact_path(name)
    top = check_artifact_path(folder.rstrip("/") if isinstance(folder, str) else folder)
    return check_artifact_path(f"{top}/{name}")


def log_content(store: Store, live: LiveRun, path: str, content: bytes) -> Artifact:
    """Store ``content`` as the artifact ``path``.

    Raises:
        InvalidNameError: The path cannot be one of an artifact.
        StoreError: The disk is full, or failed.
    """
    check_artifact_path(path)
    if len(content) <= INLINE_BYTES and live.inline_bytes + len(content) <= INLINE_BYTES_PER_RUN:
        live.inline_bytes += len(content)
        artifact = Artifact(path, digest_bytes(content), len(content), inline=True)
        live.write(ArtifactLogged(artifact, live.event_time(), content))
        return artifact
    artifact = replace(store.store_content(content), path=path)
    live.write(ArtifactLogged(artifact, live.event_time()))
    return artifact


def log_file(
    store: Store,
    live: LiveRun,
    source: Path,
    path: str,
    *,
    link: bool = False,
    progress: Callable[[int], None] = ignore,
) -> Artifact:
    """Store the content of a file as the artifact ``path``; memory stays flat whatever its size.

    The digest of what is returned may be a stand-in; see `Store.take_file`.

    Args:
        store: Where its content goes.
        live: The run.
        source: The file.
        path: In the run.
        link: Take a large file itself rather than a copy, where that can be: it becomes read-only.
        progress: Called with bytes as they are dealt with.

    Raises:
        InvalidNameError: The path cannot be one of an artifact.
        InvalidValueError: The source is a fifo, socket or device.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    check_artifact_path(path)
    with disk_errors("read the file"):
        about = source.stat()
        if not stat.S_ISREG(about.st_mode):
            message = f"{str(source)!r} is no regular file"
            raise InvalidValueError(
                message, hint="log files and folders; fifos, sockets and devices have no content"
            )
        if about.st_size <= INLINE_BYTES:
            progress(about.st_size)
            return log_content(store, live, path, source.read_bytes())
    artifact = replace(store.take_file(source, link=link, progress=progress), path=path)
    live.write(ArtifactLogged(artifact, live.event_time()))
    return artifact


def log_stream(store: Store, live: LiveRun, path: str, stream: BinaryIO) -> Artifact:
    """Store what a binary stream holds as the artifact ``path``; memory stays flat whatever its size.

    Raises:
        InvalidNameError: The path cannot be one of an artifact.
        InvalidValueError: It is no binary stream.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    check_artifact_path(path)
    with disk_errors("copy the stream"), tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
        copy = Path(folder) / "stream"
        with copy.open("wb") as file:
            try:
                while chunk := stream.read(COPY_BYTES):
                    file.write(chunk)
            except (AttributeError, TypeError) as error:
                message = f"a stream must give bytes when it is read: {error}"
                hint = "open the file in mode 'rb'; log_text() logs text, log_artifact() files"
                raise InvalidValueError(message, hint=hint) from None
        return log_file(store, live, copy, path)


def check_source(local_path: str | os.PathLike[str]) -> Path:
    """Return the path of something to log.

    Raises:
        InvalidNameError: It is no path.
        ArtifactNotFoundError: There is nothing.
    """
    try:
        source = Path(os.fsdecode(os.fspath(local_path)))
        if source.exists():
            return source
    except (TypeError, ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        message = f"{shorten(str(local_path))} is no path: {reason}"
        raise InvalidNameError(message, hint="pass the path of a file or folder") from None
    if source.is_symlink():
        message = f"{str(source)!r} is a symbolic link that leads nowhere"
        raise ArtifactNotFoundError(message, hint="log what it should lead to by its own path")
    message = f"no file or folder at {str(source)!r}"
    raise ArtifactNotFoundError(message, hint=f"paths are relative to {str(Path.cwd())!r}")


def list_folder(artifacts: Mapping[str, Artifact], folder: str | None) -> list[FileInfo]:
    """Return the files and folders directly in an artifact folder (None: the top), sorted by path."""
    prefix = f"{folder.strip('/')}/" if folder and folder.strip("/") else ""
    found: dict[str, FileInfo] = {}
    for path, artifact in artifacts.items():
        if not path.startswith(prefix):
            continue
        name, is_dir, _ = path[len(prefix) :].partition("/")
        entry = prefix + name
        if not is_dir:
            found[entry] = FileInfo(entry, is_dir=False, file_size=artifact.size)
        elif entry not in found:
            found[entry] = FileInfo(entry, is_dir=True, file_size=None)
    return [found[path] for path in sorted(found)]


def find_artifact(run: Run, path: str) -> Artifact:
    """Return the artifact at ``path``.

    Raises:
        ArtifactNotFoundError: There is none.
    """
    artifact = run.artifacts.get(path.strip("/"))
    if artifact is None:
        message = f"run {run.name!r} has no artifact {shorten(path)}"
        known = ", ".join(map(shorten, sorted(run.artifacts)[:5]))
        raise ArtifactNotFoundError(message, hint=f"it has {known}" if known else "it has none at all")
    return artifact
