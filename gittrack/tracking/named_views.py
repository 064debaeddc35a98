"""Named views of the site, kept in a file of the work tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.views import VIEWS_FILE, check_name, decode_views, encode_views, parse_address
from gittrack.errors import NotFoundError, StoreError, UserError
from gittrack.store.disk import replace_file

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.tracking.client import Client


def list_views(client: Client) -> dict[str, str]:
    """Return name → address of each view, by their names.

    Raises:
        StoreError: The file cannot be read.
        UserError: There is no work tree, or the file is none of views.
    """
    return _read(_file(client))


def save_view(client: Client, name: str, address: str) -> None:
    """Name the view that an address shows, in place of what had this name.

    Raises:
        StoreError: The file cannot be read or written; it is as it was.
        UserError: There is no work tree, or the name or the address is none of a view.
    """
    file = _file(client)
    _write(file, {**_read(file), check_name(name): parse_address(address)})


def remove_view(client: Client, name: str) -> None:
    """Forget the name of a view.

    Raises:
        NotFoundError: Nothing has this name.
        StoreError: The file cannot be read or written; it is as it was.
        UserError: There is no work tree.
    """
    file = _file(client)
    views = _read(file)
    if name not in views:
        message = f"no view {name!r}"
        raise NotFoundError(message, hint="`gittrack view ls` lists them")
    del views[name]
    _write(file, views)


def _file(client: Client) -> Path:
    top = client.work_tree()
    if top is None:
        raise UserError(
            "this repository has no work tree to keep views in", hint="go into a clone that has one"
        )
    return top / VIEWS_FILE


def _read(file: Path) -> dict[str, str]:
    try:
        return decode_views(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        message = f"cannot read {str(file)!r}: {error.strerror}"
        raise StoreError(message) from error


def _write(file: Path, views: dict[str, str]) -> None:
    try:
        replace_file(file, encode_views(views))
    except OSError as error:
        message = f"cannot write {str(file)!r}: {error.strerror}"
        raise StoreError(message, hint="it is as it was") from error
