"""Whether a metric may pass: against a baseline, with a tolerance, and within limits."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from gittrack.errors import InvalidValueError

_TOLERANCE = re.compile(r"(?P<size>\d+(?:\.\d*)?|\.\d+)(?P<share>%?)")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much a value may be worse."""

    size: float = 0.0
    is_share: bool = False
    """Whether ``size`` is a share of the baseline, rather than a distance from it."""

    def of(self, baseline: float) -> float:
        """Return the distance from a baseline that is still good enough."""
        return abs(baseline) * self.size if self.is_share else self.size


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a gate says of one value."""

    value: float
    baseline: float | None
    passes: bool
    reasons: tuple[str, ...]
    """Why it does not pass."""


def parse_tolerance(text: str) -> Tolerance:
    """Read ``0.01`` or ``1%``.

    Raises:
        InvalidValueError: It is neither.
    """
    match = _TOLERANCE.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is no tolerance"
        raise InvalidValueError(message, hint="write a distance such as 0.01, or a share such as 1%")
    size = float(match["size"])
    return Tolerance(size / 100 if match["share"] else size, is_share=bool(match["share"]))


def judge(
    value: float,
    baseline: float | None,
    *,
    lower: bool,
    tolerance: Tolerance | None = None,
    least: float | None = None,
    most: float | None = None,
) -> Judgement:
    """Return whether ``value`` is no worse than ``baseline``, and within the limits; NaN never passes."""
    tolerance = tolerance or Tolerance()
    reasons = []
    if math.isnan(value):
        reasons.append("it is not a number")
    if baseline is not None and not math.isnan(baseline):
        room = tolerance.of(baseline)
        # Compared as Python sees them: a distance of exactly the tolerance passes.
        worse = value > baseline + room if lower else value < baseline - room
        if worse:
            reasons.append(f"worse than {baseline!r}" + (f" by more than {room:.4g}" if room else ""))
    if least is not None and value < least:
        reasons.append(f"less than {least!r}")
    if most is not None and value > most:
        reasons.append(f"more than {most!r}")
    return Judgement(value, baseline, not reasons, tuple(reasons))
