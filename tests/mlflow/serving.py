"""MLflow's own server, as ``gittrack ui --mlflow`` starts it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTUP_S = 300
"""Longer than any machine takes: the server imports MLflow once for each of its workers."""


@dataclass(frozen=True, slots=True)
class Served:
    """A server and the repository it keeps everything in."""

    repository: Path
    address: str


@contextlib.contextmanager
def serve(repository: Path, log: Path) -> Iterator[Served]:
    """Run MLflow's own server, with its several workers, on a repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "gittrack",
        "--repo",
        str(repository),
        "ui",
        "--mlflow",
        "--port",
        str(port),
    ]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/health", server, log)
        yield Served(repository, address)
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text("utf-8")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    pytest.fail(f"no answer from {url}\n{log.read_text('utf-8')}")
