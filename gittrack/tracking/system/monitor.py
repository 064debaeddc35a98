"""The thread that samples the machine while a run is live: it keeps no process alive and breaks none."""

from __future__ import annotations

import os
import threading
import warnings
from typing import TYPE_CHECKING, Protocol

from gittrack.errors import RunStateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.tracking.live import LiveRun
    from gittrack.tracking.system.settings import Sampling

PREFIX = "system/"
STOP_S = 2.0
"""How long the end of a run waits for a reading that is under way."""


class Reader(Protocol):
    """Reads metrics of something."""

    def read(self) -> dict[str, float]:
        """Return what it does now, by name."""


def open_readers(pid: int) -> list[Reader]:
    """Return readers of the machine, its GPUs and the process ``pid`` with all below it."""
    from gittrack.tracking.system.gpus import Gpus
    from gittrack.tracking.system.machine import Machine

    return [Machine(pid), Gpus()]


class Monitor:
    """Samples until it is stopped, or its run has ended."""

    def __init__(
        self,
        live: LiveRun,
        sampling: Sampling,
        *,
        pid: int | None = None,
        readers: Callable[[int], list[Reader]] = open_readers,
    ) -> None:
        """Log to ``live`` what the machine does, and the process ``pid`` (this one if None)."""
        self._live = live
        self._sampling = sampling
        self._pid = os.getpid() if pid is None else pid
        self._open = readers
        self._prefix = PREFIX + (f"{sampling.node_id}/" if sampling.node_id else "")
        known = live.run.metrics.get(f"{self._prefix}cpu_utilization_percentage")
        self._step = known.last_step + 1 if known else 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="gittrack-system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Log what was sampled last, and sample no more."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(STOP_S)

    def _work(self) -> None:
        try:
            self._sample_forever()
        except RunStateError:  # the run has ended
            return
        except Exception as error:  # noqa: BLE001  (the one place: no training fails for want of these)
            warnings.warn(f"no more system metrics: {error!r}", stacklevel=1)

    def _sample_forever(self) -> None:
        readers = self._open(self._pid)
        sums: dict[str, list[float]] = {}
        while True:
            is_last = self._stopped.wait(self._sampling.interval_s)
            if not self._live.is_open:
                return
            for reader in readers:
                for name, value in reader.read().items():
                    sums.setdefault(self._prefix + name, []).append(value)
            count = max(map(len, sums.values()), default=0)
            if count >= self._sampling.samples or is_last:
                means = {name: round(sum(values) / len(values), 1) for name, values in sums.items()}
                self._live.log_metrics(means, self._step)
                self._step += 1
                sums.clear()
            if is_last:
                return
