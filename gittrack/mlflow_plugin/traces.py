"""Traces: what is known of each, in a stamped document of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlflow.entities import Assessment, TraceInfo
from mlflow.tracing.constant import SpansLocation, TraceTagKey
from mlflow.utils.mlflow_tags import MLFLOW_ARTIFACT_LOCATION
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import _validate_trace_tag

from gittrack.core.stamped import DocumentChange
from gittrack.errors import InvalidValueError, NotFoundError, RunStateError, TagNotFoundError
from gittrack.mlflow_plugin.entities import to_assessment_document
from gittrack.mlflow_plugin.uris import FOLDER
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mlflow.entities import TraceInfoV3
    from mlflow.entities.model_registry import PromptVersion

    from gittrack.core.stamped import Document
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

KIND = "traces"
SPANS = "trace-spans"
"""Spans are many and long: they stand apart, so that listing traces stays quick."""
MAX_LINKED = 100
"""MLflow's limit of traces linked in one call."""
_APART = ("tags", "trace_metadata", "assessments", "trace_id")


def start_trace(store: GittrackTrackingStore, trace_info: TraceInfoV3) -> TraceInfoV3:
    """Write what is known of a trace, new or known by its spans already."""
    experiment = store.client.get_experiment(trace_info.experiment_id)
    if experiment.lifecycle_stage != "active":
        message = f"experiment {experiment.name!r} is deleted"
        raise RunStateError(message, hint="restore it first")
    place = append_to_uri_path(store.artifact_location(experiment), "traces", trace_info.trace_id, FOLDER)
    trace_info.tags.setdefault(MLFLOW_ARTIFACT_LOCATION, str(place))
    if store.client.store.find_document(SPANS, trace_info.trace_id) is not None:
        trace_info.tags[TraceTagKey.SPANS_LOCATION] = SpansLocation.TRACKING_STORE.value
    write_trace(store, trace_info.trace_id, encode_info(trace_info), "logged")
    return get_trace_info(store, trace_info.trace_id)


def get_trace_info(store: GittrackTrackingStore, trace_id: str) -> TraceInfoV3:
    """Return what is known of a trace."""
    return decode_info(get_document(store, trace_id))


def batch_get_trace_infos(
    store: GittrackTrackingStore,
    trace_ids: Sequence[str],
    location: str | None = None,
    experiment_ids: Sequence[str] | None = None,
) -> list[TraceInfoV3]:
    """Return what is known of those of some traces that exist, in the order they were asked for."""
    del location
    found = [store.client.store.find_document(KIND, trace_id) for trace_id in trace_ids]
    infos = [decode_info(document) for document in found if document is not None]
    return [one for one in infos if not experiment_ids or one.experiment_id in experiment_ids]


def set_trace_tag(store: GittrackTrackingStore, trace_id: str, key: str, value: str) -> None:
    """Set a tag of a trace."""
    key, value = _validate_trace_tag(key, value)
    get_document(store, trace_id)
    write_trace(store, trace_id, {f"tags.{key}": str(value)}, f"tag {key}")


def delete_trace_tag(store: GittrackTrackingStore, trace_id: str, key: str) -> None:
    """Remove a tag of a trace."""
    if key not in get_document(store, trace_id).group("tags"):
        message = f"no tag with name {key!r} in trace with id {trace_id!r}"
        raise TagNotFoundError(message)
    write_trace(store, trace_id, {f"tags.{key}": None}, f"tag {key} removed")


def delete_traces(
    store: GittrackTrackingStore,
    experiment_id: str,
    max_timestamp_millis: int | None = None,
    max_traces: int | None = None,
    trace_ids: Sequence[str] | None = None,
) -> int:
    """Delete traces by id, or the oldest up to a time; return how many."""
    infos = [one for one in list_traces(store) if one.experiment_id == str(experiment_id)]
    if max_timestamp_millis is not None:
        infos = [one for one in infos if one.timestamp_ms <= max_timestamp_millis]
        infos = sorted(infos, key=lambda one: one.timestamp_ms)[:max_traces]
    else:
        infos = [one for one in infos if one.trace_id in set(trace_ids or ())]
    changes = [
        DocumentChange(kind, one.trace_id, now_ms(), removes=True) for one in infos for kind in (KIND, SPANS)
    ]
    if changes:
        store.client.store.change_documents(changes, f"{len(infos)} traces deleted")
    return len(infos)


def link_traces_to_run(store: GittrackTrackingStore, trace_ids: Sequence[str], run_id: str) -> None:
    """Link traces to a run, so that a search for its traces finds them."""
    if len(trace_ids) > MAX_LINKED:
        message = f"at most {MAX_LINKED} traces can be linked in one call, not {len(trace_ids)}"
        raise InvalidValueError(message, hint="link them in several calls")
    link = f"runs.{store.client.get_run(run_id).run_id}"
    now = now_ms()
    changes = [DocumentChange(KIND, trace_id, now, {link: True}) for trace_id in trace_ids]
    if changes:
        store.client.store.change_documents(changes, f"{len(changes)} traces linked to run {run_id[:12]}")


def unlink_traces_from_run(store: GittrackTrackingStore, trace_ids: Sequence[str], run_id: str) -> None:
    """Take back links of traces to a run."""
    now = now_ms()
    changes = [DocumentChange(KIND, trace_id, now, {f"runs.{run_id}": None}) for trace_id in trace_ids]
    if changes:
        store.client.store.change_documents(changes, f"{len(changes)} traces unlinked from run {run_id[:12]}")


def link_prompts_to_trace(
    store: GittrackTrackingStore, trace_id: str, prompt_versions: Sequence[PromptVersion]
) -> None:
    """Note in a trace which versions of prompts it used."""
    known = json.loads(get_document(store, trace_id).group("tags").get(TraceTagKey.LINKED_PROMPTS, "[]"))
    used = [{"name": one.name, "version": str(one.version)} for one in prompt_versions]
    linked = known + [one for one in used if one not in known]
    if linked != known:
        write_trace(store, trace_id, {f"tags.{TraceTagKey.LINKED_PROMPTS}": json.dumps(linked)}, "prompts")


def linked_runs(document: Document) -> list[str]:
    """Return the ids of the runs that a trace was linked to."""
    return sorted(document.group("runs"))


def list_traces(store: GittrackTrackingStore) -> list[TraceInfoV3]:
    """Return what is known of every trace."""
    return [decode_info(one) for one in store.client.store.list_documents(KIND) if "state" in one.fields]


def get_document(store: GittrackTrackingStore, trace_id: str) -> Document:
    """Return the document of a trace.

    Raises:
        NotFoundError: There is no such trace.
    """
    found = store.client.store.find_document(KIND, trace_id)
    if found is None or "state" not in found.fields:
        message = f"trace with id {trace_id!r} not found"
        raise NotFoundError(message)
    return found


def write_trace(store: GittrackTrackingStore, trace_id: str, values: Mapping[str, Any], what: str) -> None:
    """Change fields of a trace's document.

    Raises:
        StoreError: The disk is full, or failed.
    """
    change = DocumentChange(KIND, trace_id, now_ms(), values)
    store.client.store.change_documents([change], f"trace {trace_id[:12]}: {what}")


def encode_info(info: TraceInfoV3) -> dict[str, Any]:
    """Return what is known of a trace as the fields of its document."""
    fields = {key: value for key, value in info.to_dict().items() if key not in _APART}
    groups: Iterable[tuple[str, Mapping[str, Any]]] = (
        ("tags", info.tags),
        ("metadata", info.trace_metadata),
        ("assessments", {one.assessment_id: to_assessment_document(one) for one in info.assessments}),
    )
    return fields | {f"{name}.{key}": value for name, group in groups for key, value in group.items()}


def decode_info(document: Document) -> TraceInfoV3:
    """Return what the document of a trace says."""
    plain = {key: value for key, value in document.fields.items() if "." not in key}
    info = TraceInfo.from_dict({**plain, "trace_id": document.document_id})
    info.tags = document.group("tags")
    info.trace_metadata = document.group("metadata")
    assessments = [Assessment.from_dictionary(one) for one in document.group("assessments").values()]
    info.assessments = sorted(assessments, key=lambda one: (one.create_time_ms or 0, one.assessment_id))
    return info
