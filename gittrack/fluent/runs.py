"""MLflow's functions that read, search, delete and restore runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError, UserError
from gittrack.fluent.current import active_experiment_id, client
from gittrack.tracking.paging import PagedList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run


def get_run(run_id: str) -> Run:
    """Return a run as it is now.

    Raises:
        RunNotFoundError: There is none with this id.
    """
    return client().get_run(run_id)


def get_parent_run(run_id: str) -> Run | None:
    """Return the parent of a run, or None.

    Raises:
        RunNotFoundError: There is no run with this id, or its parent is not here.
    """
    return client().get_parent_run(run_id)


def search_runs(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str = "",
    run_view_type: int = 1,
    max_results: int = 100_000,
    order_by: Sequence[str] | None = None,
    output_format: str = "pandas",
    search_all_experiments: bool = False,
    experiment_names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Any:  # noqa: ANN401  (a data frame, or a list)
    """Return the runs that a filter means, newest first or as ``order_by`` says.

    Args:
        experiment_ids: Of these experiments; of the active one if neither they nor names are given.
        filter_string: In the search language, e.g. ``metrics.loss.min < 0.3 AND params.lr > 1e-4``.
        run_view_type: 1 for active ones, 2 for deleted ones, 3 for all: see `gittrack.ViewType`.
        max_results: At most so many.
        order_by: E.g. ``["metrics.val/acc DESC", "start_time"]``.
        output_format: ``pandas`` for a data frame, ``list`` for a list of runs.
        search_all_experiments: Search all experiments, where none is given.
        experiment_names: Of the experiments by these names; those that do not exist have no runs.
        columns: Of the data frame: keys such as ``metrics.loss.min``, or ``metrics.*``, ``params.*``,
            ``tags.*``; nothing else is read. MLflow's if None.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read; ``position`` says where.
        InvalidValueError: ``max_results`` or the format is none.
        UserError: Ids and names are both given, or pandas is missing.
    """
    if output_format not in {"pandas", "list"}:
        message = f"unsupported output format {output_format!r}"
        raise InvalidValueError(message, hint="use 'pandas' or 'list'")
    if max_results < 0:
        message = f"max_results must not be negative: {max_results!r}"
        raise InvalidValueError(message, hint="leave it out for up to 100,000 runs")
    ids = _searched_experiments(experiment_ids, experiment_names, is_everywhere=search_all_experiments)
    if output_format == "list":
        found = client().search_all_runs(ids, filter_string, run_view_type, order_by, limit=max_results)
        return PagedList(found)
    table = client().search_table(
        ids, filter_string, run_view_type, order_by, columns=columns, limit=max_results
    )
    from gittrack.tracking.search import make_frame

    return make_frame(table)


def delete_run(run_id: str) -> None:
    """Delete a run; `restore_run` brings it back.

    Raises:
        RunNotFoundError: There is none with this id.
    """
    client().delete_run(run_id)


def restore_run(run_id: str) -> None:
    """Bring back a deleted run.

    Raises:
        RunNotFoundError: There is none with this id.
    """
    client().restore_run(run_id)


def _searched_experiments(
    ids: Sequence[str] | None, names: Sequence[str] | None, *, is_everywhere: bool
) -> list[str]:
    if ids and names:
        message = "both ids and names of experiments are given"
        raise UserError(message, hint="use experiment_ids or experiment_names")
    if ids:
        return [ids] if isinstance(ids, str) else [str(one) for one in ids]
    if names:
        wanted = {names} if isinstance(names, str) else set(names)
        return [one.experiment_id for one in client().store.list_experiments() if one.name in wanted]
    if is_everywhere:
        return [one.experiment_id for one in client().list_experiments()]
    return [active_experiment_id()]
