"""Metrics that a running command reports: in its lines by a pattern, or on a descriptor as JSON."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from gittrack.errors import StoreError, UserError
from gittrack.tracking.command.child import ERR, OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittrack.core.line_metrics import Pattern, Reading
    from gittrack.tracking.live import LiveRun


class MetricReader:
    """Reads metrics and logs them; what comes before the run has begun waits for it."""

    def __init__(self, patterns: Sequence[Pattern], complain: Callable[[str], None]) -> None:
        """Look for ``patterns``; call ``complain`` with what cannot be read or logged."""
        self._complain = complain
        self._pickers = {}
        if patterns:
            from gittrack.core.line_metrics import LinePicker

            counts: dict[str, int] = {}
            self._pickers = {stream: LinePicker(tuple(patterns), counts=counts) for stream in (OUT, ERR)}
        self._rest = b""
        self._live: LiveRun | None = None
        self._waiting: list[Callable[[LiveRun], None]] = []
        self._lock = threading.Lock()

    def begin(self, live: LiveRun) -> None:
        """Log to ``live`` from now on, what was read before first."""
        with self._lock:
            for log in self._waiting:
                self._try(log, live)
            self._waiting.clear()
            self._live = live

    def read_output(self, stream: str, data: bytes) -> None:
        """Look for metrics in a piece of output."""
        if self._pickers:
            for reading in self._pickers[stream].feed(data):
                self._log(partial(_log_reading, reading))

    def read_lines(self, data: bytes) -> None:
        """Read a piece of JSON lines."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._log(partial(_log_line, line))

    def finish(self) -> None:
        """Read last lines without an end."""
        for stream in self._pickers:
            self.read_output(stream, b"\n")
        if self._rest:
            self.read_lines(b"\n")

    def _log(self, log: Callable[[LiveRun], None]) -> None:
        with self._lock:
            if self._live is None:
                self._waiting.append(log)
            else:
                self._try(log, self._live)

    def _try(self, log: Callable[[LiveRun], None], live: LiveRun) -> None:
        try:
            log(live)
        except (UserError, StoreError) as error:
            self._complain(f"metrics are left out: {error.message}")


def _log_reading(reading: Reading, live: LiveRun) -> None:
    live.log_metrics(reading.metrics, reading.step)


def _log_line(line: bytes, live: LiveRun) -> None:
    from gittrack.core.recording import parse_line

    facts = parse_line(line)
    live.log_params(facts.params)
    live.log_metrics(facts.metrics, facts.step, facts.timestamp)
    live.set_tags(facts.tags)
