"""What lies beside the documents of runs: side files and environments, as the tree and living writers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.events import EnvironmentRecorded
from gittrack.core.fold import fold, fold_side_files
from gittrack.core.paths import OWN_NAMES, environment_path, run_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.journal import JournalContent
    from gittrack.core.model import Run
    from gittrack.store.git_objects import Objects


def list_side_files(
    objects: Objects, root: str | None, stored: Run | None, run_id: str, live: Sequence[JournalContent]
) -> list[str]:
    """Return the names of a run's side files, sorted.

    Args:
        objects: Of the repository.
        root: The tree of the tip, None if there is none.
        stored: The run as that tree has it.
        run_id: Its id.
        live: Journals that are not committed yet.

    Raises:
        CorruptDataError: A tree is missing or damaged.
    """
    folder = objects.find(root, run_folder(run_id)) if root else None
    entries = objects.read_tree(folder.oid) if folder else {}
    names = {name for name, entry in entries.items() if name not in OWN_NAMES and not entry.is_tree}
    for name, content in _fold_live(stored, run_id, live).items():
        if content is None:
            names.discard(name)
        else:
            names.add(name)
    return sorted(names)


def find_side_file(
    objects: Objects,
    root: str | None,
    stored: Run | None,
    run_id: str,
    live: Sequence[JournalContent],
    name: str,
) -> bytes | None:
    """Return the content of a run's side file, None if it has no such file; see `list_side_files`.

    Raises:
        CorruptDataError: It is missing or damaged.
    """
    written = _fold_live(stored, run_id, live)
    if name in written:
        return written[name]
    entry = objects.find(root, (*run_folder(run_id), name)) if root and name not in OWN_NAMES else None
    return objects.read(entry.oid) if entry and not entry.is_tree else None


def find_environment(
    objects: Objects, root: str | None, digest: str, live: Iterable[JournalContent]
) -> str | None:
    """Return the packages of an environment, None if no run here had it.

    Args:
        objects: Of the repository.
        root: The tree of the tip, None if there is none.
        digest: Of the environment.
        live: Journals that are not committed yet.

    Raises:
        CorruptDataError: It is missing or damaged.
    """
    entry = objects.find(root, environment_path(digest)) if root else None
    if entry is not None:
        return objects.read(entry.oid).decode("utf-8", "replace")
    recorded = (event for content in live for event in content.events)
    for event in recorded:
        if isinstance(event, EnvironmentRecorded) and event.digest == digest and event.text is not None:
            return event.text
    return None


def _fold_live(stored: Run | None, run_id: str, live: Sequence[JournalContent]) -> dict[str, bytes | None]:
    written: dict[str, bytes | None] = {}
    for content in live:
        written |= fold_side_files(stored, content.events)
        stored = fold(stored, run_id, content.events) if content.events else stored
    return written
