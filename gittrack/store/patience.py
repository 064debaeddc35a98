"""Work on the network that is given up once nothing is heard of it."""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, TypeVar, cast

from gittrack.errors import RemoteError
from gittrack.store.transport import UNREACHABLE_HINT

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


class Heartbeat:
    """When something was last heard."""

    def __init__(self) -> None:
        """Begin now."""
        self.time_s = time.monotonic()

    def __call__(self, *_about: object) -> None:
        """Hear something, whatever it is."""
        self.time_s = time.monotonic()

    def left_s(self, stall_s: float) -> float:
        """Return how long to wait for the next, seconds."""
        return self.time_s + stall_s - time.monotonic()


def wait_for(work: Callable[[], Answer], heard: Heartbeat, stall_s: float) -> Answer:
    """Return what ``work`` returns, or raise what it raises; it runs in a thread of its own.

    Args:
        work: What to do.
        heard: Called by the work whenever something arrives.
        stall_s: Give up when that did not happen for so long.

    Raises:
        RemoteError: Nothing was heard for ``stall_s``.
    """
    answers: queue.SimpleQueue[tuple[Answer | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except Exception as error:  # noqa: BLE001  (raised again where it is waited for)
            answers.put((None, error))

    threading.Thread(target=run, name="gittrack-network", daemon=True).start()
    while True:
        try:
            answer, error = answers.get(timeout=max(heard.left_s(stall_s), 0.01))
        except queue.Empty:
            if heard.left_s(stall_s) > 0:
                continue
            raise stalled(stall_s) from None
        if error is not None:
            raise error
        return cast("Answer", answer)


def stalled(stall_s: float) -> RemoteError:
    """Return the error that says that nothing was heard for so long."""
    message = f"the remote stalled: nothing was heard of it for {stall_s:g} s"
    return RemoteError(message, hint=UNREACHABLE_HINT)
