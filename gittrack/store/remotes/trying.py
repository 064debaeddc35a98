"""Work at a remote that is done again where another try may help."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")

ATTEMPTS = 4
PAUSE_S = 0.2
"""The longest pause before the second attempt; it doubles with each."""
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of web servers that may be another one a moment later."""


def persist(work: Callable[[], Result], may_pass: Callable[[Exception], bool]) -> Result:
    """Return what ``work`` returns, trying a few times.

    Args:
        work: What to do; doing it again does no harm.
        may_pass: Whether what it raised may be gone a moment later.

    Raises:
        Exception: What the last attempt raised.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return work()
        except Exception as error:
            if not may_pass(error):
                raise
        time.sleep(random.uniform(0, PAUSE_S * 2**attempt))  # noqa: S311  (jitter)
    return work()
