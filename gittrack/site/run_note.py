"""What a build notes of a run for the next one: a line, as reading and writing thousands has to be quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Note:
    """What a run's files were made of, and which they are."""

    key: str
    """Digest of all they were made of, empty where they shall be made again."""
    data: str
    """Path of its data script."""
    spark: str
    """Its curve of the primary metric, as `encode_spark` returns it."""
    setting: str = ""
    """What `digest_setting` returns of it."""
    files: Sequence[str] = ()
    """Paths of its page and of what else that refers to."""


def encode_note(note: Note) -> str:
    """Return a note as a line; nothing in it has spaces."""
    return " ".join((note.key, note.data, note.spark, note.setting, *note.files))


def decode_note(line: str) -> Note:
    """Return the note that was encoded."""
    key, data, spark, setting, *files = line.split(" ")
    return Note(key, data, spark, setting, files)


def files_in(line: str) -> list[str]:
    """Return all files in the note that was encoded, its data first."""
    _, data, _, _, *files = line.split(" ")
    return [data, *files]


def setting_in(line: str) -> str:
    """Return the setting in the note that was encoded."""
    return line.split(" ", 4)[3]
