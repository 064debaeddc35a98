"""Logged models searched for: filtered, also by metrics on chosen datasets, ordered, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.core.logged_model import LOGGED_MODELS, LoggedModel, ModelMetric, read_logged_model
from gittrack.errors import InvalidValueError
from gittrack.tracking.paging import check_page_size, cut_page

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.tracking.client import Client
    from gittrack.tracking.paging import PagedList

MAX_MODELS = 10_000
"""Logged models on one page."""
PAGE = 100
_GROUPS = ("metrics", "params", "tags")
_ATTRIBUTES = {
    "name": "name", "model_id": "model_id", "model_type": "model_type", "status": "status",
    "source_run_id": "source_run_id", "experiment_id": "experiment_id",
    "creation_timestamp": "creation_timestamp", "creation_time": "creation_timestamp",
    "last_updated_timestamp": "last_updated_timestamp", "last_updated_time": "last_updated_timestamp",
}  # fmt: skip


def search_logged_models(
    client: Client,
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, Any]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    page_token: str | None = None,
) -> PagedList[LoggedModel]:
    """Return the logged models a filter means, newest first or as ``order_by`` says, page by page.

    Args:
        client: Of the store.
        experiment_ids: Of these experiments; of all if None.
        filter_string: In the search language, over attributes, ``metrics.``, ``params.`` and ``tags.``.
        datasets: Only metrics measured on one of these count: each with ``dataset_name`` and, if need be,
            ``dataset_digest``.
        max_results: Size of a page, 100 if None.
        order_by: Each with ``field_name`` and, if need be, ``ascending``, ``dataset_name`` and
            ``dataset_digest``.
        page_token: ``token`` of the page before.

    Raises:
        QuerySyntaxError: The filter cannot be read.
        InvalidValueError: An order, a dataset, ``max_results`` or the token is none.
    """
    from gittrack.core.facts import compile_facts, sort_facts

    size = check_page_size(PAGE if max_results is None else max_results, MAX_MODELS)
    matches = compile_facts(filter_string, _ATTRIBUTES, _GROUPS)
    wanted = None if experiment_ids is None else set(map(str, experiment_ids))
    chosen = [_check_dataset(one) for one in datasets or ()]
    orders = [_check_order(one) for one in order_by or ()]
    found = []
    for document in client.store.list_documents(LOGGED_MODELS):
        if "name" not in document.fields or "deleted" in document.fields:
            continue
        model = read_logged_model(document)
        if wanted is not None and model.experiment_id not in wanted:
            continue
        measured = [one for one in model.metrics or () if _is_measured_on(one, chosen)]
        if matches(model.facts(measured)):
            found.append(model)
    rows = [
        (
            {**model.facts(()), **{f"order.{i}": _order_fact(model, one) for i, one in enumerate(orders)}},
            model,
        )
        for model in found
    ]
    keys = [(f"order.{i}", not one[1]) for i, one in enumerate(orders)]
    listed = sort_facts(rows, [*keys, ("creation_timestamp", True), ("model_id", False)])
    query = [sorted(wanted) if wanted is not None else None, filter_string, datasets, order_by]
    return cut_page(listed, size, page_token, query)


def _check_dataset(about: Mapping[str, Any]) -> tuple[str, str | None]:
    name = about.get("dataset_name")
    if not isinstance(name, str):
        message = f"a dataset needs a dataset_name: {dict(about)!r}"
        raise InvalidValueError(message, hint="e.g. {'dataset_name': 'test'}")
    return name, about.get("dataset_digest")


def _check_order(about: Mapping[str, Any]) -> tuple[str, bool, list[tuple[str, str | None]]]:
    """Return the fact to order by, whether it ascends, and on which dataset it was measured."""
    field = str(about.get("field_name", ""))
    group, dot, name = field.partition(".")
    fact = f"metrics.{name.strip('`')}" if dot and group in {"metrics", "metric"} else _ATTRIBUTES.get(field)
    if fact is None:
        message = f"logged models cannot be ordered by {field!r}"
        raise InvalidValueError(message, hint="e.g. {'field_name': 'metrics.acc', 'ascending': False}")
    if about.get("dataset_digest") and not about.get("dataset_name"):
        message = "an order by dataset_digest needs the dataset_name"
        raise InvalidValueError(message, hint="give both")
    datasets = [_check_dataset(about)] if about.get("dataset_name") else []
    if datasets and not fact.startswith("metrics."):
        message = f"only metrics are measured on datasets, not {field!r}"
        raise InvalidValueError(message, hint="leave dataset_name out")
    return fact, bool(about.get("ascending", True)), datasets


def _order_fact(model: LoggedModel, order: tuple[str, bool, list[tuple[str, str | None]]]) -> Any:  # noqa: ANN401
    fact, _, datasets = order
    measured: Iterable[ModelMetric] = (one for one in model.metrics or () if _is_measured_on(one, datasets))
    return model.facts(measured).get(fact)


def _is_measured_on(metric: ModelMetric, datasets: Sequence[tuple[str, str | None]]) -> bool:
    return not datasets or any(
        metric.dataset_name == name and digest in {None, metric.dataset_digest} for name, digest in datasets
    )
