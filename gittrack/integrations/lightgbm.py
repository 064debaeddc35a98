"""LightGBM: a callback that logs the params of the booster and each evaluation."""

from __future__ import annotations

from typing import Any

from gittrack.core.model import RunStatus
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

lightgbm = load("lightgbm", "lightgbm", "callback.CallbackEnv")


class GittrackCallback:
    """Logs to the active run or to one of its own; metrics are named ``<data set>-<metric>`` as in MLflow.

    LightGBM does not say when it stops: a run of our own ends with the last iteration, or by `end` where it
    stopped earlier.
    """

    order = 25
    """After what prints and records evaluations, before what stops early."""
    before_iteration = False

    def __init__(self, run_name: str | None = None) -> None:
        """Name the run if it is our own."""
        self._run_name = run_name
        self._session = Session()

    def __call__(self, env: Any) -> None:  # noqa: ANN401  (LightGBM's)
        """Log what was evaluated; LightGBM calls this after each iteration."""
        if self._session.run_id is None:
            self._session.start(self._run_name)
            self._session.log_params(env.params)
        results = {f"{row[0]}-{row[1]}": row[2] for row in env.evaluation_result_list or ()}
        self._session.log_metrics(results, env.iteration)
        if env.iteration + 1 >= env.end_iteration:
            self.end()

    def end(self) -> None:
        """End the run if it is our own."""
        self._session.end(RunStatus.FINISHED)
