"""Searching traces by MLflow's filters, those over spans and assessments included."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD, SEARCH_TRACES_DEFAULT_MAX_RESULTS
from mlflow.tracing.constant import TraceMetadataKey
from mlflow.utils.search_utils import SearchTraceUtils, SearchUtils

from gittrack.errors import InvalidValueError
from gittrack.mlflow_plugin import spans, traces
from gittrack.mlflow_plugin.search import check_page_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mlflow.entities import Assessment, TraceInfoV3

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

IS_NULL, IS_NOT_NULL = "IS NULL", "IS NOT NULL"
_NUMERIC = SearchTraceUtils.NUMERIC_ASSESSMENT_COMPARATORS


def search_traces(
    store: GittrackTrackingStore,
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    max_results: int = SEARCH_TRACES_DEFAULT_MAX_RESULTS,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
    model_id: str | None = None,
    locations: Sequence[str] | None = None,
) -> tuple[list[TraceInfoV3], str | None]:
    """Return a page of the traces that a filter means, and the token of the next."""
    check_page_size(max_results, SEARCH_MAX_RESULTS_THRESHOLD)
    wanted = {str(one) for one in locations or experiment_ids or ()}
    clauses = SearchTraceUtils.parse_search_filter_for_search_traces(filter_string or "")
    if model_id is not None:
        clauses.append(_metadata_is(TraceMetadataKey.MODEL_ID, model_id))
    found = []
    for document in store.client.store.list_documents(traces.KIND):
        if "state" not in document.fields:  # linked to a run, but never told of itself
            continue
        info = traces.decode_info(document)
        runs = {info.trace_metadata.get(TraceMetadataKey.SOURCE_RUN), *traces.linked_runs(document)}
        is_asked_for = not wanted or info.experiment_id in wanted
        if is_asked_for and all(_matches(store, info, runs, clause) for clause in clauses):
            found.append(info)
    ordered = SearchTraceUtils.sort(found, list(order_by or ()))
    page, token = SearchUtils.paginate(ordered, page_token, max_results)
    return page, token


def _metadata_is(key: str, value: str) -> dict[str, Any]:
    return {"type": "request_metadata", "key": key, "comparator": "=", "value": value}


def _matches(
    store: GittrackTrackingStore, info: TraceInfoV3, runs: Iterable[str | None], clause: Mapping[str, Any]
) -> bool:
    kind, key, comparator = clause["type"], clause["key"], clause["comparator"].upper()
    if SearchTraceUtils.is_span(kind, key, comparator):
        rows = spans.span_rows(store, info.trace_id)
        return any(_span_matches(row, key, comparator, clause["value"]) for row in rows)
    if SearchTraceUtils.is_assessment(kind, key, comparator):
        named = [one for one in info.assessments if one.name == key and _kind(one) == kind]
        return _assessment_matches(named, comparator, clause["value"])
    if SearchTraceUtils.is_issue(kind, key, comparator):
        return False  # issues are not offered, so there are none
    if kind == "request_metadata" and key == TraceMetadataKey.SOURCE_RUN and comparator != IS_NULL:
        known = [run_id for run_id in runs if run_id is not None]
        if comparator == IS_NOT_NULL:
            return bool(known)
        compare = SearchUtils.get_comparison_func(comparator)
        return any(compare(run_id, clause["value"]) for run_id in known)
    return bool(SearchTraceUtils._does_trace_match_clause(info, dict(clause)))  # noqa: SLF001  (its own meaning)


def _span_matches(row: Mapping[str, Any], key: str, comparator: str, value: Any) -> bool:  # noqa: ANN401
    compare = SearchUtils.get_comparison_func(comparator)
    attributes = row.get("attributes", {})
    if key == "content":
        return bool(compare(json.dumps(row, ensure_ascii=False), value))
    if key.startswith("attributes."):
        found = attributes.get(key.removeprefix("attributes."))
        return found is not None and (compare(found, value) or compare(_plain(found), value))
    if key == "type":
        found = _plain(attributes.get("mlflow.spanType"))
    elif key == "status":
        found = str(row.get("status", {}).get("code", "")).removeprefix("STATUS_CODE_")
    else:
        found = row.get("name")
    return found is not None and bool(compare(found, value))


def _plain(text: Any) -> str:  # noqa: ANN401  (a value of an attribute, which is JSON)
    try:
        return str(json.loads(text))
    except (TypeError, ValueError):
        return str(text)


def _kind(assessment: Assessment) -> str:
    return "feedback" if assessment.feedback is not None else "expectation"


def _assessment_matches(named: Sequence[Assessment], comparator: str, value: Any) -> bool:  # noqa: ANN401
    valid = [one for one in named if getattr(one, "valid", True) is not False]
    if comparator in {IS_NULL, IS_NOT_NULL}:
        return bool(valid) == (comparator == IS_NOT_NULL)
    compare = SearchUtils.get_comparison_func(comparator)
    for one in valid:
        found = (one.feedback or one.expectation).value
        if comparator in _NUMERIC:
            if isinstance(found, (int, float)) and not isinstance(found, bool):
                try:
                    limit = float(value)
                except ValueError:
                    message = f"{one.name} is compared with {value!r}, which is no number"
                    raise InvalidValueError(message) from None
                if compare(found, limit):
                    return True
        elif compare(found if isinstance(found, str) else json.dumps(found), str(value)):
            return True
    return False
