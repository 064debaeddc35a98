"""Children that store, send and fetch content until they are killed."""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

from gittrack.store import unhashed
from gittrack.tracking.client import Client
from gittrack.tracking.sync import pull, push

SIZE = 1_600_000
"""Two chunks at least, and more than a push leaves unpacked."""
LARGE_FILES = ("a", "b", "c")
SMALL_FILES = tuple(f"small-{number}" for number in range(40))
"""More than a run's commit has room for: most are stored in one pack."""


@cache
def content(number: int) -> bytes:
    """Return what the run of a number holds; half of it is what all others hold too."""
    return random.Random(0).randbytes(SIZE // 2) + random.Random(number).randbytes(SIZE // 2)


def folder_content(number: int, name: str) -> bytes:
    """Return what the folder of a run's number holds under a name."""
    return content(number)[-70_000 if name in LARGE_FILES else -40_000 :] + name.encode()


def put(repository: str, number: int) -> None:
    """Log a run with a linked file, a file and a folder of small ones."""
    client = Client(repository)
    folder = Path(repository).parent / f"source-{number}"
    folder.mkdir(exist_ok=True)
    for name in LARGE_FILES + SMALL_FILES:
        (folder / name).write_bytes(folder_content(number, name))
    (folder / "model.bin").write_bytes(content(number))
    linked_file = folder.with_name(f"{folder.name}-linked.bin")
    linked_file.write_bytes(content(number)[::-1])
    unhashed.LONG_BYTES = SIZE
    run = client.create_run(run_name=f"run-{number}")
    client.log_artifact(run.run_id, linked_file, link=True)
    linked_file.unlink()
    client.log_artifact(run.run_id, folder / "model.bin")
    os.write(1, f"stored {run.run_id} {number}\n".encode())
    client.log_artifacts(run.run_id, folder, "all")
    client.set_terminated(run.run_id)
    os.write(1, f"ended {run.run_id} {number}\n".encode())


def send(repository: str) -> None:
    """Push all there is."""
    client = Client(repository)
    push(client, "origin")
    os.write(1, b"pushed\n")


def get(repository: str) -> None:
    """Pull, and write the files of every run that has any at the remote to a folder beside the repository."""
    client = Client(repository)
    pull(client, "origin")
    for run in client.list_runs():
        client.download_artifacts(run.run_id, "", Path(repository).parent / "out" / run.name)
    os.write(1, b"got\n")
