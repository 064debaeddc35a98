"""Stamped documents: shared facts, each field with the time of its last change.

Registered models, model versions and logged models are documents; so is whatever else is shared, has an id
and changes field by field. A change is itself a small document, and folding it is merging it.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import decode, encode_compact, encode_document
from gittrack.core.paths import DOCUMENTS, shard_of
from gittrack.core.values import is_plain
from gittrack.errors import InvalidNameError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.model import ParamValue

FieldValue: TypeAlias = "ParamValue"
"""What a field may hold: anything JSON can say exactly, but for null, which removes the field."""

ABSENT = b""
"""Ranks below the encoding of any value."""
_KIND = re.compile(r"[a-z0-9][a-z0-9-]*(/[a-z0-9][a-z0-9-]*)*")
_ID = re.compile(r"[A-Za-z0-9][\w.\-]{0,199}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """Facts of one shared thing."""

    kind: str
    """What it is: a name, or names joined by ``/`` (``model-versions/<model>``), as folders are."""
    document_id: str
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    """Flat; what belongs together shares a beginning: ``tags.team``."""
    stamps: Mapping[str, str] = field(default_factory=dict)
    """When each field was last changed, those that were removed included."""
    removed: str = ""
    """When all of it was removed, if ever; fields with greater stamps were set since."""

    @property
    def exists(self) -> bool:
        """Whether there is anything left of it."""
        return bool(self.fields)

    @property
    def latest_time(self) -> int:
        """When it was last changed, ms; 0 if never."""
        return _stamp_time(max((self.removed, *self.stamps.values())))

    def group(self, name: str) -> dict[str, Any]:
        """Return the fields that begin with ``name.``, without that beginning."""
        start = f"{name}."
        return {key.removeprefix(start): value for key, value in self.fields.items() if key.startswith(start)}


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """One change of a document: the fields it names, or the removal of all there is."""

    kind: str
    document_id: str
    time: int
    """Milliseconds since the epoch."""
    values: Mapping[str, FieldValue] = field(default_factory=dict)
    """Field → new value; None removes the field."""
    removes: bool = False
    """Whether everything that was set before is removed."""


def fold_document(document: Document | None, change: DocumentChange, stamp: str) -> Document:
    """Return the document after a change; fields that have a later stamp stay as they are."""
    blank = Document(change.kind, change.document_id)
    if change.removes:
        news = Document(change.kind, change.document_id, removed=stamp)
    else:
        values = {name: value for name, value in change.values.items() if value is not None}
        news = Document(change.kind, change.document_id, values, dict.fromkeys(change.values, stamp))
    return merge_documents(document or blank, news)


def make_stamp(time: int, sequence: int, writer: str) -> str:
    """Return a stamp: time (ms), then the place among the changes of one writer, then the writer."""
    return f"{time:012x}-{sequence:06x}-{writer}"


def merge_documents(ours: Document, theirs: Document) -> Document:
    """Return the document both states lead to: of each field the later value, of equal stamps the greater.

    Commutative, associative and idempotent: field by field it is a maximum.
    """
    if ours == theirs:
        return ours
    removed = max(ours.removed, theirs.removed)
    fields, stamps = {}, {}
    for name in ours.stamps.keys() | theirs.stamps.keys():
        winner = max((ours, theirs), key=lambda one: (one.stamps.get(name, ""), _rank(one, name)))
        if winner.stamps[name] > removed:
            stamps[name] = winner.stamps[name]
            if name in winner.fields:
                fields[name] = winner.fields[name]
    return Document(ours.kind, ours.document_id, fields, stamps, removed)


def encode_stamped(document: Document) -> bytes:
    """Return the JSON of a document; equal documents give equal bytes."""
    own = min((document.stamps[name] for name in document.fields), default=None)
    edits = {
        name: stamp for name, stamp in document.stamps.items() if name not in document.fields or stamp != own
    }
    content: dict[str, object] = {
        "kind": document.kind,
        "id": document.document_id,
        "fields": dict(document.fields),
        "stamp": own,
        "edits": edits,
        "removed": document.removed or None,
    }
    return encode_document({key: value for key, value in content.items() if value not in (None, {})})


def decode_stamped(data: bytes) -> Document:
    """Return the document `encode_stamped` wrote.

    Raises:
        ValueError: It is none.
    """
    content: Any = decode(data)
    try:
        fields = {str(name): value for name, value in content.get("fields", {}).items() if value is not None}
        edits = {str(name): str(stamp) for name, stamp in content.get("edits", {}).items()}
        stamps = {**dict.fromkeys(fields, str(content.get("stamp", ""))), **edits}
        removed = str(content.get("removed", ""))
        return Document(str(content["kind"]), str(content["id"]), fields, stamps, removed)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a stamped document: {error!r}"
        raise ValueError(message) from error


def change_row(change: DocumentChange) -> dict[str, object]:
    """Return a change as JSON can hold it."""
    row: dict[str, object] = {"kind": change.kind, "id": change.document_id, "time": change.time}
    return {**row, "removes": True} if change.removes else {**row, "values": dict(change.values)}


def parse_change(row: Mapping[str, Any]) -> DocumentChange:
    """Return the change `change_row` wrote."""
    return DocumentChange(
        row["kind"], row["id"], row["time"], row.get("values", {}), removes=row.get("removes", False)
    )


def check_changes(changes: Iterable[DocumentChange]) -> None:
    """Raise if a change cannot be stored.

    Raises:
        InvalidNameError: Its kind or id would be no place in the tree.
        InvalidValueError: A value is nothing JSON can say exactly.
    """
    for change in changes:
        if not _KIND.fullmatch(change.kind) or not _ID.fullmatch(change.document_id):
            message = f"{change.kind!r} with id {change.document_id!r} cannot name a document"
            raise InvalidNameError(message, hint="ids are letters, digits, '-', '_' and '.'")
        for name, value in change.values.items():
            if not is_plain(name) or not is_plain(value):
                message = f"the field {name!r} of {change.kind} {change.document_id} cannot be {value!r}"
                raise InvalidValueError(message, hint="use what JSON can hold")


def document_path(kind: str, document_id: str) -> tuple[str, ...]:
    """Return where a document is in the tree: few of a kind in one folder, however many there are."""
    return (DOCUMENTS, *kind.split("/"), *shard_of(document_id)[1:], f"{document_id}.json")


def _rank(document: Document, name: str) -> bytes:
    return encode_compact(document.fields[name]) if name in document.fields else ABSENT


def _stamp_time(stamp: str) -> int:
    try:
        return int(stamp[:12], 16)
    except ValueError:  # none yet; or whoever wrote that, it is no reason to refuse a change
        return 0
