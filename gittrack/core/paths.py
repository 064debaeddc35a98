"""Where things are in the tree of the hidden branch."""

from __future__ import annotations

import re

RUNS = "runs"
EXPERIMENTS = "experiments"
DOCUMENTS = "documents"
TOMBSTONES = "tombstones"
CONTENT = "content"
ENVIRONMENTS = "environments"
FORMAT = "format.json"
FORMAT_VERSION = 1
RUN_DOCUMENT = "run.json"
METRICS_DOCUMENT = "metrics.json"
METRICS_FOLDER = "metrics"
ARTIFACTS_DOCUMENT = "artifacts.json"
FILES_FOLDER = "files"

OWN_NAMES = frozenset({RUN_DOCUMENT, METRICS_DOCUMENT, METRICS_FOLDER, ARTIFACTS_DOCUMENT, FILES_FOLDER})
"""What a run's folder holds of its own; every other file in it is a side file."""

SHARD_DIGITS = 3
_HEX = frozenset("0123456789abcdef")
_SIDE_FILE = re.compile(r"[a-z0-9][a-z0-9._\-]{0,79}")


def shard_of(run_id: str) -> tuple[str, str, str]:
    """Return the three folders above a run: the last three hex digits of its id.

    Ids that end otherwise (callers may bring their own) use the digits of a sum over their characters.
    """
    tail = run_id[-SHARD_DIGITS:].lower()
    if len(tail) < SHARD_DIGITS or not set(tail) <= _HEX:
        total = 0
        for character in run_id:
            total = (total * 31 + ord(character)) & 0xFFF
        tail = f"{total:03x}"
    return tail[0], tail[1], tail[2]


def tombstone_path(run_id: str) -> tuple[str, ...]:
    """Return where it is said that a run was removed for good: not under its id's sortable beginning."""
    return (TOMBSTONES, "".join(shard_of(run_id)[1:]), run_id)


def run_folder(run_id: str) -> tuple[str, ...]:
    """Return the path of a run's folder, part by part."""
    return (RUNS, *shard_of(run_id), run_id)


def is_side_file_name(name: str) -> bool:
    """Whether a side file may have this name: short, lowercase, in the run's folder itself."""
    return _SIDE_FILE.fullmatch(name) is not None and name not in OWN_NAMES


def content_path(digest: str) -> tuple[str, ...]:
    """Return where it is said how the content with ``digest`` is put together."""
    return (CONTENT, digest[:2], digest[2:4], f"{digest[4:]}.json")


def content_digest(path: tuple[str, ...]) -> str:
    """Return the digest that a path of `content_path` stands for."""
    return "".join(path[1:]).removesuffix(".json")


def environment_path(digest: str) -> tuple[str, ...]:
    """Return where the packages of an environment are listed, once for all runs that had it."""
    return (ENVIRONMENTS, f"{digest}.txt")
