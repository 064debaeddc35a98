"""A checkout: the user's files and index, which the git program changes where that is asked for by name."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SAFE_OPTIONS = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.quotePath=false",
    "-c", "safe.directory=*",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "commit.gpgSign=false",
    "-c", "submodule.recurse=false",
)  # fmt: skip
_IDENTITY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "gittrack"), ("EMAIL", "gittrack@localhost"))
}
_NOT_OURS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")
GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree."""

    mode: str
    oid: str


@dataclass(frozen=True, slots=True)
class Change:
    """One file that two trees do not both hold alike."""

    path: str
    """POSIX path from the top; bytes that are no UTF-8 are surrogates."""
    old: Entry | None
    new: Entry | None


@dataclass(frozen=True, slots=True)
class Checkout:
    """A work tree with its index."""

    top: Path

    def ask(self, *arguments: str, data: bytes = b"", index: Path | None = None) -> bytes:
        """Return what a git command prints.

        Args:
            arguments: The command.
            data: What it reads.
            index: An index file to use instead of the work tree's own.

        Raises:
            StoreError: It failed, or there is no git program.
        """
        done = self.run(*arguments, data=data, index=index)
        if done.returncode != 0:
            reason = _reason(done.stderr)
            message = f"git {arguments[0]} failed: {reason}"
            hint = "another git process is at work, or died: see .git/index.lock"
            raise StoreError(message, hint=hint if "index.lock" in reason else "nothing was changed by it")
        return done.stdout

    def run(
        self, *arguments: str, data: bytes = b"", index: Path | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a git command, whatever its outcome; see `ask`.

        Raises:
            StoreError: There is no git program.
        """
        try:
            return subprocess.run(
                ["git", "-C", str(self.top), *SAFE_OPTIONS, *arguments],
                input=data,
                capture_output=True,
                check=False,
                env=git_environment(index),
            )
        except OSError as error:
            message = f"the git program cannot be started: {error.strerror}"
            raise StoreError(message, hint="install git: it does all work on work trees") from error

    def find_object(self, name: str) -> str | None:
        """Return the id of the object that ``name`` (a revision) means, None if it is not here."""
        line = name.replace("\n", " ")  # one question a line; no name of an object has a line break
        words = self.run("cat-file", "--batch-check", data=f"{line}\n".encode()).stdout.decode().split()
        return words[0] if len(words) == 3 and words[1] in {"commit", "tree", "blob", "tag"} else None  # noqa: PLR2004

    def head(self) -> str | None:
        """Return the commit that is checked out, None on an unborn branch."""
        return self.find_object("HEAD^{commit}")

    def empty_tree(self) -> str:
        """Return the id of the tree without files."""
        return self.ask("hash-object", "-w", "-t", "tree", "--stdin").decode().strip()

    def git_path(self, name: str) -> Path:
        """Return where a file of this work tree's own Git folder is."""
        return self.top / os.fsdecode(self.ask("rev-parse", "--git-path", name)).rstrip("\n")

    def diff_trees(self, old: str, new: str) -> list[Change]:
        """Return the files that differ between two commits or trees; submodules are left out."""
        rows = self.ask("diff-tree", "-r", "-z", "--no-renames", "--raw", "--no-abbrev", old, new).split(
            b"\0"
        )
        changes = []
        for about, path in zip(rows[0:-1:2], rows[1::2], strict=True):
            old_mode, new_mode, old_oid, new_oid, _ = about.decode().removeprefix(":").split()
            if GITLINK in {old_mode, new_mode}:
                continue
            changes.append(Change(os.fsdecode(path), _entry(old_mode, old_oid), _entry(new_mode, new_oid)))
        return changes

    def changed_paths(self) -> list[str]:
        """Return the tracked files that differ from HEAD, in the index or on disk."""
        return [path for code, path in self._status("--untracked-files=no") if code]

    def untracked_paths(self) -> list[str]:
        """Return the files that are neither tracked nor ignored."""
        return [path for code, path in self._status("--untracked-files=all") if code == "??"]

    def has_conflicts(self) -> bool:
        """Whether a merge waits to be finished."""
        return bool(self.ask("ls-files", "--unmerged", "-z"))

    def has_file(self, path: str) -> bool:
        """Whether a file, or a link to anything, is at a path on disk."""
        place = self.top / path
        return place.is_symlink() or place.is_file()

    def differing_files(self, expected: Mapping[str, Entry]) -> set[str]:
        """Return the paths whose files on disk are not, as git would store them, what is expected."""
        if not expected:
            return set()
        with self.temporary_index() as index:
            self.ask("update-index", "-z", "--index-info", data=_index_info(expected.items()), index=index)
            self.run("update-index", "-q", "--refresh", index=index)  # its status says that something differs
            answer = self.ask("diff-files", "--name-only", "-z", index=index)
        return {os.fsdecode(path) for path in answer.split(b"\0") if path}

    def differing_from(self, tree: str, paths: Iterable[str]) -> set[str]:
        """Return which of these paths are on disk other than in a tree, or only in one of both."""
        wanted = set(paths)
        listed = self.ask("ls-tree", "-r", "-z", "--full-tree", tree).split(b"\0")
        found: dict[str, Entry] = {}
        for about, _, raw in (row.partition(b"\t") for row in listed if row):
            if (path := os.fsdecode(raw)) in wanted:
                mode, _, oid = about.decode().split()
                found[path] = Entry(mode, oid)
        appeared = {path for path in wanted - found.keys() if self.has_file(path)}
        return appeared | self.differing_files(found)

    @contextlib.contextmanager
    def temporary_index(self, tree: str | None = None) -> Iterator[Path]:
        """Yield the path of an index of our own, that of a tree or else empty, beside the real one."""
        with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
            index = Path(folder) / "index"
            if tree is not None:
                self.ask("read-tree", tree, index=index)
            yield index

    def write_tree(self, entries: Iterable[tuple[str, Entry]], base: str | None = None) -> str:
        """Return a tree of these files, on top of those of ``base``."""
        with self.temporary_index(base) as index:
            self.ask("update-index", "-z", "--index-info", data=_index_info(entries), index=index)
            return self.ask("write-tree", index=index).decode().strip()

    def write_commit(self, tree: str, parents: Iterable[str], message: str) -> str:
        """Return a commit of ours that holds a tree."""
        options = [word for parent in parents for word in ("-p", parent)]
        return self.ask("commit-tree", tree, *options, data=message.encode()).decode().strip()

    def write_files(self, tree: str, paths: Iterable[str]) -> None:
        """Write files of a tree to disk, through the user's filters, over whatever files are there."""
        # What attributes say decides how the other files are written.
        ordered = sorted(paths, key=lambda path: not path.endswith(".gitattributes"))
        attributes = [path for path in ordered if path.endswith(".gitattributes")]
        with self.temporary_index(tree) as index:
            for group in (attributes, ordered[len(attributes) :]):
                if group:
                    data = b"".join(os.fsencode(path) + b"\0" for path in group)
                    self.ask("checkout-index", "--force", "-z", "--stdin", data=data, index=index)

    def _status(self, untracked: str) -> list[tuple[str, str]]:
        answer = self.ask(
            "status", "--porcelain=v1", "-z", "--no-renames", untracked, "--ignore-submodules=all"
        )
        return [(row[:2].decode(), os.fsdecode(row[3:])) for row in answer.split(b"\0") if row]


def git_environment(index: Path | None = None) -> dict[str, str]:
    """Return the environment of git commands that say nothing to the user and ask nothing."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    return {**kept, **_IDENTITY, **quiet, **({"GIT_INDEX_FILE": str(index)} if index else {})}


def _index_info(entries: Iterable[tuple[str, Entry]]) -> bytes:
    return b"".join(f"{one.mode} {one.oid}\t".encode() + os.fsencode(path) + b"\0" for path, one in entries)


def _entry(mode: str, oid: str) -> Entry | None:
    return None if set(mode) == {"0"} else Entry(mode, oid)


def _reason(report: bytes) -> str:
    lines = [line.strip() for line in report.decode(errors="replace").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return (told or lines or ["git gave no reason"])[0].removeprefix("fatal: ").removeprefix("error: ")
