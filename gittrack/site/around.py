"""What happened around a run, for its page: alerts, the traceback that ended it, what its command printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.console import CONSOLE_FILE, TAG_CONSOLE, Line, parse_lines
from gittrack.core.frozen import dataclass
from gittrack.core.model import TRACEBACK_FILE, RunStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.alerts import Alert
    from gittrack.core.model import Run
    from gittrack.site.source import Source

SHOWN_LINES = 1000


@dataclass(frozen=True, slots=True)
class Around:
    """What lies beside a run and its page shows."""

    alerts: Sequence[Alert]
    """Oldest first."""
    traceback: str | None
    console: Sequence[Line]
    """The last lines of what is kept."""
    hidden: int
    """Lines before them."""


def read_around(source: Source, run: Run, alerts: Sequence[Alert]) -> Around:
    """Read what lies beside a run besides its alerts; most runs have nothing, and cost nothing.

    Raises:
        StoreError: The source cannot be read.
    """
    lines = _read_console(source, run) if TAG_CONSOLE in run.tags else []
    trace = None
    if run.status in {RunStatus.FAILED, RunStatus.KILLED}:
        content = source.find_side_file(run.run_id, TRACEBACK_FILE)
        trace = None if content is None else content.decode("utf-8", "replace")
    return Around(
        alerts,
        trace,
        lines[-SHOWN_LINES:],
        max(len(lines) - SHOWN_LINES, 0),
    )


def _read_console(source: Source, run: Run) -> list[Line]:
    content = source.find_side_file(run.run_id, CONSOLE_FILE)
    return [] if content is None else list(parse_lines(content.decode("utf-8", "replace")))
