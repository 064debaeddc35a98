"""What a run, an experiment or a file would show to everybody who fetches it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.tokens import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SNIFFED_BYTES = 8192
_KINDS = {"params": "param", "tags": "tag", "artifacts": "artifact"}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a run that looks like a secret."""

    where: str
    """What holds it: ``param 'key'``, ``artifact 'notes.txt'``."""
    rule: str
    """What it looks like: ``a GitHub token``."""
    shown: str
    """Its first characters."""
    fingerprint: str
    """By which it is known again, without being stored."""


def document_texts(document: object) -> Iterator[tuple[str, str]]:
    """Yield all text of a JSON document with what holds it.

    Keys stand before their values: ``api_key=…`` is a secret where the value alone may be none.
    """
    if not isinstance(document, dict):
        yield from _leaves("", document)
        return
    for section, value in document.items():
        kind = _KINDS.get(section)
        if kind is None or not isinstance(value, dict):
            for name, text in _leaves(section, value):
                yield f"field {name!r}", f"{name}={text}"
            continue
        for key, one in value.items():
            if section == "artifacts":
                yield f"the path {key!r}", key
            for name, text in _leaves(key, one):
                yield f"{kind} {name!r}", f"{name}={text}"


def find_exposed(texts: Iterable[tuple[str, str]]) -> list[Finding]:
    """Return what looks like a secret in texts."""
    return [
        Finding(where, secret.rule, secret.shown, fingerprint(secret.text))
        for where, text in texts
        for secret in find_secrets(text)
    ]


def read_text(content: bytes) -> str | None:
    """Return content as text, None if it is none."""
    if b"\0" in content[:SNIFFED_BYTES]:
        return None
    return content.decode("utf-8", "replace")


def fingerprint(secret: str) -> str:
    """Return what a secret is known by; it tells nothing about it."""
    return hashlib.sha256(f"gittrack secret {secret}".encode("utf-8", "replace")).hexdigest()[:16]


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield name, value
        case dict():
            for key, one in value.items():
                yield from _leaves(f"{name}.{key}", one)
        case list():
            for place, one in enumerate(value):
                yield from _leaves(f"{name}.{place}", one)
        case _:
            return
