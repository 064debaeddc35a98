"""A folder of files as the one commit of a branch at a remote, of which only what changed is sent.

The objects live in a small repository of their own beside the journal, so that the user's never grows.
git packs all of an orphan commit's objects, as it knows no common ancestor; told that the commit before
is a shallow root, it leaves out what that one holds. The remote sees an ordinary push.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gittrack.errors import ConflictError, NotFoundError
from gittrack.store.disk import replace_file
from gittrack.store.git_program import QUIET_OPTIONS
from gittrack.store.transport import OVERTAKEN, remote_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TRAILER = "Gittrack-Site: 1"
"""Says in a commit's message that nobody's work is lost when the next one replaces it."""
_REF = "refs/heads/site"
_MAX_PACKS = 12


@dataclass(frozen=True, slots=True)
class Published:
    """What became of a publication."""

    commit: str
    url: str
    changed: int
    """Files that were not in the commit before."""
    sent: bool
    """Whether anything had to be sent."""


class PagesBranch:
    """The branch of one repository that holds its site."""

    def __init__(self, git_dir: Path, remote: str, branch: str) -> None:
        """Name the branch; nothing is read or made yet.

        Args:
            git_dir: The common Git directory.
            remote: Name of a remote, or a URL.
            branch: Without ``refs/heads/``.
        """
        self._git_dir = git_dir
        self._own = git_dir / "gittrack" / "site.git"
        self._remote = remote
        self._ref = f"refs/heads/{branch}"

    def find_url(self) -> str:
        """Return where the remote is pushed to.

        Raises:
            NotFoundError: There is no such remote.
        """
        if "/" in self._remote or ":" in self._remote:
            return self._remote
        done = self._git("remote", "get-url", "--push", self._remote)
        if done.returncode != 0:
            message = f"no remote {self._remote!r}"
            raise NotFoundError(message, hint="`git remote -v` lists them; a URL will do as well")
        return done.stdout.strip()

    def has_published(self) -> bool:
        """Return whether this repository published to this branch before."""
        return bool(self._read_state().get(self._key()))

    def publish(
        self, files: Mapping[str, tuple[str, Path]], message: str, *, force: bool = False
    ) -> Published:
        """Make the branch hold exactly these files, path → digest and place, as one commit.

        Raises:
            ConflictError: The branch holds what gittrack did not write, or somebody else was quicker.
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached, or does not let us.
        """
        url = self.find_url()
        self._prepare()
        tip = self._find_tip()
        base = self._fetch_base(tip) if tip else None
        if base is not None and not force and TRAILER not in self._message_of(base):
            text = f"{self._ref.removeprefix('refs/heads/')} at {self._remote} was not written by gittrack"
            raise ConflictError(text, hint="choose another --branch, or replace it with --force")
        known = self._read_state().get(self._key(), {})
        digests = known.get("files", {}) if known.get("commit") == base else {}
        listed = self._list(base) if base else {}
        commit, changed = self._import(files, digests, listed, message)
        if base is not None and self._tree_of(commit) == self._tree_of(base):
            commit = base
        else:
            self._push(commit, tip)
        self._write_state({path: digest for path, (digest, _) in files.items()}, commit)
        self._tidy()
        return Published(commit, url, changed, sent=commit != base)

    def _prepare(self) -> None:
        if not (self._own / "HEAD").exists():
            kind = self._git("rev-parse", "--show-object-format").stdout.strip() or "sha1"
            self._own.parent.mkdir(parents=True, exist_ok=True)
            self._run(["git", "init", "--quiet", "--bare", f"--object-format={kind}", str(self._own)])

    def _find_tip(self) -> str | None:
        done = self._git("ls-remote", "--quiet", self._remote, self._ref)
        if done.returncode != 0:
            raise remote_error("read", self._remote, done.stderr)
        return done.stdout.split("\t")[0] or None

    def _fetch_base(self, tip: str) -> str:
        """Bring what is there into our own repository, unless it is what we published last."""
        if self._in_own("cat-file", "-e", f"{tip}^{{tree}}").returncode != 0:
            done = self._in_own(
                "fetch", "--quiet", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                "--refmap=", self._remote, self._ref, as_user=True,
            )  # fmt: skip
            if done.returncode != 0:
                raise remote_error("fetch from", self._remote, done.stderr)
        return tip

    def _list(self, commit: str) -> dict[str, str]:
        lines = self._in_own("ls-tree", "-r", "-z", commit).stdout.split("\0")
        return {path: about.split()[2] for about, _, path in (line.partition("\t") for line in lines if line)}

    def _import(
        self,
        files: Mapping[str, tuple[str, Path]],
        digests: Mapping[str, str],
        listed: Mapping[str, str],
        message: str,
    ) -> tuple[str, int]:
        """Write the commit and whatever objects are new, as one pack."""
        changed = [
            path for path, (digest, _) in files.items() if digests.get(path) != digest or path not in listed
        ]
        new = set(changed)
        identity = self._git("var", "GIT_COMMITTER_IDENT").stdout.strip()
        text = f"{message}\n\n{TRAILER}\n".encode()
        who = identity or "gittrack <gittrack@localhost> 0 +0000"
        importer = subprocess.Popen(
            ["git", f"--git-dir={self._own}", *QUIET_OPTIONS, "fast-import", "--quiet", "--done", "--force"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self._environment(),
        )
        with importer:
            assert importer.stdin is not None  # noqa: S101 - we asked for pipes
            assert importer.stderr is not None  # noqa: S101
            stream = importer.stdin
            stream.write(b"reset %s\ncommit %s\n" % (_REF.encode(), _REF.encode()))
            stream.write(b"committer %s\ndata %d\n%s\ndeleteall\n" % (who.encode(), len(text), text))
            for path in sorted(files):
                name = _quote(path)
                if path in new:
                    content = files[path][1].read_bytes()
                    stream.write(b"M 100644 inline %s\ndata %d\n" % (name, len(content)))
                    stream.write(content + b"\n")
                else:
                    stream.write(b"M 100644 %s %s\n" % (listed[path].encode(), name))
            stream.write(b"done\n")
            stream.close()
            complaint = importer.stderr.read().decode("utf-8", "replace")
        if importer.returncode != 0:
            raise remote_error("prepare the site for", self._remote, complaint)
        return self._in_own("rev-parse", _REF).stdout.strip(), len(changed)

    def _push(self, commit: str, tip: str | None) -> None:
        # What a shallow root holds is known to be there.
        (self._own / "shallow").write_text(f"{tip}\n" if tip else "", "ascii")
        lease = f"--force-with-lease={self._ref}:{tip or ''}"
        done = self._in_own(
            "push", "--no-verify", "--quiet", "--porcelain", lease, self._remote, f"{commit}:{self._ref}",
            as_user=True,
        )  # fmt: skip
        if done.returncode == 0:
            return
        report = f"{done.stdout}\n{done.stderr}"
        if any(words in report for words in OVERTAKEN):
            message = f"{self._ref} at {self._remote} moved in the meantime"
            raise ConflictError(message, hint="publish again")
        raise remote_error("push to", self._remote, report)

    def _tree_of(self, commit: str) -> str:
        return self._in_own("rev-parse", f"{commit}^{{tree}}").stdout.strip()

    def _message_of(self, commit: str) -> str:
        return self._in_own("log", "-1", "--format=%B", commit).stdout

    def _tidy(self) -> None:
        """Drop what earlier publications left, once it is many packs."""
        if len(list((self._own / "objects" / "pack").glob("*.pack"))) > _MAX_PACKS:
            self._in_own("repack", "-a", "-d", "-q")

    def _key(self) -> str:
        return f"{self._remote} {self._ref}"

    def _read_state(self) -> dict[str, dict[str, Any]]:
        try:
            state = json.loads((self._own / "gittrack-published.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write_state(self, files: Mapping[str, str], commit: str) -> None:
        state = {**self._read_state(), self._key(): {"commit": commit, "files": dict(files)}}
        content = json.dumps(state, sort_keys=True, separators=(",", ":")).encode()
        replace_file(self._own / "gittrack-published.json", content)

    def _in_own(self, *arguments: str, as_user: bool = False) -> subprocess.CompletedProcess[str]:
        """Run git on our own repository, with ``as_user`` with the remotes and credentials of the user's."""
        # Not in the user's: a push there would move refs/remotes to a commit that is not there.
        more = ("-c", f"include.path={self._git_dir.absolute() / 'config'}", "-c", "core.bare=true")
        options = (*QUIET_OPTIONS, *(more if as_user else ()))
        return self._run(["git", f"--git-dir={self._own}", *options, *arguments])

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run(["git", f"--git-dir={self._git_dir}", *QUIET_OPTIONS, *arguments])

    def _run(self, command: Iterable[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            env=self._environment(),
        )

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LC_ALL": "C"}


def _quote(path: str) -> bytes:
    """Return a path as fast-import reads any."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"' + escaped.encode("utf-8", "surrogateescape") + b'"'
