"""``gittrack.autolog``: trainings that log themselves, by MLflow's maintained patches."""

from __future__ import annotations

import importlib.util
from typing import Any

from gittrack.errors import UserError
from gittrack.fluent import current

CALLBACKS = {
    "keras": "gittrack.integrations.keras.GittrackCallback",
    "lightgbm": "gittrack.integrations.lightgbm.GittrackCallback",
    "lightning": "gittrack.integrations.lightning.GittrackLogger",
    "optuna": "gittrack.integrations.optuna.GittrackCallback",
    "transformers": "gittrack.integrations.transformers.GittrackCallback",
    "xgboost": "gittrack.integrations.xgboost.GittrackCallback",
}
"""What logs the trainings of each framework without MLflow, when it is passed to them."""


def autolog(**options: Any) -> None:  # noqa: ANN401  (MLflow's, passed on)
    """Log every training of the frameworks MLflow knows, in runs of its own in this repository.

    Params, metrics and models are those of MLflow's autologging, since it is MLflow that logs them. Without
    MLflow nothing can be logged unasked: no framework offers that to others, and gittrack patches none.

    Args:
        **options: Those of ``mlflow.autolog``, e.g. ``log_models=False`` or ``exclude_flavors=["keras"]``.

    Raises:
        UserError: MLflow is missing; the hint says what to pass to the frameworks that are there instead.
        RepositoryNotFoundError: There is no Git repository.
    """
    if importlib.util.find_spec("mlflow") is None:
        found = [f"{CALLBACKS[name]}()" for name in CALLBACKS if importlib.util.find_spec(name)]
        instead = f", or pass {' or '.join(found)} to the training" if found else ""
        message = "autolog() needs MLflow, whose patches it switches on"
        raise UserError(message, hint=f"pip install 'gittrack[mlflow]'{instead}")
    import mlflow

    mlflow.set_tracking_uri(current.client().tracking_uri)
    mlflow.autolog(**options)
