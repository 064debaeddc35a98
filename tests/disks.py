"""What file systems refuse, without root: more bytes, and paths that are too long."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def no_room(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``limit`` bytes: that needs no root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def make_deep(top: Path) -> Path:
    """Make a folder with a file in it whose path is longer than the system takes; return the folder."""
    top.mkdir(exist_ok=True)
    folder = os.open(top, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        deeper = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = deeper
    os.close(os.open("metrics.jsonl", os.O_WRONLY | os.O_CREAT, dir_fd=folder))
    os.close(folder)
    return top
