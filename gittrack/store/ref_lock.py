"""Lock files of refs, which killed programs leave behind for everybody else to wait for."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STALE_S = 10.0
"""A ref is locked for moments: a lock as old as this belongs to nobody alive."""
PATIENCE_S = 30.0
"""How long to wait for who holds a lock; longer than it takes to be stale."""


def remove_if_stale(lock: Path) -> None:
    """Remove a lock that nobody alive can hold."""
    with contextlib.suppress(OSError):
        if time.time() - lock.stat().st_mtime > STALE_S:
            lock.unlink()
