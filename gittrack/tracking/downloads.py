"""Files out of a run: read, written to a folder, verified."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.names import check_artifact_path, is_name_for_windows
from gittrack.errors import CorruptDataError, InvalidNameError
from gittrack.store.copying import copy_hashed
from gittrack.store.digests import digest_bytes, digest_stream, ignore
from gittrack.store.disk import disk_errors
from gittrack.tracking.artifacts import find_artifact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.core.model import Artifact, Run
    from gittrack.store.interface import Store

CASE_BLIND = frozenset({"win32", "darwin"})
"""Where two names that differ only by case are one file."""


Mend: TypeAlias = "Callable[[Artifact], None]"
"""Replaces content that turned out to be damaged.

Raises:
    CorruptDataError: That cannot be done.
"""


def read_artifact(store: Store, run: Run, path: str, mend: Mend | None = None) -> bytes:
    """Return the content of one artifact, verified against its digest.

    Raises:
        ArtifactNotFoundError: The run has no such artifact, or its content is not here.
        CorruptDataError: The content is not what was logged.
    """
    artifact = find_artifact(run, path)
    if artifact.uri is not None:
        with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
            _write_verified(store, run, artifact, Path(folder) / "content", _give_up)
            return (Path(folder) / "content").read_bytes()
    content = _read(store, run, artifact)
    if digest_bytes(content) != artifact.digest:
        (mend or _give_up)(artifact)
        content = _read(store, run, artifact)
        if digest_bytes(content) != artifact.digest:
            _give_up(artifact)
    return content


def download(
    store: Store,
    run: Run,
    path: str,
    destination: Path | None,
    mend: Mend | None = None,
    *,
    progress: Callable[[int], None] = ignore,
) -> Path:
    """Write an artifact, all in a folder (``""``: all there are), or what a glob means; return where it is.

    Every file is verified and appears under its final name only when whole.

    Args:
        store: Where the run is.
        run: The run.
        path: In the run.
        destination: The folder to write to, a temporary one if None.
        mend: Replaces content that turns out to be damaged.
        progress: Called with bytes as they are written and verified.

    Raises:
        InvalidNameError: A name cannot be one of a file here.
        ArtifactNotFoundError: There is nothing at ``path``, or the content is not here.
        CorruptDataError: Content is not what was logged.
        StoreError: The disk is full, or failed.
    """
    path = path.strip("/")
    wanted = list(select_artifacts(run, path))
    if not wanted and path:
        find_artifact(run, path)
    with disk_errors("write an artifact"):
        base = Path(tempfile.mkdtemp(prefix="gittrack-")) if destination is None else destination
    for _ in write_artifacts(store, run, wanted, base, mend, progress=progress):
        pass
    is_glob = bool(wanted) and not any(one.path == path or one.path.startswith(f"{path}/") for one in wanted)
    return base if not path or is_glob else base / path


def write_artifacts(
    store: Store,
    run: Run,
    artifacts: Sequence[Artifact],
    folder: Path,
    mend: Mend | None = None,
    *,
    progress: Callable[[int], None] = ignore,
) -> Iterator[Path]:
    """Write artifacts of a run under a folder, as `download` does; yield where each one is, once it is there.

    Raises:
        InvalidNameError: A name cannot be one of a file here.
        ArtifactNotFoundError: The content is not here.
        CorruptDataError: Content is not what was logged.
        StoreError: The disk is full, or failed.
    """
    _check_names(artifacts)
    for artifact in artifacts:
        target = folder / check_artifact_path(artifact.path)
        _write_verified(store, run, artifact, target, mend or _give_up, progress)
        yield target


def select_artifacts(run: Run, path: str) -> Iterator[Artifact]:
    """Yield the artifacts at a path: a file, all in a folder (``""``: all), or all that a glob means.

    In a glob, ``*`` stands for anything but ``/``, and ``**/`` for any folders.
    """
    wanted = path.strip("/")
    is_there = wanted in run.artifacts or any(name.startswith(f"{wanted}/") for name in run.artifacts)
    pattern = None if is_there or not any(one in wanted for one in "*?[") else _compile_glob(wanted)
    for name, artifact in sorted(run.artifacts.items()):
        is_inside = not wanted or name == wanted or name.startswith(f"{wanted}/")
        if is_inside or (pattern is not None and pattern.fullmatch(name)):
            yield artifact


def _compile_glob(text: str) -> re.Pattern[str]:
    """Return what a glob matches, as a pattern for whole paths."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[!?[^\]/]+\])", text)
    special = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pattern = ""
    for number, part in enumerate(parts):
        if number % 2 == 0:
            pattern += re.escape(part)
        elif part in special:
            pattern += special[part]
        else:
            pattern += "[" + part[1:-1].replace("\\", "\\\\").replace("!", "^", 1) + "]"
    return re.compile(pattern)


def _check_names(artifacts: Sequence[Artifact]) -> None:
    """Refuse to write files that this system would take for one, or for something that is no file.

    Raises:
        InvalidNameError: Two names differ only by case, or one is a device, where that is so.
    """
    names: dict[str, str] = {}
    for one in artifacts:
        if sys.platform == "win32" and not is_name_for_windows(one.path):
            message = f"{one.path!r} cannot be the name of a file on Windows"
            raise InvalidNameError(
                message, hint="`gittrack artifacts cat RUN PATH > FILE` writes it elsewhere"
            )
        other = names.setdefault(unicodedata.normalize("NFC", one.path).casefold(), one.path)
        if other != one.path and sys.platform in CASE_BLIND:
            message = f"{one.path!r} and {other!r} are one file here"
            raise InvalidNameError(message, hint="get them one by one, into different folders")


def verify_artifact(store: Store, run: Run, artifact: Artifact) -> None:
    """Hash the content of an artifact that is here again; what is only referred to is somebody else's.

    Raises:
        ArtifactNotFoundError: The content is not here.
        CorruptDataError: The content is not what was logged.
    """
    if artifact.uri is None:
        with store.open_content(run.run_id, artifact) as file, disk_errors("read an artifact"):
            if digest_stream(file) != artifact.digest:
                raise damaged(artifact)


def _read(store: Store, run: Run, artifact: Artifact) -> bytes:
    with store.open_content(run.run_id, artifact) as file:
        return file.read()


def _write_verified(
    store: Store,
    run: Run,
    artifact: Artifact,
    target: Path,
    mend: Mend,
    progress: Callable[[int], None] = ignore,
) -> None:
    with disk_errors("write an artifact"):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".gittrack-{os.getpid()}-{os.urandom(4).hex()}.tmp")
        try:
            if artifact.uri is not None:
                from gittrack.tracking.references import fetch_reference

                fetch_reference(artifact, temporary)
            else:
                for mend_once in (mend, _give_up):
                    with store.open_content(run.run_id, artifact) as source:
                        digest = copy_hashed(source, temporary, progress)
                    if digest == artifact.digest:
                        break
                    mend_once(artifact)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


def _give_up(artifact: Artifact) -> None:
    """Replace nothing.

    Raises:
        CorruptDataError: Always.
    """
    raise damaged(artifact)


def damaged(artifact: Artifact) -> CorruptDataError:
    """Return the error that says that content is not what was logged."""
    message = f"the content of {artifact.path!r} is damaged: it is not {artifact.digest[:12]}"
    return CorruptDataError(
        message, hint="log it again, or copy it from another clone; `gittrack fsck` shows all damage"
    )
