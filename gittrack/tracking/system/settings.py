"""Whether and how often the machine is looked at, as the caller and the environment say."""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass

from gittrack.errors import InvalidValueError, UserError
from gittrack.tracking.open import is_system_metrics_enabled, read_setting

INTERVAL = "SYSTEM_METRICS_SAMPLING_INTERVAL"
SAMPLES = "SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING"
NODE_ID = "SYSTEM_METRICS_NODE_ID"
INTERVAL_S = 10.0


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often the machine is looked at."""

    interval_s: float = INTERVAL_S
    samples: int = 1
    """Samples whose mean is one point."""
    node_id: str | None = None
    """Tells the machines of one run apart: part of the metrics' names."""

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            InvalidValueError: An interval or number is not positive.
        """
        if not (self.interval_s > 0 and math.isfinite(self.interval_s)):
            message = f"the sampling interval must be positive seconds, not {self.interval_s!r}"
            raise InvalidValueError(message, hint="10 is the default")
        if self.samples < 1:
            message = f"at least one sample makes a point, not {self.samples!r}"
            raise InvalidValueError(message, hint="1 is the default")


def choose_sampling(*, wanted: bool | None, if_possible: bool = False) -> Sampling | None:
    """Return how to sample, None if that is not asked for.

    Args:
        wanted: What the caller says; as the environment says if None.
        if_possible: What to do if neither says anything: sample where psutil is installed.

    Raises:
        UserError: The environment says what makes no sense, or psutil is missing.
    """
    asked = is_system_metrics_enabled() if wanted is None else wanted
    if asked is None:
        asked = if_possible and _has_psutil()
    if not asked:
        return None
    if not _has_psutil():
        message = "system metrics need psutil, which is not installed"
        raise UserError(message, hint="pip install 'gittrack[system]'")
    return sampling_of_environment()


def sampling_of_environment() -> Sampling:
    """Return how often to sample.

    Raises:
        InvalidValueError: A setting is no positive number.
    """
    interval, samples = read_setting(INTERVAL), read_setting(SAMPLES)
    try:
        return Sampling(
            interval_s=float(interval) if interval else INTERVAL_S,
            samples=int(samples) if samples else 1,
            node_id=read_setting(NODE_ID),
        )
    except ValueError:
        message = f"not numbers: GITTRACK_{INTERVAL}={interval!r}, GITTRACK_{SAMPLES}={samples!r}"
        raise InvalidValueError(message, hint="unset them, or set them to e.g. 10 and 1") from None


def _has_psutil() -> bool:
    return importlib.util.find_spec("psutil") is not None
