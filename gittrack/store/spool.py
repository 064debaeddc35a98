"""Folded journals on their way into a commit.

A spool entry is one file: the bytes of its metric segments, then a JSON header, then the header's length
and a mark that says the file is whole. A torn entry is worth nothing and costs nothing: its journal is
still there.
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from dataclasses import field
from typing import TYPE_CHECKING, Any, BinaryIO

from gittrack.core.documents import decode_summary, encode_summary
from gittrack.core.event_lines import decode_event, event_row
from gittrack.core.events import Event, RunResumed, RunStarted, StatusChanged
from gittrack.core.experiments import ExperimentChange, change_row, parse_change
from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import decode, encode_compact
from gittrack.core.series import SEGMENT_POINTS, encode_series, merge_summaries, summarize
from gittrack.errors import CorruptDataError
from gittrack.store.disk import disk_errors
from gittrack.store.journal_files import has_successor, is_owner, read_journal
from gittrack.store.unhashed import name_content

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from gittrack.core.journal import JournalContent
    from gittrack.core.model import MetricSummary
    from gittrack.core.stamped import DocumentChange
    from gittrack.store.layout import Layout

MARK = b"gittrck1"
TAIL = struct.Struct(">Q8s")
SUFFIX = ".entry"
DAMAGED = ".damaged"
"""Of what is left of an entry that cannot be read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the spool: what one writer has to say of one run, one experiment or some documents."""

    path: Path
    entry_id: str
    run_id: str | None = None
    experiment_id: str | None = None
    writer: str = ""
    journal: str | None = None
    """The journal this was folded from, in the folder of journals; it is removed after the commit."""
    killed_at: int | None = None
    """Time of the last event of a writer that died while its run was live, ms."""
    events: list[Event] = field(default_factory=list)
    changes: list[ExperimentChange] = field(default_factory=list)
    documents: list[DocumentChange] = field(default_factory=list)
    subject: str = ""
    """What the log says of the changes of documents."""
    summaries: dict[str, MetricSummary] = field(default_factory=dict)
    segments: list[tuple[int, int]] = field(default_factory=list)
    """Offset and size of each metric segment in the file."""

    def read_segments(self) -> list[bytes]:
        """Return the metric segments.

        Raises:
            StoreError: The file cannot be read.
        """
        if not self.segments:
            return []
        with disk_errors("read the spool"), self.path.open("rb") as file:
            return [_read_at(file, offset, size) for offset, size in self.segments]


def entry_id_of(name: str) -> str:
    """Return the short id under which a commit remembers an entry."""
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def spool_journal(layout: Layout, journal: Path, run_id: str, *, is_dead: bool = False) -> Path | None:
    """Fold a journal that nobody writes any more into an entry; None if it holds nothing.

    Folding the same journal twice gives the same entry. Memory does not grow with the journal.

    Args:
        layout: Where things are.
        journal: The file.
        run_id: Whose it is.
        is_dead: Whether its writer died: then a run it left running is marked as killed.

    Raises:
        StoreError: It cannot be read, or the entry not be written.
    """
    name = journal.stem
    layout.spool.mkdir(parents=True, exist_ok=True)
    temporary = layout.spool / f".{name}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    with disk_errors("write the spool"):
        try:
            with temporary.open("wb") as file:
                segments = _Segments(file)
                content = read_journal(journal, segments.spill)
                segments.write(content)
                events = name_content(layout, content.events, is_writing=True)
                is_killed = is_dead and _owns_live_run(journal, events)
                if not events and not segments.places and not is_killed:
                    temporary.unlink()
                    return None
                header = {
                    "id": entry_id_of(name),
                    "run_id": run_id,
                    "writer": entry_id_of(name)[:8],
                    "journal": f"{run_id}/{journal.name}",
                    "killed_at": (content.last_time or _written_at(journal)) if is_killed else None,
                    "events": [event_row(event) for event in events],
                    "summaries": {key: encode_summary(one) for key, one in segments.summaries.items()},
                    "segments": segments.places,
                }
                _write_header(file, header)
            final = layout.spool / f"{name}{SUFFIX}"
            temporary.replace(final)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return final


def spool_experiment(
    layout: Layout, experiment_id: str, changes: Sequence[ExperimentChange], name: str
) -> Path:
    """Write an entry with changes of an experiment under the unique ``name``.

    Raises:
        StoreError: The entry cannot be written.
    """
    return _spool_header(
        layout, name, {"experiment_id": experiment_id, "changes": list(map(change_row, changes))}
    )


def spool_documents(layout: Layout, changes: Sequence[DocumentChange], subject: str, name: str) -> Path:
    """Write an entry with changes of documents under the unique ``name``.

    Raises:
        StoreError: The entry cannot be written.
    """
    from gittrack.core.stamped import change_row as document_row

    return _spool_header(layout, name, {"documents": list(map(document_row, changes)), "subject": subject})


def _spool_header(layout: Layout, name: str, content: Mapping[str, object]) -> Path:
    entry_id = entry_id_of(name)
    final = layout.spool / f"{name}{SUFFIX}"
    temporary = layout.spool / f".{name}.tmp"
    with disk_errors("write the spool"):
        layout.spool.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                _write_header(file, {"id": entry_id, "writer": entry_id[:8], **content})
            temporary.replace(final)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return final


def list_entries(layout: Layout) -> list[Path]:
    """Return the files of all whole entries, oldest name first."""
    try:
        return sorted(path for path in layout.spool.iterdir() if path.suffix == SUFFIX)
    except (FileNotFoundError, NotADirectoryError):
        return []


def read_entry(path: Path) -> Entry:
    """Return an entry.

    Raises:
        FileNotFoundError: Somebody else committed it.
        CorruptDataError: It is torn.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        try:
            length, mark = TAIL.unpack(_read_at(file, size - TAIL.size, TAIL.size))
            if mark != MARK:
                length = size  # more than there is: read as torn
            header: Any = decode(_read_at(file, size - TAIL.size - length, length))
            return Entry(
                path=path,
                entry_id=header["id"],
                run_id=header.get("run_id"),
                experiment_id=header.get("experiment_id"),
                writer=header["writer"],
                journal=header.get("journal"),
                killed_at=header.get("killed_at"),
                events=[decode_event(row) for row in header.get("events", ())],
                changes=[parse_change(row) for row in header.get("changes", ())],
                documents=_parse_documents(header.get("documents", ())),
                subject=header.get("subject", ""),
                summaries={key: decode_summary(one) for key, one in header.get("summaries", {}).items()},
                segments=[_check_segment(file, *place) for place in header.get("segments", ())],
            )
        except (ValueError, KeyError, TypeError, struct.error, OSError) as error:
            message = f"the spool entry {path.name!r} is damaged: {error}"
            raise CorruptDataError(message) from error


def _parse_documents(rows: Sequence[Any]) -> list[DocumentChange]:
    if not rows:
        return []
    from gittrack.core.stamped import parse_change as parse_document_change

    return [parse_document_change(row) for row in rows]


class _Segments:
    """Points of a journal, written out as segments while it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self.places: list[tuple[int, int, int]] = []
        self.summaries: dict[str, MetricSummary] = {}
        self._file = file

    def spill(self, content: JournalContent) -> None:
        """Write a segment once there are enough points for one."""
        if content.points.count >= SEGMENT_POINTS:
            self.write(content)

    def write(self, content: JournalContent) -> None:
        """Write the points there are as one segment."""
        if not content.points.count:
            return
        histories = content.points.take()
        for key, series in histories.items():
            summary = summarize(series)
            known = self.summaries.get(key)
            self.summaries[key] = merge_summaries(known, summary) if known else summary
        data = encode_series(histories)
        self.places.append((self._file.tell(), len(data), zlib.crc32(data)))
        self._file.write(data)


def _owns_live_run(journal: Path, events: Sequence[Event]) -> bool:
    """Whether a journal's writer answers for the run's end, did not end it and wrote no later journal."""
    owns = is_owner(journal)
    for event in events:
        if isinstance(event, (RunStarted, RunResumed)):
            owns = True
        elif isinstance(event, StatusChanged):
            owns = owns and not event.status.is_terminated
    return owns and not has_successor(journal)


def _written_at(journal: Path) -> int:
    """Return when a journal was last written, ms."""
    return journal.stat().st_mtime_ns // 1_000_000


def _write_header(file: BinaryIO, header: Mapping[str, object]) -> None:
    encoded = encode_compact(header)
    file.write(encoded)
    file.write(TAIL.pack(len(encoded), MARK))


def _check_segment(file: BinaryIO, offset: int, size: int, checksum: int) -> tuple[int, int]:
    """Return the place of a segment that is as it was written: after a power cut a file may have holes."""
    if zlib.crc32(_read_at(file, offset, size)) != checksum:
        message = "a segment is not as it was written"
        raise ValueError(message)
    return offset, size


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    if len(data) != size:
        message = "the file is too short"
        raise ValueError(message)
    return data
