"""XGBoost: a callback that logs the params of the booster and each evaluation."""

from __future__ import annotations

import json
from typing import Any

from gittrack.core.model import RunStatus
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

xgboost = load("xgboost", "xgboost", "callback.TrainingCallback")


_Base: Any = xgboost.callback.TrainingCallback


class GittrackCallback(_Base):  # type: ignore[misc]
    """Logs to the active run or to one of its own; metrics are named ``<data set>-<metric>`` as in MLflow."""

    def __init__(self, run_name: str | None = None, *, log_importance: bool = True) -> None:
        """Name the run if it is our own; ``log_importance`` keeps the importance of features at the end."""
        super().__init__()
        self._run_name = run_name
        self._log_importance = log_importance
        self._session = Session()

    def before_training(self, model: Any) -> Any:  # noqa: ANN401  (XGBoost's)
        """Begin the run and log the params."""
        self._session.start(self._run_name)
        if hasattr(model, "save_config"):
            self._session.log_params(_settings(json.loads(model.save_config())))
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401  (XGBoost's)
        """Log what was evaluated; never stop the training."""
        del model
        metrics = {
            f"{data}-{metric}": _value(history[-1])
            for data, found in evals_log.items()
            for metric, history in found.items()
        }
        self._session.log_metrics(metrics, epoch)
        return False

    def after_training(self, model: Any) -> Any:  # noqa: ANN401  (XGBoost's)
        """Log what is known at the end, and end the run if it is our own."""
        best = model.attr("best_iteration") if hasattr(model, "attr") else None
        if best is not None:
            self._session.log_metrics({"best_iteration": int(best)})
        if self._log_importance and hasattr(model, "get_score"):
            scores = model.get_score(importance_type="gain")
            self._session.log_metrics({f"importance/{name}": score for name, score in scores.items()})
        self._session.end(RunStatus.FINISHED)
        return model


def _value(entry: Any) -> float:  # noqa: ANN401  (with its deviation in cross-validation)
    return float(entry[0] if isinstance(entry, tuple) else entry)


def _settings(config: dict[str, Any], found: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the params of a booster's configuration, wherever they are in it."""
    found = {} if found is None else found
    for key, value in config.items():
        if isinstance(value, dict):
            _settings(value, found)
        elif isinstance(value, str):
            found.setdefault(key, _parse(value))
    return found


def _parse(text: str) -> Any:  # noqa: ANN401  (a number or text)
    try:
        return json.loads(text)
    except ValueError:
        return text
