"""What killed writers leave on disk, taken away once it belongs to nobody alive."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from typing import TYPE_CHECKING

from gittrack.store.git_pack import KEEP_TEXT, TEMPORARY_PREFIX
from gittrack.store.git_rollup import pack_list
from gittrack.store.lock import hold

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.layout import Layout

STALE_S = 3600.0
"""A temporary file that was not written to for this long is nobody's: its writer may be on another host."""


def remove_leftovers(layout: Layout, pack_folder: Path) -> int:
    """Remove half-written files of killed processes; return how many there were.

    Raises:
        LockedError: Another process commits for too long.
    """
    # Others write packs under these locks only, so a pack that waits for its ref now waits for ever.
    removed = 0
    if any(_pack_leftovers(layout, pack_folder)):
        with hold(layout.root / "rollup.lock"), hold(layout.lock):
            removed = sum(map(_remove, list(_pack_leftovers(layout, pack_folder))))
    stale = time.time() - STALE_S
    for folder, pattern in ((layout.spool, ".*.tmp"), (layout.temporary, "*")):
        for path in folder.glob(pattern):
            with contextlib.suppress(OSError):
                if _written_at(path) < stale:
                    removed += _remove(path)
    return removed


def _pack_leftovers(layout: Layout, folder: Path) -> Iterator[Path]:
    """Yield marks of packs that wait for their ref, packs in the making, and packs half removed."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return
    for name in pack_list(layout):
        if f"{name}.pack" in names and f"{name}.idx" not in names:
            yield folder / f"{name}.pack"
    for name in names:
        path = folder / name
        if name.startswith(TEMPORARY_PREFIX) and name.endswith(".tmp"):
            yield path
        elif name.endswith(".keep") and _is_ours(path):
            if not path.with_suffix(".idx").exists():  # git knows nothing of a pack without an index
                yield path.with_suffix(".pack")
            yield path


def _is_ours(keep: Path) -> bool:
    try:
        text = keep.read_bytes()
    except OSError:
        return False
    # An empty one beside a pack is the user's own; without, its writer was killed before it said who it is.
    return text == KEEP_TEXT or (text == b"" and not keep.with_suffix(".pack").exists())


def _written_at(path: Path) -> float:
    """Return when a file, or anything in a folder, was last written, seconds since the epoch."""
    inside = path.rglob("*") if path.is_dir() else ()
    return max([path.stat().st_mtime, *(one.stat().st_mtime for one in inside)])


def _remove(path: Path) -> int:
    try:
        if path.is_dir():  # a repository for an exchange that broke off
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return 0
    return 1
