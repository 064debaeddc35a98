"""The child process of a command: how it is started, and how signals reach it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import signal
import struct
import termios
import time
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass
from gittrack.errors import CommandNotFoundError, CommandNotRunnableError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OUT, ERR = "out", "err"
PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
"""Signals for the command that arrive here."""
ENDING = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
WATCHED = frozenset({*PASSED_ON, signal.SIGCHLD, signal.SIGWINCH})
POLL_S = 0.25
PIPE_BYTES = 1 << 18
SI_KERNEL = 0x80
"""Linux's mark of a signal that a terminal sent: it sent it to the command as well."""
SHELL_KILLED = 128
"""Shells report a program that signal N ended as this plus N."""


@dataclass(frozen=True, slots=True)
class Child:
    """A started command."""

    pid: int
    group: bool
    """Whether it leads a process group of its own, which signals go to."""
    streams: Mapping[int, str]
    """Descriptor to read from → `OUT` or `ERR`."""
    metrics: int | None
    """Descriptor its metrics come from."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a command ended."""

    code: int
    """Its exit code, as a shell would report it."""
    signal: str | None
    """The signal that ended it, by name."""
    received: str | None
    """The signal that arrived here and was passed on to end it, by name."""


def check_command(command: Sequence[str]) -> None:
    """Check that this can be a command at all.

    Raises:
        InvalidValueError: It cannot.
    """
    if "" in command[:1] or any("\0" in part for part in command):
        message = "a command cannot be empty or hold NUL characters"
        raise InvalidValueError(message, hint="gittrack run -- python train.py")


def start(command: Sequence[str], environment: Mapping[str, str], *, metrics_fd: int | None = None) -> Child:
    """Start a command whose output comes through pipes, or through a terminal where ours goes to one.

    Call it after `block_signals`: the command itself starts with none blocked.

    Args:
        command: Program and arguments.
        environment: All of its environment.
        metrics_fd: A descriptor that the command can write metrics to.

    Raises:
        CommandNotFoundError: There is no program by that name.
        CommandNotRunnableError: The system refuses to run it.
    """
    reading: dict[int, str] = {}
    actions: list[tuple[int, ...]] = []
    theirs: list[int] = []
    is_shared = os.isatty(1) and os.isatty(2)
    for descriptor, stream in ((1, OUT), (2, ERR)):
        if is_shared and stream == ERR:
            actions.append((os.POSIX_SPAWN_DUP2, theirs[0], descriptor))
            continue
        ours, end = _open_terminal(descriptor) if _is_terminal(descriptor) else _open_pipe()
        reading[ours] = stream
        theirs.append(end)
        actions.append((os.POSIX_SPAWN_DUP2, end, descriptor))
    metrics = None
    if metrics_fd is not None:
        metrics, end = _open_pipe()
        theirs.append(end)
        actions.append((os.POSIX_SPAWN_DUP2, end, metrics_fd))
    # A process group of its own could not read from the terminal, nor be stopped by Ctrl-Z with us.
    is_group = not _is_terminal(0)
    group: dict[str, Any] = {"setpgroup": 0} if is_group else {}
    try:
        pid = os.posix_spawnp(
            command[0],
            list(command),
            dict(environment),
            file_actions=actions,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
            **group,
        )
    except OSError as error:
        for descriptor in (*reading, *([metrics] if metrics is not None else [])):
            os.close(descriptor)
        raise _refusal(command[0], error) from error
    finally:
        for end in theirs:
            os.close(end)
    return Child(pid, is_group, reading, metrics)


def block_signals() -> set[signal.Signals]:
    """Block what `wait` takes, in this thread and those it starts; return what was blocked before."""
    found = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    return {one for one in found if isinstance(one, signal.Signals)}


def unblock_signals(before: set[signal.Signals]) -> None:
    """Go back to what was blocked before; what is still pending is delivered."""
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def wait(child: Child, *, kill_after_s: float, on_signal: Callable[[str], None]) -> Ending:
    """Wait for a command; pass on the signals that arrive, and kill it if one should end it and does not.

    Args:
        child: The command.
        kill_after_s: How long it may live on after a signal that should end it, seconds.
        on_signal: Called with the name of each signal that is passed on.
    """
    received: str | None = None
    deadline: float | None = None
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid:
            code = os.waitstatus_to_exitcode(status)
            name = signal.Signals(-code).name if code < 0 else None
            return Ending(SHELL_KILLED - code if code < 0 else code, name, received)
        if deadline is not None and time.monotonic() > deadline:
            _send(child, signal.SIGKILL)
            deadline = None
        about = signal.sigtimedwait(WATCHED, POLL_S)
        if about is None or about.si_signo == signal.SIGCHLD:
            continue
        if about.si_signo == signal.SIGWINCH:
            _resize(child)
            continue
        sent = signal.Signals(about.si_signo)
        on_signal(sent.name)
        if child.group or about.si_code != SI_KERNEL:
            _send(child, sent)
        if sent in ENDING:
            received = received or sent.name
            # Whoever presses Ctrl-C sees what happens, and can press it again.
            if sent != signal.SIGINT and deadline is None:
                deadline = time.monotonic() + kill_after_s


def _refusal(name: str, error: OSError) -> CommandNotFoundError | CommandNotRunnableError:
    is_there = os.path.exists(name)  # noqa: PTH110  (a name as it was typed)
    if error.errno == errno.ENOENT and not (is_there and "/" in name):
        hint = f"is it ./{name}?" if is_there else "check its spelling and PATH"
        return CommandNotFoundError(f"there is no program {name!r}", hint=hint)
    if error.errno == errno.EACCES and is_there and "/" in name:
        hint = "it is a folder" if os.path.isdir(name) else f"`chmod +x {name}`, or run it by its interpreter"  # noqa: PTH112
        return CommandNotRunnableError(f"{name!r} cannot be executed", hint=hint)
    reason = (error.strerror or str(error)).lower()
    hints = {
        errno.ENOEXEC: "a script needs a first line such as #!/bin/sh",
        errno.ENOENT: "the interpreter in its first line is not there",
    }
    return CommandNotRunnableError(f"cannot run {name!r}: {reason}", hint=hints.get(error.errno or 0))


def _send(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if child.group:
            os.killpg(child.pid, number)
        else:
            os.kill(child.pid, number)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def _open_pipe() -> tuple[int, int]:
    pair = _above_standard(os.pipe())
    # Fewer and larger pieces, but no larger than what stays in the processor's cache.
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(pair[0], fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return pair


def _open_terminal(like: int) -> tuple[int, int]:
    """Return both ends of a terminal that has the size of ours and changes no byte."""
    ours, theirs = _above_standard(pty.openpty())
    _copy_size(like, theirs)
    modes = termios.tcgetattr(theirs)
    modes[1] &= ~termios.OPOST  # the real terminal adds the carriage returns
    termios.tcsetattr(theirs, termios.TCSANOW, modes)
    return ours, theirs


def _above_standard(pair: tuple[int, int]) -> tuple[int, int]:
    """Return descriptors above 2: a shell may have started us without the standard ones."""
    first, second = (fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, 10) for one in pair)
    for one in pair:
        os.close(one)
    return first, second


def _copy_size(source: int, target: int) -> None:
    with contextlib.suppress(OSError):
        size = fcntl.ioctl(source, termios.TIOCGWINSZ, struct.pack("HHHH", 0, 0, 0, 0))
        fcntl.ioctl(target, termios.TIOCSWINSZ, size)


def _resize(child: Child) -> None:
    for descriptor, stream in child.streams.items():
        _copy_size(1 if stream == OUT else 2, descriptor)
