"""What the records of a W&B run file say; field numbers are those of W&B's ``wandb_internal.proto``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.core import protobuf
from gittrack.core.protobuf import read_double, read_fields, read_messages, signed, unzigzag

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Field(IntEnum):
    """Fields of a record, of which each has one."""

    HISTORY = 2
    SUMMARY = 3
    CONFIG = 5
    STATS = 7
    ARTIFACT = 8
    OUTPUT = 13
    RUN = 17
    EXIT = 18
    ENVIRONMENT = 26


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What W&B knows of a run when it starts, and again when that changes."""

    run_id: str = ""
    entity: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    name: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    sweep_id: str = ""
    host: str = ""
    start_time: int = 0
    """Milliseconds since the epoch."""
    remote: str = ""
    commit: str = ""
    config: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One value, and where in nested dictionaries it is; ``has_value`` is false if it was removed."""

    path: tuple[str, ...]
    value: Any = None
    has_value: bool = True


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """What of the config changed."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class SummaryChange:
    """What of the summary changed."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """What was logged at one step."""

    items: tuple[Item, ...]
    step: int | None


@dataclass(frozen=True, slots=True)
class SystemRow:
    """What the machine did at one time."""

    items: tuple[Item, ...]
    time: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Output:
    """A piece of what the run printed."""

    text: str


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """One file of an artifact."""

    path: str
    digest: str
    """MD5 in base 64."""
    size: int
    local_path: str
    """Where it was on the machine that logged it."""


@dataclass(frozen=True, slots=True)
class LoggedArtifact:
    """An artifact the run logged."""

    name: str
    kind: str
    files: tuple[ArtifactFile, ...]


@dataclass(frozen=True, slots=True)
class Exit:
    """How the run ended."""

    exit_code: int
    runtime_s: int


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the run was; a run has several of these, and each says a part."""

    program: str = ""
    user: str = ""
    host: str = ""
    remote: str = ""
    commit: str = ""


Record: TypeAlias = (
    RunFacts | ConfigChange | SummaryChange | HistoryRow | SystemRow | Output | LoggedArtifact | Exit
    | Environment
)  # fmt: skip


def read_record(data: bytes) -> Record | None:
    """Return what a record says, None if that is nothing of interest.

    Raises:
        ValueError: The bytes are no record.
        RecursionError: A value is nested too deeply.
    """
    for number, kind, value in read_fields(data):
        if kind != protobuf.BYTES:
            continue
        match number:
            case _Field.HISTORY:
                return _read_history(value)
            case _Field.SUMMARY:
                return SummaryChange(tuple(_read_changes(value)))
            case _Field.CONFIG:
                return ConfigChange(tuple(_read_changes(value)))
            case _Field.STATS:
                return SystemRow(tuple(_read_items(value, 3)), _first_time(value, 2))
            case _Field.ARTIFACT:
                return _read_artifact(value)
            case _Field.OUTPUT:
                return Output(_texts(value).get(3, ""))
            case _Field.RUN:
                return _read_run(value)
            case _Field.EXIT:
                numbers = _numbers(value)
                return Exit(numbers.get(1, 0), numbers.get(2, 0))
            case _Field.ENVIRONMENT:
                return _read_environment(value)
            case _:
                pass
    return None


def _read_run(data: bytes) -> RunFacts:
    texts = _texts(data)
    remote, commit = _read_git(data, 21)
    return RunFacts(
        run_id=texts.get(1, ""),
        entity=texts.get(2, ""),
        project=texts.get(3, ""),
        group=texts.get(6, ""),
        job_type=texts.get(7, ""),
        name=texts.get(8, ""),
        notes=texts.get(9, ""),
        tags=tuple(one.decode("utf-8", "replace") for one in read_messages(data, 10)),
        sweep_id=texts.get(12, ""),
        host=texts.get(13, ""),
        start_time=_first_time(data, 17),
        remote=remote,
        commit=commit,
        config=tuple(item for config in read_messages(data, 4) for item in _read_changes(config)),
    )


def _read_environment(data: bytes) -> Environment:
    texts = _texts(data)
    remote, commit = _read_git(data, 9)
    return Environment(
        program=texts.get(7) or texts.get(6, ""),
        user=texts.get(13, ""),
        host=texts.get(12, ""),
        remote=remote,
        commit=commit,
    )


def _read_history(data: bytes) -> HistoryRow:
    steps = [_numbers(step).get(1, 0) for step in read_messages(data, 2)]
    return HistoryRow(tuple(_read_items(data, 1)), steps[0] if steps else None)


def _read_artifact(data: bytes) -> LoggedArtifact:
    texts = _texts(data)
    files = []
    for manifest in read_messages(data, 12):
        for entry in read_messages(manifest, 4):
            about = _texts(entry)
            size = _numbers(entry).get(4, 0)
            files.append(ArtifactFile(about.get(1, ""), about.get(2, ""), size, about.get(6, "")))
    return LoggedArtifact(texts.get(5, ""), texts.get(4, ""), tuple(files))


def _read_git(data: bytes, number: int) -> tuple[str, str]:
    """Return URL of the remote and commit."""
    for git in read_messages(data, number):
        texts = _texts(git)
        return texts.get(1, ""), texts.get(2, "")
    return "", ""


def _read_changes(data: bytes) -> Iterator[Item]:
    yield from _read_items(data, 1)
    for item in _read_items(data, 2):
        yield Item(item.path, has_value=False)


def _read_items(data: bytes, number: int) -> Iterator[Item]:
    for item in read_messages(data, number):
        yield _read_item(item)


def _read_item(data: bytes) -> Item:
    """Return key and value: JSON, or from a field of the value's own type."""
    path: list[str] = []
    found: Any = None
    for number, kind, value in read_fields(data):
        match number, kind:
            case ((1 | 2), protobuf.BYTES):
                path.append(value.decode("utf-8", "replace"))
            case 4, protobuf.VARINT:
                found = bool(value)
            case 5, protobuf.VARINT:
                found = unzigzag(value)
            case 6, protobuf.FIXED64:
                found = read_double(value)
            case 7, protobuf.BYTES:
                found = value.decode("utf-8", "replace")
            case ((8 | 16), protobuf.BYTES):
                found = json.loads(value) if value else None
            case _:
                pass
    return Item(tuple(path), found)


def _first_time(data: bytes, number: int) -> int:
    """Return the milliseconds of the first ``google.protobuf.Timestamp`` in a field, 0 if there is none."""
    for time in read_messages(data, number):
        numbers = _numbers(time)
        return max(numbers.get(1, 0) * 1000 + numbers.get(2, 0) // 1_000_000, 0)
    return 0


def _texts(data: bytes) -> dict[int, str]:
    """Return the fields that are text, by number; what else is bytes is in it too, and not looked at."""
    return {
        number: value.decode("utf-8", "replace")
        for number, kind, value in read_fields(data)
        if kind == protobuf.BYTES
    }


def _numbers(data: bytes) -> dict[int, int]:
    return {number: signed(value) for number, kind, value in read_fields(data) if kind == protobuf.VARINT}
