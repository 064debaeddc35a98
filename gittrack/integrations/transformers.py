"""Hugging Face transformers: a callback of the Trainer that logs its arguments and what it reports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gittrack.core.model import RunStatus
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

transformers = load("transformers", "transformers", "TrainerCallback")

CHECKPOINTS = "checkpoints"


_Base: Any = transformers.TrainerCallback


class GittrackCallback(_Base):  # type: ignore[misc]
    """Logs to the active run, or to one of its own, from the process of rank 0.

    Metrics have the Trainer's own names (``loss``, ``eval_loss`` …) and its global step.
    """

    def __init__(self, run_name: str | None = None, *, log_checkpoints: bool = False) -> None:
        """Name the run if it is our own; ``log_checkpoints`` stores each as artifacts."""
        self._run_name = run_name
        self._log_checkpoints = log_checkpoints
        self._session = Session()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Begin the run and log the arguments and the model's configuration."""
        del control
        if not state.is_world_process_zero:
            return
        self._session.start(self._run_name or getattr(args, "run_name", None))
        config: Any = getattr(kwargs.get("model"), "config", None)
        known = config.to_dict() if hasattr(config, "to_dict") else {}
        self._session.log_params({**known, **args.to_sanitized_dict()})

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:  # noqa: ANN401
        """Log what the Trainer reports."""
        del args, control, kwargs
        if state.is_world_process_zero and logs:
            self._session.log_metrics(logs, state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Store a checkpoint, if that is asked for."""
        del control, kwargs
        folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        if self._log_checkpoints and state.is_world_process_zero and folder.is_dir():
            self._session.log_artifact(folder, CHECKPOINTS)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """End the run if it is our own."""
        del args, control, kwargs
        if state.best_metric is not None:
            self._session.log_metrics({"best_metric": state.best_metric}, state.global_step)
        self._session.end(RunStatus.FINISHED)
