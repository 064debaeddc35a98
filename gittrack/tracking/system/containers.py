"""What a container may use of its machine, as Linux's control groups say it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


@dataclass(frozen=True, slots=True)
class Limits:
    """The container's share; None where it has all of the machine."""

    memory_bytes: int | None = None
    cores: float | None = None


def read_limits(root: Path = ROOT) -> Limits:
    """Return the limits of the container this process is in, of either version of control groups."""
    memory = _number(root / "memory.max") or _number(root / "memory" / "memory.limit_in_bytes")
    if memory is not None and memory >= _UNLIMITED:
        memory = None
    return Limits(memory, _cores(root))


def read_memory(root: Path = ROOT) -> int | None:
    """Return how many bytes the container uses, without what the system can drop at once."""
    for folder, used, dropped in (
        (root, "memory.current", "inactive_file"),
        (root / "memory", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        current = _number(folder / used)
        if current is not None:
            return max(current - _statistic(folder / "memory.stat", dropped), 0)
    return None


def _cores(root: Path) -> float | None:
    quota, _, period = _text(root / "cpu.max").partition(" ")
    if not quota:
        quota = _text(root / "cpu" / "cpu.cfs_quota_us")
        period = _text(root / "cpu" / "cpu.cfs_period_us")
    try:
        cores = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None
    return cores if cores > 0 else None


def _statistic(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    text = _text(path)
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
