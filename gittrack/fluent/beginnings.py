"""Where a run that starts belongs: whether it goes on, is joined or shared, and below which run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.model import TAG_NOTE, RunStatus
from gittrack.errors import RunStateError, UserError
from gittrack.tracking import open as opening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.launch import Launch


HEAD_START_S = 60.0
"""Rank 0 may be so much quicker than others."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run belongs."""

    known_id: str | None = None
    """The run is there already."""
    is_joined: bool = False
    """Somebody else began it and answers for its end."""
    parent_id: str | None = None
    new_id: str | None = None
    """The id that the new run shall have, None for any."""


def find_place(
    client: Client,
    run_id: str | None,
    parent_run_id: str | None,
    active_ids: Sequence[str],
    experiment_id: Callable[[], str],
) -> Place:
    """Return where a run belongs that is started in this process.

    Args:
        client: Of the repository.
        run_id: The run that the caller names.
        parent_run_id: The parent that the caller names.
        active_ids: The runs that are active here, the innermost last.
        experiment_id: Tells where new runs belong.

    Raises:
        UserError: The parent is another one than the active run, or deleted.
        ConflictError: Another rank should have begun the run, and did not.
    """
    joined = opening.joined_run_id()
    known = run_id or _take_run_id()
    if known is not None and client.store.database is None and client.store.find_run(known) is None:
        return Place(new_id=known)  # where nothing is recorded, there is nothing to go on with
    if known is not None:
        return Place(known, is_joined=known == joined)
    if parent_run_id is not None:
        _check_parent(client, parent_run_id, active_ids)
        return Place(parent_id=parent_run_id)
    if active_ids:
        return Place(parent_id=active_ids[-1])
    launch = opening.read_launch()
    return (
        Place(parent_id=joined) if launch is None else _place_of_launch(client, launch, joined, experiment_id)
    )


def resume(
    client: Client, place: Place, run_id: str, run_name: str | None, tags: Mapping[str, object]
) -> Run:
    """Go on with a run that is there already, under another name and with more tags if they are given.

    Raises:
        RunNotFoundError: There is no such run.
        RunStateError: It is deleted.
    """
    if not place.is_joined:
        client.resume_run(run_id)
    if run_name:
        client.update_run(run_id, name=run_name)
    if tags:
        client.live(run_id).set_tags(tags)
    return client.get_run(run_id)


def find_known(client: Client, place: Place, run_id: str) -> Run:
    """Return a run that is there already; one that is joined may be about to be begun.

    Raises:
        RunNotFoundError: There is no such run.
    """
    if not place.is_joined:
        return client.get_run(run_id)
    from gittrack.tracking.command.join import wait_for_run

    return wait_for_run(client, run_id)


def check_tags(tags: Mapping[str, object] | None, description: str | None) -> dict[str, object]:
    """Return the tags of a run, with its description among them.

    Raises:
        UserError: Both say what the description is.
    """
    values = dict(tags or {})
    if description:
        if TAG_NOTE in values:
            message = f"description and the tag {TAG_NOTE!r} say the same"
            raise UserError(message, hint="give one of them only")
        values[TAG_NOTE] = description
    return values


def _take_run_id() -> str | None:
    run_id = opening.read_setting("RUN_ID")
    os.environ.pop("GITTRACK_RUN_ID", None)
    os.environ.pop("MLFLOW_RUN_ID", None)
    return run_id


def _check_parent(client: Client, run_id: str, active_ids: Sequence[str]) -> None:
    if active_ids and active_ids[-1] != run_id:
        message = f"run {active_ids[-1]} is active, so {run_id} cannot be the parent"
        raise RunStateError(message, hint="end_run() first")
    parent = client.get_run(run_id)
    if parent.lifecycle_stage != "active":
        message = f"the parent run {parent.name!r} is deleted"
        raise RunStateError(message, hint="restore it first")


def _place_of_launch(
    client: Client, launch: Launch, joined: str | None, experiment_id: Callable[[], str]
) -> Place:
    from gittrack.tracking.launch import find_shared_id, make_shared_id
    from gittrack.tracking.live import now_ms

    if client.store.database is None:
        return Place(parent_id=joined)
    parent = joined or _array_run(client, launch, experiment_id())
    if launch.rank is None or not launch.is_every_rank_recorded:
        return Place(parent_id=parent)
    folder = client.store.database.common_dir / "gittrack" / "ranks"
    if launch.joins:
        return Place(find_shared_id(launch, folder, now_ms() / 1000 - HEAD_START_S), is_joined=True)
    return Place(parent_id=parent, new_id=make_shared_id(launch, folder, now_ms()))


def _array_run(client: Client, launch: Launch, experiment_id: str) -> str | None:
    """Return the run that stands for an array, begun if need be; None outside of one."""
    if launch.array is None:
        return None
    from gittrack.tracking.launch import array_run_id

    cluster = os.environ.get("SLURM_CLUSTER_NAME", "")
    run_id = array_run_id(launch, cluster)
    if client.store.find_run(run_id) is None:
        name = f"array {launch.array}"
        tags = {"slurm.array": launch.array, "slurm.cluster": cluster}
        # Tasks that begin at the same moment each begin it, which makes one run of equal parts. Nobody knows
        # which task is the last one: it stands for the array, and ends at once.
        client.create_run(experiment_id, None, tags, name, run_id=run_id)
        client.set_terminated(run_id, RunStatus.FINISHED.value)
    return run_id
