"""How content is cut into chunks, which parts at a remote hold them, and where those parts are."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import decode, encode_compact, encode_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from gittrack.core.model import Artifact

DIGEST_DIGITS = 64
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of content."""

    size: int
    """Bytes."""
    digest: str
    """BLAKE3, 64 hex digits."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Chunks that follow one another both in the content and in a part."""

    part: str
    """SHA-256 of the part, 64 hex digits: what it is called at every remote."""
    part_size: int
    """Bytes of the whole part."""
    offset: int
    """Where in the part the first chunk begins."""
    chunks: tuple[Chunk, ...]

    @property
    def size(self) -> int:
        """Bytes of the chunks together."""
        return sum(chunk.size for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to put one content together again."""

    digest: str
    """BLAKE3 of the content."""
    size: int
    """Bytes of the content."""
    extents: tuple[Extent, ...]
    """In the order of the content."""
    where: tuple[str, ...] = ()
    """Names of the remotes that hold all of the parts, sorted."""

    @property
    def parts(self) -> dict[str, int]:
        """The parts it needs, with their sizes, in the order in which they are needed first."""
        return {extent.part: extent.part_size for extent in self.extents}


def encode_recipe(recipe: Recipe) -> bytes:
    """Return the JSON document of a recipe; equal recipes give equal bytes."""
    return encode_document(
        {
            "size": recipe.size,
            "where": list(recipe.where),
            "extents": [_extent_row(extent) for extent in recipe.extents],
        }
    )


def decode_recipe(digest: str, data: bytes) -> Recipe:
    """Return the recipe of the content ``digest`` that `encode_recipe` wrote.

    Raises:
        ValueError: It is none, or does not add up.
    """
    document: Any = decode(data)
    try:
        extents = tuple(_decode_extent(row) for row in document["extents"])
        recipe = Recipe(
            _digest(digest), _whole(document["size"]), extents, tuple(sorted(map(str, document["where"])))
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a recipe: {error!r}"
        raise ValueError(message) from error
    if sum(extent.size for extent in extents) != recipe.size:
        message = "the chunks do not add up to the size"
        raise ValueError(message)
    return recipe


def merge_recipes(ours: Recipe, theirs: Recipe) -> Recipe:
    """Return the recipe that both lead to: of two ways to cut, one; of one way, all places that hold it."""
    if ours.extents == theirs.extents:
        return replace(ours, where=tuple(sorted({*ours.where, *theirs.where})))
    return max(ours, theirs, key=lambda one: encode_compact([_extent_row(extent) for extent in one.extents]))


def join_chunks(pieces: Iterable[tuple[Chunk, str, int, int]]) -> tuple[Extent, ...]:
    """Return extents of chunks in the order of their content.

    Args:
        pieces: Chunk, its part, that part's size, and where in the part the chunk is.
    """
    extents: list[Extent] = []
    for chunk, part, part_size, offset in pieces:
        last = extents[-1] if extents else None
        if last is not None and last.part == part and last.offset + last.size == offset:
            extents[-1] = replace(last, chunks=(*last.chunks, chunk))
        else:
            extents.append(Extent(part, part_size, offset, (chunk,)))
    return tuple(extents)


def describe_folder(artifacts: Mapping[str, Artifact], folder: str) -> bytes | None:
    """Return the canonical listing of a folder of artifacts, None if it holds nothing.

    Its digest is the folder's digest: the same files under the same names give the same one, wherever the
    folder is and in whatever order its files were stored.
    """
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    rows = [
        [path.removeprefix(prefix), artifact.digest, artifact.size]
        for path, artifact in sorted(artifacts.items())
        if path.startswith(prefix)
    ]
    return encode_compact(rows) if rows else None


def _extent_row(extent: Extent) -> dict[str, object]:
    return {
        "part": extent.part,
        "part_size": extent.part_size,
        "offset": extent.offset,
        "sizes": [chunk.size for chunk in extent.chunks],
        "blake3": [chunk.digest for chunk in extent.chunks],
    }


def _decode_extent(row: Mapping[str, Any]) -> Extent:
    sizes, digests = row["sizes"], row["blake3"]
    if len(sizes) != len(digests):
        message = "as many sizes as digests are needed"
        raise ValueError(message)
    chunks = tuple(Chunk(_whole(size), _digest(digest)) for size, digest in zip(sizes, digests, strict=True))
    extent = Extent(_digest(row["part"]), _whole(row["part_size"]), _whole(row["offset"]), chunks)
    if extent.offset + extent.size > extent.part_size:
        message = "a chunk reaches beyond its part"
        raise ValueError(message)
    return extent


def _whole(value: object) -> int:
    if type(value) is not int or value < 0:
        message = f"not a size: {value!r}"
        raise ValueError(message)
    return value


def _digest(value: object) -> str:
    if not isinstance(value, str) or len(value) != DIGEST_DIGITS or not _HEX.issuperset(value):
        message = f"not a digest: {value!r}"
        raise ValueError(message)
    return value


def list_borders(borders: Sequence[int], size: int, smallest: int) -> Iterator[tuple[int, int]]:
    """Yield offset and size of the spans between borders; none but the last is smaller than ``smallest``."""
    kept = [0]
    for border in sorted(set(borders)):
        if smallest <= border - kept[-1] and border <= size - smallest:
            kept.append(border)
    for start, end in pairwise([*kept, size]):
        if end > start:
            yield start, end - start
