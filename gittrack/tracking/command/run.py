"""A command as a run, tried again if it may: what happens in which order.

The command starts as soon as it is known how, since to open the repository takes longer than many commands
do. Then what it prints is passed on, and what recording needs is loaded while it runs. A repository that
cannot be written costs the recording, never the command.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import field, replace
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.names import check_name, make_run_id
from gittrack.tracking.command import child as processes
from gittrack.tracking.command.join import join_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gittrack.core.line_metrics import Pattern
    from gittrack.core.model import ParamValue, Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.system.settings import Sampling

TAG_ATTEMPT = "gittrack.attempt"
TAG_RETRY_OF = "gittrack.retryOf"
KILL_AFTER_S = 25.0
"""Schedulers kill 30 s after they ask: so there is time to record."""
PROBLEMS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Command:
    """A command and what is recorded of it."""

    argv: Sequence[str]
    name: str | None = None
    note: str | None = None
    parent: str | None = None
    """Run id."""
    params: Mapping[str, ParamValue] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[Pattern] = ()
    """How metrics look in the output."""
    metrics_fd: int | None = None
    """A descriptor that the command writes metrics to, as JSON lines."""
    globs: Sequence[str] = ()
    """Which files are artifacts at the end."""
    kill_after_s: float = KILL_AFTER_S
    sampling: Sampling | None = None
    """How to sample the machine and the command's processes; not at all if None."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is recorded."""

    open: Callable[[], Client]
    """Opens the repository; called once the command runs."""
    folder: Path
    """The repository, or a folder in it."""
    experiment_id: str | None = None
    """The one that the environment names, or the default one, if None."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command went."""

    code: int
    """What the shell shall see."""
    run: Run | None
    """None if it could not be recorded."""
    is_ended: bool
    """Whether a signal ended it from outside, so that trying again is no use."""


def run_command(
    place: Place,
    command: Command,
    *,
    environment: Mapping[str, str],
    warn: Callable[[str], None],
    retries: int = 0,
) -> Outcome:
    """Run a command, again if it fails and may; each attempt is a run of its own.

    Args:
        place: Where to record it.
        command: What to run.
        environment: Of the command, before it is told to join the run.
        warn: Called with what went wrong without ending the command.
        retries: How often a command that fails may be tried again.

    Raises:
        CommandNotFoundError: There is no such program; then nothing is recorded.
        CommandNotRunnableError: The system refuses to run it; the same.
        UserError: The name cannot be stored.
    """
    processes.check_command(command.argv)
    if command.name is not None:
        check_name("run", command.name)
    first: str | None = None
    attempt = 1
    while True:
        extra = {TAG_ATTEMPT: str(attempt)} if retries else {}
        if first is not None:
            extra[TAG_RETRY_OF] = first
        tried = replace(command, tags={**command.tags, **extra})
        outcome = _attempt(place, tried, environment, warn)
        if outcome.code == 0 or outcome.is_ended or attempt > retries:
            return outcome
        attempt += 1
        first = first or (outcome.run.run_id if outcome.run else None)
        warn(f"it failed with exit code {outcome.code}; attempt {attempt} of {retries + 1} follows")


def inherited_environment() -> dict[str, str]:
    """Return a copy of this process's environment."""
    return dict(os.environ)


def _attempt(
    place: Place, command: Command, environment: Mapping[str, str], warn: Callable[[str], None]
) -> Outcome:
    began = time.time()
    run_id = make_run_id(int(began * 1000), os.urandom(10))
    joined = join_environment(
        run_id,
        environment,
        str(place.folder),
        place.experiment_id,
        command.metrics_fd,
        program=command.argv[0],
    )
    before = processes.block_signals()  # the threads that follow shall not take them either
    try:
        child = processes.start(command.argv, joined, metrics_fd=command.metrics_fd)
        return _record(place, command, child, run_id, began, _limit(warn))
    finally:
        processes.unblock_signals(before)


def _record(
    place: Place,
    command: Command,
    child: processes.Child,
    run_id: str,
    began: float,
    complain: Callable[[str], None],
) -> Outcome:
    """Pass on and record what a command does that runs already."""
    from gittrack.tracking.command.metrics import MetricReader
    from gittrack.tracking.command.output import Output, output_folder
    from gittrack.tracking.command.pump import METRICS, Pump

    metrics = MetricReader(command.patterns, complain)

    def keep(stream: str, data: bytes) -> None:
        if stream == METRICS:
            metrics.read_lines(data)
            return
        output.keep(time.time_ns() // 1_000_000, stream, data)
        metrics.read_output(stream, data)

    with closing(Output(output_folder(place.folder, run_id))) as output:
        pump = Pump(child, keep)
        pump.start()
        from gittrack.tracking.command.recording import Recording

        recording = Recording(place, command, run_id, began, complain)
        recording.begin(child.pid, metrics)
        ending = processes.wait(child, kill_after_s=command.kill_after_s, on_signal=recording.note_signal)
        pump.finish()
        metrics.finish()
        run = recording.end(ending, output)
    return Outcome(ending.code, run, ending.received is not None)


def _limit(warn: Callable[[str], None]) -> Callable[[str], None]:
    """Return a way to warn that is quiet after a few times."""
    count = 0

    def complain(message: str) -> None:
        nonlocal count
        count += 1
        if count <= PROBLEMS_SHOWN:
            warn(message)
        elif count == PROBLEMS_SHOWN + 1:
            warn("more of this kind is not shown")

    return complain
