"""What a build writes down of a site for the next one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MANIFEST = "gittrack-site.json"
_FORMAT = 1
_DIGITS = 32
"""Of a digest."""
_NOTES = b"2"
"""Version of what is noted of runs, segments and reports: an earlier one's are not taken."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a site is made of."""

    generator: str
    """Digest of the templates it was made with."""
    files: Mapping[str, str]
    """Path → what `mark_of` its content returns, empty where that is not known."""
    made: Mapping[str, str]
    """Digest of what a file is made of → its path, empty where nothing came of it."""
    facts: Mapping[str, Any]
    """Digest of some runs → what columns they have."""
    notes: Mapping[str, Mapping[str, str]]
    """Path of a report → what its page is made of."""
    runs: Mapping[str, str]
    """Run id → the same of a run, in a line."""


_NOTHING = Manifest("", {}, {}, {}, {}, {})


def read_manifest(root: Path) -> Manifest:
    """Return what an earlier build wrote down.

    Of what is not as a build wrote it, be it an earlier version's or changed by anybody since, only the paths
    are taken: they are what the next build may write to.
    """
    try:
        content = (root / MANIFEST).read_bytes()
        found = json.loads(content)
    except (FileNotFoundError, ValueError, RecursionError):
        return _NOTHING
    if (
        not isinstance(found, dict)
        or found.get("format") != _FORMAT
        or not isinstance(found.get("files"), dict)
    ):
        return _NOTHING
    files = _keep_inside(found["files"])
    if not content.endswith(_seal(content[:-_SEALED])):
        return replace(_NOTHING, files=dict.fromkeys(files, ""))
    return Manifest(found["generator"], files, found["made"], found["facts"], found["notes"], found["runs"])


def encode_manifest(manifest: Manifest) -> bytes:
    """Return what `read_manifest` reads.

    Notes and runs come in an order that is the same in a build from nothing: to sort all takes long.
    """
    document = {
        "format": _FORMAT,
        "generator": manifest.generator,
        "files": {path: manifest.files[path] for path in sorted(manifest.files)},
        "made": {key: manifest.made[key] for key in sorted(manifest.made)},
        "facts": manifest.facts,
        "notes": manifest.notes,
        "runs": manifest.runs,
    }
    content = json.dumps(document, separators=(",", ":")).encode()[:-1]
    return content + _seal(content)


def mark_of(content: bytes) -> str:
    """Return digest and size of a content, so that nobody has to ask the disk for 20,000 sizes."""
    return f"{hashlib.sha256(content).hexdigest()[:_DIGITS]}{len(content):x}"


def size_of(mark: str) -> int:
    """Return the size in a mark."""
    return int(mark[_DIGITS:], 16)


def is_inside(path: str) -> bool:
    """Return whether a path leads to nowhere outside the site."""
    return bool(path) and path[0] != "/" and (".." not in path or ".." not in path.split("/"))


def _keep_inside(files: dict[str, str]) -> dict[str, str]:
    """Return the files that lie in the site: whoever made the manifest, nothing else is ours."""
    lines = "\n".join(files)
    if ".." not in lines and "\n/" not in f"\n{lines}" and "" not in files:
        return files  # as it is with any that a build wrote, and quicker seen of all at once
    return {path: mark for path, mark in files.items() if is_inside(path)}


def _seal(content: bytes) -> bytes:
    """Return how a manifest ends that begins with ``content``."""
    return f',"seal":"{hashlib.sha256(_NOTES + content).hexdigest()[:_DIGITS]}"}}\n'.encode()


_SEALED = len(_seal(b""))
