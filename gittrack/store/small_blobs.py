"""Small contents that are too many to ride in a commit, in packs."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.store.disk import disk_errors
from gittrack.store.settling import settle
from gittrack.store.small_index import SmallIndex, ask, may_hold_any
from gittrack.store.small_packs import drop_from_pack, read_packed, write_pack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gittrack.store.layout import Layout


def add_small(layout: Layout, contents: Mapping[bytes, bytes]) -> None:
    """Keep contents under their raw digests, all of them or none; what is there already counts as new again.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("store small artifacts"):
        write_pack(layout, contents)


def find_small(layout: Layout, digest: str) -> bytes | None:
    """Return a small content, None if it is not here.

    Raises:
        StoreError: It cannot be read.
    """
    with disk_errors("read a small artifact"):
        for path, start, size in _places(layout, digest):
            with contextlib.suppress(FileNotFoundError):  # somebody tidies up
                return read_packed(path, start, size)
    return None


def has_small(layout: Layout, digest: str) -> bool:
    """Whether a small content is here.

    Raises:
        StoreError: That cannot be read.
    """
    with disk_errors("look for a small artifact"):
        return any(os.path.exists(path) for path, _, _ in _places(layout, digest))


def list_small(layout: Layout) -> list[tuple[str, int, float]]:
    """Return digest, size and time of every small content, sorted by digest.

    Raises:
        StoreError: They cannot be read.
    """
    with disk_errors("list small artifacts"):
        if not may_hold_any(layout):
            return []
        return [(digest.hex(), size, mtime / 1e9) for digest, size, mtime in ask(layout, SmallIndex.list)]


def remove_small(layout: Layout, digests: Sequence[tuple[str, float]]) -> None:
    """Remove small contents that were not stored again since the given times.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("remove small artifacts"):
        if not digests or not may_hold_any(layout):
            return
        settle(layout, ())  # what stays of a pack may be in another that is not on the disk yet
        stored = {digest: mtime / 1e9 for digest, _, mtime in ask(layout, SmallIndex.list)}
        dropped: dict[str, dict[bytes, float]] = {}
        for digest, latest in digests:
            key = bytes.fromhex(digest)
            if stored.get(key, math.inf) <= latest:
                for path, _, _ in ask(layout, lambda index, key=key: index.places(key)):  # type: ignore[misc]
                    dropped.setdefault(path, {})[key] = latest
        for path, keys in dropped.items():
            with contextlib.suppress(FileNotFoundError):
                drop_from_pack(layout, Path(path), keys, min(keys.values()))


def _places(layout: Layout, digest: str) -> Iterator[tuple[str, int, int]]:
    """Yield where a content may be: pack, start and size in bytes; more only if it is not where it was."""
    key = bytes.fromhex(digest)
    for is_anew in (False, True):
        if not may_hold_any(layout):
            return
        if is_anew:
            ask(layout, SmallIndex.refresh)
        places = ask(layout, lambda index: index.places(key))
        yield from places
        if not places:
            return
