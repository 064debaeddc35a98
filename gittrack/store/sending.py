"""Content on its way to a remote: cut into chunks, packed into parts, said so once it is there."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from gittrack.core.content import Chunk, Recipe, join_chunks
from gittrack.errors import CorruptDataError
from gittrack.store import blobs
from gittrack.store.cutting import cut
from gittrack.store.digests import RunningDigest, digest_bytes, ignore
from gittrack.store.disk import disk_errors
from gittrack.store.remotes.interface import Part, make_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gittrack.store.layout import Layout
    from gittrack.store.remotes.interface import Remote


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is at a remote."""

    part: str
    part_size: int
    offset: int


@dataclass(slots=True)
class Sender:
    """One upload to one remote; what it has put together is in `finished`."""

    layout: Layout
    remote: Remote
    recipes: Mapping[str, Recipe]
    """All that are known, by digest of their content."""
    progress: Callable[[int], None]
    """Called with bytes of content as they are dealt with."""
    finished: list[Recipe] = field(default_factory=list)
    """Recipes all of whose parts were handed out."""
    sent_bytes: int = 0
    """Bytes of the parts that were handed out."""
    _places: dict[str, Place] = field(default_factory=dict)
    _open: bytearray = field(default_factory=bytearray)
    _inside: dict[str, int] = field(default_factory=dict)
    """Chunks of the open part, and where in it they are."""
    _waiting: list[tuple[str, int, list[Chunk]]] = field(default_factory=list)
    """Content whose last chunks are in the open part."""

    def parts(self, digests: Sequence[str]) -> Iterator[Part]:
        """Yield what the remote lacks of some content, as parts.

        Raises:
            CorruptDataError: Local content is damaged; it is set aside, and all else can be sent.
            StoreError: Local content cannot be read, or the remote not be asked.
        """
        here = self._find_present(digests)
        for digest in digests:
            recipe = self.recipes.get(digest)
            rebuilt = None if recipe is None else self._rebuild(recipe, here)
            if recipe is not None and rebuilt is not None:
                for part in rebuilt:
                    here.add(part.name)
                    yield self._count(part)
                self.finished.append(replace(recipe, where=tuple(sorted({*recipe.where, self.remote.name}))))
                self.progress(recipe.size)
            else:
                yield from self._cut(digest)
        yield from self._close()

    def _find_present(self, digests: Sequence[str]) -> set[str]:
        """Return which known parts the remote really has, and remember where their chunks are."""
        wanted = set(digests)
        concerned = [
            one for one in self.recipes.values() if self.remote.name in one.where or one.digest in wanted
        ]
        here = self.remote.find({part: size for recipe in concerned for part, size in recipe.parts.items()})
        for recipe in concerned:
            for extent in recipe.extents:
                if extent.part in here:
                    offset = extent.offset
                    for chunk in extent.chunks:
                        self._places.setdefault(chunk.digest, Place(extent.part, extent.part_size, offset))
                        offset += chunk.size
        return here

    def _rebuild(self, recipe: Recipe, here: set[str]) -> list[Part] | None:
        """Return the parts of a recipe that the remote lacks, None if one cannot be made of what is here."""
        missing = [name for name in recipe.parts if name not in here]
        rebuilt = []
        for name in missing:
            data = self._read_part(name, recipe.parts[name])
            part = make_part(data) if data is not None else None
            if part is None or part.name != name:
                return None
            rebuilt.append(part)
        return rebuilt

    def _read_part(self, name: str, size: int) -> bytes | None:
        """Return a part, put together from all content here that has some of it; None if holes are left."""
        data, filled = bytearray(size), 0
        done: set[int] = set()
        for recipe in self.recipes.values():
            if name not in recipe.parts or not blobs.has_blob(self.layout, recipe.digest):
                continue
            with disk_errors("read an artifact"), self._open_content(recipe.digest) as file:
                # Chunk by chunk: extents of two contents may begin at one offset and end apart.
                for position, offset, chunk in _pieces(recipe, name):
                    if offset not in done:
                        file.seek(position)
                        data[offset : offset + chunk.size] = file.read(chunk.size)
                        done.add(offset)
                        filled += chunk.size
        return bytes(data) if filled >= size else None

    def _cut(self, digest: str) -> Iterator[Part]:
        chunks: list[Chunk] = []
        whole = RunningDigest()
        with disk_errors("read an artifact"), self._open_content(digest) as file:
            size = file.seek(0, os.SEEK_END)
            is_large = size >= self.remote.part_bytes
            if is_large:  # in parts of its own, so that an interrupted upload cuts the same ones again
                yield from self._close()
            for view in cut(file, size):
                chunk = Chunk(len(view), digest_bytes(view))
                chunks.append(chunk)
                whole.update(view)
                if chunk.digest not in self._places and chunk.digest not in self._inside:
                    if self._open and len(self._open) + len(view) > self.remote.part_bytes:
                        yield from self._close()
                    self._inside[chunk.digest] = len(self._open)
                    self._open += view
                self.progress(chunk.size)
        if whole.finish() != digest:
            blobs.put_aside(self.layout, digest)
            message = f"content {digest[:12]} is damaged here, and was not sent"
            hint = "push again: all else is sent; `gittrack fsck` names it, log it again or get it elsewhere"
            raise CorruptDataError(message, hint=hint)
        self._waiting.append((digest, size, chunks))
        if is_large:
            yield from self._close()

    def _close(self) -> Iterator[Part]:
        """Yield the open part, if it holds anything; settle the content that waited for it."""
        part = make_part(bytes(self._open)) if self._open else None
        if part is not None:
            for digest, offset in self._inside.items():
                self._places[digest] = Place(part.name, part.size, offset)
        self._open, self._inside = bytearray(), {}
        if part is not None:
            yield self._count(part)
        for digest, size, chunks in self._waiting:
            places = [(chunk, self._places[chunk.digest]) for chunk in chunks]
            extents = join_chunks((chunk, at.part, at.part_size, at.offset) for chunk, at in places)
            self.finished.append(Recipe(digest, size, extents, (self.remote.name,)))
        self._waiting = []

    def _open_content(self, digest: str) -> BinaryIO:
        """Open local content.

        Raises:
            FileNotFoundError: It went meanwhile.
        """
        file = blobs.open_blob(self.layout, digest)
        if file is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), digest)
        return file

    def _count(self, part: Part) -> Part:
        self.sent_bytes += part.size
        return part


def _pieces(recipe: Recipe, part: str) -> Iterator[tuple[int, int, Chunk]]:
    """Yield each chunk of a part with where it is in the content and where in the part."""
    position = 0
    for extent in recipe.extents:
        offset = extent.offset
        for chunk in extent.chunks:
            if extent.part == part:
                yield position, offset, chunk
            position += chunk.size
            offset += chunk.size


def send(sender: Sender, digests: Sequence[str], keep: Callable[[Sequence[Recipe]], None]) -> None:
    """Put content to a remote, batch by batch; what a batch completed is said at once.

    Args:
        sender: Knows the remote.
        digests: Of content that is here.
        keep: Called with recipes whose parts are all there: what comes after an interruption.

    Raises:
        RemoteError: The remote failed; what `keep` was called with is done.
        StoreError: Local content cannot be read.
    """
    parts = sender.parts(digests)
    first = next(parts, None)
    while first is not None:
        batch = _Batch(first, parts, sender.remote.batch_bytes)
        sender.remote.put(batch, ignore)
        # Content is finished only after its last part was taken: none of these waits for the next batch.
        keep(sender.finished[:])
        sender.finished.clear()
        first = batch.rest
    keep(sender.finished[:])
    sender.finished.clear()


class _Batch:
    """Parts up to a size, as an iterable; the first that is too many is kept for the next batch."""

    def __init__(self, first: Part, parts: Iterator[Part], most: int) -> None:
        self._first, self._parts, self._most = first, parts, most
        self.rest: Part | None = None

    def __iter__(self) -> Iterator[Part]:
        yield self._first
        size = self._first.size
        for part in self._parts:
            if size + part.size > self._most:
                self.rest = part
                return
            size += part.size
            yield part
