"""Alerts of runs: kept beside the run, and sent to a web address if somebody named one."""

from __future__ import annotations

import json
import os
import threading
import warnings
from typing import TYPE_CHECKING, Protocol

from gittrack.core.alerts import (
    FILE_PREFIX,
    MAX_TEXT,
    MAX_TITLE,
    TAG_ALERT,
    Alert,
    Level,
    decode_alert,
    encode_alert,
    is_alert_file,
)
from gittrack.core.names import shorten
from gittrack.errors import InvalidValueError
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

TIMEOUT_S = 10.0


def alert(
    client: Client,
    run_id: str,
    title: str,
    text: str = "",
    *,
    level: str = "INFO",
    webhook: str | None = None,
) -> Alert:
    """Call attention to a run: listings, pages and the log of the hidden branch show it.

    Args:
        client: Where the run is.
        run_id: The run.
        title: One line.
        text: More, in plain text.
        level: ``INFO``, ``WARN`` or ``ERROR``.
        webhook: Where to send it too, as JSON with ``text``, in the background; it is kept nowhere.

    Raises:
        RunNotFoundError: There is none with this id.
        InvalidValueError: The title, level or address is none.
        StoreError: The disk is full, or failed.
    """
    made = Alert(_check_title(title), str(text)[:MAX_TEXT], _check_level(level), now_ms())
    if webhook is not None and not webhook.startswith(("https://", "http://")):
        message = f"{shorten(webhook)} is no web address"
        raise InvalidValueError(message, hint="it begins with https://")
    # A file for each: two hosts that alert at once keep both.
    name = f"{FILE_PREFIX}{made.time:012x}-{os.urandom(4).hex()}.json"
    client.set_side_file(run_id, name, encode_alert(made))
    client.set_tag(run_id, TAG_ALERT, made.line)
    if webhook is not None:
        _send(client.get_run(run_id), made, webhook)
    return made


class SideFiles(Protocol):
    """Whatever knows the small files that lie beside runs."""

    def list_side_files(self, run_id: str) -> Sequence[str]:
        """Return the names of a run's."""

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return the content of one."""


def list_alerts(source: SideFiles, run: Run) -> list[Alert]:
    """Return the alerts of a run, oldest first; most runs have none, and cost nothing."""
    if TAG_ALERT not in run.tags:
        return []
    names = [name for name in source.list_side_files(run.run_id) if is_alert_file(name)]
    contents = (source.find_side_file(run.run_id, name) for name in names)
    found = (decode_alert(content) for content in contents if content is not None)
    return sorted((one for one in found if one is not None), key=lambda one: one.time)


def _send(run: Run, made: Alert, webhook: str) -> None:
    about = {
        "text": f"{made.line} ({run.name})\n{made.text}".rstrip(),
        "title": made.title,
        "level": made.level.value,
        "time": made.time,
        "run_id": run.run_id,
        "run_name": run.name,
    }
    # No daemon: the last alert of a run that crashes is the one that matters.
    threading.Thread(target=_post, args=(webhook, json.dumps(about).encode()), name="gittrack-alert").start()


def _post(webhook: str, body: bytes) -> None:
    from urllib.request import Request, urlopen

    request = Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310  (checked by alert)
    try:
        with urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return
    except (OSError, ValueError) as error:
        # The address may hold a secret, so it is not said.
        warnings.warn(f"an alert is kept, but could not be sent: {error}", stacklevel=1)


def _check_title(title: object) -> str:
    if not isinstance(title, str) or not title.strip():
        message = f"an alert needs a title, not {title!r}"
        raise InvalidValueError(message, hint="alert('loss is NaN', 'since step 300', level='ERROR')")
    return " ".join(title.split())[:MAX_TITLE]


def _check_level(level: object) -> Level:
    try:
        return Level({"WARNING": "WARN"}.get(str(level).upper(), str(level).upper()))
    except ValueError:
        message = f"{level!r} is no level of an alert"
        raise InvalidValueError(message, hint="one of INFO, WARN and ERROR") from None
