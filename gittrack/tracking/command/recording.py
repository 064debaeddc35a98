"""The run of a command that runs already: begun, told what happens, and ended as the command ended.

Nothing here may cost the command anything: what fails is said, and the rest goes on.
"""

from __future__ import annotations

import json
import os
import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.jsonform import encode_document
from gittrack.core.model import DEFAULT_EXPERIMENT_ID, TAG_NOTE, TAG_PARENT, TAG_SOURCE_NAME, RunStatus
from gittrack.core.secrets import redact_arguments, secret_values
from gittrack.errors import GittrackError
from gittrack.tracking.command.files import find_hydra_folders, log_hydra, log_matches
from gittrack.tracking.open import read_setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client
    from gittrack.tracking.command.child import Ending
    from gittrack.tracking.command.metrics import MetricReader
    from gittrack.tracking.command.output import Output
    from gittrack.tracking.command.run import Command, Place
    from gittrack.tracking.live import LiveRun
    from gittrack.tracking.system.monitor import Monitor

TAG_COMMAND = "gittrack.command"
TAG_FOLDER = "gittrack.cwd"
TAG_EXIT_CODE = "gittrack.exitCode"
TAG_SIGNAL = "gittrack.signal"


class Recording:
    """Records one start of a command."""

    def __init__(
        self, place: Place, command: Command, run_id: str, began: float, complain: Callable[[str], None]
    ) -> None:
        """Record at ``place``; ``began`` is when the command started (s), ``complain`` hears what fails."""
        self._place = place
        self._command = command
        self._run_id = run_id
        self._began = began
        self._complain = complain
        self._begun: tuple[Client, LiveRun] | None = None
        self._monitor: Monitor | None = None

    def begin(self, pid: int, metrics: MetricReader) -> None:
        """Begin the run of the command whose process is ``pid``, if it can be recorded."""
        try:
            client = self._place.open()
            run = client.create_run(
                self._place.experiment_id or experiment_of_environment(client),
                int(self._began * 1000),
                self._tags(),
                self._command.name,
                run_id=self._run_id,
            )
            live = client.live(run.run_id)
            self._try("note how it was started", partial(self._note_start, client, live))
            live.log_params(self._command.params)
        except GittrackError as error:
            self._complain(f"the command is not recorded: {error.message}")
            return
        self._begun = client, live
        metrics.begin(live)
        if self._command.sampling is not None:
            from gittrack.tracking.system.monitor import Monitor

            self._monitor = Monitor(live, self._command.sampling, pid=pid)

    def note_signal(self, name: str) -> None:
        """Note that a signal was passed on."""
        if self._begun is not None:
            self._try("note a signal", partial(self._begun[1].set_tags, {TAG_SIGNAL: name}))

    def end(self, ending: Ending, output: Output) -> Run | None:
        """Take in what the command left, and end its run; return it, None if it is not recorded."""
        if self._monitor is not None:
            self._monitor.stop()
        if output.problem:
            self._complain(f"the output is not kept as a whole: {output.problem}")
        if self._begun is None:
            return None
        status, reason = judge(ending)
        client, live = self._begun
        self._collect(client, live)
        self._try("keep the output", partial(output.store, client, self._run_id))
        self._try("note the exit code", partial(live.set_tags, {TAG_EXIT_CODE: str(ending.code)}))
        self._try("end the run", partial(client.set_terminated, self._run_id, status.value, reason=reason))
        return live.run

    def _note_start(self, client: Client, live: LiveRun) -> None:
        """Note command, folder and variables; a Python that joins the run knows more, and says it later."""
        from gittrack.tracking.provenance import Provenance, describe_start, record_provenance

        about = describe_start(client.code.top, self._command.argv, os.environ)
        record_provenance(client.store, live, Provenance(encode_document(about)))

    def _tags(self) -> dict[str, str]:
        argv = redact_arguments(self._command.argv, secret_values(os.environ))
        system = {
            TAG_COMMAND: json.dumps(argv, ensure_ascii=False),
            TAG_FOLDER: str(Path.cwd()),
            TAG_SOURCE_NAME: shlex.join(argv),
            TAG_NOTE: self._command.note,
            TAG_PARENT: self._command.parent,
        }
        return {**{key: value for key, value in system.items() if value is not None}, **self._command.tags}

    def _collect(self, client: Client, live: LiveRun) -> None:
        """Take in what the command left: Hydra's configurations, and files by their names."""
        for folder in find_hydra_folders(Path.cwd(), self._began - 1):
            self._try("read Hydra's params", partial(log_hydra, client, live, folder))
        for pattern in self._command.globs:
            self._try("log files", partial(log_matches, client, self._run_id, pattern))

    def _try(self, action: str, do: Callable[[], object]) -> None:
        """Do something that must not cost the command its run; say so if it fails."""
        try:
            do()
        except (GittrackError, OSError) as error:
            self._complain(f"could not {action}: {getattr(error, 'message', error)}")


def judge(ending: Ending) -> tuple[RunStatus, str | None]:
    """Return the status of a run whose command ended so, and why it has it."""
    if ending.received and not (ending.received == "SIGINT" and ending.code == 0):
        return RunStatus.KILLED, ending.received
    if ending.signal:
        return RunStatus.FAILED, f"ended by {ending.signal}"
    if ending.code:
        return RunStatus.FAILED, f"exit code {ending.code}"
    return RunStatus.FINISHED, None


def experiment_of_environment(client: Client) -> str:
    """Return the experiment that the environment names, by name or id, else the default one.

    Raises:
        ExperimentNotFoundError: It has an id and there is none.
    """
    if name := read_setting("EXPERIMENT_NAME"):
        from gittrack.tracking.select import find_or_create_experiment

        return find_or_create_experiment(client, name)
    if chosen := read_setting("EXPERIMENT_ID"):
        from gittrack.tracking.select import find_experiment

        return find_experiment(client, chosen).experiment_id
    return DEFAULT_EXPERIMENT_ID
