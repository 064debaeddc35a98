"""MLflow's functions that log metrics, params and tags to the active run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.fluent.active import live_run, start_run
from gittrack.fluent.current import active_runs, client
from gittrack.tracking.live import RunOperations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def log_metric(
    key: str,
    value: float,
    step: int | None = None,
    synchronous: bool | None = None,
    timestamp: int | None = None,
    run_id: str | None = None,
    model_id: str | None = None,
    dataset: Any = None,  # noqa: ANN401  (of `gittrack.data`, or MLflow's)
) -> RunOperations | None:
    """Log one point of a metric to the active run, starting one if there is none.

    When this returns, the point survives the death of the process.

    Args:
        key: The metric's name.
        value: Any number or scalar; NaN and infinities are kept.
        step: Any signed 64-bit integer, 0 if None.
        synchronous: Accepted for MLflow's sake: logging is always done when the call returns.
        timestamp: Milliseconds since the epoch, now if None.
        run_id: Log to this run instead.
        model_id: The logged model it was measured of, which then has it too.
        dataset: What it was measured on.

    Raises:
        UserError: Key, value, step or timestamp cannot be stored.
        ModelNotFoundError: There is no such logged model.
        StoreError: The disk is full, or failed.
    """
    if model_id is not None:
        _log_of_model({key: value}, step, timestamp, run_id, model_id, dataset)
    if run_id is None:
        stack = active_runs.get()
        (stack[-1] if stack else start_run()).live.log_metric(key, value, step, timestamp)
    else:
        client().log_metric(run_id, key, value, timestamp, step)
    return RunOperations() if synchronous is False else None


def log_metrics(
    metrics: Mapping[str, Any],
    step: int | None = None,
    synchronous: bool | None = None,
    run_id: str | None = None,
    timestamp: int | None = None,
    model_id: str | None = None,
    dataset: Any = None,  # noqa: ANN401  (of `gittrack.data`, or MLflow's)
) -> RunOperations | None:
    """Log points of several metrics at one step to the active run; see `log_metric`.

    Nested dicts have their keys joined: ``{"val": {"acc": 0.9}}`` is ``val/acc``.

    Raises:
        UserError: A key, value, the step or timestamp cannot be stored.
        StoreError: The disk is full, or failed.
    """
    if model_id is not None:
        _log_of_model(metrics, step, timestamp, run_id, model_id, dataset)
    live_run(run_id).log_metrics(metrics, step, timestamp)
    return RunOperations() if synchronous is False else None


def _log_of_model(
    metrics: Mapping[str, Any],
    step: int | None,
    timestamp: int | None,
    run_id: str | None,
    model_id: str,
    dataset: Any,  # noqa: ANN401
) -> None:
    client().log_model_metrics(
        model_id,
        metrics,
        step=step,
        timestamp=timestamp,
        run_id=live_run(run_id).run_id,
        dataset_name=getattr(dataset, "name", None),
        dataset_digest=getattr(dataset, "digest", None),
    )


def log_series(
    key: str,
    values: Iterable[float],
    steps: Iterable[int] | int = 0,
    timestamps: Iterable[int] | int | None = None,
    run_id: str | None = None,
) -> None:
    """Log many points of one metric to the active run at once: lists, arrays or tensors of one dimension.

    Args:
        key: The metric's name.
        values: Numbers.
        steps: One for each value, or the first of them.
        timestamps: Milliseconds since the epoch: one for each value, one for all, or now.
        run_id: Log to this run instead.

    Raises:
        UserError: The key or a value cannot be stored, or there is not a step for each; then none is logged.
        StoreError: The disk is full, or failed.
    """
    live_run(run_id).log_series(key, values, steps, timestamps)


def log_param(key: str, value: object, synchronous: bool | None = None) -> Any:  # noqa: ANN401
    """Log one param to the active run; return its value. Logging an equal value again is no error.

    Raises:
        ParamOverwriteError: It has another value already.
        UserError: Key or value cannot be stored.
        StoreError: The disk is full, or failed.
    """
    live_run().log_params({key: value})
    return RunOperations() if synchronous is False else value


def log_params(
    params: Mapping[str, object],
    synchronous: bool | None = None,
    run_id: str | None = None,
) -> RunOperations | None:
    """Log params to the active run: numbers, text, lists and nested dicts keep their type.

    Raises:
        ParamOverwriteError: One has another value already; then none is logged.
        UserError: A key or value cannot be stored.
        StoreError: The disk is full, or failed.
    """
    live_run(run_id).log_params(params)
    return RunOperations() if synchronous is False else None


def set_tag(key: str, value: object, synchronous: bool | None = None) -> RunOperations | None:
    """Set a tag of the active run; the last value wins.

    Raises:
        UserError: Key or value cannot be stored.
        StoreError: The disk is full, or failed.
    """
    live_run().set_tags({key: value})
    return RunOperations() if synchronous is False else None


def set_tags(tags: Mapping[str, object], synchronous: bool | None = None) -> RunOperations | None:
    """Set tags of the active run.

    Raises:
        UserError: A key or value cannot be stored.
        StoreError: The disk is full, or failed.
    """
    live_run().set_tags(tags)
    return RunOperations() if synchronous is False else None


def delete_tag(key: str) -> None:
    """Remove a tag of the active run.

    Raises:
        TagNotFoundError: It has no such tag.
        StoreError: The disk is full, or failed.
    """
    live = live_run()
    if key in live.tag_keys:
        live.delete_tag(key)
        return
    client().delete_tag(live.run_id, key)


def checkpoint() -> None:
    """Commit what was logged to the active run so far, in the background, so that others can fetch it.

    Raises:
        StoreError: The disk is full, or failed.
    """
    client().checkpoint(live_run().run_id)


def set_checkpoint_interval(interval_s: float | None) -> None:
    """Make a checkpoint of the active runs each ``interval_s`` seconds; None, as at first: never.

    Raises:
        InvalidValueError: It is no positive number.
    """
    client().set_checkpoint_interval(interval_s)
