"""MLflow's switches of system metrics."""

from __future__ import annotations

import os

from gittrack.tracking import open as opening
from gittrack.tracking.system.settings import INTERVAL, NODE_ID, SAMPLES, Sampling


def enable_system_metrics_logging() -> None:
    """Sample the machine during all runs that start from now on, here and in child processes."""
    _set(opening.SYSTEM_METRICS, "true")


def disable_system_metrics_logging() -> None:
    """Sample the machine no more during runs that start from now on."""
    _set(opening.SYSTEM_METRICS, "false")


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Take a sample each ``interval`` seconds; None: each 10.

    Raises:
        InvalidValueError: It is no positive number.
    """
    if interval is not None:
        Sampling(interval_s=interval)
    _set(INTERVAL, interval)


def set_system_metrics_samples_before_logging(samples: int | None) -> None:
    """Log the mean of so many samples; None: of 1.

    Raises:
        InvalidValueError: It is no positive number.
    """
    if samples is not None:
        Sampling(samples=samples)
    _set(SAMPLES, samples)


def set_system_metrics_node_id(node_id: str | None) -> None:
    """Put a name of this machine into the metrics' names; None: no name."""
    _set(NODE_ID, node_id)


def _set(name: str, value: object) -> None:
    variable = f"GITTRACK_{name}"
    if value is None:
        os.environ.pop(variable, None)
    else:
        os.environ[variable] = str(value)
