"""IPython: ``%%gittrack`` makes a cell a run; ``%load_ext gittrack`` brings it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from gittrack.core.model import TRACEBACK_FILE, RunStatus
from gittrack.core.recording import parse_param, parse_tag
from gittrack.errors import UserError
from gittrack.fluent import active as fluent
from gittrack.fluent import current, endings
from gittrack.tracking.side_files import set_side_file

if TYPE_CHECKING:
    from collections.abc import Sequence

CELL = "cell.py"
TAG_CELL = "gittrack.cell"
OPTIONS = ("-p", "-t", "-x", "--nested")
USAGE = "%%gittrack [NAME] [-p KEY=VALUE]... [-t KEY=VALUE]... [-x EXPERIMENT] [--nested]"


def load(shell: Any) -> None:  # noqa: ANN401  (IPython's)
    """Register the magic with a shell, and complete its line."""

    def cell_magic(line: str, cell: str) -> None:
        run_cell(shell, line, cell)

    cell_magic.__doc__ = f"Run the cell as a run of gittrack.\n\n{USAGE}"
    shell.register_magic_function(cell_magic, magic_kind="cell", magic_name="gittrack")
    shell.set_hook("complete_command", _complete, str_key="%%gittrack")


def run_cell(shell: Any, line: str, cell: str) -> None:  # noqa: ANN401  (IPython's)
    """Run a cell as a run: what it logs goes there, its code is kept, an error fails it and is shown as ever.

    Raises:
        UserError: The line cannot be read.
    """
    name, params, tags, experiment, is_nested = _parse(line)
    experiment_id = None if experiment is None else current.get_or_create_experiment(experiment).experiment_id
    active = fluent.start_run(
        run_name=name, experiment_id=experiment_id, tags={**tags, TAG_CELL: "true"}, nested=is_nested
    )
    active.live.log_params(params)
    client = current.client()
    client.log_text(active.run_id, cell, CELL)
    result = shell.run_cell(cell)
    error = result.error_in_exec or result.error_before_exec
    if not any(one.run_id == active.run_id for one in current.active_runs.get()):
        return  # the cell ended it itself
    if error is None:
        fluent.end_run()
        return
    cause = endings.cause_of(error)
    set_side_file(client, active.run_id, TRACEBACK_FILE, cause.traceback.encode(errors="replace"))
    fluent.end_run((RunStatus.KILLED if isinstance(error, KeyboardInterrupt) else RunStatus.FAILED).value)


def _parse(line: str) -> tuple[str | None, dict[str, object], dict[str, object], str | None, bool]:
    words = shlex.split(line)
    name: str | None = None
    experiment: str | None = None
    params: dict[str, object] = {}
    tags: dict[str, object] = {}
    is_nested = False
    while words:
        word = words.pop(0)
        if word == "--nested":
            is_nested = True
        elif word in {"-p", "-t", "-x"} and words:
            value = words.pop(0)
            if word == "-x":
                experiment = value
            else:
                key, found = parse_param(value) if word == "-p" else parse_tag(value)
                (params if word == "-p" else tags)[key] = found
        elif word.startswith("-") or name is not None:
            message = f"%%gittrack cannot read {word!r}"
            raise UserError(message, hint=USAGE)
        else:
            name = word
    return name, params, tags, experiment, is_nested


def _complete(_shell: object, event: Any) -> Sequence[str]:  # noqa: ANN401  (IPython's)
    """Offer the options, names of experiments after ``-x``, and a made-up name for the run."""
    import os

    from gittrack.core.names import make_run_name

    words = event.line.split()
    if words and words[-1] == "-x" and event.line.endswith(" "):
        return [one.name for one in current.client().list_experiments()]
    return [*OPTIONS, make_run_name(int.from_bytes(os.urandom(6)))]
