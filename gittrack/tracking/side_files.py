"""Side files: small files that lie beside a run's document in the hidden branch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.events import SideFileSet
from gittrack.core.names import check_run_id, check_side_file_name
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

MAX_SIDE_FILE_BYTES = 4 << 20
"""More belongs into an artifact: side files come with every fetch."""


def set_side_file(client: Client, run_id: str, name: str, content: bytes) -> None:
    """Put a small file beside a run's document, whether it is live or has ended; the last content wins.

    Args:
        client: Of the store.
        run_id: The run.
        name: E.g. ``console.txt``; lowercase, without folders.
        content: At most 4 MiB.

    Raises:
        RunNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        InvalidNameError: The name cannot be stored.
        InvalidValueError: There is too much of it.
        StoreError: The disk is full, or failed.
    """
    check_side_file_name(name)
    if len(content) > MAX_SIDE_FILE_BYTES:
        message = f"{len(content):,} bytes are too many for the side file {name!r}"
        raise InvalidValueError(message, hint="store it as an artifact: log_artifact()")
    client.edit(run_id, lambda time: SideFileSet(name, time, content))


def delete_side_file(client: Client, run_id: str, name: str) -> None:
    """Remove a side file of a run; one that is not there is no error.

    Raises:
        RunNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        InvalidNameError: The name is none.
        StoreError: The disk is full, or failed.
    """
    check_side_file_name(name)
    if find_side_file(client, run_id, name) is not None:
        client.edit(run_id, lambda time: SideFileSet(name, time, None))


def find_side_file(client: Client, run_id: str, name: str) -> bytes | None:
    """Return the content of a run's side file, None if there is no such run or file.

    Raises:
        InvalidNameError: The id or name is none.
    """
    return client.store.find_side_file(check_run_id(run_id), check_side_file_name(name))


def list_side_files(client: Client, run_id: str) -> list[str]:
    """Return the names of a run's side files, sorted.

    Raises:
        InvalidNameError: The id is none.
    """
    return client.store.list_side_files(check_run_id(run_id))
