"""Many small contents from a remote: neighbours in a part come in one go, and are kept in packs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.store.digests import digest_bytes
from gittrack.store.layout import SMALL_BYTES
from gittrack.store.remotes.interface import PartRange, damaged_part
from gittrack.store.small_blobs import add_small

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.core.content import Recipe
    from gittrack.store.layout import Layout
    from gittrack.store.remotes.interface import Remote

GAP_BYTES = 64 << 10
"""So much between two contents is read along rather than asked for in two ranges."""
RANGE_BYTES = 4 << 20
"""Asked for in one range, at most."""
BATCH_BYTES = 16 << 20
"""Kept in one pack, about."""


def is_small(recipe: Recipe) -> bool:
    """Whether a content is small, and in one place."""
    return recipe.size <= SMALL_BYTES and len(recipe.extents) == 1


def place_of(recipe: Recipe) -> tuple[str, int]:
    """Return where a content begins: part and offset."""
    return next(((extent.part, extent.offset) for extent in recipe.extents), ("", 0))


def receive_small(
    layout: Layout, remote: Remote, recipes: Sequence[Recipe], progress: Callable[[int], None]
) -> None:
    """Bring small content into the local store, verified; what came before a failure is kept.

    Raises:
        ArtifactNotFoundError: The remote lacks a part.
        CorruptDataError: What the remote has is not what was sent; nothing of that is kept.
        RemoteError: It cannot be reached, or failed.
        StoreError: The disk is full, or failed.
    """
    stretches = list(_stretches(recipes))
    pieces = remote.read([stretch for stretch, _ in stretches])
    batch: dict[bytes, bytes] = {}
    size = 0
    try:
        for stretch, inside in stretches:
            data = next(pieces, b"")
            for recipe in inside:
                start = recipe.extents[0].offset - stretch.offset
                content = data[start : start + recipe.size]
                if digest_bytes(content) != recipe.digest:
                    raise damaged_part(stretch.part, remote.name, recipe.digest)
                batch[bytes.fromhex(recipe.digest)] = content
                size += len(content)
                progress(recipe.size)
            if size > BATCH_BYTES:
                add_small(layout, batch)
                batch, size = {}, 0
    finally:
        if batch:
            add_small(layout, batch)


def _stretches(recipes: Sequence[Recipe]) -> Iterator[tuple[PartRange, list[Recipe]]]:
    """Yield ranges of parts with the contents that lie in each."""
    inside: list[Recipe] = []
    first = end = 0
    for recipe in sorted(recipes, key=place_of):
        extent = recipe.extents[0]
        is_near = inside and inside[0].extents[0].part == extent.part and extent.offset <= end + GAP_BYTES
        if inside and not (is_near and extent.offset + recipe.size - first <= RANGE_BYTES):
            yield _range(inside, first, end), inside
            inside = []
        if not inside:
            first = end = extent.offset
        inside.append(recipe)
        end = max(end, extent.offset + recipe.size)
    if inside:
        yield _range(inside, first, end), inside


def _range(inside: Sequence[Recipe], first: int, end: int) -> PartRange:
    extent = inside[0].extents[0]
    return PartRange(extent.part, extent.part_size, first, end - first)
