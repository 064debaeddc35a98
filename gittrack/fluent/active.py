"""The active run: how runs start, become the one that is logged to, and end."""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING

from gittrack.core.model import TAG_PARENT, TRACEBACK_FILE, RunStatus
from gittrack.errors import GittrackError, RunStateError, UserError
from gittrack.fluent import beginnings, endings
from gittrack.fluent.current import Chosen, active_experiment_id, active_runs, client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType
    from typing import Self

    from gittrack.core.model import Run, RunData, RunInfo
    from gittrack.tracking.client import Client
    from gittrack.tracking.live import LiveRun
    from gittrack.tracking.system.monitor import Monitor
    from gittrack.tracking.system.settings import Sampling


class _Process:
    last_run_id: str | None = None
    started: dict[str, ActiveRun] = {}  # noqa: RUF012  (one for the process)


class ActiveRun:
    """A run that is being logged to; use it in a ``with`` block, which ends it."""

    def __init__(self, client: Client, run: Run, live: LiveRun, *, is_joined: bool = False) -> None:
        """Stand for ``run``, which ``client`` writes; one that is joined is ended by somebody else."""
        self._client = client
        self._is_joined = is_joined
        self._run = run
        self.live = live
        """What this process writes the run with."""

        self._monitor: Monitor | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._run.run_id

    @property
    def info(self) -> RunInfo:
        """Id, name, status and times, as when the run started or ended here."""
        return self._run.info

    @property
    def data(self) -> RunData:
        """Params, metrics and tags as they are now."""
        return self._client.get_run(self.run_id).data

    def monitor(self, sampling: Sampling) -> None:
        """Sample the machine until the run ends."""
        from gittrack.tracking.system.monitor import Monitor

        self._monitor = Monitor(self.live, sampling)

    def end(self, status: str, cause: endings.Cause | None = None) -> None:
        """Commit what was logged, and end the run unless it was joined.

        Args:
            status: How it ended.
            cause: Why, if not well.

        Raises:
            InvalidValueError: The status is none.
            StoreError: The disk is full, or failed; what was logged is on disk and is committed later.
        """
        if self._monitor is not None:
            self._monitor.stop()
        if cause is not None:
            self._client.set_side_file(self.run_id, TRACEBACK_FILE, cause.traceback.encode(errors="replace"))
        if self._is_joined:
            self._client.release(self.run_id)
        else:
            reason = cause.reason if cause else None
            self._run = self._client.set_terminated(self.run_id, status, reason=reason)

    def __enter__(self) -> Self:
        """Return the run itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run: FINISHED, FAILED if the block raised, KILLED if SIGTERM ended it."""
        if not any(one is self for one in active_runs.get()):
            return
        while active_runs.get()[-1] is not self:
            end_run()
        active_runs.set(active_runs.get()[:-1])
        cause = None if error is None else endings.cause_of(error)
        _end(self, (cause.status if cause else RunStatus.FINISHED).value, cause)

    def _repr_html_(self) -> str:
        """Return the run as it is now, for notebooks."""
        from gittrack.core.notebook import show_run

        return show_run(self._client.get_run(self.run_id))

    def __repr__(self) -> str:
        """Return the run's name, id and status."""
        return f"<ActiveRun {self._run.name} {self.run_id} {self._run.status.value}>"


def start_run(
    run_id: str | None = None,
    experiment_id: str | None = None,
    run_name: str | None = None,
    nested: bool = False,
    parent_run_id: str | None = None,
    tags: Mapping[str, object] | None = None,
    description: str | None = None,
    log_system_metrics: bool | None = None,
) -> ActiveRun:
    """Start a run, or go on with the one whose id is given, and make it the active one.

    Args:
        run_id: Of a run to go on with; ``GITTRACK_RUN_ID`` or ``MLFLOW_RUN_ID`` if None, which is used once.
            Under ``gittrack run`` that is the command's run, which this process joins and does not end;
            further runs are its children.
        experiment_id: Of the new run; the one of `set_experiment` if None. One that goes on stays in its own.
        run_name: Of the new run; a readable one is made up if None.
        nested: Make it a child of the active run.
        parent_run_id: Make it a child of this run.
        tags: To set at once.
        description: A note on the run, in Markdown.
        log_system_metrics: Sample the machine; as `enable_system_metrics_logging` or the environment says if
            None. A run that is joined is sampled by whoever answers for it.

    Raises:
        RunStateError: A run is active and ``nested`` is false; or the run or experiment is deleted.
        NotFoundError: There is no such run, parent or experiment.
        UserError: A name or value cannot be stored, or psutil is missing for system metrics.
        StoreError: The disk is full, or failed.
    """
    stack = active_runs.get()
    if stack and not nested:
        message = f"run {stack[-1].info.run_name!r} ({stack[-1].run_id}) is active already"
        raise RunStateError(message, hint="end_run() first, or start_run(nested=True) for a child run")
    values = beginnings.check_tags(tags, description)
    from gittrack.tracking.system.settings import choose_sampling

    sampling = choose_sampling(wanted=log_system_metrics)
    place = beginnings.find_place(
        client(), run_id, parent_run_id, [active.run_id for active in stack], active_experiment_id
    )
    if place.known_id is not None:
        run = _resume(place, place.known_id, run_name, values)
    else:
        if place.parent_id is not None:
            values[TAG_PARENT] = place.parent_id
        chosen = experiment_id or (
            stack[-1].info.experiment_id if stack and Chosen.experiment_id is None else None
        )
        run = client().create_run(
            chosen or active_experiment_id(), None, values, run_name, run_id=place.new_id
        )
    if place.known_id is None or (place.is_joined and run.environment is None):
        from gittrack.fluent import provenance

        provenance.record(client(), client().live(run.run_id))
    active = ActiveRun(client(), run, client().live(run.run_id), is_joined=place.is_joined)
    if sampling is not None and not place.is_joined:
        active.monitor(sampling)
    active_runs.set((*stack, active))
    _Process.started[run.run_id] = active
    endings.watch(lambda: bool(_Process.started))
    _Process.last_run_id = run.run_id
    return active


def end_run(status: str = RunStatus.FINISHED.value) -> None:
    """End the active run, if there is one: when this returns, it is committed.

    Raises:
        InvalidValueError: The status is none.
        StoreError: The disk is full, or failed; what was logged is on disk and is committed later.
    """
    stack = active_runs.get()
    if not stack:
        return
    active = stack[-1]
    active_runs.set(stack[:-1])
    _end(active, status)


def active_run() -> ActiveRun | None:
    """Return the active run of this thread or task, or None."""
    stack = active_runs.get()
    return stack[-1] if stack else None


def last_active_run() -> Run | None:
    """Return the run that was active last in this process, as it is now, or None."""
    active = active_run()
    run_id = active.run_id if active else _Process.last_run_id
    return None if run_id is None else client().get_run(run_id)


def live_run(run_id: str | None = None) -> LiveRun:
    """Return what this process writes a run with: the active one, begun if need be, or the one named."""
    if run_id is not None:
        return client().live(run_id)
    stack = active_runs.get()
    return (stack[-1] if stack else start_run()).live


def _resume(place: beginnings.Place, run_id: str, run_name: str | None, tags: dict[str, object]) -> Run:
    run = beginnings.find_known(client(), place, run_id)
    expected = Chosen.experiment_id
    if expected is not None and expected != run.experiment_id and not place.is_joined:
        message = f"run {run_id} belongs to experiment {run.experiment_id!r}, not to the active {expected!r}"
        raise UserError(message, hint="set_experiment() to the run's own first")
    if any(active.run_id == run_id for active in active_runs.get()):
        message = f"run {run_id} is active already"
        raise RunStateError(message, hint="end_run() first")
    return beginnings.resume(client(), place, run_id, run_name, tags)


def _end(active: ActiveRun, status: str, cause: endings.Cause | None = None) -> None:
    _Process.started.pop(active.run_id, None)
    _Process.last_run_id = active.run_id
    if active.live.is_open:
        from gittrack.fluent import provenance

        provenance.update(active.live)
    active.end(status, cause)


def _end_leftovers() -> None:
    """End what is still active at the end: FAILED after an exception nobody caught, else FINISHED."""
    cause = endings.cause_of_exit()
    status = cause.status if cause else RunStatus.FINISHED
    for active in reversed(list(_Process.started.values())):
        try:
            _end(active, status.value, cause)
        except GittrackError as error:
            # Nobody could catch this any more. The next command recovers what was logged.
            sys.stderr.write(f"gittrack: run {active.run_id} could not be committed: {error}\n")


def _after_fork() -> None:
    # The parent answers for the runs it started; the child only goes on logging to them.
    _Process.started = {}


atexit.register(_end_leftovers)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
