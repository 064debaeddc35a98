"""Large files that are kept already, and hashed while the training goes on.

Until its digest is known such a file goes by a stand-in, which only journals of this clone name: whoever
reads one puts digests in place of stand-ins (`name_content`), so that no commit ever holds one.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard

from gittrack.core.events import ArtifactLogged
from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import decode, encode_compact
from gittrack.store import blobs
from gittrack.store.copying import copy_file, link_file
from gittrack.store.digests import digest_file
from gittrack.store.disk import disk_errors, replace_file, temporary_file
from gittrack.store.journal_files import list_journals
from gittrack.store.settling import ABANDONED_S, boot_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future, ThreadPoolExecutor
    from pathlib import Path

    from gittrack.core.events import Event
    from gittrack.store.layout import Layout

LONG_BYTES = 32 << 20
"""From this size on it takes longer to hash a file than anybody should wait for."""
STAND_IN = "0" * 16
"""Begins what a file goes by until its digest is known; a digest begins so once in 2⁶⁴ times."""
RECORD = ".json"

_hashing: dict[tuple[Path, str], Future[tuple[str, int] | None]] = {}
"""What this process took and has not hashed yet."""


class _Worker:
    pool: ThreadPoolExecutor | None = None
    """Hashes one file after the other: each of them keeps all cores busy."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What is known of a file that was taken."""

    size: int
    """Bytes."""
    mtime_ns: int
    boot: str
    known_by: list[str] | None
    """What the source is known by if it does not change; see `blobs.recognize`."""
    digest: str | None = None


def take_file(layout: Layout, source: Path, *, link: bool = False) -> tuple[str, int] | None:
    """Keep a large file; return its stand-in and size.

    A thread finds out the digest. A killed process loses nothing: the next reader of its journal does.

    Args:
        layout: Where to.
        source: The file.
        link: Take the file itself instead of a copy; see `blobs.store_file`.

    Returns:
        None where there is no gain, since it is small or known already, or no regular file: then
        `blobs.store_file` is the way.

    Raises:
        StoreError: It cannot be read, or the disk is full or failed.
    """
    with disk_errors("store an artifact"):
        about = source.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size < LONG_BYTES or blobs.is_known(layout, about):
            return None
        stand_in = STAND_IN + os.urandom(24).hex()
        with temporary_file(layout.temporary) as temporary:
            if not (link and link_file(source, temporary)):
                copy_file(source, temporary)
            temporary.chmod(0o444)  # from now on: what it holds is what was logged
            taken = temporary.stat()
            layout.unhashed.mkdir(parents=True, exist_ok=True)
            known_by = blobs.recognize(source, about)
            _write(layout, stand_in, _Record(taken.st_size, taken.st_mtime_ns, boot_id(), known_by))
            temporary.replace(layout.unhashed / stand_in)
        _hash_soon(layout, stand_in)
        return stand_in, taken.st_size


def name_content(layout: Layout, events: list[Event], *, is_writing: bool = False) -> list[Event]:
    """Return events with the digest of each file in place of its stand-in.

    Args:
        layout: Where the files are.
        events: Of a journal.
        is_writing: The events are about to be committed, so all is hashed that is not yet. Else files that
            another process is about to hash are left out.

    Raises:
        StoreError: The disk is full, or failed.
    """
    if not any(_stands_in(event) for event in events):
        return events
    return [named for event in events if (named := _name(layout, event, is_writing=is_writing)) is not None]


def hash_all(layout: Layout, *, min_age_s: float = 0) -> None:
    """Find out the digest of every file that was taken at least so many seconds ago.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("hash an artifact"):
        for record in _list_records(layout, min_age_s):
            find_digest(layout, record.stem)


def forget_hashed(layout: Layout) -> None:
    """Forget the digests that no journal can ask for any more.

    Raises:
        StoreError: The disk failed.
    """
    if any(True for _ in list_journals(layout)):
        return
    with disk_errors("tidy up"):
        for record in _list_records(layout, ABANDONED_S):
            if not record.with_suffix("").exists():  # else it is not hashed, or cannot be
                record.unlink(missing_ok=True)


def find_digest(layout: Layout, stand_in: str) -> tuple[str, int] | None:
    """Return digest and size of a file that was taken, None if it can no longer be read.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("hash an artifact"):
        if (future := _hashing.get((layout.root, stand_in))) is not None:
            future.exception()  # waits; what failed is tried again
        return _hash(layout, stand_in)


def _stands_in(event: Event) -> TypeGuard[ArtifactLogged]:
    return isinstance(event, ArtifactLogged) and event.artifact.digest.startswith(STAND_IN)


def _name(layout: Layout, event: Event, *, is_writing: bool) -> Event | None:
    if not _stands_in(event):
        return event
    stand_in = event.artifact.digest
    # Whoever only reads changes nothing: the repository may be somebody else's, or read-only.
    is_ours = is_writing or (layout.root, stand_in) in _hashing
    found = find_digest(layout, stand_in) if is_ours else _known_digest(layout, stand_in)
    if found is not None:
        return replace(event, artifact=replace(event.artifact, digest=found[0], size=found[1]))
    if is_writing:
        message = f"{event.artifact.path!r} was logged and cannot be read from the disk: log it again"
        warnings.warn(message, stacklevel=2)
    return None


def _known_digest(layout: Layout, stand_in: str) -> tuple[str, int] | None:
    record = _read(layout, stand_in)
    return None if record is None or record.digest is None else (record.digest, record.size)


def _hash(layout: Layout, stand_in: str) -> tuple[str, int] | None:
    """Make a file that was taken stored content; return its digest and size, None if it cannot be read.

    Its digest is written down before it moves: killed in between, the next one moves it.

    Raises:
        OSError: The disk is full, or failed.
    """
    path = layout.unhashed / stand_in
    record = _read(layout, stand_in)
    if record is not None and record.digest is None:
        try:
            digest, about = digest_file(path), path.stat()
        except OSError:  # it is gone, perhaps because somebody else was quicker
            record = _read(layout, stand_in)
        else:
            if (about.st_size, about.st_mtime_ns, boot_id()) != (record.size, record.mtime_ns, record.boot):
                message = f"content {digest[:12]} may have changed after it was logged: look at it"
                warnings.warn(message, stacklevel=2)
            else:
                blobs.remember(layout, record.known_by, digest)
            record = replace(record, size=about.st_size, digest=digest)
            _write(layout, stand_in, record)
    if record is None or record.digest is None:
        return None
    if path.exists():
        with contextlib.suppress(FileNotFoundError):  # somebody else was quicker
            blobs.keep_file(layout, path, record.digest)
    return record.digest, record.size


def _hash_soon(layout: Layout, stand_in: str) -> None:
    from concurrent.futures import ThreadPoolExecutor  # most runs never need it

    if _Worker.pool is None:
        _Worker.pool = ThreadPoolExecutor(1, "gittrack-hash")
    key = layout.root, stand_in
    with contextlib.suppress(RuntimeError):  # Python is shutting down: whoever commits hashes it
        _hashing[key] = future = _Worker.pool.submit(_hash, layout, stand_in)
        future.add_done_callback(lambda _future: _hashing.pop(key, None))


def _read(layout: Layout, stand_in: str) -> _Record | None:
    """Return what is known of a file that was taken, None if it never was."""
    try:
        row: Any = decode((layout.unhashed / f"{stand_in}{RECORD}").read_bytes())
        return _Record(*row)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):  # torn by a power cut
        return _Record(0, 0, "", None)


def _write(layout: Layout, stand_in: str, record: _Record) -> None:
    row = [record.size, record.mtime_ns, record.boot, record.known_by, record.digest]
    replace_file(layout.unhashed / f"{stand_in}{RECORD}", encode_compact(row))


def _list_records(layout: Layout, min_age_s: float) -> Iterator[Path]:
    latest = time.time() - min_age_s
    with contextlib.suppress(FileNotFoundError):
        for path in sorted(layout.unhashed.iterdir()):
            with contextlib.suppress(FileNotFoundError):
                if path.suffix == RECORD and path.stat().st_mtime <= latest:
                    yield path


def _forget_after_fork() -> None:
    _hashing.clear()
    _Worker.pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
