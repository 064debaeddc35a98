"""The commits that are offered to a server, so that it sends only what is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dulwich.objects import ObjectID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittrack.store.git_objects import Objects

OFFERED = 12
"""So many commits are offered to a server, ever further apart, to find one that it has."""


class Offer:
    """Tells a server which commits are here: tips, then their ancestors, ever further apart."""

    shallow: frozenset[bytes] = frozenset()

    def __init__(self, objects: Objects, tips: list[str]) -> None:
        """Begin with ``tips``, the most likely ones."""
        self._commits = iter(_spread(objects, tips))

    def __next__(self) -> ObjectID | None:
        """Return the next one, None at the end."""
        oid = next(self._commits, None)
        return None if oid is None else ObjectID(oid.encode())

    next = __next__

    def ack(self, oid: bytes) -> None:
        """Hear that the server has a commit."""

    def nak(self) -> None:
        """Hear that it has none."""


def _spread(objects: Objects, tips: list[str]) -> Iterator[str]:
    yield from tips
    for tip in tips[-1:]:
        oid, distance, wanted = tip, 0, 1
        while wanted < 1 << OFFERED:
            parents = [parent for parent in objects.read_commit(oid).parents if objects.has(parent)]
            if not parents:
                return
            oid, distance = parents[0], distance + 1
            if distance == wanted:
                wanted *= 2
                yield oid
