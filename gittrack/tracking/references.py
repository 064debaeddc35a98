"""Artifacts that are only referred to, and artifacts taken out of a run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gittrack.core.events import ArtifactLogged, ArtifactRemoved, is_reference_digest
from gittrack.core.model import Artifact
from gittrack.core.names import check_artifact_path, shorten
from gittrack.errors import ArtifactNotFoundError, CorruptDataError, InvalidValueError
from gittrack.store.digests import digest_file

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.tracking.client import Client

COPY_BYTES = 8 << 20


def log_reference(
    client: Client,
    run_id: str,
    uri: str,
    artifact_path: str | None = None,
    *,
    digest: str | None = None,
    size: int | None = None,
) -> Artifact:
    """Log an artifact whose content stays where it is.

    Args:
        client: Of the run.
        run_id: The run.
        uri: Where the content is, for everybody who is to read it; a password in it is left out.
        artifact_path: What it is called in the run; by default the last part of the URI.
        digest: ``<algorithm>:<value>``, such as ``sha256:…``, ``md5:…`` or ``blake3:…``: what is fetched is
            verified by it if the algorithm is known. None if it is not known.
        size: Bytes, None if that is not known.

    Raises:
        InvalidNameError: The path cannot be one of an artifact.
        InvalidValueError: The URI, digest or size makes no sense.
        RunNotFoundError: There is no such run.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.context import strip_user_info

    checked = _check_uri(uri)
    if digest is not None and (not digest or not is_reference_digest(digest)):
        message = f"{shorten(digest)} is no digest"
        raise InvalidValueError(message, hint="write <algorithm>:<value>, e.g. sha256:9f86d0…")
    if size is not None and (type(size) is not int or size < 0):
        message = f"{size!r} is no size"
        raise InvalidValueError(message, hint="pass the number of bytes, or None")
    path = check_artifact_path(artifact_path or urlsplit(checked).path.rstrip("/").rpartition("/")[2])
    artifact = Artifact(path, digest or "", size or 0, uri=strip_user_info(checked))
    client.edit(run_id, lambda time: ArtifactLogged(artifact, time))
    return artifact


def remove_artifacts(client: Client, run_id: str, path: str) -> list[Artifact]:
    """Take a file, or all that a folder or glob means, out of a run; return what was taken out.

    The content goes with the next ``gittrack gc``, if no other run refers to it.

    Raises:
        ArtifactNotFoundError: There is nothing at this path.
        RunNotFoundError: There is no such run.
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.artifacts import find_artifact
    from gittrack.tracking.downloads import select_artifacts

    run = client.get_run(run_id)
    gone = list(select_artifacts(run, path)) if path.strip("/") else []
    if not gone:
        find_artifact(run, path)
    live = client.live(run_id)
    for one in gone:
        live.write(ArtifactRemoved(one.path, live.event_time()))
    return gone


def fetch_reference(artifact: Artifact, target: Path) -> None:
    """Copy what an artifact refers to into a file, and verify it as far as its digest allows.

    Raises:
        ArtifactNotFoundError: There is nothing any more.
        CorruptDataError: It is not what it was when it was logged.
        RemoteError: It cannot be reached.
        UserError: A package that its kind of URI needs is missing.
    """
    from gittrack.store.remotes.fsspec_remote import fetch_uri

    uri = artifact.uri or ""
    if urlsplit(uri).scheme in {"runs", "gittrack"}:
        message = f"{artifact.path!r} refers to {uri}, an artifact of another run"
        raise ArtifactNotFoundError(message, hint="get it by that URI")
    fetch_uri(uri, target, {})
    algorithm, _, value = artifact.digest.partition(":")
    found = _digest(target, algorithm)
    if found is not None and found != value.lower():
        message = (
            f"{uri} is not what {artifact.path!r} was: its {algorithm} is {found[:12]}…, not {value[:12]}…"
        )
        raise CorruptDataError(message, hint="it changed since it was logged")


def _digest(path: Path, algorithm: str) -> str | None:
    if algorithm == "blake3":
        return digest_file(path)
    if algorithm not in {"md5", "sha1", "sha256", "sha512"}:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def _check_uri(uri: object) -> str:
    text = uri if isinstance(uri, str) else ""
    try:
        parts = urlsplit(text)
        is_uri = bool(parts.scheme and len(parts.scheme) > 1 and (parts.netloc or parts.path))
    except ValueError:
        is_uri = False
    if not is_uri or not text.isprintable() or any(character.isspace() for character in text):
        message = f"{shorten(str(uri))} is no URI"
        hint = "others must be able to read it, e.g. s3://bucket/data.parquet; log_artifact() takes paths"
        raise InvalidValueError(message, hint=hint)
    return text
