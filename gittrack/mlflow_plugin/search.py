"""Searches over small collections by MLflow's own parser, so that its filters mean what they mean there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlflow.store.entities import PagedList
from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD
from mlflow.utils.search_utils import SearchExperimentsUtils, SearchUtils

from gittrack.errors import InvalidValueError
from gittrack.tracking.views import shows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import mlflow.entities as theirs

    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

NEWEST_EXPERIMENTS = ("creation_time DESC", "experiment_id ASC")


def search_experiments(
    store: GittrackTrackingStore,
    view_type: int,
    max_results: int,
    filter_string: str | None,
    order_by: Sequence[str] | None,
    page_token: str | None,
) -> PagedList[theirs.Experiment]:
    """Return a page of the experiments that a filter means.

    Raises:
        InvalidValueError: ``max_results`` is no size of a page.
        MlflowException: Filter, order or token cannot be read.
    """
    check_page_size(max_results, SEARCH_MAX_RESULTS_THRESHOLD)
    known = store.client.store.list_experiments()
    found = [store.to_experiment(one) for one in known if shows(view_type, one.lifecycle_stage)]
    found = SearchExperimentsUtils.filter(found, filter_string)
    found = SearchExperimentsUtils.sort(found, list(order_by or NEWEST_EXPERIMENTS))
    return cut_page(found, page_token, max_results)


def check_page_size(max_results: object, most: int) -> None:
    """Check how many results are asked for.

    Raises:
        InvalidValueError: It is no number from 1 to ``most``.
    """
    if isinstance(max_results, bool) or not isinstance(max_results, int) or not 0 < max_results <= most:
        message = f"max_results must be from 1 to {most}, not {max_results!r}"
        raise InvalidValueError(message, hint="ask for the next page with page_token")


def cut_page(found: Sequence[Any], page_token: str | None, max_results: int) -> PagedList[Any]:
    """Return one page, with the token of the next.

    Raises:
        MlflowException: The token cannot be read.
    """
    page, token = SearchUtils.paginate(list(found), page_token, max_results)
    return PagedList(page, token)
