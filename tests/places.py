"""Where gittrack must work: every kind of repository, as somebody who works there finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_PRIVILEGE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")
"""Even root may not write where permissions say no."""


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Place:
    """A folder to work in."""

    kind: str
    folder: Path
    remote: Path | None
    variables: Mapping[str, str | None] = field(default_factory=dict)
    """Environment variables to set, or to take away."""
    prefix: tuple[str, ...] = ()

    def gittrack(self, *arguments: str) -> Answer:
        """Run a command there."""
        changed = {name: value for name, value in self.variables.items() if value is not None}
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **changed}
        for name in self.variables.keys() - changed.keys():
            environment.pop(name, None)
        done = subprocess.run(
            [*self.prefix, sys.executable, "-m", "gittrack", *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)


def make_place(kind: str, folder: Path) -> Place:
    """Make one of `PLACES` in a folder, with a remote ``origin``."""
    return _MAKERS[kind](folder)


def _plain(folder: Path, kind: str = "plain") -> Place:
    remote = folder / "remote.git"
    remote.mkdir(parents=True)
    git(remote, "init", "-q", "--bare", *(["--object-format=sha256"] if kind == "sha256" else []))
    here = make_repository(folder / "here", kind)
    git(here, "remote", "add", "origin", str(remote))
    if kind not in {"unborn", "bare"}:
        git(here, "push", "-q", "origin", "HEAD:refs/heads/main")
    return Place(kind, here, remote)


def _submodule(folder: Path) -> Place:
    inner = _plain(folder / "inner")
    outer = make_repository(folder / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.remote), "module")
    return Place("submodule", outer / "module", inner.remote)


def _clone(folder: Path, kind: str, *options: str) -> Place:
    source = _plain(folder)
    assert source.remote
    for number in range(3):
        (source.folder / "train.py").write_text(f"print({number})\n", "utf-8")
        git(source.folder, "commit", "-q", "-a", "-m", f"step {number}")
    git(source.folder, "push", "-q", "origin", "HEAD:refs/heads/main")
    git(source.remote, "config", "uploadpack.allowFilter", "true")
    git(folder, "clone", "-q", "-b", "main", *options, source.remote.as_uri(), "clone")
    return Place(kind, folder / "clone", source.remote)


def _git_dir(folder: Path) -> Place:
    plain = _plain(folder)
    away = folder / "elsewhere"
    away.mkdir()
    return Place("GIT_DIR", away, plain.remote, {"GIT_DIR": str(plain.folder / ".git")})


def _dubious(folder: Path) -> Place:
    plain = _plain(folder)
    config = folder / "config"
    config.write_text("[user]\n\tname = Somebody\n\temail = somebody@example.org\n", "utf-8")
    # Git's own way to be tested: as if somebody else owned every repository; but the remote is its owner's.
    for name in ("upload", "receive"):
        command = f"env -u GIT_TEST_ASSUME_DIFFERENT_OWNER git-{name}-pack"
        git(plain.folder, "config", f"remote.origin.{name}pack", command)
    variables = {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1", "GIT_CONFIG_GLOBAL": str(config)}
    return Place("dubious ownership", plain.folder, plain.remote, variables)


def _no_git(folder: Path) -> Place:
    plain = _plain(folder)
    empty = folder / "bin"
    empty.mkdir()
    return Place("no git binary", plain.folder, plain.remote, {"PATH": str(empty)})


def _read_only(folder: Path) -> Place:
    plain = _plain(folder)
    before = plain.gittrack("log", "-m", "acc=0.5", "--name", "before")
    assert before.status == 0, before.err
    for path in [plain.folder, *plain.folder.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    return Place("read-only", plain.folder, plain.remote, prefix=WITHOUT_PRIVILEGE)


_MAKERS: dict[str, Callable[[Path], Place]] = {
    "plain": _plain,
    "linked worktree": lambda folder: _plain(folder, "linked worktree"),
    "submodule": _submodule,
    "bare": lambda folder: _plain(folder, "bare"),
    "sha256": lambda folder: _plain(folder, "sha256"),
    "partial clone": lambda folder: _clone(folder, "partial clone", "--filter=blob:none", "--no-checkout"),
    "shallow clone": lambda folder: _clone(folder, "shallow clone", "--depth", "1"),
    "unborn HEAD": lambda folder: _plain(folder, "unborn"),
    "GIT_DIR": _git_dir,
    "dubious ownership": _dubious,
    "no git binary": _no_git,
    "read-only": _read_only,
}
PLACES = tuple(_MAKERS)
