"""Spans of traces: logged one by one or together, read back as whole traces."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from mlflow.entities import Span, Trace, TraceData, TraceInfo, TraceLocation, TraceState
from mlflow.entities.span_status import SpanStatusCode
from mlflow.tracing.constant import SpansLocation, TraceTagKey
from mlflow.tracing.otel.translation import translate_loaded_span, translate_span_when_storing
from mlflow.tracing.utils import TraceJSONEncoder

from gittrack.core.stamped import DocumentChange
from gittrack.mlflow_plugin import traces
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mlflow.entities import TraceInfoV3

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

NANOSECONDS = 1_000_000
"""In a millisecond."""


def log_spans(
    store: GittrackTrackingStore, location: str, spans: Sequence[Span], tracking_uri: str | None = None
) -> Sequence[Span]:
    """Store spans; a trace nobody told of before is known by them from now on.

    Args:
        store: Where to.
        location: Id of the experiment.
        spans: Of one trace or several, whole traces or not.
        tracking_uri: Ignored: the store is known.
    """
    del tracking_uri
    by_trace: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        by_trace[span.trace_id].append(span)
    now = now_ms()
    changes = []
    for trace_id, own in by_trace.items():
        values = {f"spans.{span.span_id}": encode_span(span) for span in own}
        changes.append(DocumentChange(traces.SPANS, trace_id, now, values))
        if store.client.store.find_document(traces.KIND, trace_id) is None:
            about = traces.encode_info(_guess_info(trace_id, location, own))
            changes.append(DocumentChange(traces.KIND, trace_id, now, about))
    if changes:
        store.client.store.change_documents(changes, f"{len(spans)} spans of {len(by_trace)} traces")
    return spans


def get_trace(store: GittrackTrackingStore, trace_id: str, *, allow_partial: bool = False) -> Trace:
    """Return a trace with its spans."""
    del allow_partial
    info = traces.get_trace_info(store, trace_id)
    return Trace(info, TraceData(read_spans(store, trace_id)))


def batch_get_traces(
    store: GittrackTrackingStore,
    trace_ids: Sequence[str],
    location: str | None = None,
    experiment_ids: Sequence[str] | None = None,
) -> list[Trace]:
    """Return those of some traces that exist, with their spans."""
    infos = traces.batch_get_trace_infos(store, trace_ids, location, experiment_ids)
    return [Trace(info, TraceData(read_spans(store, info.trace_id))) for info in infos]


def read_spans(store: GittrackTrackingStore, trace_id: str) -> list[Span]:
    """Return the spans of a trace in the order they began."""
    return [Span.from_dict(translate_loaded_span(dict(one))) for one in span_rows(store, trace_id)]


def span_rows(store: GittrackTrackingStore, trace_id: str) -> list[dict[str, Any]]:
    """Return the spans of a trace as they are stored, in the order they began."""
    document = store.client.store.find_document(traces.SPANS, trace_id)
    rows = list(document.group("spans").values()) if document else []
    return sorted(rows, key=lambda one: (one["start_time_unix_nano"], bool(one.get("parent_span_id"))))


def encode_span(span: Span) -> Any:  # noqa: ANN401  (what JSON holds)
    """Return a span as JSON can hold it."""
    return json.loads(json.dumps(translate_span_when_storing(span), cls=TraceJSONEncoder))


def _guess_info(trace_id: str, experiment_id: str, spans: Sequence[Span]) -> TraceInfoV3:
    """Return what spans alone tell of their trace."""
    start_ms = min(span.start_time_ns for span in spans) // NANOSECONDS
    root = next((span for span in spans if span.parent_id is None), None)
    state, duration_ms = TraceState.IN_PROGRESS, None
    if root is not None and root.end_time_ns is not None:
        is_error = root.status.status_code == SpanStatusCode.ERROR
        state = TraceState.ERROR if is_error else TraceState.OK
        duration_ms = root.end_time_ns // NANOSECONDS - start_ms
    tags = {TraceTagKey.SPANS_LOCATION: SpansLocation.TRACKING_STORE.value}
    if root is not None:
        tags[TraceTagKey.TRACE_NAME] = root.name
    return TraceInfo(
        trace_id=trace_id,
        trace_location=TraceLocation.from_experiment_id(experiment_id),
        request_time=start_ms,
        state=state,
        execution_duration=duration_ms,
        trace_metadata={},
        tags=tags,
    )
