"""Recording a whole run at once: from arguments, or line by line from a pipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gittrack.core.model import TAG_NOTE, TAG_PARENT, TAG_SOURCE_NAME, RunStatus
from gittrack.core.names import check_artifact_path, check_name
from gittrack.core.recording import parse_line
from gittrack.errors import GittrackError, InvalidValueError, UserError
from gittrack.store.digests import ignore
from gittrack.store.disk import disk_errors
from gittrack.tracking import artifacts as files
from gittrack.tracking import folders
from gittrack.tracking.context import read_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from gittrack.core.model import Code, ParamValue, Run
    from gittrack.core.recording import Point
    from gittrack.tracking.client import Client

SOURCE = "gittrack log"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file or folder and where it goes in a run."""

    source: Path
    path: str
    """POSIX path of the file, or of the folder, inside the run."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A run as it is recorded at once."""

    name: str | None = None
    status: RunStatus = RunStatus.FINISHED
    note: str | None = None
    parent: str | None = None
    """Run id."""
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    points: Sequence[Point] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    uploads: Sequence[Upload] = ()


def parse_upload(text: str) -> Upload:
    """Return what ``PATH`` or ``PATH=DESTINATION`` uploads; a destination that ends in ``/`` is a folder.

    Raises:
        ArtifactNotFoundError: There is nothing at the path.
        InvalidValueError: It is neither a file nor a folder.
        InvalidNameError: The destination cannot be the path of an artifact.
    """
    local, equals, target = text.rpartition("=")
    if not equals or not local or _exists(text):
        source = _check_source(text)
        return Upload(source, check_artifact_path(_base_name(source)))
    source = _check_source(local)
    if target.endswith("/"):
        return Upload(source, files.join_path(target, _base_name(source)))
    return Upload(source, check_artifact_path(target))


def record_run(
    client: Client, experiment_id: str, recording: Recording, lines: Iterable[bytes] | None = None
) -> Run:
    """Record a run and end it; return it.

    What lines say is recorded as they come. A bad line ends the run as FAILED, and what came before stays.

    Args:
        client: Where to.
        experiment_id: Of the run.
        recording: What is known at once.
        lines: JSON lines that follow, see `gittrack.core.recording.parse_line`.

    Raises:
        UserError: A name, value or line cannot be stored.
        StoreError: The disk is full, or failed.
    """
    if recording.name is not None:
        check_name("run", recording.name)
    system = {TAG_SOURCE_NAME: SOURCE, TAG_NOTE: recording.note, TAG_PARENT: recording.parent}
    tags = {**{key: value for key, value in system.items() if value is not None}, **recording.tags}
    run = client.create_run(experiment_id, tags=tags, run_name=recording.name, code=_read_code(client))
    try:
        _record(client, run, recording, lines or ())
        # Inside, for an interrupted pipe ends at the same moment.
        client.set_terminated(run.run_id, recording.status.value)
    except KeyboardInterrupt:
        client.set_terminated(run.run_id, RunStatus.KILLED.value, reason="interrupted")
        raise
    except GittrackError as error:
        client.set_terminated(run.run_id, RunStatus.FAILED.value, reason=error.message[:500])
        raise
    except BaseException:
        client.set_terminated(run.run_id, RunStatus.FAILED.value)
        raise
    return client.get_run(run.run_id)


def measure_uploads(uploads: Iterable[Upload]) -> int:
    """Return how many bytes files and folders hold.

    Raises:
        UserError: A link leads out of a folder, or something is no file.
        StoreError: Something cannot be read.
    """
    sizes = (
        folders.measure_folder(one.source) if one.source.is_dir() else one.source.stat().st_size
        for one in uploads
    )
    with disk_errors("read the file"):
        return sum(sizes)


def store_upload(
    client: Client,
    run_id: str,
    upload: Upload,
    *,
    link: bool = False,
    progress: Callable[[int], None] = ignore,
) -> None:
    """Store a file or folder as artifacts of a run.

    Args:
        client: Where to.
        run_id: The run.
        upload: What, and where to in the run.
        link: Take large files themselves rather than copies, where that can be: they become read-only.
        progress: Called with bytes as they are dealt with, by any thread.

    Raises:
        UserError: A name cannot be stored, or something is no file.
        StoreError: It cannot be read, or the disk is full or failed.
    """
    live = client.live(run_id)
    if upload.source.is_dir():
        folders.log_folder(client.store, live, upload.source, upload.path, link=link, progress=progress)
    else:
        files.log_file(client.store, live, upload.source, upload.path, link=link, progress=progress)


def _record(client: Client, run: Run, recording: Recording, lines: Iterable[bytes]) -> None:
    live = client.live(run.run_id)
    live.log_params(recording.params)
    for point in recording.points:
        live.log_metric(point.key, point.value, point.step)
    for upload in recording.uploads:
        store_upload(client, run.run_id, upload)
    for number, line in enumerate(lines, 1):
        _record_line(client, run, line, number)


def _record_line(client: Client, run: Run, line: bytes, number: int) -> None:
    live = client.live(run.run_id)
    try:
        facts = parse_line(line)
        live.log_params(facts.params)
        live.log_metrics(facts.metrics, facts.step, facts.timestamp)
        live.set_tags(facts.tags)
    except UserError as error:
        message = f"line {number}: {error.message}"
        kept = f"the run {run.name} keeps what came before, as FAILED"
        raise type(error)(message, hint=f"{error.hint}; {kept}" if error.hint else kept) from None


def _read_code(client: Client) -> Code | None:
    database = client.store.database
    # The script that runs is gittrack itself, which says nothing about the run.
    return replace(read_code(database), entry=None) if database is not None else None


def _check_source(text: str) -> Path:
    source = files.check_source(text)
    if source.is_file() or source.is_dir():
        return source
    message = f"{text!r} is no regular file"
    raise InvalidValueError(message, hint="log files and folders; fifos, sockets and devices have no content")


def _base_name(source: Path) -> str:
    return source.name or source.resolve().name


def _exists(text: str) -> bool:
    import os

    return os.path.lexists(text) if "\0" not in text else False
