"""Finding what people name: a run by a selector, an experiment by name or id."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, assert_never

from gittrack.core.model import LifecycleStage
from gittrack.core.query_tree import Comparison, IsNull, Key, Like, Or, Order
from gittrack.core.select import (
    MAX_COMPARED_NAMES,
    ByAge,
    ByHead,
    ById,
    ByRank,
    ByText,
    is_digits,
    parse_selector,
    rank_value,
    select_run,
    unknown_metric,
)
from gittrack.errors import ExperimentNotFoundError, NotFoundError, RunNotFoundError
from gittrack.tracking.definitions import is_lower
from gittrack.tracking.search import make_query
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Experiment, Run
    from gittrack.core.query_tree import Filter
    from gittrack.tracking.client import Client


def find_run(client: Client, text: str, *, stage: LifecycleStage = LifecycleStage.ACTIVE) -> Run:
    """Return the run that ``text`` names; a full id is looked up without listing all runs.

    Args:
        client: Where to look.
        text: See `gittrack.core.select`.
        stage: Which of active and deleted runs win when both have the name.

    Raises:
        QuerySyntaxError: ``text`` cannot be read.
        RunNotFoundError: No run fits.
        AmbiguousRunError: More than one fits.
    """
    selector = parse_selector(text)
    view = ViewType.DELETED_ONLY if stage is LifecycleStage.DELETED else ViewType.ACTIVE_ONLY
    head = None
    match selector:
        case ById(run_id):
            return client.get_run(run_id)
        case ByAge(back):
            fitting = list(islice(client.iter_runs(view_type=view), back + 1))
        case ByRank(metric):
            fitting = rank_runs(client, metric, view_type=view, limit=1)
            if not fitting:
                raise unknown_metric(metric, client.store.list_names("metrics"))
        case ByHead():
            head = client.store.database.read_head()[0] if client.store.database is not None else None
            tree = Comparison(Key("code", "commit"), "=", head or "")
            fitting = _search(client, tree, view, 1)
        case ByText(name):
            fitting = _search(client, _begins(name), ViewType.ALL)
        case _:
            assert_never(selector)
    with suppress(RunNotFoundError):  # with what is known of other runs, the error says more
        return select_run(selector, fitting, head=head, stage=stage)
    others = _search(client, None, ViewType.ALL, MAX_COMPARED_NAMES)
    return select_run(selector, others, head=head, stage=stage)


def rank_runs(
    client: Client,
    metric: str,
    experiment_ids: Sequence[str] | None = None,
    *,
    view_type: int = ViewType.ACTIVE_ONLY,
    lower: bool | None = None,
    limit: int | None = None,
) -> list[Run]:
    """Return the runs that have a value of a metric, best first, newest first among equals.

    Args:
        client: Where to look.
        metric: The metric's key.
        experiment_ids: Of these experiments only.
        view_type: One of `ViewType`.
        lower: Whether less is better; None for what `is_lower` finds.
        limit: At most so many.
    """
    less = is_lower(client, metric, experiment_ids) if lower is None else lower
    key = Key("metrics", metric, "min" if less else "max")
    query = make_query(client, experiment_ids, view_type=view_type, limit=limit)
    ordered = replace(query, tree=IsNull(key, negated=True), order=(Order(key, is_descending=not less),))
    found = client.store.search_runs(ordered)
    return [run for run in found if not math.isnan(rank_value(run, metric, lower=less))]


def _search(client: Client, tree: Filter | None, view_type: int, limit: int | None = None) -> list[Run]:
    query = make_query(client, view_type=view_type, limit=limit)
    return client.store.search_runs(replace(query, tree=tree))


def _begins(text: str) -> Filter:
    """Return a filter of all runs that a text may name: by id, name or commit."""
    names: list[Filter] = [
        Comparison(Key("attributes", "name"), "=", text),
        Comparison(Key("attributes", "run_id"), "=", text),
    ]
    if is_digits(text):
        pattern = f"{text.lower()}%"
        names += [
            Like(Key("attributes", "run_id"), "LIKE", pattern),
            Like(Key("code", "commit"), "LIKE", pattern),
        ]
    return Or(tuple(names))


def find_relatives(client: Client, run: Run) -> list[Run]:
    """Return the children of a run, newest first, and its parent, as far as they are here."""
    tree = Comparison(Key("attributes", "parent"), "=", run.run_id)
    found = _search(client, tree, ViewType.ALL)
    if run.parent:
        with suppress(RunNotFoundError):
            found.append(client.get_run(run.parent))
    return found


def find_experiment(client: Client, text: str) -> Experiment:
    """Return the experiment by that name, else by that id or a unique prefix of it.

    Raises:
        ExperimentNotFoundError: There is none, or more than one.
    """
    known = client.search_experiments(ViewType.ALL, 50_000)
    named = [one for one in known if one.name == text] or [one for one in known if one.experiment_id == text]
    if named:
        return named[0]
    begun = [one for one in known if len(text) >= 4 and one.experiment_id.startswith(text)]  # noqa: PLR2004
    if len(begun) == 1:
        return begun[0]
    from difflib import get_close_matches

    message = f"no experiment {text!r}"
    close = get_close_matches(text, [one.name for one in known], 3)
    hint = f"did you mean {', '.join(map(repr, close))}?" if close else "`gittrack experiments` lists them"
    raise ExperimentNotFoundError(message, hint=hint)


def find_or_create_experiment(client: Client, text: str) -> str:
    """Return the id of an experiment, creating it if there is none by that name.

    Raises:
        UserError: The name cannot be stored.
    """
    try:
        return find_experiment(client, text).experiment_id
    except NotFoundError:
        return client.create_experiment(text)
