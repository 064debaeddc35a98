"""Content by its BLAKE3 digest: one copy, whole or not there, read-only."""

from __future__ import annotations

import contextlib
import math
import os
import stat
import time
from io import BytesIO
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import CorruptDataError, InvalidValueError
from gittrack.store.copying import copy_hashed, link_file
from gittrack.store.digests import digest_bytes, digest_each, digest_file, digest_stream, ignore
from gittrack.store.disk import disk_errors, renew, replace_file, temporary_file
from gittrack.store.settling import forget_loss, is_doubtful, mark_unsettled, set_aside, settle_soon
from gittrack.store.small_blobs import add_small, find_small, has_small, list_small, remove_small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from gittrack.store.layout import Layout

KNOWN_BYTES = 4 << 20
"""Of files this large it is worth remembering what they looked like."""
MANY = 1000
"""From so many on the index of small contents is read as a whole."""
RACY_S = 60.0
"""A file that changed so shortly ago may change again without a later time: through a memory map, until the
system has written it to the disk (after 35 s on Linux)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Content that is here."""

    digest: str
    size: int
    """Bytes."""
    mtime: float
    """When it was last stored, seconds since the epoch."""


def has_blob(layout: Layout, digest: str) -> bool:
    """Whether the content with ``digest`` is here."""
    return layout.blob(digest).exists() or has_small(layout, digest)


def find_missing(layout: Layout, digests: Iterable[str]) -> list[str]:
    """Return which content is not here, in the order given; of many quicker than one by one."""
    top = str(layout.objects)
    lacking = [one for one in digests if not os.path.exists(f"{top}/{one[:2]}/{one[2:]}")]
    if len(lacking) < MANY:
        return [one for one in lacking if not has_small(layout, one)]
    small = {digest for digest, _, _ in list_small(layout)}
    return [one for one in lacking if one not in small]


def open_blob(layout: Layout, digest: str) -> BinaryIO | None:
    """Open the content with ``digest``, None if it is not here.

    Raises:
        StoreError: It cannot be read.
    """
    with disk_errors("read an artifact"):
        try:
            return layout.blob(digest).open("rb")
        except FileNotFoundError:
            small = find_small(layout, digest)
            return None if small is None else BytesIO(small)


def store_small(layout: Layout, contents: Sequence[bytes]) -> list[str]:
    """Keep many small contents in one go; return their digests.

    Raises:
        StoreError: The disk is full, or failed.
    """
    digests = digest_each(contents)
    add_small(layout, dict(zip(digests, contents, strict=True)))
    return [digest.hex() for digest in digests]


def store_bytes(layout: Layout, data: bytes) -> str:
    """Keep ``data``; return its digest.

    Raises:
        StoreError: The disk is full, or failed.
    """
    digest = digest_bytes(data)
    if not _renew(layout, digest):
        with disk_errors("store an artifact"), temporary_file(layout.temporary) as temporary:
            temporary.write_bytes(data)
            _publish(layout, temporary, digest)
    return digest


def store_file(
    layout: Layout, source: Path, *, link: bool = False, progress: Callable[[int], None] = ignore
) -> tuple[str, int]:
    """Keep the content of a file; return digest and size. Memory stays flat whatever the size.

    The copy is what is hashed, so a file that changes meanwhile is stored as it was copied, never half-known.
    It is on the disk when a commit names it, not yet when this returns; see `gittrack.store.settling`.

    Args:
        layout: Where to.
        source: A regular file.
        link: Take the file itself instead of a copy, where it is on the same file system: it becomes
            read-only, and whoever changes it nevertheless damages what is stored.
        progress: Called with bytes as they are dealt with.

    Raises:
        InvalidValueError: It is no regular file.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    with disk_errors("store an artifact"):
        about = source.stat()
        if not stat.S_ISREG(about.st_mode):
            message = f"{str(source)!r} is no regular file"
            raise InvalidValueError(
                message, hint="log files and folders; fifos, sockets and devices have no content"
            )
        digest = _recall(layout, about)
        if digest is not None and _renew(layout, digest):
            progress(about.st_size)
            return digest, about.st_size
        with temporary_file(layout.temporary) as temporary:
            take = _link if link else _copy
            digest = take(source, temporary, progress)
            size = temporary.stat().st_size
            keep_file(layout, temporary, digest)
        remember(layout, recognize(source, about), digest)
        return digest, size


def is_known(layout: Layout, about: os.stat_result) -> bool:
    """Whether a large file looks as it did when it was stored, and what was stored is still here."""
    digest = _recall(layout, about)
    return digest is not None and layout.blob(digest).exists()


def recognize(source: Path, about: os.stat_result) -> list[str] | None:
    """Return by what a large file that was just read will be known, None if it may have changed meanwhile.

    Args:
        source: The file.
        about: What it was before it was read.
    """
    is_settled = max(about.st_mtime, about.st_ctime) < time.time() - RACY_S
    try:
        if about.st_size >= KNOWN_BYTES and is_settled and _look(source.stat()) == _look(about):
            return [f"{about.st_dev:x}-{about.st_ino:x}", *_look(about)]
    except OSError:
        pass
    return None


def remember(layout: Layout, known_by: list[str] | None, digest: str) -> None:
    """Remember the digest of a file, by what `recognize` returned."""
    if known_by is not None:
        with contextlib.suppress(OSError):  # only a shortcut
            layout.known.mkdir(parents=True, exist_ok=True)
            replace_file(layout.known / known_by[0], " ".join([*known_by[1:], digest]).encode())


def keep_file(layout: Layout, path: Path, digest: str) -> None:
    """Make a file that may not be on the disk yet, on the same file system, the stored content itself.

    Raises:
        OSError: It is gone, or the disk failed.
    """
    if _renew(layout, digest):
        path.unlink()
    else:
        _publish(layout, path, digest)


def adopt_file(layout: Layout, path: Path, digest: str) -> None:
    """Make a file whose digest is known, on the same file system, the stored content itself.

    Raises:
        OSError: The disk failed.
    """
    _put_in_place(layout, path, digest)


def remove_blob(layout: Layout, digest: str) -> None:
    """Remove content, whoever refers to it.

    Raises:
        StoreError: It cannot be removed.
    """
    with disk_errors("remove an artifact"):
        layout.blob(digest).unlink(missing_ok=True)
    remove_small(layout, [(digest, math.inf)])


def verify_blob(layout: Layout, digest: str) -> None:
    """Hash stored content again.

    Raises:
        CorruptDataError: It is not what its digest says.
        StoreError: It cannot be read.
    """
    with (
        disk_errors("verify an artifact"),
        contextlib.closing(open_blob(layout, digest) or BytesIO()) as file,
    ):
        if digest_stream(file) != digest:
            message = f"the stored content {digest[:12]} is damaged"
            hint = "`gittrack artifacts get` fetches it again if a remote has it; else log it again"
            raise CorruptDataError(message, hint=hint)


def put_aside(layout: Layout, digest: str) -> None:
    """Keep damaged content from being taken for what it should be: what is left of it goes elsewhere.

    Raises:
        StoreError: It cannot be moved.
    """
    with disk_errors("set an artifact aside"):
        if set_aside(layout, digest) is None and (data := find_small(layout, digest)) is not None:
            replace_file(layout.damaged / digest, data)
            remove_small(layout, [(digest, math.inf)])


def find_remains(layout: Layout, digest: str) -> Path | None:
    """Return what is left of content that was damaged here and not replaced since, None if none was."""
    path = layout.damaged / digest
    return path if path.exists() and not has_blob(layout, digest) else None


def list_blobs(layout: Layout) -> Iterator[str]:
    """Yield the digests of all content here."""
    for one in list_stored(layout):
        yield one.digest


def list_stored(layout: Layout) -> Iterator[Stored]:
    """Yield all content here, with size and time.

    Raises:
        StoreError: It cannot be listed.
    """
    with contextlib.suppress(FileNotFoundError):
        for folder in sorted(os.listdir(layout.objects)):
            for entry in sorted(os.scandir(layout.objects / folder), key=lambda one: one.name):
                with contextlib.suppress(FileNotFoundError):
                    about = entry.stat()
                    yield Stored(folder + entry.name, about.st_size, about.st_mtime)
    for digest, size, mtime in list_small(layout):
        yield Stored(digest, size, mtime)


def _recall(layout: Layout, about: os.stat_result) -> str | None:
    """Return the digest of a file that looks as it did when it was stored, None if that is not known."""
    if about.st_size < KNOWN_BYTES:
        return None
    try:
        words = (layout.known / f"{about.st_dev:x}-{about.st_ino:x}").read_text("ascii").split()
    except (OSError, ValueError):
        return None
    return words[3] if words[:3] == _look(about) and len(words) == 4 else None  # noqa: PLR2004


def _look(about: os.stat_result) -> list[str]:
    return [str(about.st_size), str(about.st_mtime_ns), str(about.st_ctime_ns)]


def _renew(layout: Layout, digest: str) -> bool:
    """Whether content is here; what is stored again counts as new, so that it is not collected meanwhile."""
    path = layout.blob(digest)
    if not path.exists() or is_doubtful(layout, digest):
        return False
    return renew(path)


def _publish(layout: Layout, temporary: Path, digest: str) -> None:
    """Make a file that may not be on the disk yet the content with ``digest``."""
    size = temporary.stat().st_size
    mark_unsettled(layout, digest)
    _put_in_place(layout, temporary, digest)
    settle_soon(layout, digest, size)


def _put_in_place(layout: Layout, temporary: Path, digest: str) -> None:
    final = layout.blob(digest)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary.chmod(0o444)
    temporary.replace(final)
    forget_loss(layout, digest)


def _copy(source: Path, temporary: Path, progress: Callable[[int], None]) -> str:
    with source.open("rb", buffering=0) as file:
        return copy_hashed(file, temporary, progress)


def _link(source: Path, temporary: Path, progress: Callable[[int], None]) -> str:
    """Make a file the stored content itself, or copy it where that cannot be; return its digest."""
    if link_file(source, temporary):
        before = temporary.stat()
        digest = digest_file(temporary, progress)
        if _look(temporary.stat())[:2] == _look(before)[:2]:
            return digest
        temporary.unlink()
    return _copy(source, temporary, ignore)
