"""Optuna: a study is a run, each of its trials a child run.

::

    with GittrackCallback("tuning") as callback:
        study.optimize(callback.track(objective), n_trials=20, callbacks=[callback])
"""

from __future__ import annotations

import threading
from functools import wraps
from typing import TYPE_CHECKING, Any

from gittrack.core.model import RunStatus
from gittrack.fluent import active as fluent
from gittrack.fluent import current
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

optuna = load("optuna", "optuna", "trial.TrialState")

TAG_STATE = "optuna.state"
TAG_NUMBER = "optuna.number"


class GittrackCallback:
    """Logs trials as child runs of the active run, or of one that stands for the study.

    Params, values, intermediate values, user attributes and states are kept; a pruned trial is KILLED, a
    failed one FAILED. What the objective itself logs goes to the trial's run if `track` wraps it.
    """

    def __init__(self, run_name: str | None = None, *, metric_names: Sequence[str] | str = "value") -> None:
        """Name the run of the study, and the values that the objective returns."""
        self._run_name = run_name
        self._names = [metric_names] if isinstance(metric_names, str) else list(metric_names)
        self._study = Session()
        self._trials: dict[int, Session] = {}
        self._lock = threading.Lock()
        self._best = 0

    def __enter__(self) -> Self:
        """Begin the run of the study."""
        self._study.start(self._run_name or "optuna study")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the run of the study, if it is not somebody else's."""
        for session in self._trials.values():
            session.end(RunStatus.FAILED, repr(error)[:500] if error else "not told")
        self._trials.clear()
        self._study.end(RunStatus.FINISHED if kind is None else RunStatus.FAILED)

    def track(self, objective: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return the objective, with the trial's run active while it is called."""

        @wraps(objective)
        def tracked(trial: Any) -> Any:  # noqa: ANN401  (Optuna's)
            session = self._session_of(trial.number)
            if session.run_id is None:
                return objective(trial)
            live = current.client().live(session.run_id)
            token = current.active_runs.set(
                (
                    *current.active_runs.get(),
                    fluent.ActiveRun(current.client(), live.run, live, is_joined=True),
                )
            )
            try:
                return objective(trial)
            finally:
                current.active_runs.reset(token)

        return tracked

    def __call__(self, study: Any, trial: Any) -> None:  # noqa: ANN401  (Optuna's)
        """Log a trial that has ended; Optuna calls this."""
        session = self._session_of(trial.number)
        session.log_params(trial.params)
        session.set_tags({TAG_STATE: trial.state.name, TAG_NUMBER: trial.number, **trial.user_attrs})
        for step, value in sorted(trial.intermediate_values.items()):
            session.log_metrics({self._names[0]: value}, step)
        last = max(trial.intermediate_values, default=0)
        values = trial.values or []
        session.log_metrics(dict(zip(self._names_of(len(values)), values, strict=True)), last)
        session.end(*_judge(trial.state))
        with self._lock:
            self._trials.pop(trial.number, None)
        self._note_best(study)

    def _session_of(self, number: int) -> Session:
        with self._lock:
            if number not in self._trials:
                self._study.start(self._run_name or "optuna study")
                session = self._trials[number] = Session()
                session.start_child(self._study.run_id, f"trial {number}", {TAG_NUMBER: number})
            return self._trials[number]

    def _names_of(self, count: int) -> list[str]:
        if len(self._names) == count:
            return self._names
        return [f"{self._names[0]}_{index}" for index in range(count)]

    def _note_best(self, study: Any) -> None:  # noqa: ANN401  (Optuna's)
        if len(study.directions) > 1:
            return
        try:
            best = study.best_trial
        except ValueError:  # none is complete yet
            return
        self._best += 1
        self._study.log_metrics({f"best/{self._names[0]}": best.value}, self._best)
        self._study.set_tags({f"best/{key}": value for key, value in best.params.items()})


def _judge(state: Any) -> tuple[RunStatus, str | None]:  # noqa: ANN401  (Optuna's)
    match state.name:
        case "COMPLETE":
            return RunStatus.FINISHED, None
        case "PRUNED":
            return RunStatus.KILLED, "pruned"
        case name:
            return RunStatus.FAILED, name.lower()
