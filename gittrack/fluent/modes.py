"""Switching off all recording in this process, as tests of a training want it."""

from __future__ import annotations

import os

from gittrack.errors import RunStateError
from gittrack.fluent.current import active_runs, forget_client
from gittrack.tracking.open import MODE, Mode


def disable() -> None:
    """Record nothing from now on, here and in child processes; every function still works and checks.

    Raises:
        RunStateError: A run is active.
    """
    _switch(Mode.DISABLED)


def enable() -> None:
    """Record again after `disable`, or in spite of ``GITTRACK_MODE``.

    Raises:
        RunStateError: A run is active.
    """
    _switch(Mode.ON)


def _switch(mode: Mode) -> None:
    if active_runs.get():
        message = "cannot switch recording while a run is active"
        raise RunStateError(message, hint="end_run() first")
    forget_client()
    os.environ[MODE] = mode.value
