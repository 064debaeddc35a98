"""What happened around a run: signs of life, alerts, the traceback that ended it, what was printed."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.complain import tell, warn
from gittrack.cli.listing import printable, printable_lines
from gittrack.cli.sections import print_more, print_title
from gittrack.cli.times import show_age, show_time
from gittrack.core.console import parse_lines
from gittrack.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.alerts import Alert
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.heartbeat import Heartbeat
    from gittrack.tracking.lineage import Use

SHOWN_LINES = 10
"""Of the output, from its end."""
SHOWN_ALERTS = 10
SHOWN_USES = 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beside the run itself."""

    heartbeat: Heartbeat | None
    alerts: Sequence[Alert]
    traceback: str | None
    console: str | None
    inputs: Sequence[Use]
    """Artifacts of other runs that it used."""
    users: Sequence[Use]
    """Who used its artifacts."""


def read_surroundings(client: Client, run: Run, console: str | None) -> Surroundings:
    """Read what is beside a run; ``console`` is what its command printed."""
    from gittrack.core.model import TRACEBACK_FILE
    from gittrack.tracking.alerts import list_alerts
    from gittrack.tracking.heartbeat import find_heartbeat
    from gittrack.tracking.lineage import list_inputs, list_users

    trace = client.find_side_file(run.run_id, TRACEBACK_FILE)
    return Surroundings(
        find_heartbeat(client, run),
        list_alerts(client, run),
        None if trace is None else trace.decode("utf-8", "replace"),
        console,
        list_inputs(client, run),
        list_users(client, run),
    )


def describe_surroundings(found: Surroundings) -> dict[str, Any]:
    """Return what is beside a run for ``--json``."""
    return {
        "heartbeat": None if found.heartbeat is None else found.heartbeat.time,
        "alerts": [
            {"level": one.level.value, "title": one.title, "text": one.text, "time": one.time}
            for one in found.alerts
        ],
        "traceback": found.traceback,
        "console": found.console,
        "used": [asdict(one) for one in found.inputs],
        "used_by": [asdict(one) for one in found.users],
    }


def print_surroundings(run: Run, found: Surroundings) -> None:
    """Print what is beside a run for people."""
    beat = found.heartbeat
    if beat is not None and beat.is_lost(time.time_ns() // 1_000_000):
        warn(
            f"{printable(run.name)} may be lost: its last sign of life came {show_age(beat.time)} "
            f"from {printable(beat.host)}"
        )
    _print_uses("used", found.inputs)
    _print_uses("used by", found.users)
    if found.alerts:
        print_title("alerts")
        for alert in found.alerts[-SHOWN_ALERTS:]:
            click.echo(f"{show_time(alert.time)}  {printable(alert.line)}")
            if alert.text:
                click.echo("\n".join(f"    {line}" for line in printable_lines(alert.text).splitlines()))
    if found.traceback:
        print_title("traceback")
        click.echo(printable_lines(found.traceback))
    if found.console:
        print_title("console")
        lines = [line.text for line in parse_lines(found.console)]
        if len(lines) > SHOWN_LINES:
            tell(f"the last {SHOWN_LINES} of {len(lines):,} lines; --console shows all that is kept")
        click.echo(printable_lines("\n".join(lines[-SHOWN_LINES:])))


def _print_uses(title: str, uses: Sequence[Use]) -> None:
    if not uses:
        return
    print_title(title)
    for one in uses[:SHOWN_USES]:
        note = {True: "", False: "  (changed since)", None: "  (not here)"}[one.is_current]
        click.echo(f"{printable(one.name)}  {printable(one.path or '(everything)')}{note}")
    print_more(len(uses) - SHOWN_USES)


def print_console(run: Run, console: str | None) -> None:
    """Print what a run's command printed.

    Raises:
        NotFoundError: It was not kept.
    """
    if console is None:
        message = f"run {run.name!r} has no output"
        raise NotFoundError(message, hint="`gittrack run -- CMD` keeps what a command prints")
    click.echo(printable_lines(console))
