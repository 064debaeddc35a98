"""Real Git repositories of every kind, made and judged by the git program."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.store.git_open import open_repository
from gittrack.store.git_store import GitStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNS_REF = "refs/gittrack/runs"
IDENTITY = "Somebody <somebody@example.org>"
KINDS = ("plain", "sha256", "bare", "linked worktree", "unborn")


def git(cwd: Path, *arguments: str, data: bytes | None = None) -> str:
    """Return what git prints; raise if it fails."""
    return git_bytes(cwd, *arguments, data=data).decode()


def git_bytes(cwd: Path, *arguments: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=cwd, input=data, capture_output=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}\n{done.stdout!r}\n{done.stderr!r}"
    return done.stdout


def make_repository(folder: Path, kind: str = "plain") -> Path:
    """Make a repository of one of `KINDS`; return the folder a user of it would work in."""
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "bare":
        git(folder, "init", "-q", "--bare")
        return folder
    git(folder, "init", "-q", *(["--object-format=sha256"] if kind == "sha256" else []))
    if kind == "unborn":
        return folder
    (folder / "train.py").write_text("print('training')\n", "utf-8")
    git(folder, "add", "train.py")
    git(folder, "commit", "-q", "-m", "first")
    if kind == "linked worktree":
        linked = folder.with_name(f"{folder.name}-linked")
        git(folder, "worktree", "add", "-q", "-b", "side", str(linked))
        return linked
    return folder


def common_dir(repository: Path) -> Path:
    """Return what all worktrees of a repository share."""
    return repository / git(repository, "rev-parse", "--git-common-dir").strip()


def open_store(repository: Path, now_s: Callable[[], int] | None = None) -> GitStore:
    """Open the store, if need be with a clock (seconds since the epoch) of the test's own."""
    store = GitStore(open_repository(repository), identity=IDENTITY)
    if now_s is not None:
        store._committer = replace(store._committer, now_s=now_s)
    return store


def check_repository(repository: Path) -> None:
    """Let git judge: everything that is reachable is there and well formed, nothing is half written."""
    found = subprocess.run(
        ["git", "fsck", "--strict", "--no-dangling", "--no-progress"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [
        line
        for line in (found.stdout + found.stderr).splitlines()
        if not line.startswith(("notice: HEAD points to an unborn branch", "notice: No default references"))
    ]
    assert (found.returncode, complaints) == (0, [])


def leftovers(repository: Path) -> list[str]:
    """Return the files under the Git directory that are only there while we are writing something.

    Not those of a git that was killed, whose names begin with ``tmp_``: its own ``gc`` removes them.
    """
    top = common_dir(repository)
    own = top / "gittrack"
    waiting = [path for name in ("journal", "spool", "tmp") for path in (own / name).rglob("*")]
    packs = top / "objects" / "pack"
    unfinished = [path for path in packs.glob("*tmp*") if not path.name.startswith("tmp_")]
    unfinished += packs.glob("*.keep")
    packed = {path.stem for path in packs.glob("*.idx")}
    unfinished += [path for path in packs.glob("*.pack") if path.stem not in packed]
    unfinished += (top / "refs").rglob("*.lock")
    return sorted(str(path.relative_to(top)) for path in [*waiting, *unfinished] if path.is_file())


def age_leftovers(repository: Path) -> None:
    """Make what waits in temporary files look as if it were written hours ago."""
    own = common_dir(repository) / "gittrack"
    for path in [
        *own.glob("spool/.*.tmp"),
        *own.rglob("tmp/**/*"),
        *own.glob("tmp/*"),
        *own.glob("unsettled/*"),
    ]:
        os.utime(path, (0, 0))


def read_json(repository: Path, path: str, tip: str = RUNS_REF) -> bytes:
    """Return a file of the hidden branch as git prints it."""
    return git_bytes(repository, "cat-file", "blob", f"{tip}:{path}")


def count_commits(repository: Path) -> int:
    return int(git(repository, "rev-list", "--count", RUNS_REF))
