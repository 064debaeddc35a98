"""Experiments: created, renamed, tagged, deleted and restored in a store."""

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
from gittrack.tracking.views import shows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Experiment
    from gittrack.store.interface import Store
    from gittrack.tracking.client import Client
    from gittrack.tracking.paging import PagedList

MAX_RESULTS = 50_000
ATTRIBUTES = {name: name for name in ("name", "experiment_id", "creation_time", "last_update_time")}
"""What experiments are searched for by, besides their tags."""


def create(
    store: Store, name: str, artifact_location: str | None, tags: Mapping[str, object], time: int
) -> str:
    """Create an experiment; return its id.

    Raises:
        ConflictError: There is one by that name, be it deleted.
        InvalidNameError: The name or a tag's key cannot be stored.
    """
    check_name("experiment", name)
    values = check_tags(tags)
    taken = {one.experiment_id: one for one in store.list_experiments()}
    for one in taken.values():
        if one.name == name:
            is_deleted = one.lifecycle_stage != LifecycleStage.ACTIVE
            message = f"experiment {name!r} exists already{', deleted' if is_deleted else ''}"
            hint = "restore it, or use another name" if is_deleted else "set_experiment() uses it"
            raise ConflictError(message, hint=hint)
    attempt = 0
    while (experiment_id := derive_experiment_id(name, attempt)) in taken:
        attempt += 1
    change = ExperimentChange(time, created_name=name, artifact_location=artifact_location, set_tags=values)
    store.change_experiment(experiment_id, [change])
    return experiment_id


def get(store: Store, experiment_id: str) -> Experiment:
    """Return an experiment, deleted or not.

    Raises:
        ExperimentNotFoundError: There is none with this id.
    """
    experiment_id = check_experiment_id(str(experiment_id))
    experiment = store.find_experiment(experiment_id)
    if experiment is None:
        message = f"no experiment with id {experiment_id!r}"
        raise ExperimentNotFoundError(message, hint="`gittrack experiments` lists them")
    return experiment


def get_active(store: Store, experiment_id: str) -> Experiment:
    """Return an experiment that is not deleted.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
    """
    experiment = get(store, experiment_id)
    if experiment.lifecycle_stage != LifecycleStage.ACTIVE:
        message = f"experiment {experiment.name!r} is deleted"
        raise RunStateError(message, hint="restore it first, or use another")
    return experiment


def find_by_name(store: Store, name: str) -> Experiment | None:
    """Return the experiment by that name, deleted or not, or None."""
    return next((one for one in store.list_experiments() if one.name == name), None)


def search(
    client: Client,
    view_type: int,
    max_results: int | None,
    filter_string: str | None,
    order_by: Sequence[str] | None,
    page_token: str | None,
) -> PagedList[Experiment]:
    """Return a page of experiments; see `Client.search_experiments`.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
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


def rename(store: Store, experiment_id: str, name: str, time: int) -> None:
    """Give an active experiment another name.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        ConflictError: Another one has that name.
    """
    check_name("experiment", name)
    experiment = get_active(store, experiment_id)
    other = find_by_name(store, name)
    if other is not None and other.experiment_id != experiment.experiment_id:
        message = f"experiment {name!r} exists already"
        raise ConflictError(message, hint="use another name")
    _change(store, experiment_id, ExperimentChange(time, name=name))


def delete(store: Store, experiment_id: str, time: int) -> None:
    """Delete an active experiment and, with it, all its runs.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is deleted already.
    """
    if get(store, experiment_id).lifecycle_stage != LifecycleStage.ACTIVE:
        message = f"experiment {experiment_id!r} is deleted already"
        raise ExperimentNotFoundError(message, hint="restore_experiment() brings it back")
    _change(store, experiment_id, ExperimentChange(time, stage=LifecycleStage.DELETED.value))


def restore(store: Store, experiment_id: str, time: int) -> None:
    """Bring back a deleted experiment and the runs that were deleted with it.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is not deleted.
    """
    if get(store, experiment_id).lifecycle_stage == LifecycleStage.ACTIVE:
        message = f"experiment {experiment_id!r} is not deleted"
        raise ExperimentNotFoundError(message, hint="it can be used as it is")
    _change(store, experiment_id, ExperimentChange(time, stage=LifecycleStage.ACTIVE.value))


def set_tags(store: Store, experiment_id: str, tags: Mapping[str, object], time: int) -> None:
    """Set tags of an active experiment.

    Raises:
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        InvalidNameError: A key cannot be stored.
    """
    values = check_tags(tags)
    get_active(store, experiment_id)
    _change(store, experiment_id, ExperimentChange(time, set_tags=values))


def delete_tag(store: Store, experiment_id: str, key: str, time: int) -> None:
    """Remove a tag of an active experiment.

    Raises:
        TagNotFoundError: It has no such tag.
        ExperimentNotFoundError: There is none with this id.
        RunStateError: It is deleted.
    """
    if key not in get_active(store, experiment_id).tags:
        message = f"no tag with name {key!r} in experiment {experiment_id!r}"
        raise TagNotFoundError(message, hint="get_experiment() shows its tags")
    _change(store, experiment_id, ExperimentChange(time, deleted_tag=key))


def _change(store: Store, experiment_id: str, change: ExperimentChange) -> None:
    changes = [change]
    if experiment_id == DEFAULT_EXPERIMENT_ID:
        # The default experiment is there without being stored; its first change stores it.
        changes.insert(0, ExperimentChange(0, created_name=DEFAULT_EXPERIMENT.name))
    store.change_experiment(experiment_id, changes)
