"""What appears and grows in a folder, logged to a run: metrics row by row, files once they are complete.

How far a file was read is a tag of the run, written together with the rows: whoever goes on after a kill
knows what is logged already, on any host.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.complete import (
    HEAD_BYTES,
    MODELS,
    PICTURES,
    TAIL_BYTES,
    is_complete,
    tensors_header_size,
    tensors_size,
)
from gittrack.core.event_files import DamagedFileError
from gittrack.core.growing import Kind, Position, Reading, parse_position, read_rows
from gittrack.errors import GittrackError, NotFoundError, StoreError
from gittrack.store.digests import digest_file
from gittrack.tracking import artifacts as files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.core.growing import Row
    from gittrack.tracking.client import Client

TAG_FOLDER = "gittrack.watch.folder"
TAG_POSITION = "gittrack.watch.at."
READ_BYTES = 4 << 20
BATCH_ROWS = 500
SETTLED_S = 2.0
"""A file that nobody touched for so long may be complete."""
TABLES = ("*metric*.csv", "*log*.csv", "*progress*.csv", "*history*.csv", "*result*.csv")
HIDDEN = (".git", "__pycache__", "node_modules")
MAX_PROBLEMS = 5


@dataclass(slots=True)
class _File:
    """A file as it was last seen."""

    position: Position = field(default_factory=Position)
    stamp: tuple[int, int] = (-1, -1)
    """Size and time of the last change (ns) when it was logged or refused."""


class FolderWatch:
    """Logs a folder to a run, whenever it is told to look."""

    def __init__(
        self,
        client: Client,
        run_id: str,
        folder: Path,
        *,
        artifacts: Sequence[str] = (),
        tables: Sequence[str] = TABLES,
        warn: Callable[[str], None],
        settled_s: float = SETTLED_S,
    ) -> None:
        """Log ``folder`` to a run.

        Args:
            client: Where the run is.
            run_id: The run, live or not.
            folder: What to watch.
            artifacts: Patterns of more files to store than checkpoints and pictures.
            tables: Patterns of the CSV files that hold metrics.
            warn: Called with what cannot be read or logged.
            settled_s: Files that nobody touched for so long are looked at whether they are complete.
        """
        self._client = client
        self._run_id = run_id
        self._folder = folder
        self._patterns = artifacts
        self._tables = tables
        self._warn = warn
        self._settled_s = settled_s
        self._problems = 0
        self._files: dict[str, _File] = {}
        run = client.get_run(run_id)
        self._tags = dict(run.tags)
        self._digests = {path: artifact.digest for path, artifact in run.artifacts.items()}
        # A kill or a full disk may fall between rows and the tag that says how far they go.
        self._is_sure = not run.metrics
        self._known: set[tuple[str, int, float]] = set()

    def look(self, *, is_last: bool = False) -> int:
        """Log what is new; return how many rows and files that was.

        Args:
            is_last: There will be no other look: files need not have settled.

        Raises:
            NotFoundError: The folder is gone.
        """
        if not self._folder.is_dir():
            message = f"the folder {str(self._folder)!r} is gone"
            raise NotFoundError(message, hint="what was logged of it stays")
        self._known = set() if self._is_sure else self._read_known()
        self._is_sure = True
        count = 0
        for path in self._walk():
            name = path.relative_to(self._folder).as_posix()
            kind = self._kind_of(name)
            try:
                if kind is not None:
                    count += self._follow(name, path, kind)
                elif self._is_artifact(name):
                    count += self._store(name, path, is_last=is_last)
            except (GittrackError, OSError) as error:
                self._is_sure = self._is_sure and not isinstance(error, StoreError)
                self._complain(f"{name}: {getattr(error, 'message', error)}")
        return count

    def _walk(self) -> Iterator[Path]:
        for top, folders, names in os.walk(self._folder):
            folders[:] = sorted(name for name in folders if name not in HIDDEN)
            # To read from a pipe would wait for who writes to it.
            yield from (path for name in sorted(names) if _is_file(path := Path(top, name)))

    def _kind_of(self, name: str) -> Kind | None:
        base = name.rpartition("/")[2]
        if ".tfevents." in base:
            return Kind.EVENTS
        if base.endswith(".jsonl"):
            return Kind.LINES
        return Kind.TABLE if any(fnmatch(base.lower(), pattern) for pattern in self._tables) else None

    def _is_artifact(self, name: str) -> bool:
        suffix = Path(name).suffix.lower()
        return suffix in PICTURES | MODELS or any(fnmatch(name, pattern) for pattern in self._patterns)

    # Metrics

    def _follow(self, name: str, path: Path, kind: Kind) -> int:
        seen = self._files.get(name)
        if seen is None:
            seen = self._files[name] = _File(parse_position(self._tags.get(_position_tag(name), "")))
        about = path.stat()
        if about.st_size < seen.position.offset:
            self._complain(f"{name}: is shorter than before, and read from its beginning")
            seen.position = Position()
        prefix = f"{name.rpartition('/')[0]}/".lstrip("/")
        count = 0
        while True:
            reading = self._read(path, kind, seen.position, prefix)
            if reading is None or reading.position == seen.position:
                return count
            self._log(name, reading, about.st_mtime_ns // 1_000_000)
            count += len(reading.rows)
            seen.position = reading.position

    def _read(self, path: Path, kind: Kind, position: Position, prefix: str) -> Reading | None:
        size = READ_BYTES
        with path.open("rb") as file:
            header = file.readline(READ_BYTES).rstrip(b"\n") if kind is Kind.TABLE else b""
            while True:
                file.seek(position.offset)
                data = file.read(size)
                if not data:
                    return None
                try:
                    reading = read_rows(kind, data, position, header=header, prefix=prefix)
                except DamagedFileError as error:
                    self._complain(f"{path.name}: {error}")
                    return None
                if reading.position != position or len(data) < size:
                    return reading
                size *= 4  # one record is longer than all that was read

    def _log(self, name: str, reading: Reading, changed: int) -> None:
        for problem in reading.problems:
            self._complain(f"{name}: {problem}")
        live = self._client.live(self._run_id)
        for row in reading.rows:
            if row.params:
                live.log_params({key: value for key, value in row.params.items() if key not in live.params})
            if row.tags:
                live.set_tags(row.tags)
        rows = [row for row in reading.rows if row.metrics and not self._is_known(row)]
        points = [(row.metrics, row.step, changed if row.time is None else row.time) for row in rows]
        live.log_rows(points, {_position_tag(name): str(reading.position)})

    def _is_known(self, row: Row) -> bool:
        return bool(self._known) and all(
            (key, row.step, value) in self._known for key, value in row.metrics.items()
        )

    def _read_known(self) -> set[tuple[str, int, float]]:
        series = self._client.get_series(self._run_id)
        return {
            (key, step, value)
            for key, one in series.items()
            for step, value in zip(one.steps, one.values, strict=True)
        }

    # Files

    def _store(self, name: str, path: Path, *, is_last: bool) -> int:
        seen = self._files.setdefault(name, _File())
        about = path.stat()
        stamp = (about.st_size, about.st_mtime_ns)
        if stamp == seen.stamp:
            return 0
        has_settled = time.time() - about.st_mtime >= self._settled_s
        if not (is_last or has_settled):
            return 0
        if not _is_whole(path, about.st_size):
            if is_last:
                self._complain(f"{name}: is not complete, and left out")
            return 0
        live = self._client.live(self._run_id)
        if self._digests.get(name) != (digest := digest_file(path)):
            files.log_file(self._client.store, live, path, name)
            self._digests[name] = digest
            seen.stamp = stamp
            return 1
        seen.stamp = stamp
        return 0

    def _complain(self, message: str) -> None:
        self._problems += 1
        if self._problems <= MAX_PROBLEMS:
            self._warn(message)
        elif self._problems == MAX_PROBLEMS + 1:
            self._warn("more of this kind is not shown")


def find_watched_run(client: Client, folder: Path) -> str | None:
    """Return the newest run that a folder was logged to, None if there is none."""
    wanted = str(folder.resolve())
    return next((run.run_id for run in client.iter_runs() if run.tags.get(TAG_FOLDER) == wanted), None)


def _position_tag(name: str) -> str:
    return TAG_POSITION + hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]


def _is_whole(path: Path, size: int) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if path.suffix.lower() == ".safetensors":
            length = tensors_header_size(head)
            if length > size:
                return False
            file.seek(0)
            needed = tensors_size(file.read(length))
            return needed is not None and size >= needed
        file.seek(max(size - TAIL_BYTES, 0))
        return is_complete(path.suffix.lower(), size, head, file.read(TAIL_BYTES))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # its path is longer than the system takes, or somebody else's folder
        return False
