"""Signals that ask a command to come to its end, rather than to die."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """Set an event when a signal asks to end; a second one is as hard as ever."""
    stopped = threading.Event()
    before: dict[int, Any] = {}

    def stop(_number: int, _frame: object) -> None:
        stopped.set()
        restore()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in ASKING:
        before[number] = signal.signal(number, stop)
    try:
        yield stopped
    finally:
        restore()
