"""Content on its way from a remote: verified chunk by chunk, visible only once it is whole."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import CorruptDataError
from gittrack.store import blobs
from gittrack.store.digests import digest_bytes, digest_file
from gittrack.store.disk import datasync, disk_errors, write_whole
from gittrack.store.lock import hold
from gittrack.store.receiving_small import is_small, place_of, receive_small
from gittrack.store.remotes.interface import PartRange, damaged_part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittrack.core.content import Extent, Recipe
    from gittrack.store.layout import Layout
    from gittrack.store.remotes.interface import Remote

OPEN_FILES = 200
"""So many contents are fetched at once."""
FEW = 20
"""Fewer small contents than that become files of their own, as larger ones do."""
PATIENCE_S = 86_400.0
"""Who wants content while somebody else fetches some waits for it, rather than fetching it twice."""


@dataclass(slots=True)
class _Arrival:
    """One content on its way."""

    recipe: Recipe
    descriptor: int
    extents: list[Extent]
    """What is still to come."""


def receive(
    layout: Layout, remote: Remote, recipes: Sequence[Recipe], progress: Callable[[int], None]
) -> None:
    """Bring content into the local store; what arrived before an interruption is not fetched again.

    Raises:
        ArtifactNotFoundError: The remote lacks a part.
        CorruptDataError: What the remote has is not what was sent; nothing of it is kept.
        RemoteError: It cannot be reached, or failed.
        StoreError: The disk is full, or failed.
    """
    with hold(layout.root / "receive.lock", timeout_s=PATIENCE_S):
        # What somebody else brought while we waited is here.
        missing = set(blobs.find_missing(layout, [recipe.digest for recipe in recipes]))
        lacking = [recipe for recipe in recipes if recipe.digest in missing]
        progress(sum(recipe.size for recipe in recipes) - sum(recipe.size for recipe in lacking))
        small = [recipe for recipe in lacking if is_small(recipe)]
        if len(small) >= FEW:
            receive_small(layout, remote, small, progress)
            lacking = [recipe for recipe in lacking if not is_small(recipe)]
        lacking.sort(key=place_of)  # a part is fetched for all that need it
        for start in range(0, len(lacking), OPEN_FILES):
            _receive_some(layout, remote, lacking[start : start + OPEN_FILES], progress)


def _receive_some(
    layout: Layout, remote: Remote, recipes: Sequence[Recipe], progress: Callable[[int], None]
) -> None:
    with disk_errors("store an artifact"), ExitStack() as stack:
        layout.partial.mkdir(parents=True, exist_ok=True)
        arrivals = []
        for recipe in recipes:
            descriptor = os.open(layout.partial / recipe.digest, os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, descriptor)
            known, extents = _take_up(recipe, descriptor)
            progress(known)
            arrivals.append(_Arrival(recipe, descriptor, extents))
        wanted = [
            PartRange(extent.part, extent.part_size, extent.offset, extent.size)
            for arrival in arrivals
            for extent in arrival.extents
        ]
        pieces = remote.read(wanted)
        for arrival in arrivals:
            for extent in arrival.extents:
                data = next(pieces, b"")
                _write(arrival, extent, data, remote.name)
                progress(len(data))
            _finish(layout, arrival)


def _take_up(recipe: Recipe, descriptor: int) -> tuple[int, list[Extent]]:
    """Return how much of a content is there already, and what is still to come."""
    position = 0
    for number, extent in enumerate(recipe.extents):
        data = os.pread(descriptor, extent.size, position)
        if not _is_right(extent, data):
            os.ftruncate(descriptor, position)
            os.lseek(descriptor, position, os.SEEK_SET)
            return position, list(recipe.extents[number:])
        position += extent.size
    os.lseek(descriptor, position, os.SEEK_SET)
    return position, []


def _is_right(extent: Extent, data: bytes) -> bool:
    view, position = memoryview(data), 0
    if len(data) != extent.size:
        return False
    for chunk in extent.chunks:
        if digest_bytes(view[position : position + chunk.size]) != chunk.digest:
            return False
        position += chunk.size
    return True


def _write(arrival: _Arrival, extent: Extent, data: bytes, remote: str) -> None:
    if not _is_right(extent, data):
        raise damaged_part(extent.part, remote, arrival.recipe.digest)
    write_whole(arrival.descriptor, data)


def _finish(layout: Layout, arrival: _Arrival) -> None:
    path = layout.partial / arrival.recipe.digest
    if digest_file(path) != arrival.recipe.digest:
        os.ftruncate(arrival.descriptor, 0)
        message = f"the recipe of content {arrival.recipe.digest[:12]} makes something else"
        raise CorruptDataError(message, hint="run `gittrack fsck`; whoever has the content can push it again")
    datasync(arrival.descriptor)
    blobs.adopt_file(layout, path, arrival.recipe.digest)
