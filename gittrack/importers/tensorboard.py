"""Reads the event files that TensorBoard shows: each folder that holds some is a run."""

from __future__ import annotations

import hashlib
import struct
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from gittrack.core.event_files import DamagedFileError, Event, read_events
from gittrack.core.model import TAG_PARENT, RunStatus
from gittrack.core.names import clean_key
from gittrack.core.summaries import Plugin, Value, read_session, read_value
from gittrack.errors import CorruptDataError, NotFoundError
from gittrack.importers.foreign import (
    Keys,
    Points,
    derive_run_id,
    fit_name,
    fit_params,
    walk_files,
    write_contents,
)
from gittrack.importers.records import FoundRun
from gittrack.importers.runs_reader import Group, PendingRun, RunsReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gittrack.core.model import ParamValue

MARK = ".tfevents."
"""In the name of every event file."""
FIRST_BYTES, READ_BYTES = 1 << 16, 4 << 20
"""How much is read at first, when often only the first event is wanted, and later on."""
ENDINGS = ((b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"RIFF", ".webp"))
"""Beginnings of pictures, and the endings of their files."""
MEDIA = frozenset({Plugin.IMAGES, Plugin.TEXT})
"""Whose contents become artifacts."""
MAX_TAG_LENGTH = 100
"""In the name of a file."""


def read_event_folders(
    folder: Path, *, experiment: str | None = None, warn: Callable[[str], None]
) -> RunsReader:
    """Return a reader of the runs below a folder.

    Args:
        folder: What one would name to TensorBoard.
        experiment: The name of the experiment they come into; the folder's if None.
        warn: Told of what is named anew, torn, or kept only as it is.

    Raises:
        NotFoundError: There are no event files.
    """
    files: dict[Path, list[Path]] = {}
    for _, file in walk_files(folder):
        if MARK in file.name and file.stat().st_size:
            files.setdefault(file.parent, []).append(file)
    if not files:
        message = f"no event files below {str(folder)!r}"
        raise NotFoundError(
            message, hint=f"their names hold {MARK!r}; name what TensorBoard's --logdir names"
        )
    found = [_EventFolder(folder, one, tuple(files[one]), warn) for one in sorted(files)]
    ids = {one.folder: one for one in found}
    pending = [PendingRun(one.name, partial(_read_run, one, ids)) for one in found]
    name = fit_name(folder.resolve().name if experiment is None else experiment, "tensorboard")
    return RunsReader([Group(name, _find_first_time(found), pending)])


def _find_first_time(found: Sequence[_EventFolder]) -> int:
    """Return the time of the first event of the first run that can be read."""
    for one in found:
        with suppress(CorruptDataError):
            return one.first_time()
    return 0


@dataclass(frozen=True, slots=True)
class _EventFolder:
    """A folder with event files."""

    top: Path
    folder: Path
    files: tuple[Path, ...]
    """In the order of their names, which begin with times."""
    warn: Callable[[str], None]

    @property
    def name(self) -> str:
        """What TensorBoard calls the run."""
        path = self.folder.relative_to(self.top).as_posix()
        return fit_name(self.top.resolve().name if path == "." else path, "run")

    def first_time(self) -> int:
        """Return the time of the first event in milliseconds since the epoch, 0 if there is none."""
        return next((event.time for event in self.read_events()), 0)

    def run_id(self) -> str:
        """Return an id that stays when the folder grows or moves."""
        return derive_run_id(self.first_time(), "tensorboard", self.folder.resolve().name, self.files[0].name)

    def read_events(self) -> Iterator[Event]:
        """Yield all events of all files."""
        for file in self.files:
            yield from _read_file(file, self.warn)

    @contextmanager
    def noting_damage(self) -> Iterator[None]:
        """Name the folder if what is decoded is damaged."""
        try:
            yield
        except (ValueError, struct.error, OverflowError) as error:
            message = f"an event file in {str(self.folder)!r} is damaged: {error}"
            raise CorruptDataError(message, hint="move the damaged file away") from error


def _read_file(path: Path, warn: Callable[[str], None]) -> Iterator[Event]:
    offset, rest = 0, b""
    try:
        with path.open("rb") as file:
            while chunk := file.read(max(READ_BYTES if offset else FIRST_BYTES, len(rest))):
                rest += chunk
                events, size = read_events(rest)
                yield from events
                offset, rest = offset + size, rest[size:]
    except DamagedFileError as error:
        position = offset + error.position
        message = f"{str(path)!r} is no event file, or damaged at byte {position:,}"
        raise CorruptDataError(message, hint=f"`truncate -s {position} FILE` keeps what is before") from error
    except OSError as error:
        message = f"cannot read {str(path)!r}: {error.strerror}"
        raise CorruptDataError(message, hint="make it readable, or move it away") from error
    if rest:
        warn(f"{str(path)!r} ends in the middle of an event: its last {len(rest):,} bytes are left out")


@dataclass(slots=True)
class _Contents:
    """What the event files of a run hold."""

    points: Points = field(default_factory=Points)
    params: dict[str, ParamValue] = field(default_factory=dict)
    start_time: int = 0
    """Milliseconds since the epoch, as the next."""
    end_time: int = 0
    has_failed: bool = False
    has_media: bool = False
    has_more: bool = False
    """Whether there is something that gittrack has no place for."""


def _read_run(found: _EventFolder, others: dict[Path, _EventFolder]) -> FoundRun:
    contents = _collect(found)
    parent = next((others[one] for one in found.folder.parents if one in others), None)
    params, long_params = fit_params(contents.params, Keys("param", found.warn))
    if contents.has_more:
        found.warn(f"{found.name}: histograms, graphs and the like are kept in the event files, as artifacts")
    return FoundRun(
        run_id=found.run_id(),
        experiment_id="",
        name=found.name,
        start_time=contents.start_time,
        end_time=contents.end_time,
        status=RunStatus.FAILED if contents.has_failed else RunStatus.FINISHED,
        params=params,
        tags={} if parent is None else {TAG_PARENT: parent.run_id()},
        read_metrics=lambda: contents.points,
        read_artifacts=lambda: _read_artifacts(found, contents, long_params),
    )


def _collect(found: _EventFolder) -> _Contents:
    contents = _Contents()
    keys = Keys("metric", found.warn)
    times: list[int] = []
    with found.noting_damage():
        for event in found.read_events():
            times = [min([event.time, *times]), max([event.time, *times])]
            contents.has_more = contents.has_more or event.has_more
            for value in map(read_value, event.values):
                if value.number is not None:
                    contents.points.add(keys(value.tag), value.number, event.time, event.step)
                else:
                    _add(contents, value)
    if not times:
        message = f"no complete event in {str(found.folder)!r}"
        raise CorruptDataError(message, hint="import it again when there is one")
    contents.start_time, contents.end_time = times
    return contents


def _add(contents: _Contents, value: Value) -> None:
    if value.plugin == Plugin.HPARAMS:
        session = read_session(value.session)
        contents.params |= session.params
        contents.has_failed = contents.has_failed or bool(session.has_failed)
    elif value.contents and value.plugin in MEDIA:
        contents.has_media = True
    else:
        contents.has_more = True


def _read_artifacts(
    found: _EventFolder, contents: _Contents, others: dict[str, bytes]
) -> Iterator[tuple[str, Path]]:
    yield from write_contents(others)
    for event in found.read_events() if contents.has_media else ():
        for value in map(read_value, event.values):
            yield from write_contents(dict(_name_contents(event, value)))
    for one in found.files if contents.has_more else ():
        yield f"tensorboard/{one.name}", one


def _name_contents(event: Event, value: Value) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of what a value holds; pictures are named so that they are shown by step."""
    if value.plugin not in MEDIA:
        return
    key = clean_key("image", value.tag)[:MAX_TAG_LENGTH].strip("/")
    for number, content in enumerate(value.contents):
        tag = f"{key}/{number}" if len(value.contents) > 1 else key
        if value.plugin == Plugin.TEXT:
            yield f"text/{tag}/{event.step}.md", content
            continue
        ending = next((ending for start, ending in ENDINGS if content.startswith(start)), ".png")
        digest = hashlib.sha256(content).hexdigest()[:12]
        stem = f"{tag.replace('/', '~')}+step+{event.step}+timestamp+{event.time}+{digest}"
        yield f"images/{stem}{ending}", content
