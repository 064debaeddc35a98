"""A built site brought to where people read it: a branch, or any place fsspec reaches."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from gittrack.site.write import PENDING
from gittrack.site.write_manifest import MANIFEST, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_STATE = ".gittrack-published.json"


def list_files(folder: Path) -> dict[str, tuple[str, Path]]:
    """Return every file of a built site, path → digest and place, but the builder's own notes.

    What you put beside the pages, such as ``CNAME``, is part of it.
    """
    known = read_manifest(folder).files
    found = {}
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder).as_posix()
        if not file.is_file() or path in {MANIFEST, PENDING}:
            continue
        digest = known.get(path) or hashlib.sha256(file.read_bytes()).hexdigest()[:32]
        found[path] = (digest, file)
    return found


def upload(folder: Path, url: str, progress: Callable[[int, int], None] | None = None) -> tuple[int, int]:
    """Bring a built site to an fsspec URL; return how many files were sent and removed.

    A list of what was sent lies there too, so that only what changed is sent again; what the list does not
    name is never removed. Data go before the pages that refer to them.

    Raises:
        RemoteError: It cannot be reached or does not let us.
        UserError: A package for this kind of URL is missing.
    """
    from gittrack.store.remotes.fsspec_remote import open_file_system, translated

    file_system, root, _ = open_file_system(url, {})
    files = list_files(folder)
    with translated(f"publish to {url}"):
        before = _read_state(file_system, root)
        changed = [path for path, (digest, _) in files.items() if before.get(path) != digest]
        # Pages last: nobody meets one whose data are not there yet.
        for done, path in enumerate(sorted(changed, key=lambda path: (path.endswith(".html"), path))):
            if progress is not None:
                progress(done, len(changed))
            target = _join(root, path)
            file_system.makedirs(target.rpartition("/")[0], exist_ok=True)
            file_system.pipe_file(target, files[path][1].read_bytes())
        state = {path: digest for path, (digest, _) in files.items()}
        file_system.pipe_file(_join(root, _STATE), json.dumps(state, sort_keys=True).encode())
        stale = [path for path in before if path not in files]
        for path in stale:
            if file_system.exists(_join(root, path)):
                file_system.rm_file(_join(root, path))
    return len(changed), len(stale)


def _join(root: str, path: str) -> str:
    return f"{root.rstrip('/')}/{path}" if root else path


def _read_state(file_system: object, root: str) -> dict[str, str]:
    try:
        state = json.loads(file_system.cat_file(_join(root, _STATE)))  # type: ignore[attr-defined]  # fsspec has no types
    except (FileNotFoundError, ValueError):
        return {}
    return {str(key): str(value) for key, value in state.items()} if isinstance(state, dict) else {}
