"""How runs end that nobody ended: by an exception that nobody caught, by SIGTERM, with the process.

Python would let a process die of SIGTERM at once, and its runs look lost. Here the signal first unwinds the
main thread, as ``sys.exit()`` does, so that ``with`` blocks and ``finally`` clauses run; then the process
dies of it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.model import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run ended that did not end well."""

    status: RunStatus
    reason: str
    traceback: str


class _Process:
    cause: Cause | None = None
    signal: Cause | None = None
    are_runs_active: Callable[[], bool] | None = None
    is_watching = False


def watch(are_runs_active: Callable[[], bool]) -> None:
    """Notice from now on how this process ends, as long as ``are_runs_active()``."""
    _Process.are_runs_active = are_runs_active
    if not _Process.is_watching:
        _Process.is_watching = True
        sys.excepthook = _note_exception(sys.excepthook)
    # Somebody who handles the signal already knows better, and only the main thread may.
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _note_signal)


def cause_of(error: BaseException) -> Cause:
    """Return why a run ended whose block raised ``error``."""
    if _Process.signal is not None and isinstance(error, SystemExit):
        return _Process.signal
    text = "".join(traceback.format_exception(error))
    said = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Cause(RunStatus.FAILED, reason[:MAX_REASON], text)


def cause_of_exit() -> Cause | None:
    """Return why the process ends, None if it just does."""
    if _Process.signal or _Process.cause:
        return _Process.signal or _Process.cause
    # A session that goes on after an error ends well.
    error = getattr(sys, "last_value", None)
    return None if error is None or hasattr(sys, "ps1") else cause_of(error)


def _note_exception(before: Callable[..., object]) -> Callable[..., None]:
    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _Process.cause = cause_of(error.with_traceback(trace))
        before(kind, error, trace)

    return hook


def _note_signal(number: int, frame: FrameType | None) -> None:
    # The next one ends the process at once.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if _Process.are_runs_active is None or not _Process.are_runs_active():
        os.kill(os.getpid(), number)
        return
    where = "".join(traceback.format_stack(frame))
    name = signal.Signals(number).name
    _Process.signal = Cause(RunStatus.KILLED, name, f"{name} arrived here (most recent call last):\n{where}")
    raise SystemExit(128 + number)


def _die_of_signal() -> None:
    """Let whoever waits for this process see the signal that ended it."""
    if _Process.signal is None or threading.current_thread() is not threading.main_thread():
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os.kill(os.getpid(), signal.SIGTERM)


def _after_fork() -> None:
    _Process.cause = _Process.signal = None
    # A child has no run to end, and whoever terminates it expects it to be gone.
    if signal.getsignal(signal.SIGTERM) is _note_signal:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


atexit.register(_die_of_signal)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
