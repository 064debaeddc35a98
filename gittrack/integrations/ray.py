"""Ray Tune: each trial is a child run of the active run, or of one that stands for the search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gittrack.core.model import RunStatus
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

tune = load("ray.tune", "ray", "logger.LoggerCallback")

TAG_TRIAL = "ray.trialId"
_OWN = frozenset(
    """
    time_since_restore iterations_since_restore timestamp pid should_checkpoint done training_iteration
    time_this_iter_s time_total_s
    """.split()
)
"""What Ray adds to every result."""


_Base: Any = tune.logger.LoggerCallback


class GittrackCallback(_Base):  # type: ignore[misc]
    """Logs from the driver, so that trials on other hosts need no repository."""

    def __init__(self, run_name: str | None = None) -> None:
        """Name the run of the search."""
        super().__init__()
        self._run_name = run_name
        self._search = Session()
        self._trials: dict[str, Session] = {}
        self._has_failed = False

    def setup(self, **kwargs: Any) -> None:  # noqa: ANN401  (Ray's)
        """Begin the run of the search."""
        del kwargs
        self._search.start(self._run_name or "ray tune")

    def log_trial_start(self, trial: Any) -> None:  # noqa: ANN401  (Ray's)
        """Begin the run of a trial."""
        if trial.trial_id in self._trials:  # it goes on after a pause
            return
        session = self._trials[trial.trial_id] = Session()
        session.start_child(self._search.run_id, str(trial), {TAG_TRIAL: trial.trial_id})
        session.log_params(trial.config)

    def log_trial_result(self, iteration: int, trial: Any, result: dict[str, Any]) -> None:  # noqa: ANN401
        """Log what a trial reports, with its own count of reports as the step."""
        session = self._trials.get(trial.trial_id)
        if session is not None:
            values = {key: value for key, value in result.items() if key not in _OWN and key != "config"}
            session.log_metrics(values, result.get("training_iteration", iteration))

    def log_trial_end(self, trial: Any, failed: bool = False) -> None:  # noqa: ANN401, FBT001, FBT002  (Ray's)
        """End the run of a trial; one that a scheduler stopped early is KILLED."""
        session = self._trials.pop(trial.trial_id, None)
        if session is None:
            return
        if failed:
            self._has_failed = True
            session.end(RunStatus.FAILED, _error_of(trial))
        elif (trial.last_result or {}).get("done"):
            session.end(RunStatus.FINISHED)
        else:
            session.end(RunStatus.KILLED, "stopped early")

    def on_experiment_end(self, trials: Any, **info: Any) -> None:  # noqa: ANN401  (Ray's)
        """End the run of the search, if it is our own."""
        del trials, info
        for session in self._trials.values():
            session.end(RunStatus.KILLED, "not ended")
        self._trials.clear()
        self._search.end(RunStatus.FAILED if self._has_failed else RunStatus.FINISHED)

    def __getstate__(self) -> dict[str, Any]:
        """Leave runs out where Ray copies its callbacks into a snapshot of the search."""
        return {"_run_name": self._run_name}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin anew in a restored search."""
        self.__init__(state.get("_run_name"))  # type: ignore[misc]


def _error_of(trial: Any) -> str:  # noqa: ANN401  (Ray's)
    """Return the last line of a trial's traceback, which says what went wrong."""
    try:
        lines = Path(trial.error_file).read_text("utf-8", "replace").split("\n")
    except (OSError, TypeError):
        return "trial failed"
    return next((line.strip() for line in reversed(lines) if line.strip()), "trial failed")[:500]
