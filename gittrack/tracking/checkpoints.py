"""Checkpoints of live runs, made in the background so that no training loop waits for one."""

from __future__ import annotations

import threading
import warnings
from typing import TYPE_CHECKING

from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from collections.abc import Callable


class Checkpoints:
    """Makes checkpoints on one daemon thread: when asked, and every so often if an interval is set."""

    def __init__(self, make: Callable[[str], None], live_runs: Callable[[], list[str]]) -> None:
        """Call ``make(run_id)`` for each checkpoint; ``live_runs`` tells which runs there are."""
        self._make = make
        self._live_runs = live_runs
        self._condition = threading.Condition()
        self._asked: list[str] = []
        self._busy = False
        self.interval_s: float | None = None
        """Seconds from one to the next, None if they are only made when asked for."""
        self._thread: threading.Thread | None = None

    def set_interval(self, interval_s: float | None) -> None:
        """Make a checkpoint of every live run each ``interval_s`` seconds; None: only when asked."""
        with self._condition:
            self.interval_s = interval_s
            self._start()
            self._condition.notify_all()

    def ask(self, run_id: str) -> None:
        """Make a checkpoint of a run soon; return at once."""
        with self._condition:
            if run_id not in self._asked:
                self._asked.append(run_id)
            self._start()
            self._condition.notify_all()

    def wait(self) -> None:
        """Return when nothing is asked for and nothing under way."""
        with self._condition:
            while self._thread is not None and self._thread.is_alive() and (self._asked or self._busy):
                self._condition.wait(0.1)

    def forget_after_fork(self) -> None:
        """Start afresh: the thread is not copied into a forked child."""
        self.__init__(self._make, self._live_runs)  # type: ignore[misc]

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="gittrack-checkpoints", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._condition:
                self._busy = False
                self._condition.notify_all()
                if not self._asked and not self._condition.wait(self.interval_s):
                    self._asked = self._live_runs()  # the interval has passed
                self._busy = True
                run_ids, self._asked = self._asked, []
            for run_id in run_ids:
                self._checkpoint(run_id)

    def _checkpoint(self, run_id: str) -> None:
        try:
            self._make(run_id)
        except GittrackError as error:
            # The journal still has everything: the next checkpoint, or the end of the run, tries again.
            warnings.warn(f"no checkpoint of run {run_id}: {error}", stacklevel=1)
