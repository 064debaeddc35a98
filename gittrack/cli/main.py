"""The entry of ``gittrack`` and ``git track``: runs a command, turns every error into a line and a status."""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import sys
from typing import TYPE_CHECKING

from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from collections.abc import Sequence

STATUS_FAILURE, STATUS_USAGE, STATUS_STORE = 1, 2, 6
STATUS_INTERRUPTED = 130
GARBAGE_THRESHOLD = 50_000
"""Objects before the collector looks for cycles: most commands end before, and start 7 % sooner for it."""
STATUS_BROKEN_PIPE = 141
"""What a shell reports of a program that the end of a pipe stopped, as of ``git log``."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status."""
    gc.set_threshold(GARBAGE_THRESHOLD)
    status = run(sys.argv[1:] if arguments is None else arguments)
    gc.freeze()  # nor does it look for them as the process ends, which would take as long as to start
    with contextlib.suppress(BrokenPipeError):
        sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run a command; return its status: see the exit codes in the help."""
    # A shell may start a program without them (`>&-`); what is printed goes nowhere then.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  (before pathlib)
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        status = _invoke(list(arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return STATUS_INTERRUPTED
    except GittrackError as error:
        from gittrack.cli.complain import complain

        complain(error.message, error.hint)
        return error.exit_code
    except OSError as error:
        return _report_output_error(error)
    return status


def _invoke(arguments: list[str]) -> int:
    import click

    from gittrack.cli.complain import complain_of_usage
    from gittrack.cli.root import root

    program = "git track" if os.path.basename(sys.argv[0]) == "git-track" else "gittrack"  # noqa: PTH119  (fast)
    if instruction := os.environ.get("_GITTRACK_COMPLETE"):
        from click.shell_completion import shell_complete

        return shell_complete(root, {}, program, "_GITTRACK_COMPLETE", instruction)
    try:
        with root.make_context(program, arguments) as context:
            result = root.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        return complain_of_usage(error)
    return result if isinstance(result, int) else 0


def _report_output_error(error: OSError) -> int:
    # What could not be written must not be tried again when Python closes its streams.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno in {errno.EPIPE, errno.ESHUTDOWN}:
        return STATUS_BROKEN_PIPE
    from gittrack.cli.complain import complain

    where = f" {error.filename!r}" if error.filename else ""
    complain(f"{(error.strerror or str(error)).lower()}{where}", None)
    return STATUS_STORE
