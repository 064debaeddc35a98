"""What is current: the active runs of this thread or task, the client and the experiment of this process.

The stack of active runs belongs to the context, as `contextvars` defines it: a task inherits it from the
code that created it, a new thread starts without one, a forked child goes on with its parent's.
"""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

from gittrack.core.model import DEFAULT_EXPERIMENT_ID
from gittrack.errors import RunStateError, UserError
from gittrack.tracking import open as opening
from gittrack.tracking.client import Client

if TYPE_CHECKING:
    from gittrack.core.model import Experiment
    from gittrack.fluent.active import ActiveRun

active_runs: ContextVar[tuple[ActiveRun, ...]] = ContextVar("gittrack_active_runs", default=())
"""The active runs of this context, the innermost last."""


class Chosen:
    """What all threads of this process share."""

    lock = threading.RLock()
    location: str | None = None
    client: Client | None = None
    experiment_id: str | None = None


def client() -> Client:
    """Return the client that the fluent functions use.

    Raises:
        RepositoryNotFoundError: There is no Git repository.
        StoreError: It cannot be read.
    """
    with Chosen.lock:
        if Chosen.client is None:
            Chosen.client = _open_client()
        return Chosen.client


def _open_client() -> Client:
    launch = opening.read_launch()
    if launch is None or not launch.is_silent:
        return Client(Chosen.location)
    from gittrack.store.memory import MemoryStore

    # Rank 0 records for all: what this process logs is checked and forgotten.
    return Client(store=MemoryStore(keeps_data=False))


def set_tracking_uri(uri: str | os.PathLike[str]) -> None:
    """Track in the repository at this path or ``gittrack:`` URI; child processes follow.

    Raises:
        RunStateError: A run is active.
        UserError: It is a URI of another scheme.
    """
    if active_runs.get():
        message = "cannot change the repository while a run is active"
        raise RunStateError(message, hint="end_run() first")
    path = opening.parse_location(uri).absolute()
    with Chosen.lock:
        forget_client()
        Chosen.location = str(path)
        os.environ["GITTRACK_REPO"] = str(path)


def get_tracking_uri() -> str:
    """Return the repository that is tracked in, as ``gittrack:`` URI.

    Raises:
        RepositoryNotFoundError: There is no Git repository.
    """
    return client().tracking_uri


def is_tracking_uri_set() -> bool:
    """Whether the repository was chosen, by `set_tracking_uri` or ``GITTRACK_REPO``."""
    return Chosen.location is not None or bool(os.environ.get("GITTRACK_REPO"))


def active_experiment_id() -> str:
    """Return where new runs belong: the experiment that was set, of the environment, or the default one."""
    with Chosen.lock:
        return Chosen.experiment_id or _experiment_of_environment() or DEFAULT_EXPERIMENT_ID


def get_or_create_experiment(name: str) -> Experiment:
    """Return the experiment by that name, creating it if there is none."""
    found = client().get_experiment_by_name(name)
    return found or client().get_experiment(client().create_experiment(name))


def _experiment_of_environment() -> str | None:
    chosen, name = opening.read_setting("EXPERIMENT_ID"), opening.read_setting("EXPERIMENT_NAME")
    found = get_or_create_experiment(name).experiment_id if name else chosen
    if chosen and found != chosen:
        message = f"the environment names experiment {name!r}, whose id is {found!r}, but its id {chosen!r}"
        raise UserError(message, hint="unset EXPERIMENT_NAME or EXPERIMENT_ID, of GITTRACK_ and MLFLOW_")
    if chosen and client().store.find_experiment(chosen) is None:
        message = f"the environment names an experiment with id {chosen!r}, and there is none"
        raise UserError(message, hint="unset GITTRACK_EXPERIMENT_ID and MLFLOW_EXPERIMENT_ID")
    return found


def forget_client() -> None:
    """Close the client; the next call opens another one, and the experiment that was set is set no more."""
    if Chosen.client is not None:
        Chosen.client.close()
    Chosen.client = None
    if Chosen.experiment_id is not None:
        Chosen.experiment_id = None
        os.environ.pop("GITTRACK_EXPERIMENT_ID", None)


def _after_fork() -> None:
    Chosen.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
