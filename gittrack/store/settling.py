"""Content that is stored already, and on its way to the disk: nothing that names it is committed before.

Storing would otherwise wait for the disk, several times as long as copying takes. A killed process loses
nothing by that; after a power cut, what had not reached the disk is hashed again before it is trusted.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import StoreError
from gittrack.store.digests import digest_file
from gittrack.store.disk import datasync, disk_errors

if TYPE_CHECKING:
    from collections.abc import Container

    from gittrack.store.layout import Layout

BACKGROUND_BYTES = 4 << 20
"""From this size on, content is brought to the disk by the way, rather than at the next commit."""
LOST = ".lost"
"""Ends the name of the marker of content that the disk did not take."""
PACK = "pack-"
"""Begins the name of the marker of a pack of small contents, and of such a pack that is damaged."""
ABANDONED_S = 3600.0
"""A marker so old without content is that of a writer that was killed, or of content that was removed."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def mark_unsettled(layout: Layout, digest: str) -> None:
    """Say that content, about to appear, is not on the disk yet.

    Raises:
        OSError: The disk is full, or failed.
    """
    path = layout.unsettled / digest
    try:
        path.write_text(boot_id(), "ascii")
    except FileNotFoundError:
        layout.unsettled.mkdir(parents=True, exist_ok=True)
        path.write_text(boot_id(), "ascii")


def settle_soon(layout: Layout, digest: str, size: int) -> None:
    """Begin to bring large content to the disk; `settle` waits for it."""
    if size >= BACKGROUND_BYTES:
        threading.Thread(
            target=_bring_quietly, args=(layout, digest), name="gittrack-settle", daemon=True
        ).start()


def settle(layout: Layout, digests: Container[str] | None = None) -> None:
    """Bring content that was stored to the disk; set aside what a power cut damaged.

    Args:
        layout: Where it is.
        digests: Which content, all there is if None: what another run stores is for that run to wait for.
            Packs of small contents are brought there in any case, few and small as they are.

    Raises:
        StoreError: Some of it could not be written; it is set aside, and the next call succeeds.
    """
    with disk_errors("bring an artifact to the disk"):
        for marker in _list_markers(layout, digests):
            if marker.suffix != LOST:
                _bring(layout, marker.name)
        lost = [marker for marker in _list_markers(layout, digests) if marker.suffix == LOST]
        for marker in lost:
            marker.unlink(missing_ok=True)
    if lost:
        which = ", ".join(marker.name[:12] for marker in lost)
        message = f"content that was stored could not be written to the disk: {which}"
        hint = "log it again once the disk is well; `gittrack doctor` looks for more damage"
        raise StoreError(message, hint=hint)


def settle_abandoned(layout: Layout) -> None:
    """Bring content to the disk that was stored long ago: nobody may ever commit what names it.

    What cannot be written is marked as lost, for whoever names it to be told.

    Raises:
        StoreError: The disk failed.
    """
    oldest = time.time() - ABANDONED_S
    with disk_errors("bring an artifact to the disk"):
        for marker in _list_markers(layout, None):
            with contextlib.suppress(FileNotFoundError):
                if marker.suffix != LOST and marker.stat().st_mtime < oldest:
                    _bring(layout, marker.name)


def _list_markers(layout: Layout, digests: Container[str] | None) -> list[Path]:
    try:
        names = sorted(os.listdir(layout.unsettled))
    except FileNotFoundError:
        return []
    return [
        layout.unsettled / name
        for name in names
        if digests is None or name.startswith(PACK) or name.removesuffix(LOST) in digests
    ]


def forget_loss(layout: Layout, digest: str) -> None:
    """Take note that content which the disk did not take, or which was damaged, is here again.

    Raises:
        OSError: The disk failed.
    """
    (layout.damaged / digest).unlink(missing_ok=True)
    (layout.unsettled / f"{digest}{LOST}").unlink(missing_ok=True)


def is_doubtful(layout: Layout, digest: str) -> bool:
    """Whether content was stored shortly before a power cut, and was not hashed since."""
    try:
        return _was_before_a_boot(layout.unsettled / digest)
    except OSError:
        return False


def set_aside(layout: Layout, digest: str) -> Path | None:
    """Keep damaged content from being taken for what it should be; return where it is now, if there was any.

    Raises:
        OSError: It cannot be moved.
    """
    aside = layout.damaged / digest
    layout.damaged.mkdir(parents=True, exist_ok=True)
    try:
        _place(layout, digest).replace(aside)
    except FileNotFoundError:
        return None
    return aside


def _bring(layout: Layout, digest: str) -> None:
    """Bring content to the disk and forget its marker; if that fails, set it aside and mark it as lost."""
    marker, path = layout.unsettled / digest, _place(layout, digest)
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        # Its writer may be about to put it there, and then relies on the marker.
        with contextlib.suppress(FileNotFoundError):
            if marker.stat().st_mtime < time.time() - ABANDONED_S:
                marker.unlink()
        return
    try:
        if _was_before_a_boot(marker) and digest_file(path) != digest.removeprefix(PACK):
            set_aside(layout, digest)
        else:
            datasync(descriptor)
        marker.unlink(missing_ok=True)
    except FileNotFoundError:
        pass  # somebody else settled it meanwhile
    except OSError:
        # Asked again, the system would say that all is well: it reports such a failure once.
        set_aside(layout, digest)
        with contextlib.suppress(FileNotFoundError):
            marker.replace(marker.with_name(f"{digest}{LOST}"))
    finally:
        os.close(descriptor)


def _place(layout: Layout, name: str) -> Path:
    """Return where the content or pack is that a marker is named after."""
    return layout.small / name.removeprefix(PACK) if name.startswith(PACK) else layout.blob(name)


def _bring_quietly(layout: Layout, digest: str) -> None:
    with contextlib.suppress(OSError):  # then the next `settle` says what is wrong
        _bring(layout, digest)


def _was_before_a_boot(marker: Path) -> bool:
    """Whether the system went down since, or may have.

    Raises:
        OSError: There is no such marker, or it cannot be read.
    """
    return marker.read_bytes().decode("ascii", "replace") != boot_id() or not boot_id()


@functools.cache
def boot_id() -> str:
    """Return what names the time since the system came up; empty where it has no name."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
