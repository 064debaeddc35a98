"""The command line as a user meets it: in this process, as a program, on a terminal."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from gittrack.cli.main import run
from tests.repositories import make_repository

ROOT = Path(__file__).resolve().parents[2]
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Cli(Protocol):
    """Runs a command in the repository of the test."""

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Result: ...


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with one commit, which is also where the test is."""
    made = make_repository(tmp_path / "work")
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Return the way to run a command in this process."""
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str, stdin: bytes = b"") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        status = run(list(arguments))
        out, err = capfd.readouterr()
        return Result(status, out, err)

    return call


@pytest.fixture
def program() -> Cli:
    """Return the way to run a command as a program of its own."""

    def call(*arguments: str, stdin: bytes = b"") -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "gittrack", *arguments],
            input=stdin,
            capture_output=True,
            env=environment(),
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


class Terminal(Protocol):
    """Runs a command on a terminal of a given width; what it shows is in ``out``, colours and all."""

    def __call__(self, *arguments: str, width: int = 80, **variables: str) -> Result: ...


@pytest.fixture
def terminal() -> Terminal:
    """Return the way to run a command on a terminal."""

    def call(*arguments: str, width: int = 80, **variables: str) -> Result:
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-m", "gittrack", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment(), "TERM": "xterm-256color", **variables},
        )
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65_536):
                shown += chunk
        except OSError:  # the other side is closed
            pass
        os.close(master)
        return Result(process.wait(), shown.decode().replace("\r\n", "\n"), "")

    return call


def environment() -> dict[str, str]:
    """Return the environment of a program: that of the tests, with this checkout."""
    unwanted = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PYTHONPATH": str(ROOT)}


def without_colours(text: str) -> str:
    return ESCAPES.sub("", text)


def check_snapshot(name: str, text: str) -> None:
    """Compare with what was shown before; ``UPDATE_SNAPSHOTS=1`` takes the new text for good."""
    path = Path(__file__).parent / "snapshots" / f"{name}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text, f"see {path}; UPDATE_SNAPSHOTS=1 rewrites it"
