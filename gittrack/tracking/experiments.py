"""Experiments: created, found, renamed, tagged, deleted and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.experiments import ExperimentChange
from gittrack.core.model import DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID, LifecycleStage
from gittrack.core.names import check_experiment_id, check_name, derive_experiment_id
from gittrack.errors import (
    ConflictError,
    ExperimentNotFoundError,
    RunStateError,
    TagNotFoundError,
)
from gittrack.tracking.live import check_tags
from gittrack.tracking.views import ViewType, shows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Experiment
    from gittrack.tracking.client import Client
    from gittrack.tracking.paging import PagedList

MAX_RESULTS = 50_000
ATTRIBUTES = {name: name for name in ("name", "experiment_id", "creation_time", "last_update_time")}
"""What experiments are searched for by, besides their tags."""


def create_experiment(
    client: Client, name: str, artifact_location: str | None = None, tags: Mapping[str, object] | None = None
) -> str:
    """Create an experiment; return its id, the same in every clone that creates this name first.

    Raises:
        ConflictError: There is one by that name, be it deleted.
        InvalidNameError: The name or a tag's key cannot be stored.
    """
    check_name("experiment", name)
    values = check_tags(tags or {})
    taken = {one.experiment_id: one for one in client.store.list_experiments()}
    for one in taken.values():
        if one.name == name:
            is_deleted = one.lifecycle_stage != LifecycleStage.ACTIVE
            message = f"experiment {name!r} exists already{', deleted' if is_deleted else ''}"
            hint = "restore it, or use another name" if is_deleted else "set_experiment() uses it"
            raise ConflictError(message, hint=hint)
    attempt = 0
    while (experiment_id := derive_experiment_id(name, attempt)) in taken:
        attempt += 1
    change = ExperimentChange(
        client.time_ms(), created_name=name, artifact_location=artifact_location, set_tags=values
    )
    client.store.change_experiment(experiment_id, [change])
    return experiment_id


def get_experiment(client: Client, experiment_id: str) -> Experiment:
    """Return an experiment, deleted or not.

    Raises:
        ExperimentNotFoundError: There is none with this id.
    """
    experiment_id = check_experiment_id(str(experiment_id))
    experiment = client.store.find_experiment(experiment_id)
    if experiment is None:
        message = f"no experiment with id {experiment_id!r}"
        raise ExperimentNotFoundError(message, hint="`gittrack experiments` lists them")
    return experiment


def get_active_experiment(client: Client, experiment_id: str) -> Experiment:
    """Return an experiment that is not deleted.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
    """
    experiment = get_experiment(client, experiment_id)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        message = f"experiment {experiment.name!r} is deleted"
        raise RunStateError(message, hint="restore it first, or use another")
    return experiment


def get_experiment_by_name(client: Client, name: str) -> Experiment | None:
    """Return the experiment by that name, deleted or not, or None."""
    return next((one for one in client.store.list_experiments() if one.name == name), None)


def list_experiments(client: Client) -> list[Experiment]:
    """Return all active experiments."""
    return [one for one in client.store.list_experiments() if one.lifecycle_stage == LifecycleStage.ACTIVE]


def search_experiments(
    client: Client,
    view_type: int = ViewType.ACTIVE_ONLY,
    max_results: int | None = 1000,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[Experiment]:
    """Return the experiments that a filter means, newest first, page by page.

    Args:
        client: Of the repository.
        view_type: Active ones, deleted ones, or all: one of `ViewType`.
        max_results: Size of a page, from 1 to 50,000.
        filter_string: In the search language, over ``name``, ``experiment_id``, ``creation_time``,
            ``last_update_time`` and ``tags.KEY``.
        order_by: E.g. ``["name", "last_update_time DESC"]``.
        page_token: ``token`` of the page before.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read; ``position`` says where.
        InvalidValueError: ``max_results`` or the token is none.
    """
    from gittrack.core.facts import compile_facts, parse_facts_order, sort_facts
    from gittrack.tracking.paging import check_page_size, cut_page

    size = check_page_size(max_results, MAX_RESULTS)
    matches = compile_facts(filter_string, ATTRIBUTES, now_ms=client.time_ms())
    orders = parse_facts_order(order_by, ATTRIBUTES) or [("creation_time", True)]
    shown = [one for one in client.store.list_experiments() if shows(view_type, one.lifecycle_stage)]
    rows = [(facts, one) for one in shown if matches(facts := _facts(one))]
    found = sort_facts(rows, [*orders, ("experiment_id", False)])
    return cut_page(found, size, page_token, [int(view_type), filter_string, order_by])


def _facts(experiment: Experiment) -> dict[str, str | int]:
    return {
        "name": experiment.name,
        "experiment_id": experiment.experiment_id,
        "creation_time": experiment.creation_time,
        "last_update_time": experiment.last_update_time,
        **{f"tags.{key}": value for key, value in experiment.tags.items()},
    }


def rename_experiment(client: Client, experiment_id: str, new_name: str) -> None:
    """Give an active experiment another name.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        ConflictError: Another one has that name.
    """
    check_name("experiment", new_name)
    experiment = get_active_experiment(client, experiment_id)
    other = get_experiment_by_name(client, new_name)
    if other is not None and other.experiment_id != experiment.experiment_id:
        message = f"experiment {new_name!r} exists already"
        raise ConflictError(message, hint="use another name")
    _change(client, experiment_id, ExperimentChange(client.time_ms(), name=new_name))


def delete_experiment(client: Client, experiment_id: str) -> None:
    """Delete an experiment and, with it, all its runs; `restore_experiment` brings them back.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is deleted already.
    """
    if get_experiment(client, experiment_id).lifecycle_stage != LifecycleStage.ACTIVE:
        message = f"experiment {experiment_id!r} is deleted already"
        raise ExperimentNotFoundError(message, hint="restore_experiment() brings it back")
    _change(client, experiment_id, ExperimentChange(client.time_ms(), stage=LifecycleStage.DELETED.value))


def restore_experiment(client: Client, experiment_id: str) -> None:
    """Bring back a deleted experiment and the runs that were deleted with it.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is not deleted.
    """
    if get_experiment(client, experiment_id).lifecycle_stage == LifecycleStage.ACTIVE:
        message = f"experiment {experiment_id!r} is not deleted"
        raise ExperimentNotFoundError(message, hint="it can be used as it is")
    _change(client, experiment_id, ExperimentChange(client.time_ms(), stage=LifecycleStage.ACTIVE.value))


def set_experiment_tag(client: Client, experiment_id: str, key: str, value: object) -> None:
    """Set a tag of an active experiment.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        InvalidNameError: The key cannot be stored.
    """
    values = check_tags({key: value})
    get_active_experiment(client, experiment_id)
    _change(client, experiment_id, ExperimentChange(client.time_ms(), set_tags=values))


def delete_experiment_tag(client: Client, experiment_id: str, key: str) -> None:
    """Remove a tag of an active experiment.

    Raises:
        TagNotFoundError: It has no such tag.
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
    """
    if key not in get_active_experiment(client, experiment_id).tags:
        message = f"no tag with name {key!r} in experiment {experiment_id!r}"
        raise TagNotFoundError(message, hint="get_experiment() shows its tags")
    _change(client, experiment_id, ExperimentChange(client.time_ms(), deleted_tag=key))


def _change(client: Client, experiment_id: str, change: ExperimentChange) -> None:
    changes = [change]
    if experiment_id == DEFAULT_EXPERIMENT_ID:
        # The default experiment is there without being stored; its first change stores it.
        changes.insert(0, ExperimentChange(0, created_name=DEFAULT_EXPERIMENT.name))
    client.store.change_experiment(experiment_id, changes)
