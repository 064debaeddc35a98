"""Python's collector of cycles kept from looking at what a build holds on to: all runs, again and again."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


_PATIENCE = 20_000
"""Objects made since the last collection that make the next one worth its time."""


@contextmanager
def uncollected() -> Iterator[Callable[[], None]]:
    """Let no collection begin until the block calls what it is given, and none look at what was there then.

    With 10,000 runs that is a third of the time that it takes to read them. Later collections are rare. After
    the block all is as before.
    """
    was_enabled, is_free = gc.isenabled(), gc.get_freeze_count() == 0
    thresholds = gc.get_threshold()
    gc.disable()

    def settle() -> None:
        if is_free:
            gc.freeze()
        if was_enabled:
            gc.set_threshold(max(_PATIENCE, thresholds[0]), *thresholds[1:])
            gc.enable()

    try:
        yield settle
    finally:
        gc.set_threshold(*thresholds)
        if was_enabled:
            gc.enable()
        if is_free:
            gc.unfreeze()
