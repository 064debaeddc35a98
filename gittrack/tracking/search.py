"""Runs searched for: filtered, ordered, page by page, and as a data frame."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.direction import declared_directions
from gittrack.core.model import LifecycleStage
from gittrack.core.query_setting import Setting
from gittrack.core.search import RunQuery
from gittrack.tracking import media
from gittrack.tracking.paging import PagedList, check_page_size, decode_rank, encode_token
from gittrack.tracking.views import ViewType, shows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.fields import Field
    from gittrack.core.frames import Table
    from gittrack.core.grouping import FactTable
    from gittrack.core.model import Run
    from gittrack.core.query_tree import Filter, Kind
    from gittrack.tracking.client import Client

MAX_RESULTS = 50_000
DATA = ("metric", "param", "tag")


def search_runs(
    client: Client,
    experiment_ids: Sequence[str] | str | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int = 1000,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[Run]:
    """Return the runs that a filter means, newest first or as ``order_by`` says, page by page.

    Args:
        client: Of the repository.
        experiment_ids: Of these experiments only; of all active ones if None.
        filter_string: In the search language, e.g. ``metrics.loss.min < 0.3 AND params.lr > 1e-4``.
        run_view_type: Active ones, deleted ones, or all: one of `ViewType`.
        max_results: Size of a page, from 1 to 50,000.
        order_by: E.g. ``["metrics.val/acc DESC", "start_time"]``.
        page_token: ``token`` of the page before; new runs do not shift what follows it.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read; ``position`` says where.
        InvalidValueError: ``max_results`` or the token is none.
    """
    from gittrack.core.query import compile_order

    size = check_page_size(max_results, MAX_RESULTS)
    query = make_query(client, experiment_ids, filter_string, run_view_type, order_by)
    ids = None if query.experiment_ids is None else sorted(query.experiment_ids)
    asked = [filter_string or "", [repr(clause) for clause in query.order], [ids, int(run_view_type)]]
    after = decode_rank(page_token, asked, length=len(query.order) + 2) if page_token else None
    found = client.store.search_runs(replace(query, after=after, limit=size + 1))
    if len(found) <= size:
        return PagedList(found)
    last = compile_order(query.order, query.setting)(found[size - 1])
    return PagedList(found[:size], encode_token(last, asked))


def search_all_runs(
    client: Client,
    experiment_ids: Sequence[str] | str | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    order_by: Sequence[str] | None = None,
    *,
    limit: int | None = None,
) -> list[Run]:
    """Return all runs that a filter means, on one page, or the first ``limit``; see `search_runs`.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read; ``position`` says where.
    """
    query = make_query(client, experiment_ids, filter_string, run_view_type, order_by, limit=limit)
    return client.store.search_runs(query)


def search_table(
    client: Client,
    experiment_ids: Sequence[str] | str | None = None,
    filter_string: str = "",
    run_view_type: int = ViewType.ACTIVE_ONLY,
    order_by: Sequence[str] | None = None,
    *,
    columns: Iterable[str] | None = None,
    limit: int | None = None,
) -> Table:
    """Return values of the runs that a filter means by column; see `search_runs`.

    Args:
        client: Of the repository.
        experiment_ids: Of these experiments only; of all active ones if None.
        filter_string: In the search language.
        run_view_type: Active ones, deleted ones, or all: one of `ViewType`.
        order_by: Keys, each with ``DESC`` if need be.
        columns: Keys of the search language, or ``metrics.*``, ``params.*``, ``tags.*``; nothing else is
            read, so that few columns of a wide store are cheap. MLflow's if None.
        limit: At most so many runs.

    Raises:
        QuerySyntaxError: The filter, an order or a column cannot be read; ``position`` says where.
    """
    from gittrack.core.frames import ALL_COLUMNS, parse_columns

    query = make_query(client, experiment_ids, filter_string, run_view_type, order_by, limit=limit)
    return client.store.search_table(query, parse_columns(ALL_COLUMNS if columns is None else columns))


def make_query(
    client: Client,
    experiment_ids: Iterable[str] | str | None = None,
    filter_string: str = "",
    view_type: int = ViewType.ACTIVE_ONLY,
    order_by: Iterable[str] | str | None = None,
    *,
    limit: int | None = None,
) -> RunQuery:
    """Return a search as one value, with what its words mean here.

    Args:
        client: Where to search.
        experiment_ids: Of these experiments; all if None.
        filter_string: Which runs; all if empty.
        view_type: One of `ViewType`.
        order_by: Keys, each with ``ASC`` or ``DESC`` if need be; newest first if None.
        limit: At most so many.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
        RunNotFoundError: The filter asks for children of a run that is not here.
    """
    from gittrack.core.query import parse_filter, parse_order_by

    tree = parse_filter(filter_string or "")
    wanted = [experiment_ids] if isinstance(experiment_ids, (str, int)) else experiment_ids
    known = client.store.list_experiments()
    setting = Setting(
        client.time_ms(),
        {one.experiment_id: one.name for one in known},
        {one.experiment_id: declared for one in known if (declared := declared_directions(one.tags))},
        _resolve_parents(client, tree),
    )
    return RunQuery(
        tree,
        parse_order_by(order_by),
        setting,
        None if wanted is None else frozenset(map(str, wanted)),
        frozenset(stage for stage in LifecycleStage if shows(view_type, stage)),
        frozenset(one.experiment_id for one in known if one.lifecycle_stage == LifecycleStage.DELETED),
        limit=limit,
    )


def search_facts(client: Client, query: RunQuery, fields: Sequence[Field], value: str = "last") -> FactTable:
    """Return some facts and the metrics of the runs that a query means, without reading all of each run.

    Args:
        client: Where to search.
        query: Which runs.
        fields: The facts.
        value: Which value stands for a metric that is not among them.
    """
    from gittrack.core.fields import field_key
    from gittrack.core.grouping import FactTable
    from gittrack.core.query_tree import Key

    metrics = sorted(client.store.list_names("metrics"))
    keys = {f"by {place}": field_key(field) for place, field in enumerate(fields)}
    keys |= {f"of {key}": Key("metrics", key, value) for key in metrics}
    table = client.store.search_table(query, {"run_id": Key("attributes", "run_id"), **keys}, is_typed=True)
    columns = {key: table[f"of {key}"] for key in metrics}
    return FactTable(
        table["run_id"],
        [table[f"by {place}"] for place in range(len(fields))],
        {key: cells for key, cells in columns.items() if any(cell is not None for cell in cells)},
    )


def known_fields(client: Client) -> dict[Field, None]:
    """Return every fact that runs have, attributes first, nested params by their dotted names."""
    from gittrack.core.fields import Field, attribute_fields

    found = dict.fromkeys(attribute_fields())
    kinds: tuple[Kind, ...] = ("metrics", "params", "tags")
    for kind in kinds:
        for name in sorted(client.store.list_names(kind, is_flat=True)):
            found[Field(kind, name)] = None
    return found


def _resolve_parents(client: Client, tree: Filter | None) -> dict[str, str]:
    from gittrack.core.query_tree import Children, list_leaves
    from gittrack.tracking.select import find_run

    named = {leaf.run for leaf in list_leaves(tree) if isinstance(leaf, Children)}
    return {text: find_run(client, text).run_id for text in named}


def make_frame(table: Table) -> Any:  # noqa: ANN401  (a data frame)
    """Return a table as a data frame: times as such, NaN for a metric and None for others that are missing.

    Raises:
        UserError: pandas is missing.
    """
    pandas = media.import_optional("pandas", "a table of runs", "pandas")
    columns: dict[str, Any] = {}
    for name, cells in table.items():
        if name.rpartition(".")[2] in {"start_time", "end_time"} and not name.startswith(DATA):
            times = pandas.Series(cells, dtype="Int64")
            columns[name] = pandas.to_datetime(times, unit="ms", utc=True)
        elif name.startswith(("metrics.", "metric.")):
            columns[name] = pandas.Series(cells, dtype="float64")
        else:
            columns[name] = cells
    return pandas.DataFrame(columns)
