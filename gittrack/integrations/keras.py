"""Keras: a callback that logs the settings of the training and the metrics of each epoch."""

from __future__ import annotations

from typing import Any

from gittrack.core.model import RunStatus
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

keras = load("keras", "keras", "callbacks.Callback")


_Base: Any = keras.callbacks.Callback


class GittrackCallback(_Base):  # type: ignore[misc]
    """Logs to the active run, or to one of its own; the names are those of MLflow's autologging."""

    def __init__(self, run_name: str | None = None, *, log_every_n_batches: int | None = None) -> None:
        """Name the run if it is our own; log every so many batches too."""
        super().__init__()
        self._run_name = run_name
        self._every = log_every_n_batches
        self._session = Session()
        self._batch = 0

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ANN401  (Keras's)
        """Begin the run and log the settings."""
        del logs
        self._session.start(self._run_name)
        params = {key: value for key, value in (self.params or {}).items() if key != "verbose"}
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            config = {key: value for key, value in optimizer.get_config().items() if value is not None}
            params |= {"optimizer_name": config.pop("name", type(optimizer).__name__)}
            params |= {f"optimizer_{key}": _plain(value) for key, value in config.items()}
        self._session.log_params(params)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ANN401  (Keras's)
        """Log the metrics of a batch, if that is asked for."""
        del batch
        self._batch += 1
        if self._every and self._batch % self._every == 0:
            named = {f"batch/{key}": value for key, value in (logs or {}).items()}
            self._session.log_metrics(named, self._batch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ANN401  (Keras's)
        """Log the metrics of an epoch."""
        self._session.log_metrics(logs or {}, epoch)

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ANN401  (Keras's)
        """End the run if it is our own."""
        del logs
        self._session.end(RunStatus.FINISHED)


def _plain(value: Any) -> Any:  # noqa: ANN401  (a setting)
    return value if isinstance(value, (bool, int, float, str, dict)) else str(value)
