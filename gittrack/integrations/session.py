"""The run that a framework's callback logs to: the active one, or one of its own, which it ends.

A callback is a guest in a training: what cannot be logged is warned of once, and the training goes on.
"""

from __future__ import annotations

import os
import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gittrack.core.model import TAG_PARENT, RunStatus
from gittrack.core.names import MAX_KEY_LENGTH
from gittrack.errors import GittrackError
from gittrack.fluent import active as fluent
from gittrack.fluent import current

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.live import LiveRun

STRICT = "GITTRACK_STRICT"
"""The environment variable that makes every failure an error, for tests."""

_NOT_ALLOWED = re.compile(r"[^/\w.\- :]")
_EMPTY_PART = re.compile(r"(^|/)(?=/|$)")


class Session:
    """Logs to one run, as long as a training lasts."""

    def __init__(self) -> None:
        """Begin without a run; `start` chooses it."""
        self._live: LiveRun | None = None
        self._client: Client | None = None
        self._is_own = False
        self._has_warned = False

    @property
    def run_id(self) -> str | None:
        """The run, None before `start`."""
        return None if self._live is None else self._live.run_id

    def start(self, run_name: str | None = None, tags: Mapping[str, object] | None = None) -> None:
        """Log to the active run from now on, or to a new one that becomes active."""
        if self._live is not None:
            return
        with self.guard():
            if (active := fluent.active_run()) is None:
                active = fluent.start_run(run_name=run_name, tags=tags)
                self._is_own = True
            self._client, self._live = current.client(), active.live

    def start_child(self, parent_id: str | None, run_name: str, tags: Mapping[str, object]) -> None:
        """Log to a new child run from now on, whatever thread goes on."""
        with self.guard():
            client = current.client()
            parent = {} if parent_id is None else {TAG_PARENT: parent_id}
            experiment_id = (
                current.active_experiment_id()
                if parent_id is None
                else client.get_run(parent_id).experiment_id
            )
            run = client.create_run(experiment_id, None, {**tags, **parent}, run_name)
            self._client, self._live, self._is_own = client, client.live(run.run_id), True

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log those values that are numbers, under keys that may be stored."""
        if self._live is None:
            return
        numbers = {
            clean_key(key): number for key, value in metrics.items() if (number := _number(value)) is not None
        }
        with self.guard():
            self._live.log_metrics(numbers, step)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log params that the run does not have yet."""
        if self._live is None:
            return
        with self.guard():
            known = self._live.params
            new = {clean_key(key): value for key, value in params.items()}
            self._live.log_params({key: value for key, value in new.items() if key not in known})

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags."""
        if self._live is not None:
            with self.guard():
                self._live.set_tags({clean_key(key): value for key, value in tags.items()})

    def log_artifact(self, path: str | os.PathLike[str], folder: str | None = None) -> None:
        """Store a file, or a folder under its own name."""
        if self._live is not None and self._client is not None:
            with self.guard():
                self._client.log_artifact(self._live.run_id, path, folder)

    def end(self, status: RunStatus = RunStatus.FINISHED, reason: str | None = None) -> Run | None:
        """End the run if it is our own; return it then."""
        live, client, self._live = self._live, self._client, None
        if live is None or client is None or not self._is_own:
            return None
        with self.guard():
            active = fluent.active_run()
            if active is not None and active.run_id == live.run_id:
                fluent.end_run(status.value)
            else:
                return client.set_terminated(live.run_id, status.value, reason=reason)
        return None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Let nothing that gittrack cannot do end the training."""
        try:
            yield
        except GittrackError as error:
            if os.environ.get(STRICT):
                raise
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(f"gittrack: not everything is logged: {error}", stacklevel=3)


def clean_key(key: object) -> str:
    """Return a key as it may be stored: frameworks' own have characters that MLflow's rules forbid."""
    text = _NOT_ALLOWED.sub("_", str(key)).replace("..", "_")
    return _EMPTY_PART.sub(r"\1_", text)[:MAX_KEY_LENGTH]


def _number(value: Any) -> float | None:  # noqa: ANN401  (whatever a framework reports)
    if isinstance(value, (str, bytes, dict, list, tuple)) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
