"""What a page of the live site may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gittrack.core.model import TAG_NOTE
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Editor(Protocol):
    """Who can change runs and name views; `gittrack.tracking.client.Client` is one."""

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Give a run another name."""

    def set_tag(self, run_id: str, key: str, value: object) -> None:
        """Set a tag of a run."""

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""

    def save_view(self, name: str, address: str) -> None:
        """Name what an address of the site shows."""

    def delete_run(self, run_id: str) -> None:
        """Delete a run; it can be restored."""


def act(editor: Editor, action: Mapping[str, Any]) -> None:
    """Do what ``action`` says: ``do`` and what that needs, mostly a ``run``.

    Raises:
        InvalidValueError: It is no action.
        GittrackError: The run cannot be changed so.
    """
    if action.get("do") == "view":
        editor.save_view(_text(action, "name"), _text(action, "address"))
        return
    run_id = _text(action, "run")
    match action.get("do"):
        case "rename":
            editor.update_run(run_id, name=_text(action, "name"))
        case "note":
            editor.set_tag(run_id, TAG_NOTE, _text(action, "text"))
        case "tag":
            editor.set_tag(run_id, _text(action, "key"), _text(action, "value"))
        case "untag":
            editor.delete_tag(run_id, _text(action, "key"))
        case "delete":
            editor.delete_run(run_id)
        case other:
            message = f"no action {other!r}"
            raise InvalidValueError(message)


def _text(action: Mapping[str, Any], key: str) -> str:
    value = action.get(key)
    if not isinstance(value, str):
        message = f"the action has no {key}"
        raise InvalidValueError(message)
    return value
