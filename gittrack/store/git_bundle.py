"""Git bundles, written and read without the git program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKS = {b"# v2 git bundle": "sha1", b"# v3 git bundle": "sha1"}


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds."""

    refs: Mapping[str, str]
    pack: bytes


def encode_bundle(refs: Mapping[str, str], pack: bytes, hash_name: str) -> bytes:
    """Return a bundle that needs nothing else. Source: git's ``gitformat-bundle(5)``."""
    head = ["# v2 git bundle"] if hash_name == "sha1" else ["# v3 git bundle", f"@object-format={hash_name}"]
    lines = [*head, *(f"{oid} {ref}" for ref, oid in refs.items()), "", ""]
    return "\n".join(lines).encode() + pack


def decode_bundle(data: bytes, hash_name: str) -> Bundle:
    """Return what a bundle holds.

    Raises:
        ValueError: It is none, needs commits that are elsewhere, or has ids of another kind.
    """
    head, separator, pack = data.partition(b"\n\n")
    mark, *lines = head.split(b"\n")
    if mark not in MARKS or not separator:
        message = "it is no bundle"
        raise ValueError(message)
    found = MARKS[mark]
    refs = {}
    for line in lines:
        if line.startswith(b"@object-format="):
            found = line.partition(b"=")[2].decode("ascii", "replace")
        elif line.startswith(b"-"):
            message = "it needs commits that it does not hold"
            raise ValueError(message)
        elif not line.startswith(b"@"):
            oid, _, ref = line.partition(b" ")
            refs[ref.decode("utf-8", "replace")] = oid.decode("ascii", "replace")
    if found != hash_name:
        message = f"its ids are {found}, those here are {hash_name}"
        raise ValueError(message)
    return Bundle(refs, pack)
