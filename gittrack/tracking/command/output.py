"""The output of a command at rest: raw in files of its own until it is part of the run.

Every piece is in the files before it is passed on, so that the output survives a kill of any kind: the next
command that opens the repository finds files that nobody holds and puts them into their run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.console import CONSOLE_FILE, TAG_CONSOLE, Console, format_lines
from gittrack.errors import GittrackError, NotFoundError
from gittrack.store.disk import write_whole
from gittrack.store.git_find import find_common_dir
from gittrack.store.lock import try_flock
from gittrack.tracking.command.child import ERR, OUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittrack.tracking.client import Client

FULL_OUTPUT = "console/output.log"
"""The artifact with the whole output as it came, where the side file has not all of it."""
FOLDER = "console"

PIECE_BYTES = 1 << 20
MARK_MS = 20
"""How exactly it is kept when something was printed, if the command's start was killed."""

_RECORD = struct.Struct("<QBQ")
"""From an offset on, what was printed at a time (ms) on a stream; written before the bytes."""
_STREAMS = (OUT, ERR)


def output_folder(place: Path, run_id: str) -> Path:
    """Return where the output of a run is kept for now: in the repository around ``place`` if it is plain."""
    common = find_common_dir(place)
    if common is None:
        return Path(tempfile.mkdtemp(prefix="gittrack-")) / run_id
    return common / "gittrack" / FOLDER / run_id


class Output:
    """Keeps what a command prints, in files and as the head and tail that people read."""

    def __init__(self, folder: Path) -> None:
        """Write into ``folder``, which is made; where that fails only head and tail are kept, in memory."""
        self.folder = folder
        self.console = Console()
        self.problem: str | None = None
        """Why not everything is kept."""
        self._is_settled = True
        """Whether the files are of no more use."""
        self._marked = ("", 0)
        self._raw = self._marks = -1
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._raw = os.open(folder / "output", flags, 0o600)
            self._marks = os.open(folder / "marks", flags, 0o600)
            try_flock(self._marks)
        except OSError as error:
            self._note(error)

    def keep(self, time: int, stream: str, data: bytes) -> None:
        """Keep a piece that arrived at ``time`` (ms); a disk that fails ends the keeping, not the command."""
        offset = self.console.size
        self.console.feed(time, stream, data)
        if self.problem is not None:
            return
        try:
            if self._marked[0] != stream or time >= self._marked[1] + MARK_MS:
                write_whole(self._marks, _RECORD.pack(time, _STREAMS.index(stream), offset))
                self._marked = (stream, time)
            write_whole(self._raw, data)
        except OSError as error:
            self._note(error)

    def store(self, client: Client, run_id: str) -> None:
        """Put the output into its run.

        Raises:
            StoreError: The disk is full, or failed; then the files stay, and the next command tries again.
        """
        self._is_settled = False
        _store(client, run_id, self.console, self.folder / "output")
        self._is_settled = True

    def close(self) -> None:
        """Remove the files, unless they are to be put into their run later."""
        for descriptor in (self._raw, self._marks):
            if descriptor >= 0:
                os.close(descriptor)
        self._raw = self._marks = -1
        if self._is_settled:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, error: OSError) -> None:
        self.problem = (error.strerror or str(error)).lower()


def adopt(client: Client) -> list[str]:
    """Put into their runs what commands printed whose `gittrack run` was killed; return the runs' ids."""
    top = _top(client)
    try:
        folders = list(top.iterdir()) if top is not None else []
    except OSError:
        return []
    return [folder.name for folder in folders if _adopt(client, folder)]


def read_console(client: Client, run_id: str) -> str | None:
    """Return what is kept of the output of a run, or what its command on this machine printed so far."""
    top = _top(client)
    if top is not None:
        with contextlib.suppress(OSError):
            return format_lines(_replay(top / run_id).lines())
    content = client.find_side_file(run_id, CONSOLE_FILE)
    return None if content is None else content.decode("utf-8", "replace")


def _adopt(client: Client, folder: Path) -> bool:
    try:
        marks = os.open(folder / "marks", os.O_RDWR)
    except OSError:
        return False
    try:
        # While somebody holds it the command runs; who cannot lock here leaves it to those who can.
        if try_flock(marks) is not True or not folder.is_dir():
            return False
        console = _replay(folder)
        # A run that was never recorded, or is gone, has no use for its output.
        with contextlib.suppress(NotFoundError):
            _store(client, folder.name, console, folder / "output")
            client.release(folder.name)
        shutil.rmtree(folder, ignore_errors=True)
    except (GittrackError, OSError):
        return False  # the next command tries again
    finally:
        os.close(marks)
    return True


def _store(client: Client, run_id: str, console: Console, raw: Path) -> None:
    from gittrack.tracking import artifacts as files

    if not console.size:
        return
    if console.is_cut and raw.is_file():
        files.log_file(client.store, client.live(run_id), raw, FULL_OUTPUT)
    client.set_tag(run_id, TAG_CONSOLE, console.size)
    client.set_side_file(run_id, CONSOLE_FILE, format_lines(console.lines()).encode())


def _replay(folder: Path) -> Console:
    """Return the head and tail of what was kept; what lies between is read in pieces like these."""
    console = Console()
    marks = _read_marks(folder / "marks")
    with (folder / "output").open("rb") as raw:
        for (time, stream, _), (_, _, end) in pairwise([*marks, (0, OUT, sys.maxsize)]):
            while data := raw.read(min(end - console.size, PIECE_BYTES)):
                console.feed(time, stream, data)
    return console


def _read_marks(path: Path) -> Iterator[tuple[int, str, int]]:
    data = path.read_bytes()
    whole = len(data) - len(data) % _RECORD.size
    for time, stream, offset in _RECORD.iter_unpack(data[:whole]):
        yield time, _STREAMS[min(stream, 1)], offset


def _top(client: Client) -> Path | None:
    database = client.store.database
    return None if database is None else database.common_dir / "gittrack" / FOLDER
