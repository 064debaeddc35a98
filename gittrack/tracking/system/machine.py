"""What processor, memory, disk and network do, and what a tree of processes uses of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from gittrack.tracking.system.containers import read_limits, read_memory

if TYPE_CHECKING:
    from collections.abc import Iterator

MEGABYTE = 1e6


class Machine:
    """Reads the machine; rates are over the time since the reading before."""

    def __init__(self, pid: int) -> None:
        """Watch the machine, and the process ``pid`` with all below it."""
        self._limits = read_limits()
        self._network = _network_bytes()
        self._pid = pid
        self._known: dict[int, psutil.Process] = {}
        psutil.cpu_percent()  # the first reading only says since when to count
        self._read_processes()

    def read(self) -> dict[str, float]:
        """Return metrics by MLflow's names, without their prefix."""
        return {**self._read_machine(), **self._read_processes()}

    def _read_machine(self) -> dict[str, float]:
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(os.sep)
        received, sent = _network_bytes()
        used, total = memory.used, memory.total
        if self._limits.memory_bytes is not None and self._limits.memory_bytes < total:
            used, total = read_memory() or used, self._limits.memory_bytes
        share = 1.0
        if self._limits.cores is not None:
            share = min(self._limits.cores / (psutil.cpu_count() or 1), 1.0)
        return {
            "cpu_utilization_percentage": min(psutil.cpu_percent() / share, 100.0),
            "system_memory_usage_megabytes": used / MEGABYTE,
            "system_memory_usage_percentage": used / total * 100,
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / MEGABYTE,
            "disk_available_megabytes": disk.free / MEGABYTE,
            "network_receive_megabytes": (received - self._network[0]) / MEGABYTE,
            "network_transmit_megabytes": (sent - self._network[1]) / MEGABYTE,
        }

    def _read_processes(self) -> dict[str, float]:
        """Return what the tree uses: processor in percent of one core, memory, number of processes."""
        before = self._known
        self._known = {}
        cpu = memory = 0.0
        for pid in _tree(self._pid):
            try:
                process = before.get(pid) or psutil.Process(pid)
                with process.oneshot():
                    cpu += process.cpu_percent()
                    memory += process.memory_info().rss
            except psutil.Error:  # it ended meanwhile
                continue
            self._known[pid] = process
        if not self._known:
            return {}
        return {
            "process_cpu_utilization_percentage": cpu,
            "process_memory_usage_megabytes": memory / MEGABYTE,
            "process_count": float(len(self._known)),
        }


def _network_bytes() -> tuple[int, int]:
    counted = psutil.net_io_counters()
    # Where there is no network at all it is None, whatever its stub says.
    return (counted.bytes_recv, counted.bytes_sent) if counted else (0, 0)  # type: ignore[redundant-expr, unused-ignore]


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it; Linux knows them without a look at every process there is."""
    if not Path(f"/proc/{pid}/task/{pid}/children").exists():
        yield pid
        try:
            yield from (one.pid for one in psutil.Process(pid).children(recursive=True))
        except psutil.Error:
            return
        return
    waiting = [pid]
    while waiting:
        found = waiting.pop()
        yield found
        try:
            for task in os.scandir(f"/proc/{found}/task"):
                waiting += map(int, Path(task.path, "children").read_text("ascii").split())
        except OSError:
            continue
