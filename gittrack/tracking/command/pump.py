"""Passing on what a command prints, byte for byte, while it is kept."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import sys
import threading
import time
from typing import TYPE_CHECKING

from gittrack.tracking.command.child import ERR, OUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.tracking.command.child import Child

READ_BYTES = 1 << 18
READS_IN_A_ROW = 4
"""Of one stream that prints much, before the other has its turn."""
MUCH_BYTES = 1 << 14
QUIET_S = 0.2
"""After the command's end, what it left running may print until it is quiet for so long."""
LAST_S = 5.0
"""But no longer than this."""
SWITCH_S = 0.00005
METRICS = "metrics"
GONE = frozenset({errno.EPIPE, errno.EBADF, errno.ESHUTDOWN})


class Pump(threading.Thread):
    """Reads a command's descriptors until they are closed; writes to ours, and tells what came."""

    def __init__(self, child: Child, keep: Callable[[str, bytes], None]) -> None:
        """Call ``keep(stream, bytes)`` with every piece, before it is passed on."""
        super().__init__(name="gittrack-pump", daemon=True)
        self._keep = keep
        self._selector = selectors.DefaultSelector()
        self._targets = {OUT: 1, ERR: 2}
        streams = dict(child.streams)
        if child.metrics is not None:
            streams[child.metrics] = METRICS
        for descriptor, stream in streams.items():
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ, stream)
        self._ended = threading.Event()

    def finish(self) -> None:
        """Return when everything the command printed was passed on; the command has ended."""
        self._ended.set()
        self.join()

    def run(self) -> None:
        """Read and write until all is closed, or the command has ended and nothing more comes."""
        # The repository is being opened meanwhile, which shall not hold up what the command prints.
        sys.setswitchinterval(SWITCH_S)
        deadline: float | None = None
        while self._selector.get_map():
            ready = self._selector.select(QUIET_S)
            if self._ended.is_set():
                deadline = deadline or time.monotonic() + LAST_S
                if not ready or time.monotonic() > deadline:
                    break
            for key, _ in ready:
                self._pass_on(key.fd, key.data)
        for key in list(self._selector.get_map().values()):
            self._close(key.fd)
        self._selector.close()

    def _pass_on(self, descriptor: int, stream: str) -> None:
        """Pass on what there is of a stream, in few steps: after each the interpreter's lock may be taken."""
        for _ in range(READS_IN_A_ROW):
            try:
                data = os.read(descriptor, READ_BYTES)
            except BlockingIOError:
                return
            except OSError:  # a terminal says so when nobody has it open any more
                data = b""
            if not data:
                self._close(descriptor)
                return
            self._keep(stream, data)
            if stream in self._targets and not _write(self._targets[stream], data):
                # Nobody reads us any more: the command shall learn of it as if we were not between.
                self._close(descriptor)
                return
            if len(data) < MUCH_BYTES:
                return

    def _close(self, descriptor: int) -> None:
        self._selector.unregister(descriptor)
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _write(target: int, data: bytes) -> bool:
    """Write all of it; return False if nobody is there to read."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(target, view) :]
        except BlockingIOError:
            time.sleep(0.005)
        except OSError as error:
            return error.errno not in GONE
    return True
