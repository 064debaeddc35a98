"""The next tree of the hidden branch: what spool entries make of the one before."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import (
    decode_experiment,
    decode_manifest,
    decode_run,
    encode_experiment,
    encode_manifest_document,
    encode_run,
)
from gittrack.core.events import (
    ArtifactLogged,
    ArtifactRemoved,
    EnvironmentRecorded,
    LifecycleChanged,
    Renamed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagsSet,
)
from gittrack.core.experiments import fold_experiment
from gittrack.core.fold import fold, fold_side_files, kill
from gittrack.core.jsonform import decode
from gittrack.core.messages import describe_run
from gittrack.core.paths import (
    ARTIFACTS_DOCUMENT,
    EXPERIMENTS,
    FILES_FOLDER,
    FORMAT,
    FORMAT_VERSION,
    METRICS_DOCUMENT,
    METRICS_FOLDER,
    RUN_DOCUMENT,
    environment_path,
    run_folder,
    tombstone_path,
)
from gittrack.core.series import decode_series, encode_series, merge_summaries, summarize, union
from gittrack.errors import CorruptDataError, StoreError
from gittrack.store.git_pack import GitObject, make_object
from gittrack.store.git_tree import TreeEditor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import MetricSummary, Run
    from gittrack.core.series import Series
    from gittrack.store.git_objects import Objects
    from gittrack.store.spool import Entry

SMALL_HISTORY_BYTES = 256 * 1024
"""Up to this, all series of a run are one file that is rewritten; above, immutable segments."""
SMALL_MANIFEST_BYTES = 16 * 1024
"""Up to this, the artifact manifest is part of ``run.json``."""
MERGED_SEGMENTS = 8
"""So many small segments are merged into one."""


@dataclass(slots=True)
class Draft:
    """A commit in the making: a tree under change and the blobs that are new."""

    editor: TreeEditor
    objects: Objects
    new: dict[str, GitObject] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def put(self, path: tuple[str, ...], data: bytes) -> None:
        """Put a file at ``path``."""
        blob = make_object("blob", data, self.objects.hash_name)
        self.new[blob.oid] = blob
        self.editor.set_blob(path, blob.oid)

    def get(self, path: tuple[str, ...]) -> bytes | None:
        """Return the file at ``path``, as it was or as it was put."""
        entry = self.editor.get(path)
        if entry is None:
            return None
        return self.new[entry.oid].data if entry.oid in self.new else self.objects.read(entry.oid)


def begin_draft(objects: Objects, tip: str | None) -> Draft:
    """Return a draft of what follows ``tip``.

    Raises:
        StoreError: A newer version of gittrack wrote it.
        CorruptDataError: It cannot be read.
    """
    root = objects.read_commit(tip).tree if tip else None
    draft = Draft(TreeEditor(objects.read_tree, root, objects.hash_name), objects)
    check_version(draft.get((FORMAT,)))
    return draft


def check_version(document: bytes | None) -> None:
    """Refuse to write what a newer version of gittrack wrote.

    Raises:
        StoreError: It is newer.
        CorruptDataError: It says nothing of its version.
    """
    if document is None:
        return
    try:
        about: Any = decode(document)
        version = about["version"]
    except (ValueError, KeyError, TypeError) as error:
        message = f"{FORMAT} is damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`") from error
    if version > FORMAT_VERSION:
        message = f"this repository has format {version}, this program writes {FORMAT_VERSION}"
        raise StoreError(message, hint="upgrade gittrack; what was logged is kept and committed then")


def add_entry(draft: Draft, entry: Entry) -> None:
    """Apply a spool entry to a draft.

    Raises:
        CorruptDataError: The run, experiment or document that it changes cannot be read.
    """
    try:
        if entry.experiment_id is not None:
            _add_experiment(draft, entry, entry.experiment_id)
        elif entry.run_id is not None:
            _add_run(draft, entry, entry.run_id)
        if entry.documents:
            _add_documents(draft, entry)
    except ValueError as error:
        about = entry.run_id or entry.experiment_id or entry.subject
        message = f"what is stored of {about!r} is damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`; new events wait in the spool") from error


def _add_experiment(draft: Draft, entry: Entry, experiment_id: str) -> None:
    path = (EXPERIMENTS, f"{experiment_id}.json")
    stored = draft.get(path)
    before = decode_experiment(stored) if stored else None
    after = fold_experiment(before, experiment_id, entry.changes, writer=entry.writer)
    draft.put(path, encode_experiment(after))
    draft.subjects.append(f"experiment {after.name}: {'created' if before is None else 'changed'}")


def _add_documents(draft: Draft, entry: Entry) -> None:
    from gittrack.core.stamped import (
        decode_stamped,
        document_path,
        encode_stamped,
        fold_document,
        make_stamp,
    )

    for sequence, change in enumerate(entry.documents):
        path = document_path(change.kind, change.document_id)
        stored = draft.get(path)
        before = decode_stamped(stored) if stored else None
        stamp = make_stamp(change.time, sequence, entry.writer)
        draft.put(path, encode_stamped(fold_document(before, change, stamp)))
    draft.subjects.append(entry.subject)


def _add_run(draft: Draft, entry: Entry, run_id: str) -> None:
    if draft.editor.get(tombstone_path(run_id)) is not None:
        draft.subjects.append(f"{run_id} was removed for good: nothing added")
        return
    folder = run_folder(run_id)
    stored = draft.get((*folder, RUN_DOCUMENT))
    before = decode_run(stored) if stored else None
    if before is not None and (manifest := draft.get((*folder, ARTIFACTS_DOCUMENT))):
        before = replace(before, artifacts=decode_manifest(decode(manifest)))  # type: ignore[arg-type]
    after = fold(before, run_id, entry.events, writer=entry.writer)
    if entry.segments:
        after = replace(after, metrics=_add_history(draft, folder, before, entry))
    if entry.killed_at is not None:
        # The clock of the file system, which an empty journal is dated by, may lag behind that of the events.
        known = (one.last_time for one in after.metrics.values())
        after = kill(after, max(entry.killed_at, after.start_time, *known))
    for event in entry.events:
        if isinstance(event, ArtifactLogged) and event.content is not None:
            draft.put((*folder, FILES_FOLDER, event.artifact.digest), event.content)
        elif isinstance(event, EnvironmentRecorded) and event.text is not None:
            _put_environment(draft, event.digest, event.text)
    if any(isinstance(event, ArtifactRemoved) for event in entry.events):
        kept = inline_digests(after)
        for name in draft.editor.names((*folder, FILES_FOLDER)):
            if name not in kept:
                draft.editor.remove((*folder, FILES_FOLDER, name))
    for name, content in fold_side_files(before, entry.events).items():
        if content is None:
            draft.editor.remove((*folder, name))
        else:
            draft.put((*folder, name), content)
    document = after
    if len(encoded := encode_manifest_document(after.artifacts)) > SMALL_MANIFEST_BYTES:
        draft.put((*folder, ARTIFACTS_DOCUMENT), encoded)
        document = replace(after, artifacts={})
    else:
        draft.editor.remove((*folder, ARTIFACTS_DOCUMENT))
    draft.put((*folder, RUN_DOCUMENT), encode_run(document))
    draft.subjects.append(_describe_change(before, after, entry))


def inline_digests(run: Run) -> set[str]:
    """Return the digests of a run's artifacts whose content is in its folder."""
    return {one.digest for one in run.artifacts.values() if one.inline}


def _put_environment(draft: Draft, digest: str, text: str) -> None:
    """Store a list of packages, unless another run had the same."""
    if draft.editor.get(environment_path(digest)) is None:
        draft.put(environment_path(digest), text.encode())


def _add_history(
    draft: Draft, folder: tuple[str, ...], before: Run | None, entry: Entry
) -> Mapping[str, MetricSummary]:
    """Add an entry's segments to a run's history; return the summaries of all of it."""
    segments = entry.read_segments()
    known = before.metrics if before else {}
    small = draft.get((*folder, METRICS_DOCUMENT))
    names = draft.editor.names((*folder, METRICS_FOLDER))
    size = len(small or b"") + sum(map(len, segments))
    if not names and size <= SMALL_HISTORY_BYTES:
        if small is None and len(segments) == 1:
            draft.put((*folder, METRICS_DOCUMENT), segments[0])
            return entry.summaries
        histories: dict[str, Series] = decode_series(small) if small else {}
        for segment in segments:
            histories = union(histories, decode_series(segment))
        draft.put((*folder, METRICS_DOCUMENT), encode_series(histories))
        return {key: summarize(series) for key, series in histories.items()}
    if small is not None:
        draft.editor.remove((*folder, METRICS_DOCUMENT))
        _put_segment(draft, folder, small)
    fresh = [_put_segment(draft, folder, segment) for segment in segments]
    _merge_small_segments(draft, folder)
    if not any(fresh):
        return known
    merged = dict(known)
    for key, summary in entry.summaries.items():
        merged[key] = merge_summaries(merged[key], summary) if key in merged else summary
    return merged


def _put_segment(draft: Draft, folder: tuple[str, ...], segment: bytes) -> bool:
    """Store a segment under its digest; return whether it was not there yet."""
    path = (*folder, METRICS_FOLDER, segment_name(segment))
    if draft.editor.get(path) is not None:
        return False
    draft.put(path, segment)
    return True


def segment_name(data: bytes) -> str:
    """Return the name of a metric segment: a digest of its content."""
    return f"{make_object('blob', data, 'sha256').oid[:24]}.json"


def _merge_small_segments(draft: Draft, folder: tuple[str, ...]) -> None:
    names = draft.editor.names((*folder, METRICS_FOLDER))
    if len(names) < MERGED_SEGMENTS:
        return
    sized = {name: draft.get((*folder, METRICS_FOLDER, name)) or b"" for name in names}
    small = [name for name in names if len(sized[name]) < SMALL_HISTORY_BYTES]
    if len(small) < MERGED_SEGMENTS:
        return
    histories: dict[str, Series] = {}
    for name in small:
        histories = union(histories, decode_series(sized[name]))
        draft.editor.remove((*folder, METRICS_FOLDER, name))
    _put_segment(draft, folder, encode_series(histories))


def _describe_change(before: Run | None, after: Run, entry: Entry) -> str:
    if before is None or any(isinstance(event, (StatusChanged, RunStarted)) for event in entry.events):
        return describe_run(after)
    if entry.killed_at is not None:
        return f"{after.name} killed"
    for event in reversed(entry.events):
        match event:
            case LifecycleChanged():
                return f"{after.name} {'deleted' if event.stage == 'deleted' else 'restored'}"
            case Renamed():
                return f"{before.name} renamed to {after.name}"
            case SideFileSet():
                return f"{after.name}: {event.name} {'removed' if event.content is None else 'written'}"
            case TagsSet():
                return f"{after.name} tagged: {', '.join(event.values)}"
            case _:
                continue
    return f"{after.name} changed"
