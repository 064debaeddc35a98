"""Assessments of traces: feedback and expectations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.entities import Assessment, Expectation, Feedback
from mlflow.tracing.utils import generate_assessment_id

from gittrack.errors import InvalidValueError, NotFoundError
from gittrack.mlflow_plugin import traces
from gittrack.mlflow_plugin.entities import to_assessment_document as to_document
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow.entities.assessment import ExpectationValue, FeedbackValue

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore


def get_assessment(store: GittrackTrackingStore, trace_id: str, assessment_id: str) -> Assessment:
    """Return an assessment of a trace."""
    found = traces.get_document(store, trace_id).group("assessments").get(assessment_id)
    if found is None:
        message = f"assessment with id {assessment_id!r} not found for trace {trace_id!r}"
        raise NotFoundError(message)
    return Assessment.from_dictionary(found)


def create_assessment(store: GittrackTrackingStore, assessment: Assessment) -> Assessment:
    """Add an assessment to a trace; one that it overrides counts no more."""
    traces.get_document(store, assessment.trace_id)
    assessment.assessment_id = generate_assessment_id()
    assessment.create_time_ms = assessment.last_update_time_ms = now_ms()
    assessment.valid = True
    changed = [assessment]
    if assessment.overrides:
        before = get_assessment(store, assessment.trace_id, assessment.overrides)
        before.valid = False
        changed.append(before)
    _write(store, assessment.trace_id, changed, f"{assessment.name} assessed")
    return assessment


def update_assessment(
    store: GittrackTrackingStore,
    trace_id: str,
    assessment_id: str,
    name: str | None = None,
    expectation: ExpectationValue | None = None,
    feedback: FeedbackValue | None = None,
    rationale: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Assessment:
    """Change an assessment; what is None stays, metadata are added to."""
    known = get_assessment(store, trace_id, assessment_id)
    if expectation is not None and feedback is not None:
        message = "an assessment is feedback or an expectation, not both"
        raise InvalidValueError(message)
    own, other = (expectation, feedback) if isinstance(known, Expectation) else (feedback, expectation)
    if other is not None:
        message = f"{known.name!r} is {'an expectation' if isinstance(known, Expectation) else 'feedback'}"
        raise InvalidValueError(message, hint="its kind cannot change: create another assessment")
    value = known.value if own is None else own.value
    kept = {"source": known.source, "trace_id": trace_id, "span_id": known.span_id}
    kept |= {"metadata": {**(known.metadata or {}), **(metadata or {})} or None}
    kept |= {"create_time_ms": known.create_time_ms, "last_update_time_ms": now_ms()}
    if isinstance(known, Expectation):
        changed: Assessment = Expectation(name=name or known.name, value=value, **kept)
    else:
        error = known.error if feedback is None else feedback.error
        reason = known.rationale if rationale is None else rationale
        changed = Feedback(name=name or known.name, value=value, error=error, rationale=reason, **kept)
    changed.assessment_id = assessment_id
    changed.valid, changed.overrides, changed.run_id = known.valid, known.overrides, known.run_id
    _write(store, trace_id, [changed], f"{changed.name} assessed anew")
    return changed


def delete_assessment(store: GittrackTrackingStore, trace_id: str, assessment_id: str) -> None:
    """Remove an assessment, if it is there; one that it overrode counts again."""
    known = traces.get_document(store, trace_id).group("assessments")
    if assessment_id not in known:
        return
    values: dict[str, Any] = {f"assessments.{assessment_id}": None}
    if before := known.get(Assessment.from_dictionary(known[assessment_id]).overrides):
        restored = Assessment.from_dictionary(before)
        restored.valid, restored.last_update_time_ms = True, now_ms()
        values[f"assessments.{restored.assessment_id}"] = to_document(restored)
    traces.write_trace(store, trace_id, values, "assessment removed")


def _write(store: GittrackTrackingStore, trace_id: str, assessments: list[Assessment], what: str) -> None:
    values = {f"assessments.{one.assessment_id}": to_document(one) for one in assessments}
    traces.write_trace(store, trace_id, values, what)
