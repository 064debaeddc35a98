"""A remote for content, as the layers above see it: it keeps parts, whole or not at all, by their names."""

from __future__ import annotations

import hashlib
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from gittrack.errors import CorruptDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Executor, Future

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Part:
    """Chunks one after the other: a remote sees thousands of parts, not millions of chunks."""

    name: str
    """SHA-256 of the data, 64 hex digits."""
    data: bytes

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class PartRange:
    """A stretch of a part that somebody wants to read."""

    part: str
    part_size: int
    offset: int
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class StoredPart:
    """What a remote says of a part that it has."""

    name: str
    size: int
    """Bytes."""
    time_s: float
    """When it was put there, seconds since the epoch."""


class Remote(Protocol):
    """A place for parts. Every failure is a `RemoteError`; every read may be of a damaged part.

    Who reads verifies: a remote is trusted with keeping bytes, not with keeping the right ones.
    """

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def part_bytes(self) -> int:
        """How large parts should be here."""

    @property
    def batch_bytes(self) -> int:
        """How much to put at once: what was put before an interruption need not be put again."""

    def find(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which of these parts (name → size) are here.

        Raises:
            RemoteError: It cannot be reached, or refuses.
        """

    def put(self, parts: Iterable[Part], progress: Callable[[int], None]) -> None:
        """Keep parts; when this returns they are there for good. Putting one again does no harm.

        Args:
            parts: They are taken one by one, so that memory stays flat.
            progress: Called with bytes as they are sent.

        Raises:
            RemoteError: It cannot be reached, refuses, or is full; some of the parts may be there.
        """

    def read(self, wanted: Sequence[PartRange]) -> Iterator[bytes]:
        """Yield the bytes of each range, in the order asked for.

        Raises:
            ArtifactNotFoundError: A part is not here.
            RemoteError: It cannot be reached, or refuses.
        """

    def list_parts(self) -> Iterator[StoredPart]:
        """Yield every part that is here.

        Raises:
            RemoteError: It cannot be reached, or cannot tell.
        """

    def remove(self, names: Collection[str]) -> None:
        """Let go of parts; those that are not here are no error.

        Raises:
            RemoteError: It cannot be reached, or refuses.
        """


def make_part(data: bytes) -> Part:
    """Return a part with its name."""
    return Part(hashlib.sha256(data).hexdigest(), data)


def damaged_part(part: str, remote: str, digest: str) -> CorruptDataError:
    """Return the error that a part at a remote is not what was sent, as the content ``digest`` shows."""
    message = f"part {part[:12]} at {remote!r} is damaged: content {digest[:12]} needs it"
    return CorruptDataError(message, hint="whoever still has the content can verify and push it again")


def map_few(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """Yield what ``work`` makes of each item, in order, only a few ahead, so that memory stays flat."""
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
