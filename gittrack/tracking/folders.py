"""A folder of files into a run: small ones in one go, large ones one by one."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.event_lines import encode_folder
from gittrack.core.events import ArtifactLogged
from gittrack.core.names import check_artifact_paths
from gittrack.errors import InvalidValueError, UserError
from gittrack.store.digests import ignore
from gittrack.store.disk import READ_ONLY, disk_errors
from gittrack.tracking.artifacts import INLINE_BYTES, INLINE_BYTES_PER_RUN, join_path, log_content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.store.interface import Store
    from gittrack.tracking.live import LiveRun

BATCH_BYTES = 16 << 20
"""So much of small files is stored in one go."""
WORKERS = min(4, os.cpu_count() or 1)
"""So many large files are copied and hashed at once."""
BATCH_FILES = 20_000
"""So many at most."""
MANY_FILES = 1000
INLINE_FILES = 100
"""Of a folder of more than `MANY_FILES` so many ride in the run's own commit: each is an object there."""


def log_folder(
    store: Store,
    live: LiveRun,
    source: Path,
    folder: str | None,
    *,
    link: bool = False,
    progress: Callable[[int], None] = ignore,
) -> list[str]:
    """Store every file under ``source``, keeping its relative path; return the paths in the run.

    Names are checked before any is stored. Symbolic links to files inside the folder are followed; links
    that lead out of it are refused, and links to folders are left out, so that no loop is endless.

    Args:
        store: Where content goes.
        live: The run.
        source: The folder.
        folder: In the run, the top if None.
        link: Take large files themselves rather than copies, where that can be: they become read-only.
        progress: Called with bytes as they are dealt with, by any thread.

    Raises:
        UserError: A name cannot be stored, a link leads out of the folder, or something is no file.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    top = join_path(folder, "x")[:-1]
    found = [(file, top + name) for file, name in walk(source)]
    check_artifact_paths([path for _, path in found])
    inline = len(found) if len(found) <= MANY_FILES else INLINE_FILES
    large: list[tuple[str, str]] = []
    logged: list[str] = []
    for batch in _read_small(found, large):
        logged += _log_small(store, live, batch, inline - len(logged))
        progress(sum(len(data) for _, data in batch))
    with ThreadPoolExecutor(WORKERS) as pool:
        store_one = partial(store.take_file, link=link, progress=progress)
        stored = [pool.submit(store_one, Path(file)) for file, _ in large]
        try:
            for (_, path), future in zip(large, stored, strict=True):
                artifact = replace(future.result(), path=path)
                live.write(ArtifactLogged(artifact, live.event_time()))
                logged.append(path)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return logged


def measure_folder(source: Path) -> int:
    """Return how many bytes the files under a folder hold.

    Raises:
        UserError: A link leads out of the folder or nowhere, or something is no file.
        StoreError: Something cannot be read.
    """
    with disk_errors("read the folder"):
        return sum(Path(file).stat().st_size for file, _ in walk(source))


def walk(top: Path) -> Iterator[tuple[str, str]]:
    """Yield every file under a folder: its path, and its POSIX path in the folder.

    Raises:
        UserError: A link leads out of the folder or nowhere, or something is no file.
        StoreError: Something cannot be read.
    """
    with disk_errors("read the folder"):
        yield from _walk(str(top), "", top)


def _walk(folder: str, prefix: str, top: Path) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name = prefix + entry.name
        if entry.is_file(follow_symlinks=False):  # nearly all are
            yield entry.path, name
        elif entry.is_symlink():
            if _is_file_inside(entry.path, top):
                yield entry.path, name
        elif entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{name}/", top)
        else:
            _check_regular(entry.path, entry.stat(follow_symlinks=False).st_mode)


def _is_file_inside(path: str, top: Path) -> bool:
    """Whether a symbolic link leads to a file, rather than to a folder.

    Raises:
        UserError: It leads out of the folder, or nowhere.
    """
    try:
        target = Path(path).resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: Python 3.11's word for a loop
        message = f"{path!r} is a symbolic link that leads nowhere"
        raise UserError(message, hint="remove the link, or log another folder") from None
    if not target.is_relative_to(top.resolve()):
        message = f"{path!r} is a symbolic link that leads out of {str(top)!r}"
        raise UserError(message, hint="log what it points at by its own path, or remove the link")
    if target.is_dir():
        return False
    _check_regular(path, target.stat().st_mode)
    return True


def _check_regular(path: str, mode: int) -> None:
    if not stat.S_ISREG(mode):
        message = f"{path!r} is no regular file"
        raise InvalidValueError(
            message, hint="log files and folders; fifos, sockets and devices have no content"
        )


def _read_small(
    files: list[tuple[str, str]], large: list[tuple[str, str]]
) -> Iterator[list[tuple[str, bytes]]]:
    """Yield the paths and contents of small files in batches that memory has room for; fill ``large``."""
    batch: list[tuple[str, bytes]] = []
    total = 0
    with disk_errors("read the file"):
        for file, path in files:
            # Plain calls in a plain loop: among ten thousand files, each call of a function counts.
            descriptor = os.open(file, READ_ONLY)
            try:
                data = os.read(descriptor, INLINE_BYTES + 1)
                while len(data) <= INLINE_BYTES and (more := os.read(descriptor, INLINE_BYTES)):
                    data += more  # some file systems give a file in pieces
            finally:
                os.close(descriptor)
            if len(data) > INLINE_BYTES:
                large.append((file, path))
                continue
            batch.append((path, data))
            total += len(data)
            if total > BATCH_BYTES or len(batch) == BATCH_FILES:
                yield batch
                batch, total = [], 0
    if batch:
        yield batch


def _log_small(store: Store, live: LiveRun, files: list[tuple[str, bytes]], inline: int) -> list[str]:
    """Log small files: ``inline`` of them, if the run has room, in its commit, the others in one write."""
    rest: list[tuple[str, bytes]] = []
    for path, data in files:
        if inline > 0 and live.inline_bytes + len(data) <= INLINE_BYTES_PER_RUN:
            log_content(store, live, path, data)
            inline -= 1
        else:
            rest.append((path, data))
    if rest:
        contents = [data for _, data in rest]
        digests = store.store_small(contents)
        sizes = list(map(len, contents))
        live.write_lines(encode_folder([path for path, _ in rest], digests, sizes, live.event_time()))
    return [path for path, _ in files]
