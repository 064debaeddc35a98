"""Heartbeats: how other clones see that a run which says it is running lost its host.

With each checkpoint a run says when it was alive last and how often it means to say so. Whoever fetched it
and hears nothing for several times that long can tell that it is lost.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.events import SideFileSet
from gittrack.core.jsonform import encode_compact
from gittrack.core.model import RunStatus

if TYPE_CHECKING:
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.live import LiveRun

HEARTBEAT = "heartbeat.json"
"""The side file with the last sign of life."""
MISSED_BEATS = 3
GRACE_S = 60.0
"""Beyond the missed beats: commits and exchanges take their time."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign of life."""

    time: int
    """Milliseconds since the epoch."""
    interval_s: float
    host: str

    def is_lost(self, now_ms: int) -> bool:
        """Whether too many of the following are missing."""
        return now_ms - self.time > (MISSED_BEATS * self.interval_s + GRACE_S) * 1000


def beat(live: LiveRun, interval_s: float) -> None:
    """Say that a run is alive.

    Raises:
        StoreError: The disk is full, or failed.
    """
    host = socket.gethostname().partition(".")[0]
    time = live.event_time()
    about = {"host": host, "interval_s": interval_s, "time": time}
    live.write(SideFileSet(HEARTBEAT, time, encode_compact(about)))


def find_heartbeat(client: Client, run: Run) -> Heartbeat | None:
    """Return the last sign of life of a run that says it is running, None if it gave none."""
    if run.status is not RunStatus.RUNNING:
        return None
    content = client.find_side_file(run.run_id, HEARTBEAT)
    try:
        about = json.loads(content or b"")
        return Heartbeat(int(about["time"]), float(about["interval_s"]), str(about["host"]))
    except (ValueError, TypeError, KeyError):
        return None
