"""Histories of metrics, as MLflow pages and bundles them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlflow.entities.metric import MetricWithRunId
from mlflow.store.entities import PagedList

from gittrack.mlflow_plugin.entities import to_metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import mlflow.entities as theirs

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore


def get_metric_history(
    store: GittrackTrackingStore,
    run_id: str,
    metric_key: str,
    max_results: int | None = None,
    page_token: str | None = None,
) -> PagedList[theirs.Metric]:
    """Return the points of a metric in the order of time, step and value: all, or one page of them."""
    page = store.client.get_metric_history(run_id, metric_key, max_results, page_token)
    return PagedList([to_metric(point, run_id) for point in page], page.token)


def get_metric_history_bulk(
    store: GittrackTrackingStore, run_ids: Iterable[str], metric_key: str, max_results: int
) -> list[MetricWithRunId]:
    """Return the points of a metric in several runs, run by run in the order of their ids."""
    found = store.client.get_metric_history_bulk(run_ids, metric_key, max_results)
    return [MetricWithRunId(run_id=one.run_id, metric=to_metric(one.metric, one.run_id)) for one in found]


def get_history_at_steps(
    store: GittrackTrackingStore, run_id: str, metric_key: str, steps: Sequence[int], max_results: int
) -> list[MetricWithRunId]:
    """Return the points of a metric at some steps, at most ``max_results``."""
    wanted = set(steps)
    points = [one for one in store.client.get_metric_history(run_id, metric_key) if one.step in wanted]
    points.sort(key=lambda one: (one.step, one.timestamp))
    return [MetricWithRunId(run_id=run_id, metric=to_metric(point, run_id)) for point in points[:max_results]]
