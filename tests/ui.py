"""`gittrack ui` as a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ui:
    """The process, once it serves."""

    url: str
    """What it printed: the address with its token."""
    pid: int

    def cpu_s(self) -> float:
        """Return the processor's seconds that it took so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def serve_ui(repository: Path) -> Iterator[Ui]:
    """Run it for a repository, and end it as Ctrl-C does."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gittrack", "ui", "--no-open"],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield Ui(process.stdout.readline().strip(), process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in {0, 130}
        process.stdout.close()
