"""The network as the store sees it: refs that come, refs that go, and what can go wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from gittrack.errors import NotFoundError, RemoteError, RemoteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

STALL_S = 60.0
"""A transfer of which nothing was heard for so long is given up."""

OVERTAKEN = (
    "fetch first",
    "non-fast-forward",
    "stale info",
    "cannot lock ref",
    "failed to update ref",
    "failed to lock",
    "incorrect old value",
    "reference already exists",
    "unable to set",
)
"""What git and its servers say when somebody else was quicker."""
NO_CREDENTIALS = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    "Permission denied",
    "HTTP 401",
    "error: 401",
)
FORBIDDEN = ("error: 403", "HTTP 403", "resp 403", "Permission to", "not allowed to push")
FULL = ("No space left", "quota", "disk full", "unpacker error", "pack exceeds maximum")
UNREACHABLE_HINT = "what was logged is safe here; try again when the remote can be reached"

Progress: TypeAlias = "Callable[[int, int], None]"
"""Called with the objects transferred so far, and all there are to transfer."""


class PushOutcome(Enum):
    """What became of one push."""

    DONE = "done"
    OVERTAKEN = "overtaken"
    """Somebody else pushed in between: fetch, merge, push again."""


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref of a remote that is to move."""

    ref: str
    """Its name there."""
    new: str
    """The object here that it is to point at."""
    replaced: str | None = None
    """Where it must still be for a move that does not only add to it; None: the move only adds."""


class Transport(Protocol):
    """Exchanges refs of one repository with its remotes."""

    def fetch(self, remote: str, refs: Mapping[str, str], *, progress: Progress | None = None) -> None:
        """Bring refs here to where refs are at a remote, in one round trip if nothing changed.

        Args:
            remote: Its name or URL, or the path of a bundle.
            refs: Name there → name here. What does not exist there does not exist here afterwards.
            progress: Told how far it is.

        Raises:
            NotFoundError: There is no such remote.
            RemoteError: It cannot be reached, or the transfer failed; then nothing here has changed.
        """

    def push(
        self, remote: str, updates: Sequence[RefUpdate], *, progress: Progress | None = None
    ) -> PushOutcome:
        """Move refs at a remote: all of them, or none.

        Raises:
            NotFoundError: There is no such remote.
            RemoteRefusedError: It does not accept one of the refs.
            RemoteError: It cannot be reached, or the transfer failed.
        """

    def create_bundle(self, path: Path, ref: str) -> None:
        """Write everything that ``ref`` reaches into one file.

        Raises:
            RemoteError: It cannot be written.
        """

    def follow(self, remote: str) -> bool:
        """Let the user's own ``git fetch`` bring what a remote has; return whether that is new.

        Raises:
            RemoteError: The configuration cannot be written.
        """


def remote_error(action: str, remote: str, report: str) -> RemoteError | NotFoundError:
    """Return the error that says what a report of git means.

    Args:
        action: ``fetch from`` or ``push to``.
        remote: Its name.
        report: What git and the server said.
    """
    if "does not appear to be a git repository" in report and "/" not in remote:
        message = f"no remote {remote!r}, or it is no Git repository"
        return NotFoundError(message, hint="`git remote -v` lists them")
    message = f"cannot {action} {remote}: {find_reason(report)}"
    hint = UNREACHABLE_HINT
    if any(words in report for words in NO_CREDENTIALS):
        hint = "check your credentials: does `git push` work there?"
    elif "dubious ownership" in report:
        path = report.partition("repository at '")[2].partition("'")[0]
        hint = f"if you trust its owner: git config --global --add safe.directory {path or 'PATH'}"
    elif any(words in report for words in FORBIDDEN):
        hint = (
            "ask for write access; in CI give the job's token `contents: write` (GitHub) "
            "or `write_repository` (GitLab)"
        )
    elif any(words in report.lower() for words in map(str.lower, FULL)):
        hint = "the remote is full, or could not store what it got; what was logged is safe here"
    return RemoteError(message, hint=hint)


def judge_refusal(remote: str, ref: str, reason: str) -> PushOutcome:
    """Return what a server's refusal of one ref means.

    Raises:
        RemoteRefusedError: It does not accept this ref.
        RemoteError: It accepts the ref, and could not store what it got.
    """
    if any(words in reason for words in OVERTAKEN):
        return PushOutcome.OVERTAKEN
    if any(words in reason.lower() for words in map(str.lower, FULL)):
        raise remote_error("push to", remote, reason)
    message = f"{remote} does not accept {ref}: {reason}"
    name = ref.removeprefix("refs/")
    hint = f"allow it there, or use a branch: git config gittrack.remoteRef refs/heads/{name}"
    if ref.startswith("refs/heads/"):
        hint = "allow this branch there: a rule or a hook of the server refuses it"
    raise RemoteRefusedError(message, hint=hint)


def find_reason(report: str) -> str:
    """Return what git gave as its reason."""
    lines = [line.strip() for line in report.replace("\r", "\n").splitlines() if line.strip()]
    told = [line for line in lines if line.startswith("remote: fatal:")]
    errors = [line for line in lines if line.startswith(("fatal:", "error:"))]
    reason = (told or errors or lines[-1:] or [""])[0].removeprefix("remote: ")
    return (reason.partition(": ")[2] if reason.startswith(("fatal:", "error:")) else reason) or (
        "git gave no reason"
    )
