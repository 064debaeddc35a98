"""Numbers over traces, their spans and their assessments: by time, and by what they have in common."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mlflow.entities.trace_metrics import AggregationType, MetricDataPoint, MetricViewType
from mlflow.store.entities import PagedList
from mlflow.tracing.constant import SpanAttributeKey, TraceMetadataKey, TraceTagKey
from mlflow.utils.search_utils import SearchTraceMetricsUtils

from gittrack.errors import InvalidValueError
from gittrack.mlflow_plugin import spans, traces

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mlflow.entities import Assessment, TraceInfoV3
    from mlflow.entities.trace_metrics import MetricAggregation

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

MAX_POINTS = 1000
TIME_BUCKET = "time_bucket"
"""What MLflow calls the dimension of time."""
_COUNT = frozenset({AggregationType.COUNT})
_SPREAD = frozenset(
    {AggregationType.AVG, AggregationType.MIN, AggregationType.MAX, AggregationType.PERCENTILE}
)
_AMOUNT = _SPREAD | {AggregationType.SUM}
_TOKENS = (
    "input_tokens", "output_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
)  # fmt: skip
_COSTS = ("input_cost", "output_cost", "total_cost")
_NAMED, _MODEL = frozenset({"trace_name"}), frozenset({"span_model_name", "span_model_provider"})
_MEASURES = {
    MetricViewType.TRACES: {
        "trace_count": (_COUNT, _NAMED | {"trace_status"}),
        "session_count": (_COUNT, frozenset()),
        "latency": (_SPREAD, _NAMED),
        **dict.fromkeys(_TOKENS, (_AMOUNT, _NAMED)),
    },
    MetricViewType.SPANS: {
        "span_count": (_COUNT, _MODEL | {"span_name", "span_type", "span_status"}),
        "latency": (_SPREAD, frozenset({"span_name", "span_status"})),
        **dict.fromkeys(_COSTS, (_AMOUNT, _MODEL)),
    },
    MetricViewType.ASSESSMENTS: {
        "assessment_count": (_COUNT, frozenset({"assessment_name", "assessment_value"})),
        "assessment_value": (_SPREAD, frozenset({"assessment_name"})),
    },
}
"""View → metric → the aggregations and dimensions it has."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A trace, a span or an assessment."""

    time_ms: float
    """When it began: that of the trace, or of the span itself."""
    range_ms: float
    """The time that has to be in the range asked for."""
    values: Mapping[str, Any]
    """By metric; None where it has none."""
    dimensions: Mapping[str, str | None]
    facts: Mapping[str, str | None]
    """What filters ask for, beside those of the trace."""


def query_trace_metrics(
    store: GittrackTrackingStore,
    experiment_ids: Sequence[str],
    view_type: MetricViewType,
    metric_name: str,
    aggregations: Sequence[MetricAggregation],
    dimensions: Sequence[str] | None = None,
    filters: Sequence[str] | None = None,
    time_interval_seconds: int | None = None,
    start_time_ms: int | None = None,
    end_time_ms: int | None = None,
    max_results: int = MAX_POINTS,
    page_token: str | None = None,
) -> PagedList[MetricDataPoint]:
    """Return one point for each group of rows, in the order of the groups; there is only one page.

    Args:
        store: Where the traces are.
        experiment_ids: Those of these experiments.
        view_type: Whether a row is a trace, a span or an assessment.
        metric_name: What is aggregated.
        aggregations: In which ways.
        dimensions: What rows of a group have in common.
        filters: One clause each; all of them hold.
        time_interval_seconds: If given, rows of a group are from the same interval.
        start_time_ms: The first millisecond since the epoch that counts.
        end_time_ms: The last one.
        max_results: At most so many points.
        page_token: Ignored, as by MLflow's own store.

    Raises:
        InvalidValueError: There is no such metric, aggregation or dimension, or a filter cannot be read.
    """
    del page_token
    _check_query(view_type, metric_name, aggregations, dimensions or ())
    if time_interval_seconds and (start_time_ms is None or end_time_ms is None):
        message = "start_time_ms and end_time_ms are required if time_interval_seconds is set"
        raise InvalidValueError(message)
    groups: dict[tuple[Any, ...], list[Any]] = {}
    if not time_interval_seconds and not dimensions:
        groups[()] = []  # as a table without rows still has a count
    for row in _find_rows(store, set(map(str, experiment_ids)), view_type, metric_name, filters or ()):
        is_early = start_time_ms is not None and math.floor(row.range_ms) < start_time_ms
        is_late = end_time_ms is not None and math.floor(row.range_ms) > end_time_ms
        if is_early or is_late:
            continue
        key: tuple[Any, ...] = tuple(row.dimensions[one] for one in dimensions or ())
        if row.values[metric_name] is not None and None not in key:
            if time_interval_seconds:
                key = (row.time_ms // (time_interval_seconds * 1000) * time_interval_seconds, *key)
            groups.setdefault(key, []).append(row.values[metric_name])
    names = [*([TIME_BUCKET] if time_interval_seconds else []), *(dimensions or ())]
    points = []
    for key in sorted(groups)[:max_results]:
        values = {str(one): _aggregate(one, groups[key], metric_name) for one in aggregations}
        found = {name: value for name, value in values.items() if value is not None}
        if found:
            points.append(MetricDataPoint(metric_name, dict(zip(names, _show(key), strict=True)), found))
    return PagedList(points, None)


def _show(key: tuple[Any, ...]) -> Iterator[str]:
    for part in key:
        is_time = not isinstance(part, str)
        yield datetime.fromtimestamp(part, tz=UTC).isoformat() if is_time else part


def _check_query(
    view_type: MetricViewType,
    metric_name: str,
    aggregations: Sequence[MetricAggregation],
    dimensions: Sequence[str],
) -> None:
    measures = _MEASURES[view_type]
    if metric_name not in measures:
        message = f"metric_name must be one of {list(measures)}, got {metric_name!r}"
        raise InvalidValueError(message)
    allowed, known = measures[metric_name]
    wrong = sorted({str(one.aggregation_type) for one in aggregations} - {str(one) for one in allowed})
    if wrong:
        message = f"{metric_name} has no aggregation {', '.join(wrong)}"
        raise InvalidValueError(message, hint=f"it has {', '.join(sorted(map(str, allowed)))}")
    if strange := sorted(set(dimensions) - known):
        message = f"{metric_name} has no dimension {', '.join(strange)}"
        raise InvalidValueError(message, hint=f"it has {', '.join(sorted(known)) or 'none'}")


def _aggregate(aggregation: MetricAggregation, values: Sequence[Any], metric_name: str) -> float | None:
    if aggregation.aggregation_type == AggregationType.COUNT:
        return len(set(values)) if metric_name == "session_count" else len(values)
    if not values:
        return None
    match aggregation.aggregation_type:
        case AggregationType.SUM:
            return float(sum(values))
        case AggregationType.AVG:
            return float(sum(values) / len(values))
        case AggregationType.MIN:
            return float(min(values))
        case AggregationType.MAX:
            return float(max(values))
        case _:
            return _interpolate(sorted(values), aggregation.percentile_value or 0.0)


def _interpolate(ordered: Sequence[float], percentile: float) -> float:
    """Return a percentile, between the two values next to it as numpy's ``quantile`` does by default."""
    position = percentile / 100 * (len(ordered) - 1)
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def _find_rows(
    store: GittrackTrackingStore,
    experiment_ids: set[str],
    view_type: MetricViewType,
    metric_name: str,
    filters: Sequence[str],
) -> Iterator[_Row]:
    clauses = [SearchTraceMetricsUtils.parse_search_filter(one) for one in filters]
    own = str(view_type).lower().removesuffix("s")
    strange = next((one.view_type for one in clauses if one.view_type not in {"trace", own}), None)
    if strange is not None:
        message = f"metrics of {view_type} cannot be filtered by {strange}"
        raise InvalidValueError(message)
    of_trace = [one for one in clauses if one.view_type == "trace"]
    of_row = [one for one in clauses if one.view_type != "trace"]
    for document in store.client.store.list_documents(traces.KIND):
        if "state" not in document.fields:
            continue
        info = traces.decode_info(document)
        runs = traces.linked_runs(document)
        if info.experiment_id not in experiment_ids or not all(_holds(info, runs, one) for one in of_trace):
            continue
        for row in _read_rows(store, info, view_type, metric_name):
            if all(row.facts.get(one.entity) == one.value for one in of_row):
                yield row


def _holds(info: TraceInfoV3, runs: Sequence[str], clause: Any) -> bool:  # noqa: ANN401  (MLflow's own)
    match clause.entity:
        case "status":
            return bool(info.state.value == clause.value)
        case "metadata":
            is_linked = clause.key == TraceMetadataKey.SOURCE_RUN and clause.value in runs
            return is_linked or info.trace_metadata.get(clause.key) == clause.value
        case _:
            return bool(info.tags.get(clause.key) == clause.value)


def _read_rows(
    store: GittrackTrackingStore, info: TraceInfoV3, view_type: MetricViewType, metric_name: str
) -> Iterator[_Row]:
    match view_type:
        case MetricViewType.TRACES:
            yield _read_trace(info)
        case MetricViewType.SPANS:
            for span in spans.span_rows(store, info.trace_id):
                yield _read_span(info, span, metric_name)
        case _:
            for assessment in info.assessments:
                if getattr(assessment, "valid", True) is not False:
                    yield _read_assessment(info, assessment)


def _read_trace(info: TraceInfoV3) -> _Row:
    usage = _read_object(info.trace_metadata.get(TraceMetadataKey.TOKEN_USAGE))
    values = {
        "trace_count": info.trace_id,
        "session_count": info.trace_metadata.get(TraceMetadataKey.TRACE_SESSION),
        "latency": info.execution_duration,
        **{name: _read_number(usage.get(name)) for name in _TOKENS},
    }
    dimensions = {"trace_name": info.tags.get(TraceTagKey.TRACE_NAME), "trace_status": info.state.value}
    return _Row(info.request_time, info.request_time, values, dimensions, {})


def _read_span(info: TraceInfoV3, span: Mapping[str, Any], metric_name: str) -> _Row:
    attributes = span.get("attributes", {})
    cost = _read_object(attributes.get(SpanAttributeKey.LLM_COST))
    begin, end = span["start_time_unix_nano"], span.get("end_time_unix_nano")
    values = {
        "span_count": span["span_id"],
        "latency": None if end is None else (end - begin) // spans.NANOSECONDS,
        **{name: _read_number(cost.get(name)) for name in _COSTS},
    }
    name = span.get("name")
    kind = _read_text(attributes.get(SpanAttributeKey.SPAN_TYPE))
    status = str(span.get("status", {}).get("code", "")).removeprefix("STATUS_CODE_")
    dimensions = {
        "span_name": name,
        "span_type": kind,
        "span_status": status,
        "span_model_name": _read_text(attributes.get(SpanAttributeKey.MODEL)),
        "span_model_provider": _read_text(attributes.get(SpanAttributeKey.MODEL_PROVIDER)),
    }
    time_ms = begin / spans.NANOSECONDS
    range_ms = time_ms if metric_name in _COSTS else info.request_time
    return _Row(time_ms, range_ms, values, dimensions, {"name": name, "type": kind, "status": status})


def _read_assessment(info: TraceInfoV3, assessment: Assessment) -> _Row:
    kind = "feedback" if assessment.feedback is not None else "expectation"
    held = assessment.feedback or assessment.expectation
    value = None if held is None else held.value
    values = {"assessment_count": assessment.assessment_id, "assessment_value": _rate(value)}
    dimensions = {"assessment_name": assessment.name, "assessment_value": json.dumps(value)}
    facts = {"name": assessment.name, "type": kind}
    return _Row(info.request_time, info.request_time, values, dimensions, facts)


def _rate(value: Any) -> float | None:  # noqa: ANN401  (whatever was assessed)
    """Return the number that a value stands for: yes and true are 1, no and false 0."""
    if isinstance(value, str):
        return {"yes": 1.0, "no": 0.0}.get(value.strip().lower())
    return float(value) if isinstance(value, bool) else _read_number(value)


def _read_number(value: Any) -> float | None:  # noqa: ANN401  (of JSON)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def _read_object(text: Any) -> Mapping[str, Any]:  # noqa: ANN401  (text of JSON, or what it says)
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _read_text(text: Any) -> str | None:  # noqa: ANN401  (a value of an attribute, which is JSON)
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        found = text
    return found if isinstance(found, str) else None
