"""Events as lines of a journal.

A line is a JSON array: a letter for the kind of event, then its fields. Lines of metrics are by far
the most; they are told apart by ``m`` (one metric) and ``M`` (several at one step and time).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from gittrack.core.events import (
    ArtifactLogged,
    ArtifactRemoved,
    ArtifactUsed,
    EnvironmentRecorded,
    Event,
    FolderLogged,
    InputsLogged,
    LifecycleChanged,
    OutputsLogged,
    ParamsLogged,
    Renamed,
    RunResumed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagDeleted,
    TagsSet,
    digest_environment,
    is_reference_digest,
)
from gittrack.core.jsonform import encode_compact
from gittrack.core.model import Artifact, Code, LifecycleStage, ParamValue, RunStatus
from gittrack.core.paths import is_side_file_name
from gittrack.core.values import MAX_STEP, MIN_STEP, is_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHA256_DIGITS = 64
_HEX = frozenset("0123456789abcdef")


def encode_event(event: Event) -> bytes:
    """Return an event as one line with its newline.

    Raises:
        ValueError: It holds text that UTF-8 cannot hold.
    """
    return encode_compact(event_row(event)) + b"\n"


def encode_folder(paths: Sequence[str], digests: Sequence[str], sizes: Sequence[int], time: int) -> bytes:
    """Return the line of a `FolderLogged` with files of such paths, digests and sizes in bytes."""
    return encode_compact(["A", time, paths, digests, sizes]) + b"\n"


def decode_event(row: Any) -> Event:  # noqa: ANN401  (whatever JSON holds)
    """Return the event of a decoded line.

    Raises:
        ValueError: It is no event this version knows.
    """
    try:
        return _decode(row)
    except (TypeError, KeyError, IndexError, AttributeError, binascii.Error) as error:
        message = f"not an event: {error!r}"
        raise ValueError(message) from error


def event_row(event: Event) -> list[object]:
    """Return an event as the JSON array of its line."""
    match event:
        case RunStarted():
            code = event.code
            about = {
                "run_id": event.run_id,
                "experiment_id": event.experiment_id,
                "name": event.name,
                "user": event.user,
                "source": event.source,
                "parent": event.parent,
                "code": None if code is None else encode_code(code),
                "tags": dict(event.tags),
            }
            return ["run", event.time, about]
        case RunResumed():
            return ["resume", event.time]
        case ParamsLogged():
            return ["p", event.time, dict(event.values)]
        case TagsSet():
            return ["t", event.time, dict(event.values)]
        case TagDeleted():
            return ["d", event.time, event.key]
        case ArtifactLogged():
            one = event.artifact
            row = ["a", event.time, one.path, one.digest, one.size, _encode_content(event.content)]
            return row if one.uri is None else [*row, one.uri]
        case FolderLogged():
            some = event.artifacts
            paths, digests, sizes = [a.path for a in some], [a.digest for a in some], [a.size for a in some]
            return ["A", event.time, paths, digests, sizes]
        case ArtifactRemoved():
            return ["x", event.time, event.path]
        case ArtifactUsed():
            return ["u", event.time, event.uri, event.digest]
        case SideFileSet():
            return ["f", event.time, event.name, _encode_content(event.content)]
        case EnvironmentRecorded():
            return ["e", event.time, event.digest, event.text]
        case InputsLogged():
            from gittrack.core.inputs import encode_input  # most runs need none of that

            return ["i", event.time, [encode_input(one) for one in event.datasets], list(event.models)]
        case OutputsLogged():
            return ["o", event.time, dict(event.models)]
        case StatusChanged():
            return ["s", event.time, event.status.value, event.end_time, event.reason]
        case Renamed():
            return ["n", event.time, event.name]
        case LifecycleChanged():
            return ["l", event.time, event.stage.value]


def _decode(row: Any) -> Event:  # noqa: ANN401  (one return a kind of event)
    time = _whole(row[1])
    match row[0]:
        case "run":
            about = row[2]
            code = about["code"]
            return RunStarted(
                _text(about["run_id"]),
                _text(about["experiment_id"]),
                _text(about["name"]),
                time,
                _text(about["user"]),
                _text_or_none(about["source"]),
                _text_or_none(about["parent"]),
                None if code is None else _checked_code(code),
                _texts(about["tags"]),
            )
        case "resume":
            return RunResumed(time)
        case "p":
            return ParamsLogged(_params(row[2]), time)
        case "t":
            return TagsSet(_texts(row[2]), time)
        case "d":
            return TagDeleted(_text(row[2]), time)
        case "a":
            content = _decode_content(row[5])
            if len(row) > 6:  # noqa: PLR2004  (only references have one more)
                return ArtifactLogged(_reference(row[2], row[3], row[4], row[6]), time, content)
            return ArtifactLogged(Artifact(*_file(*row[2:5]), content is not None), time, content)
        case "A":
            return FolderLogged(_files(*row[2:]), time)
        case "x":
            return ArtifactRemoved(_text(row[2]), time)
        case "u":
            return ArtifactUsed(_text(row[2]), _text(row[3]), time)
        case "f":
            return SideFileSet(_side_file_name(row[2]), time, _decode_content(row[3]))
        case "e":
            text = _text_or_none(row[3])
            return EnvironmentRecorded(_digest_of(_text(row[2]), text), time, text)
        case "i":
            from gittrack.core.inputs import decode_input

            datasets = tuple(decode_input(one) for one in row[2] if is_plain(one))
            return InputsLogged(datasets, tuple(map(_text, row[3])), time)
        case "o":
            return OutputsLogged({_text(key): _step(step) for key, step in row[2].items()}, time)
        case "s":
            end_time = None if row[3] is None else _whole(row[3])
            return StatusChanged(RunStatus(row[2]), time, end_time, _text_or_none(row[4]))
        case "n":
            return Renamed(_text(row[2]), time)
        case "l":
            return LifecycleChanged(LifecycleStage(row[2]), time)
        case other:
            message = f"unknown kind of event: {other!r}"
            raise ValueError(message)


def _encode_content(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _decode_content(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)


# What is taken from a journal is written into the hidden branch: a line that would break it is no event.


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value <= MAX_STEP:
        message = f"not a time or size: {value!r}"
        raise TypeError(message)
    return value


def _file(path: object, digest: object, size: object) -> tuple[str, str, int]:
    return _text(path), _digests([_text(digest)])[0], _whole(size)


def _files(paths: list[Any], digests: list[Any], sizes: list[Any]) -> tuple[Artifact, ...]:
    """Return many files, looked at together: one by one takes several times as long."""
    _text("".join(paths))
    if set(map(type, sizes)) != {int}:
        message = "not sizes"
        raise TypeError(message)
    _whole(min(sizes))
    _whole(max(sizes))
    return tuple([Artifact(*file) for file in zip(paths, _digests(digests), sizes, strict=True)])


def _digests(digests: list[str]) -> list[str]:
    joined = "".join(digests)
    if not (joined.isascii() and joined.isalnum() and all(digests)):
        message = f"not digests: {joined[:SHA256_DIGITS]!r}"
        raise ValueError(message)
    return digests


def _reference(path: object, digest: object, size: object, uri: object) -> Artifact:
    text = _text(digest)
    if not is_reference_digest(text):
        message = f"not a digest: {digest!r}"
        raise ValueError(message)
    return Artifact(_text(path), text, _whole(size), uri=_text(uri))


def _step(value: object) -> int:
    if type(value) is not int or not MIN_STEP <= value <= MAX_STEP:
        message = f"not a step: {value!r}"
        raise TypeError(message)
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        message = f"not a text: {value!r}"
        raise TypeError(message)
    value.encode()
    return value


def _text_or_none(value: object) -> str | None:
    return None if value is None else _text(value)


def _texts(values: Mapping[Any, Any]) -> dict[str, str]:
    return {_text(key): _text(value) for key, value in values.items()}


def _digest_of(digest: str, text: str | None) -> str:
    is_digest = len(digest) == SHA256_DIGITS and set(digest) <= _HEX
    if not is_digest or (text is not None and digest_environment(text) != digest):
        message = f"not the digest of an environment: {digest!r}"
        raise ValueError(message)
    return digest


def _side_file_name(value: object) -> str:
    name = _text(value)
    if not is_side_file_name(name):
        message = f"not the name of a side file: {name!r}"
        raise ValueError(message)
    return name


def _params(values: Mapping[Any, Any]) -> dict[str, ParamValue]:
    for key, value in values.items():
        _text(key)
        if not is_plain(value):
            message = f"not the value of a param: {value!r}"
            raise TypeError(message)
    return dict(values)


def _checked_code(about: Mapping[str, Any]) -> Code:
    code = decode_code(about)
    texts = (code.commit, code.branch, code.remote, code.entry, code.snapshot, code.tree, code.reason)
    for text in texts:
        _text_or_none(text)
    _whole(code.changed)
    _whole(code.skipped)
    if code.dirty not in {None, True, False}:
        message = f"not a truth value: {code.dirty!r}"
        raise TypeError(message)
    return code


def encode_code(code: Code) -> dict[str, object]:
    """Return what is known of the code, without what is not."""
    about = {
        "commit": code.commit,
        "branch": code.branch,
        "dirty": code.dirty,
        "remote": code.remote,
        "entry": code.entry,
        "snapshot": code.snapshot,
        "tree": code.tree,
        "changed": code.changed or None,
        "skipped": code.skipped or None,
        "reason": code.reason,
    }
    return {key: value for key, value in about.items() if value is not None}


def decode_code(about: Mapping[str, Any]) -> Code:
    """Return the code `encode_code` wrote."""
    return Code(
        about.get("commit"),
        about.get("branch"),
        about.get("dirty"),
        about.get("remote"),
        about.get("entry"),
        about.get("snapshot"),
        about.get("tree"),
        about.get("changed", 0),
        about.get("skipped", 0),
        about.get("reason"),
    )
