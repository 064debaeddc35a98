"""The files of a built site as parts of one file, the newest runs first where there is no room for all."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.site import paths
from gittrack.site.previews import suffix_of
from gittrack.site.render import hash_of
from gittrack.site.scripts import decode_script

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence
    from pathlib import Path

_LEFT_OUT = frozenset({paths.NOT_FOUND, paths.EMBED})
"""Pages that make no sense in a file without an address."""
_REFERENCE = re.compile(r"(?:assets|data/(?:code/)?[0-9a-f]{2})/[0-9A-Za-z._-]+")
_PICTURES = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".gif": "gif", ".webp": "webp"}


@dataclass(slots=True)
class Pack:
    """What a single file holds of a site."""

    files: dict[str, str] = field(default_factory=dict)
    """Path → content: compressed and as base64, of pictures a ``data:`` address."""
    scripts: list[str] = field(default_factory=list)
    """Hashes of the scripts in it, as a policy names them."""
    left_out: int = 0
    """Pages of runs there was no room for."""

    def as_json(self) -> str:
        """Return the files as JSON that is safe inside HTML."""
        return json.dumps(self.files).replace("<", "\\u003c")


def pack_site(root: Path, run_pages: Sequence[str], *, known: Container[str] = (), room: int) -> Pack:
    """Read a built site.

    Args:
        root: Its folder.
        run_pages: Paths of the pages of runs, those first that matter most.
        known: Paths of pictures that are in the file already.
        room: Bytes the whole may take. What all pages need is there in any case.
    """
    packer = _Packer(root, known)
    of_runs = set(run_pages)
    pages = {
        file.relative_to(root).as_posix() for file in [*root.glob("*.html"), *root.glob("reports/*.html")]
    }
    packer.add(sorted(pages - _LEFT_OUT - of_runs))
    packer.add([paths.MANIFEST])
    for number, page in enumerate(run_pages):
        if packer.size >= room:
            packer.pack.left_out = len(run_pages) - number
            break
        packer.add([page])
    for file in sorted(root.glob("data/code/*/*.js")):
        if packer.size < room:
            packer.add([file.relative_to(root).as_posix()])
    return packer.pack


class _Packer:
    """Adds files, and what they refer to."""

    def __init__(self, root: Path, known: Container[str]) -> None:
        self.pack = Pack()
        self.size = 0
        self._root = root
        self._known = known

    def add(self, wanted: Iterable[str]) -> None:
        waiting = list(wanted)
        while waiting:
            path = waiting.pop()
            if path in self.pack.files or path in self._known or not (self._root / path).is_file():
                continue
            content = (self._root / path).read_bytes()
            waiting += self._put(path, content)

    def _put(self, path: str, content: bytes) -> list[str]:
        """Add one file; return what it refers to."""
        suffix = suffix_of(path)
        found: list[str] = []
        if suffix in _PICTURES:
            encoded = f"data:image/{_PICTURES[suffix]};base64,{base64.b64encode(content).decode()}"
            self._keep(path, encoded)
            return found
        if path.startswith("data/") and suffix == ".html":
            return found  # a page somebody logged, which would need a policy of its own
        if path.startswith("assets/"):
            if suffix == ".js":
                self.pack.scripts.append(hash_of(content))
        elif suffix == ".js":
            key, value = decode_script(content)
            # Of the index only the manifest: its chunks name the data of every run.
            if not json.loads(key).startswith("index/"):
                found = _REFERENCE.findall(value)
            content = f"{key}\n{value}".encode("utf-8", "surrogatepass")
        else:
            found = _REFERENCE.findall(content.decode())
        # No time of its own: two builds are alike.
        self._keep(path, base64.b64encode(gzip.compress(content, 9, mtime=0)).decode())
        return found

    def _keep(self, path: str, text: str) -> None:
        self.pack.files[path] = text
        self.size += len(path) + len(text) + 6
