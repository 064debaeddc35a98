"""URIs of artifacts: ``runs:/<run id>/<path>``, ``gittrack:/<run>/<path>``, ``gittrack:blake3/<digest>``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from gittrack.core.content import DIGEST_DIGITS, describe_folder
from gittrack.core.frozen import dataclass
from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.model import Artifact, Run

RUNS = "runs:/"
GITTRACK = "gittrack:/"
CONTENT = "gittrack:blake3/"
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class RunPath:
    """A file or folder of a run."""

    run: str
    """Id of a run, or in ``gittrack:`` URIs anything that names one."""
    path: str
    """Empty: everything."""


@dataclass(frozen=True, slots=True)
class ContentDigest:
    """Content, whichever run has it."""

    digest: str


def parse_uri(uri: str) -> RunPath | ContentDigest:
    """Return what a URI means.

    Raises:
        UserError: It is no URI of an artifact.
    """
    hint = f"write {RUNS}<run id>/<path>, {GITTRACK}<run>/<path> or {CONTENT}<digest>"
    if uri.startswith(CONTENT):
        digest = uri.removeprefix(CONTENT)
        if len(digest) != DIGEST_DIGITS or not _HEX.issuperset(digest):
            message = f"{uri!r} names no BLAKE3 digest"
            raise UserError(message, hint="it has 64 hex digits")
        return ContentDigest(digest)
    for scheme in (RUNS, GITTRACK):
        if uri.startswith(scheme):
            run, _, path = uri.removeprefix(scheme).lstrip("/").partition("/")
            if run:
                return RunPath(unquote(run) if scheme == GITTRACK else run, path)
    message = f"{uri!r} is no URI of a run's artifact"
    raise UserError(message, hint=hint)


def run_uri(run_id: str, path: str) -> str:
    """Return the URI of a file or folder of a run."""
    return f"{RUNS}{run_id}/{path}".rstrip("/")


def list_makers(run: Run) -> set[str]:
    """Return the ids of the runs whose artifacts a run used."""
    return {uri.removeprefix(RUNS).partition("/")[0] for uri in run.used}


def digest_of(artifacts: Mapping[str, Artifact], path: str, hash_bytes: Callable[[bytes], str]) -> str | None:
    """Return the digest of a file or folder (``""``: of all there is), None if there is none.

    Args:
        artifacts: Of one run, by path.
        path: In the run.
        hash_bytes: BLAKE3, in hex digits.
    """
    if path in artifacts:
        return artifacts[path].digest
    listing = describe_folder(artifacts, path)
    return None if listing is None else hash_bytes(listing)
