"""Refs exchanged by the git program: credentials, proxies and ssh settings are the user's own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from gittrack.errors import RemoteError
from gittrack.store import ref_lock
from gittrack.store.patience import stalled
from gittrack.store.transport import (
    STALL_S,
    PushOutcome,
    find_reason,
    judge_refusal,
    remote_error,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.store.transport import Progress, RefUpdate

QUIET_OPTIONS = (
    "-c", "core.fsmonitor=false",
    "-c", "core.hooksPath=/dev/null",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "push.gpgSign=false",
    "-c", "push.followTags=false",
    "-c", "push.recurseSubmodules=no",
    "-c", "push.pushOption=",
    "-c", "fetch.recurseSubmodules=false",
    "-c", "fetch.writeCommitGraph=false",
    "-c", "fetch.fsckObjects=false",
)  # fmt: skip
TRANSFER = re.compile(rb"(?:Writing|Receiving) objects: +\d+% \((\d+)/(\d+)\)")
REJECTED = re.compile(r"^!\t[^\t]*?:(?P<ref>[^\t]+)\t\[[^\]]*\] \((?P<reason>.*)\)$", re.MULTILINE)
"""A line of ``git push --porcelain`` about a ref that did not move."""
LONGEST_REPORT = 80
"""Bytes of one report of progress."""
LONGEST_GOODBYE_S = 5.0


FETCH_ATTEMPTS = 5
MOVED = "not our ref"
"""What git says of a commit that no ref of the remote leads to any more."""
LOCKED = re.compile(r"Unable to create '(?P<path>[^'\n]*/refs/gittrack[^'\n]*\.lock)': File exists")
"""What git says of a ref of ours that somebody else moves now, or was killed at."""
LOCK_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class GitProgram:
    """Exchanges refs of one repository by running git."""

    git_dir: Path
    """The common Git directory."""
    top: Path | None = None
    """The work tree. Git finds the repository by itself: where it is told, it does not ask who owns it."""
    folder: Path | None = None
    """Where relative paths of remotes begin, if that is not in the repository itself."""
    may_prompt: bool = False
    """Whether git may ask for a password: only where the user asked for the network by name."""
    stall_s: float = STALL_S
    """Give up when nothing was heard for so long."""
    has_ssh_command: bool = False
    """Whether the user's configuration says how to call ssh."""

    def fetch(self, remote: str, refs: Mapping[str, str], *, progress: Progress | None = None) -> None:
        """Bring refs here to where refs are at a remote; see `Transport.fetch`."""
        # As globs, a fetch of what does not exist succeeds, and pruning takes away what no longer exists;
        # pruning looks only at the refs that are named here. A partial clone must have its runs whole.
        refspecs = [f"+{there}*:{here}*" for there, here in refs.items()]
        deadline = time.monotonic() + ref_lock.PATIENCE_S
        attempts = 0
        while True:
            done = self._run(
                "fetch", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--prune", "--refmap=",
                "--no-filter", "--progress", remote, *refspecs, progress=progress,
            )  # fmt: skip
            if done.returncode == 0:
                return
            if (locked := LOCKED.search(done.stderr)) and time.monotonic() < deadline:
                ref_lock.remove_if_stale(Path(locked["path"]))
                time.sleep(LOCK_PAUSE_S)
                continue
            # A ref that was replaced between being listed and being asked for is listed anew.
            attempts += 1
            if MOVED not in done.stderr or attempts == FETCH_ATTEMPTS:
                raise remote_error("fetch from", remote, done.stderr)

    def fetch_shallow(self, remote: str, names: Sequence[str], *, progress: Progress | None = None) -> bool:
        """Bring commits or refs of a remote without their ancestors; return whether all of them are there.

        Raises:
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached, or the transfer failed.
        """
        done = self._run(
            "fetch", "--depth=1", "--no-tags", "--no-write-fetch-head", "--no-auto-gc", "--refmap=",
            "--progress", remote, *names, progress=progress,
        )  # fmt: skip
        if done.returncode == 0:
            return True
        if "couldn't find remote ref" in done.stderr or MOVED in done.stderr:
            return False
        raise remote_error("fetch from", remote, done.stderr)

    def push(
        self, remote: str, updates: Sequence[RefUpdate], *, progress: Progress | None = None
    ) -> PushOutcome:
        """Move refs at a remote; see `Transport.push`."""
        options = [f"--force-with-lease={one.ref}:{one.replaced}" for one in updates if one.replaced]
        if len(updates) > 1:
            options.append("--atomic")
        done = self._run(
            "push", "--no-verify", "--porcelain", "--progress", *options, remote,
            *(f"{one.new}:{one.ref}" for one in updates), progress=progress,
        )  # fmt: skip
        if done.returncode == 0:
            return PushOutcome.DONE
        refusals = list(REJECTED.finditer(done.stdout))
        for refusal in refusals:
            if "atomic" not in refusal["reason"]:
                return judge_refusal(remote, refusal["ref"], _explain(refusal["reason"], done.stderr))
        raise remote_error("push to", remote, f"{done.stdout}\n{done.stderr}")

    def create_bundle(self, path: Path, ref: str) -> None:
        """Write everything that ``ref`` reaches into one file; see `Transport.create_bundle`."""
        done = self._run("bundle", "create", "--quiet", str(path.absolute()), ref)
        if done.returncode != 0:
            message = f"cannot write the bundle {str(path)!r}: {find_reason(done.stderr)}"
            raise RemoteError(message, hint="check the folder, and that there is room on the disk")

    def follow(self, remote: str) -> bool:
        """Let the user's own ``git fetch`` bring what a remote has; see `Transport.follow`."""
        # A glob, since an exact refspec makes every fetch fail from a remote that lacks the ref; and not to
        # our own refs, which a fetch with --prune would delete.
        key, value = f"remote.{remote}.fetch", f"+refs/gittrack/*:refs/gittrack-remote/{remote}/*"
        if value in self._run("config", "--get-all", key).stdout.splitlines():
            return False
        done = self._run("config", "--add", key, value)
        if done.returncode != 0:
            message = f"cannot write {key} into the configuration: {done.stderr.strip()}"
            raise RemoteError(message, hint="check the permissions of .git/config")
        return True

    def _run(self, *arguments: str, progress: Progress | None = None) -> subprocess.CompletedProcess[str]:
        place = ["-C", str(self.folder or self.top or self.git_dir)]
        if self.folder is not None:
            place.append(f"--git-dir={self.git_dir}")
        command = ["git", *place, *QUIET_OPTIONS, *arguments]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._environment(),
                start_new_session=not self.may_prompt,  # without a terminal nobody can be asked
            )
        except OSError as error:
            message = f"the git program cannot be started: {error.strerror}"
            raise RemoteError(message, hint="reinstall git") from error
        with process:
            try:
                output = self._listen(process, progress)
            except BaseException:
                _end(process)
                raise
        texts = [part.decode("utf-8", "replace") for part in output]
        return subprocess.CompletedProcess(command, process.returncode, *texts)

    def _environment(self) -> dict[str, str]:
        environment = {**os.environ, "LC_ALL": "C", "GIT_HTTP_LOW_SPEED_LIMIT": "1"}
        environment["GIT_HTTP_LOW_SPEED_TIME"] = str(max(int(self.stall_s), 1))
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_QUARANTINE_PATH"):
            environment.pop(name, None)
        if not self.may_prompt:
            environment["GIT_TERMINAL_PROMPT"] = "0"
            environment.pop("SSH_ASKPASS", None)  # a window that nobody expects
            if not self.has_ssh_command:
                environment.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")
        return environment

    def _listen(self, process: subprocess.Popen[bytes], progress: Progress | None) -> tuple[bytes, bytes]:
        """Return all that a process prints.

        Raises:
            RemoteError: Nothing was heard of it for too long.
        """
        heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
        for place, pipe in enumerate(pipes):
            threading.Thread(target=_forward, args=(pipe, place, heard), daemon=True).start()
        said = [bytearray(), bytearray()]
        still_open = len(pipes)
        # Somebody who is asked for a password may take their time; nobody is once something was said.
        limit_s = None if self.may_prompt else self.stall_s
        while still_open:
            try:
                place, chunk = heard.get(timeout=limit_s)
            except queue.Empty:
                raise stalled(self.stall_s) from None
            if not chunk:
                still_open -= 1
                continue
            limit_s = self.stall_s
            said[place] += chunk
            if progress is not None:
                # A piece may hold several reports, and the first may have begun in the piece before.
                recent = said[place][-len(chunk) - LONGEST_REPORT :]
                for found in list(TRANSFER.finditer(recent))[-1:]:
                    progress(int(found[1]), int(found[2]))
        return bytes(said[0]), bytes(said[1])


def _forward(pipe: IO[bytes], place: int, heard: queue.SimpleQueue[tuple[int, bytes]]) -> None:
    """Put what comes through a pipe into a queue; an empty chunk is its end."""
    chunk = b"?"
    while chunk:
        try:
            chunk = os.read(pipe.fileno(), 1 << 16)
        except (OSError, ValueError):
            chunk = b""
        heard.put((place, chunk))


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git, which ends its helpers when it is asked politely."""
    process.terminate()
    try:
        process.wait(LONGEST_GOODBYE_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _explain(reason: str, report: str) -> str:
    """Return a refusal together with what the server's hook said, which is all that users learn of it."""
    if reason not in {"hook declined", "pre-receive hook declined"}:
        return reason
    told = [
        line.removeprefix("remote: ").strip() for line in report.splitlines() if line.startswith("remote: ")
    ]
    return f"{reason}: {'; '.join(filter(None, told))}" if any(told) else reason
