"""What MLflow does for gittrack's fluent functions: autologging, evaluation and tracing in the active run."""

from __future__ import annotations

import importlib.util
import inspect
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gittrack.errors import UserError
from gittrack.fluent import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

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
    found = [f"{CALLBACKS[name]}()" for name in CALLBACKS if importlib.util.find_spec(name)]
    instead = f"pass {' or '.join(found)} to the training" if found else ""
    _open_mlflow("autolog", "whose patches it switches on", instead).autolog(**options)


def evaluate(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (MLflow's, passed on)
    """Evaluate a model on data by ``mlflow.models.evaluate``, and log what comes out to the active run.

    Args:
        *arguments: Those of ``mlflow.models.evaluate``: the model, the data.
        **options: Likewise, e.g. ``targets="label"`` and ``model_type="classifier"``.

    Returns:
        MLflow's ``EvaluationResult``: ``metrics``, ``artifacts`` and ``tables``. Without an active run they
        are logged to a run of their own.

    Raises:
        UserError: MLflow is missing.
        RepositoryNotFoundError: There is no Git repository.
    """
    mlflow = _open_mlflow("evaluate", "whose evaluators it runs")
    active = current.active_runs.get()
    if not active or mlflow.active_run() is not None:
        return mlflow.models.evaluate(*arguments, **options)
    mlflow.start_run(run_id=active[-1].run_id)
    try:
        return mlflow.models.evaluate(*arguments, **options)
    finally:
        mlflow.end_run("RUNNING")  # for MLflow only: the run goes on


def trace(function: Callable[..., Any] | None = None, **options: Any) -> Any:  # noqa: ANN401
    """Trace each call of a function by ``mlflow.trace``: arguments, result, duration, what it calls.

    Use it as ``@gittrack.trace`` or ``@gittrack.trace(name=…)``. Traces go to the repository and the run that
    are current when the function is called; to decorate it takes neither.

    Args:
        function: Plain, asynchronous, or a generator of either kind.
        **options: Those of ``mlflow.trace``: ``name``, ``span_type``, ``attributes``, ….

    Raises:
        UserError: MLflow is missing.
        RepositoryNotFoundError: The function is called, and there is no Git repository.
    """
    if function is None:
        return partial(trace, **options)
    mlflow = _find_mlflow("trace", "whose tracing it uses")
    traced = mlflow.trace(_after(partial(_link_to_active_run, mlflow), function), **options)
    return _after(partial(_track_here, mlflow), traced, like=function)


@contextmanager
def start_span(name: str = "span", *arguments: Any, **options: Any) -> Iterator[Any]:  # noqa: ANN401
    """Trace a ``with`` block by ``mlflow.start_span``; the span takes inputs, outputs and attributes.

    Args:
        name: Of the span.
        *arguments: Further ones of ``mlflow.start_span``.
        **options: Likewise: ``span_type``, ``attributes``, ….

    Raises:
        UserError: MLflow is missing.
        RepositoryNotFoundError: There is no Git repository.
    """
    mlflow = _open_mlflow("start_span", "whose tracing it uses")
    with mlflow.start_span(name, *arguments, **options) as span:
        _link_to_active_run(mlflow)
        yield span


def _find_mlflow(caller: str, part: str, instead: str = "") -> ModuleType:
    if importlib.util.find_spec("mlflow") is None:
        hint = "pip install 'gittrack[mlflow]'" + (f", or {instead}" if instead else "")
        message = f"{caller}() needs MLflow, {part}"
        raise UserError(message, hint=hint)
    return import_module("mlflow")


def _open_mlflow(caller: str, part: str, instead: str = "") -> ModuleType:
    """Return MLflow, tracking in this repository and its current experiment."""
    mlflow = _find_mlflow(caller, part, instead)
    _track_here(mlflow)
    return mlflow


def _track_here(mlflow: ModuleType) -> None:
    if mlflow.get_tracking_uri() != current.get_tracking_uri():
        mlflow.set_tracking_uri(current.get_tracking_uri())


def _after(
    first: Callable[[], None], function: Callable[..., Any], like: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Return a function that does something first, of the kind of ``like`` to `inspect`."""

    @wraps(function)
    def plain(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        first()
        return function(*arguments, **named)

    @wraps(function)
    def generator(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        first()
        return (yield from function(*arguments, **named))

    @wraps(function)
    async def coroutine(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        first()
        return await function(*arguments, **named)

    @wraps(function)
    async def asynchronous_generator(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        first()
        async for value in function(*arguments, **named):
            yield value

    kind = function if like is None else like
    if inspect.iscoroutinefunction(kind):
        return coroutine
    if inspect.isasyncgenfunction(kind):
        return asynchronous_generator
    return generator if inspect.isgeneratorfunction(kind) else plain


def _link_to_active_run(mlflow: ModuleType) -> None:
    active = current.active_runs.get()
    # MLflow links to its own; without a span tracing is switched off.
    if active and mlflow.active_run() is None and mlflow.get_current_active_span() is not None:
        mlflow.update_current_trace(metadata={"mlflow.sourceRun": active[-1].run_id})
