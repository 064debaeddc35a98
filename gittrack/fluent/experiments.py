"""MLflow's functions on experiments."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gittrack.errors import RunStateError, UserError
from gittrack.fluent.current import Chosen, active_experiment_id, client, get_or_create_experiment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Experiment


def create_experiment(
    name: str, artifact_location: str | None = None, tags: Mapping[str, object] | None = None
) -> str:
    """Create an experiment; return its id.

    Raises:
        ConflictError: There is one by that name, be it deleted.
        InvalidNameError: The name cannot be stored.
    """
    return client().create_experiment(name, artifact_location, tags)


def set_experiment(experiment_name: str | None = None, experiment_id: str | None = None) -> Experiment:
    """Make an experiment the one that new runs belong to, creating it if there is none by that name.

    Raises:
        UserError: Neither or both of name and id are given.
        RunStateError: It is deleted.
        ExperimentNotFoundError: There is none with that id.
    """
    if (experiment_name is None) == (experiment_id is None):
        message = "give experiment_name or experiment_id, one of them"
        raise UserError(message, hint="set_experiment('baseline') creates it if need be")
    with Chosen.lock:
        if experiment_id is not None:
            experiment = client().get_experiment(experiment_id)
        else:
            experiment = get_or_create_experiment(str(experiment_name))
        if experiment.lifecycle_stage != "active":
            message = f"experiment {experiment.name!r} is deleted"
            raise RunStateError(message, hint="restore_experiment() brings it back")
        Chosen.experiment_id = experiment.experiment_id
        # Child processes follow, as they do with set_tracking_uri.
        os.environ["GITTRACK_EXPERIMENT_ID"] = experiment.experiment_id
        return experiment


def get_experiment(experiment_id: str) -> Experiment:
    """Return an experiment.

    Raises:
        ExperimentNotFoundError: There is none with this id.
    """
    return client().get_experiment(experiment_id)


def get_experiment_by_name(name: str) -> Experiment | None:
    """Return the experiment by that name, deleted or not, or None."""
    return client().get_experiment_by_name(name)


def search_experiments(
    view_type: int = 1,
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[Experiment]:
    """Return the experiments that a filter means, newest first or as ``order_by`` says.

    Args:
        view_type: 1 for active ones, 2 for deleted ones, 3 for all: see `gittrack.ViewType`.
        max_results: At most so many; all if None.
        filter_string: In the search language, e.g. ``name LIKE 'vision%' AND tags.team = 'a'``.
        order_by: E.g. ``["name", "last_update_time DESC"]``.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read; ``position`` says where.
        InvalidValueError: ``max_results`` is no positive number up to 50,000.
    """
    if max_results is not None:
        return client().search_experiments(view_type, max_results, filter_string, order_by)
    found: list[Experiment] = []
    token = None
    while True:
        page = client().search_experiments(view_type, 50_000, filter_string, order_by, token)
        found += page
        token = page.token
        if token is None:
            return found


def delete_experiment(experiment_id: str) -> None:
    """Delete an experiment with all its runs; `restore_experiment` brings them back.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is deleted already.
    """
    client().delete_experiment(experiment_id)


def restore_experiment(experiment_id: str) -> None:
    """Bring back a deleted experiment with its runs.

    Raises:
        ExperimentNotFoundError: There is none with this id, or it is not deleted.
    """
    client().restore_experiment(experiment_id)


def set_experiment_tag(key: str, value: object) -> None:
    """Set a tag of the active experiment.

    Raises:
        InvalidNameError: The key cannot be stored.
    """
    client().set_experiment_tag(active_experiment_id(), key, value)


def set_experiment_tags(tags: Mapping[str, object]) -> None:
    """Set tags of the active experiment.

    Raises:
        InvalidNameError: A key cannot be stored.
    """
    for key, value in tags.items():
        set_experiment_tag(key, value)


def delete_experiment_tag(key: str) -> None:
    """Remove a tag of the active experiment.

    Raises:
        TagNotFoundError: It has no such tag.
    """
    client().delete_experiment_tag(active_experiment_id(), key)
