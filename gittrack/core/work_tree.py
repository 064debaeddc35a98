"""A work tree as ``git status`` tells of it, and what of it belongs into a code snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.core.secrets import is_secret_file

if TYPE_CHECKING:
    from collections.abc import Iterable

LINK_MODE = 0o120000
GITLINK_MODE = 0o160000

MAX_UNTRACKED_BYTES = 1 << 20
"""A larger file is data, not code."""
MAX_UNTRACKED_TOTAL_BYTES = 16 << 20
MAX_UNTRACKED_FILES = 2000
MAX_CHANGED_BYTES = 16 << 20
"""Of one tracked file: what is larger stays as HEAD has it."""
MAX_CHANGED_TOTAL_BYTES = 64 << 20

DERIVED_FOLDERS = frozenset(
    {
        "__pycache__", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox",
        ".venv", "venv", "node_modules", "mlruns", "wandb", "lightning_logs", ".eggs", ".hypothesis",
    }
)  # fmt: skip
"""Folders that tools make beside the code: running it must not change what the code is."""
DERIVED_SUFFIXES = (".pyc", ".pyo", ".egg-info", ".swp", "~", ".DS_Store")


@dataclass(frozen=True, slots=True)
class Change:
    """A path that git knows and that is not as in HEAD."""

    path: str
    mode: int
    """In the work tree; 0 if it is gone there."""
    submodule: str = "N..."
    """As git says it: ``S`` and, for a submodule, whether its commit, files or untracked files differ."""
    is_in_head: bool = True

    @property
    def is_submodule(self) -> bool:
        """Whether it is a repository of its own."""
        return self.submodule.startswith("S") or self.mode == GITLINK_MODE


@dataclass(frozen=True, slots=True)
class WorkTreeStatus:
    """What ``git status`` found."""

    commit: str | None
    """HEAD; None on a branch without commits."""
    branch: str | None
    """None if HEAD is detached."""
    changes: tuple[Change, ...] = ()
    untracked: tuple[str, ...] = ()
    """Files, and folders with a slash at the end, that are neither known nor ignored."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may go into a snapshot."""

    path: str
    size: int
    """Bytes."""
    is_tracked: bool


@dataclass(slots=True)
class Choice:
    """Which files go into a snapshot, and why others do not."""

    taken: list[Candidate] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def parse_status(data: bytes) -> WorkTreeStatus:
    """Return what ``git status --porcelain=v2 --branch --no-renames -z`` printed.

    Raises:
        ValueError: It is something else.
    """
    commit = branch = None
    changes, untracked = [], []
    fields = iter(data.decode("utf-8", "surrogateescape").split("\0"))
    for line in fields:
        kind, _, rest = line.partition(" ")
        match kind:
            case "#":
                name, _, value = rest.partition(" ")
                if name == "branch.oid" and value != "(initial)":
                    commit = value
                elif name == "branch.head" and value != "(detached)":
                    branch = value
            case "1":
                _, submodule, head_mode, _, mode, _, _, path = rest.split(" ", 7)
                changes.append(Change(path, int(mode, 8), submodule, int(head_mode, 8) != 0))
            case "2":
                _, submodule, _, _, mode, _, _, _, path = rest.split(" ", 8)
                changes += [Change(path, int(mode, 8), submodule), Change(next(fields), 0)]
            case "u":
                _, submodule, _, ours, _, mode, _, _, _, path = rest.split(" ", 9)
                changes.append(Change(path, int(mode, 8), submodule, int(ours, 8) != 0))
            case "?":
                untracked.append(rest)
            case _:
                if line:
                    message = f"not a line of git status: {line!r}"
                    raise ValueError(message)
    return WorkTreeStatus(commit, branch, tuple(changes), tuple(untracked))


def is_derived(path: str) -> bool:
    """Whether a file is made by running or editing code, such as ``__pycache__/train.pyc``."""
    *folders, name = path.split("/")
    return (
        not DERIVED_FOLDERS.isdisjoint(folders) or name in DERIVED_FOLDERS or name.endswith(DERIVED_SUFFIXES)
    )


def choose_files(candidates: Iterable[Candidate]) -> Choice:
    """Return which files go into a snapshot: within the caps, and nothing that looks secret.

    The order of the candidates does not matter: the same files make the same choice everywhere.
    """
    choice = Choice()
    totals = {True: 0, False: 0}
    untracked = 0
    for one in sorted(candidates, key=lambda candidate: candidate.path):
        largest = MAX_CHANGED_BYTES if one.is_tracked else MAX_UNTRACKED_BYTES
        most = MAX_CHANGED_TOTAL_BYTES if one.is_tracked else MAX_UNTRACKED_TOTAL_BYTES
        if is_secret_file(one.path):
            reason = "looks like a secret by its name"
        elif one.size > largest:
            reason = f"larger than {largest >> 20} MiB"
        elif totals[one.is_tracked] + one.size > most:
            reason = f"beyond {most >> 20} MiB of {'changed' if one.is_tracked else 'untracked'} files"
        elif not one.is_tracked and untracked >= MAX_UNTRACKED_FILES:
            reason = f"beyond {MAX_UNTRACKED_FILES:,} untracked files"
        else:
            totals[one.is_tracked] += one.size
            untracked += not one.is_tracked
            choice.taken.append(one)
            continue
        choice.skipped[one.path] = reason
    return choice
