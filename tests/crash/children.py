"""What the tests of this folder run in processes that die."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.errors import ConflictError
from gittrack.store import ref_lock
from gittrack.tracking.client import Client
from gittrack.tracking.in_place import restore_in_place, undo_in_place
from tests.crash.content_children import get, put, send

if TYPE_CHECKING:
    from collections.abc import Callable

MUTATIONS = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.link", "os.truncate"})
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def die_before_change(number: int, top: Path) -> None:
    """Kill this process at its ``number``-th change of a file under ``top`` (0: never, but count them)."""
    count = 0
    prefix = str(top)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        is_change = event in MUTATIONS or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITE_FLAGS
        )
        if event == "subprocess.Popen":  # the git program is about to change something
            is_change, arguments = True, (prefix,)
        if is_change and os.fsdecode(arguments[0] if not isinstance(arguments[0], int) else b"").startswith(
            prefix
        ):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    if number == 0:
        at_end.append(lambda: say("changes", count))


at_end: list[Callable[[], None]] = []


def say(*words: object) -> None:
    """Tell the parent, in one write, what was acknowledged."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def log_forever(repository: str) -> None:
    """Make run after run until somebody kills this process."""
    client = Client(repository)
    number = 0
    while True:
        number += 1
        run = client.create_run(run_name=f"run-{number}")
        say("start", run.run_id)
        client.log_param(run.run_id, "lr", number / 10)
        say("param", run.run_id, "lr", number / 10)
        live = client.live(run.run_id)
        for step in range(40):
            live.log_metrics({"loss": 1 / (step + 1), "acc": step / 40}, step)
            say("metric", run.run_id, step)
            if step == 20:
                client.log_content(run.run_id, b"%d" % number, "number.txt")
                say("artifact", run.run_id, "number.txt")
            if step % 16 == 15:
                client.checkpoint(run.run_id)
                say("checkpoint", run.run_id)
        client.set_tag(run.run_id, "done", "yes")
        say("tag", run.run_id)
        client.set_terminated(run.run_id)
        say("end", run.run_id)


def register_forever(repository: str) -> None:
    """Register version after version and promote each until somebody kills this process."""
    client = Client(repository)
    with suppress(ConflictError):
        client.create_registered_model("iris")
    while True:
        version = client.create_model_version("iris", f"s3://{os.getpid()}").version
        say("version", version)
        client.set_registered_model_alias("iris", "champion", version)
        say("champion", version)


def one_run(repository: str, number: int) -> None:
    """Write and end one run, dying at the given change of a file."""
    client = Client(repository)
    run = client.create_run(run_name="doomed")
    client.log_param(run.run_id, "lr", 0.5)
    for step in range(5):
        client.log_metric(run.run_id, "loss", 1 / (step + 1), step=step)
    client.log_content(run.run_id, b"content", "a.txt")
    say("logged", run.run_id)
    die_before_change(number, client.store.database.common_dir)  # type: ignore[union-attr]
    client.store.checkpoint(client.live(run.run_id).sink)
    client.log_metric(run.run_id, "loss", 0.0, step=5)
    say("more", run.run_id)
    client.set_terminated(run.run_id)
    say("end", run.run_id)
    client.close()


def recover(repository: str, number: int) -> None:
    """Open the repository, which finishes the runs of the dead, dying at the given change of a file."""
    die_before_change(number, Path(repository))
    client = Client(repository)
    say("recovered", len(client.list_runs()))
    client.close()


def restore(repository: str, number: int) -> None:
    """Restore the code of the only run in place, dying at the given change of a file or start of git."""
    client = Client(repository)
    run_id = client.list_runs()[0].run_id
    die_before_change(number, Path(repository))
    restore_in_place(client, run_id, stash=True)
    say("restored", run_id)


def undo(repository: str, number: int) -> None:
    """Undo that, dying likewise."""
    client = Client(repository)
    die_before_change(number, Path(repository))
    undo_in_place(client)
    say("undone")


def linger(repository: str) -> None:
    """Start a run and do nothing until the process is killed."""
    client = Client(repository)
    run = client.create_run(run_name="lingering")
    client.log_metric(run.run_id, "loss", 1.0)
    say("start", run.run_id)
    time.sleep(600)


STALE_LOCK_S = 0.2
"""Whose lock is this old is dead, among processes that live for a tenth of a second."""


def live_and_die(out: str, name: str, repository: str, *numbers: str) -> None:
    """Be a child: what is said goes to the file ``out``."""
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    ref_lock.STALE_S = STALE_LOCK_S
    roles: dict[str, Callable[..., None]] = {
        "log_forever": log_forever, "one_run": one_run, "recover": recover, "linger": linger,
        "restore": restore, "undo": undo, "put": put, "send": send, "get": get,
        "register_forever": register_forever,
    }  # fmt: skip
    status = 1
    try:
        roles[name](repository, *map(int, numbers))
        for call in at_end:
            call()
        status = 0
    finally:
        os._exit(status)


def nurse() -> None:
    """Fork a child for each line of arguments, answer with its id, and with its status once it is gone.

    A hundred children that import nothing by themselves are there in a second.
    """
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        if words[0] == "wait":
            _, status = os.waitpid(int(words[1]), 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            live_and_die(*words)
        print(child, flush=True)


if __name__ == "__main__":
    nurse()
