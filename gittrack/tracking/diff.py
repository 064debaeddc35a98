"""Runs side by side, with what is known of their surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core import diff as core
from gittrack.core.diff import RunDiff, Surroundings
from gittrack.core.direction import agreed_directions
from gittrack.core.packages import parse_lock
from gittrack.tracking.run_code import list_changed_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client


def diff_runs(client: Client, run_ids: Iterable[str], *, value: str = "last") -> RunDiff:
    """Return what two or more runs have, side by side; the first is the base.

    Args:
        client: Where they are.
        run_ids: Their ids.
        value: Which value stands for a metric: ``last``, ``best``, ``min`` or ``max``.

    Raises:
        RunNotFoundError: There is no run with one of these ids.
        UserError: There are fewer than two.
    """
    runs = [client.get_run(run_id) for run_id in run_ids]
    code = list_changed_files(client, *runs) if len(runs) == 2 else None  # noqa: PLR2004  (two sides)
    around = [read_surroundings(client, run) for run in runs]
    directions = _declared_directions(client, {run.experiment_id for run in runs})
    return core.diff_runs(runs, around, value=value, code=code, directions=directions)


def read_surroundings(client: Client, run: Run) -> Surroundings:
    """Return what a run ran with: its packages, as far as they were recorded."""
    lock = read_lock(client, run)
    return Surroundings(packages=None if lock is None else parse_lock(lock))


def read_lock(client: Client, run: Run) -> str | None:
    """Return the packages a run had, as a requirements file, None if they are not known."""
    return None if run.environment is None else client.store.find_environment(run.environment)


def find_previous_run(client: Client, run_id: str) -> Run | None:
    """Return the run before this one in its experiment, among those with the same parent; None if none is.

    Raises:
        RunNotFoundError: There is no run with this id.
    """
    run = client.get_run(run_id)
    return core.find_previous(run, client.iter_runs([run.experiment_id]))


def _declared_directions(client: Client, experiment_ids: set[str]) -> dict[str, bool]:
    """Return metric → whether less is better, as far as the experiments declare it and agree."""
    known = client.store.list_experiments()
    return agreed_directions(one for one in known if one.experiment_id in experiment_ids)
