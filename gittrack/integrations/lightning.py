"""PyTorch Lightning: a logger for the Trainer."""

from __future__ import annotations

import importlib.util
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.model import RunStatus
from gittrack.fluent import active as fluent
from gittrack.fluent import current
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.fluent.active import ActiveRun

_NAME = "lightning.pytorch" if importlib.util.find_spec("lightning") else "pytorch_lightning"
lightning = load(_NAME, "lightning", "loggers.logger.Logger")
rank_zero_only = lightning.utilities.rank_zero_only

CHECKPOINTS = "checkpoints"
STATUSES = {"success": RunStatus.FINISHED, "finished": RunStatus.FINISHED, "failed": RunStatus.FAILED}


_Base: Any = lightning.loggers.logger.Logger


class GittrackLogger(_Base):  # type: ignore[misc]
    """Logs to the active run, or to one of its own, from the process of rank 0."""

    def __init__(self, run_name: str | None = None, *, log_model: bool | str = False) -> None:
        """Name the run if it is our own; ``log_model`` stores checkpoints: the last ones, or ``"all"``."""
        super().__init__()
        self._run_name = run_name
        self._log_model = log_model
        self._session = Session()
        self._checkpoint: Any = None

    @property
    def name(self) -> str:
        """The experiment's id, as Lightning's own logger for MLflow says it."""
        return current.active_experiment_id()

    @property
    def version(self) -> str | None:
        """The run's id."""
        return self._session.run_id

    @property
    def experiment(self) -> ActiveRun | None:
        """The run that is logged to, for what Lightning does not log."""
        self._begin()
        return fluent.active_run()

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_hyperparams(
        self,
        params: Mapping[str, Any] | Namespace | None = None,
        *_: Any,  # noqa: ANN401  (Lightning's)
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Log hyperparameters."""
        self._begin()
        given = vars(params) if isinstance(params, Namespace) else dict(params or {})
        self._session.log_params({**given, **more})

    @rank_zero_only  # type: ignore[untyped-decorator]
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log metrics of a step."""
        self._begin()
        self._session.log_metrics(metrics, step)

    @rank_zero_only  # type: ignore[untyped-decorator]
    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:  # noqa: ANN401  (Lightning's)
        """Store checkpoints at once, or remember where the last ones are."""
        self._checkpoint = checkpoint_callback
        if self._log_model == "all":
            self._store_checkpoints()

    @rank_zero_only  # type: ignore[untyped-decorator]
    def finalize(self, status: str) -> None:
        """End the run if it is our own."""
        if self._log_model is True:
            self._store_checkpoints()
        self._session.end(STATUSES.get(status, RunStatus.FINISHED))

    def _begin(self) -> None:
        if self._session.run_id is None and rank_zero_only.rank == 0:
            self._session.start(self._run_name)

    def _store_checkpoints(self) -> None:
        if self._checkpoint is None:
            return
        for path in {self._checkpoint.best_model_path, self._checkpoint.last_model_path}:
            if path and Path(path).exists():
                self._session.log_artifact(path, CHECKPOINTS)
