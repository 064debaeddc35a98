"""What is written down before a work tree is changed, so that it can be brought back byte by byte."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from gittrack.core.jsonform import decode

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was."""

    oid: str
    """The Git blob of its bytes, as they were on disk; of a symbolic link its target."""
    is_link: bool = False
    permissions: int = 0o644


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """A change of a work tree, as it is undone."""

    what: str
    """What was done, in words, e.g. ``restore tidy-otter-412``."""
    time: int
    """Milliseconds since the epoch."""
    head: str | None
    """HEAD's commit before."""
    tree: str
    """The tree that holds the changed files as they are after it."""
    kept: Mapping[str, Kept] = field(default_factory=dict)
    """Path → the file before."""
    absent: tuple[str, ...] = ()
    """Paths where no file was."""
    absent_folders: tuple[str, ...] = ()
    """Folders that were not there, deepest first."""
    index: str | None = None
    """The blob of the index file before, None if the index is left alone."""
    stash: str | None = None
    """The message of the stash entry that was made, None if none was."""

    @property
    def paths(self) -> list[str]:
        """Every path whose file may change."""
        return sorted({*self.kept, *self.absent})


def encode_record(record: UndoRecord) -> bytes:
    """Return a record as JSON; paths that are no UTF-8 stay what they are."""
    import json  # the one JSON of gittrack holds no lone surrogates, and paths may be any bytes

    return json.dumps(asdict(record), ensure_ascii=True, indent=1, sort_keys=True).encode()


def decode_record(data: bytes) -> UndoRecord:
    """Return the record that `encode_record` wrote.

    Raises:
        ValueError: It is none.
    """
    document: Any = decode(data)
    try:
        kept = {path: Kept(**one) for path, one in document.pop("kept").items()}
        for name in ("absent", "absent_folders"):
            document[name] = tuple(document[name])
        return UndoRecord(kept=kept, **document)
    except (TypeError, AttributeError, KeyError) as error:
        message = f"not the record of a change: {error!r}"
        raise ValueError(message) from error
