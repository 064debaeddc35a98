"""Alerts: what a run calls people's attention to."""

from __future__ import annotations

import json
from enum import StrEnum

from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import encode_compact

TAG_ALERT = "gittrack.alert"
"""The tag of a run that says its latest alert, so that listings need not look for it."""
FILE_PREFIX = "alert-"
MAX_TITLE = 200
MAX_TEXT = 10_000


class Level(StrEnum):
    """How bad it is."""

    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert."""

    title: str
    text: str
    level: Level
    time: int
    """Milliseconds since the epoch."""

    @property
    def line(self) -> str:
        """Level and title, as listings show it."""
        return f"{self.level.value}: {self.title}"


def encode_alert(alert: Alert) -> bytes:
    """Return an alert as the content of its side file."""
    about = {"title": alert.title, "text": alert.text, "level": alert.level.value, "time": alert.time}
    return encode_compact(about)


def decode_alert(content: bytes) -> Alert | None:
    """Return the alert of a side file, None if this version does not know it."""
    try:
        about = json.loads(content)
        return Alert(str(about["title"]), str(about["text"]), Level(about["level"]), int(about["time"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def is_alert_file(name: str) -> bool:
    """Whether a side file of that name holds an alert."""
    return name.startswith(FILE_PREFIX) and name.endswith(".json")
