"""Traces of MLflow's 2.x clients, which say when a trace begins and again when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.entities import TraceInfo, TraceLocation, TraceState
from mlflow.entities.trace_info_v2 import TraceInfoV2
from mlflow.tracing.utils import generate_request_id_v2

from gittrack.mlflow_plugin import traces

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.entities.trace_status import TraceStatus

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore


def start_trace(
    store: GittrackTrackingStore,
    experiment_id: str,
    timestamp_ms: int,
    request_metadata: Mapping[str, str],
    tags: Mapping[str, str],
) -> TraceInfoV2:
    """Write that a trace began; return what is known of it, its new id included."""
    begun = TraceInfo(
        trace_id=generate_request_id_v2(),
        trace_location=TraceLocation.from_experiment_id(str(experiment_id)),
        request_time=timestamp_ms,
        state=TraceState.IN_PROGRESS,
        trace_metadata=dict(request_metadata),
        tags=dict(tags),
    )
    return TraceInfoV2.from_v3(traces.start_trace(store, begun))


def end_trace(
    store: GittrackTrackingStore,
    request_id: str,
    timestamp_ms: int,
    status: TraceStatus,
    request_metadata: Mapping[str, str],
    tags: Mapping[str, str],
) -> TraceInfoV2:
    """Write that a trace ended, and what was learnt meanwhile."""
    info = traces.get_trace_info(store, request_id)
    info.state = status.to_state()
    info.execution_duration = timestamp_ms - info.request_time
    info.trace_metadata.update(request_metadata)
    info.tags.update(tags)
    traces.write_trace(store, request_id, traces.encode_info(info), "ended")
    return TraceInfoV2.from_v3(info)
