"""The code of runs as data: folders and files by their ids, so that pages can compare any two runs.

What two runs do not have alike changed somewhere between them. So the folders and files that differ from one
run's code to the next one's, old and new, are enough to compare all of them; what never changes is left out.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.source import Source

FOLDER_MODE = 0o040000
GITLINK_MODE = 0o160000
MAX_FILE_BYTES = 100_000
MAX_STEP_FILES = 200
"""So many files of one change are shown."""
MAX_LINES = 400
"""So many lines of one file's difference are shown on the page of a run."""
CONTEXT = 3

Folder = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class FileDifference:
    """One file that two trees do not have alike."""

    path: str
    old: tuple[int, str] | None
    """Mode and id, None if it was not there."""
    new: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """A file's difference as a page shows it."""

    path: str
    kind: str
    """``added``, ``changed`` or ``removed``."""
    rows: Sequence[tuple[str, str]] = ()
    """Kind (``add``, ``del``, ``at`` or empty) and text of each line."""
    notice: str | None = None


@dataclass(slots=True)
class _Walk:
    folders: dict[str, Folder] = field(default_factory=dict)
    files: list[FileDifference] = field(default_factory=list)
    is_complete: bool = True


def earlier_trees(runs: Sequence[Run]) -> dict[str, str]:
    """Return the ids of runs with other code than the run before, and its tree; ``runs`` are newest first."""
    found: dict[str, str] = {}
    current = None
    for run in reversed(runs):
        tree = run.code.tree if run.code else None
        if tree is not None and tree != current:
            if current is not None:
                found[run.run_id] = current
            current = tree
    return found


def list_data(source: Source, before: str, after: str) -> dict[str, bytes]:
    """Return the scripts of the folders and files that two trees do not have alike, by their paths."""
    walk = _compare(source, before, after)
    scripts = {
        path_of(oid): encode_script(f"code/{oid}", {_printable(name): one for name, one in folder.items()})
        for oid, folder in walk.folders.items()
    }
    for one in walk.files:
        for mode, oid in filter(None, (one.old, one.new)):
            if mode != GITLINK_MODE and path_of(oid) not in scripts:
                scripts[path_of(oid)] = encode_script(f"code/{oid}", _describe_file(source, oid))
    return scripts


def show_differences(source: Source, before: str, after: str) -> tuple[list[ShownDifference], str | None]:
    """Return what two trees do not have alike, line by line, and what is left out of it."""
    walk = _compare(source, before, after)
    shown = [_show(source, one) for one in walk.files]
    return shown, None if walk.is_complete else f"The first {MAX_STEP_FILES} files are shown."


def path_of(oid: str) -> str:
    """Return the path of the script of a folder or file of code: its id stands for its content."""
    return f"data/code/{oid[:2]}/{oid[2:]}.js"


def _compare(source: Source, before: str, after: str) -> _Walk:
    walk = _Walk()
    _descend(source, walk, "", (FOLDER_MODE, before), (FOLDER_MODE, after))
    return walk


def _descend(
    source: Source, walk: _Walk, path: str, old: tuple[int, str] | None, new: tuple[int, str] | None
) -> None:
    sides: list[Folder] = []
    for one in (old, new):
        folder: Folder | None = {}
        if one is not None and one[0] == FOLDER_MODE:
            folder = source.find_code_folder(one[1])
            if folder is None:
                return
            walk.folders[one[1]] = folder
        sides.append(folder or {})
    for name in sorted(sides[0].keys() | sides[1].keys()):
        left, right = sides[0].get(name), sides[1].get(name)
        if left == right:
            continue
        inner = f"{path}{name}"
        if any(one is not None and one[0] == FOLDER_MODE for one in (left, right)):
            _descend(source, walk, f"{inner}/", left, right)
        left, right = (None if one is None or one[0] == FOLDER_MODE else one for one in (left, right))
        if left is None and right is None:
            continue
        if len(walk.files) >= MAX_STEP_FILES:
            walk.is_complete = False
            return
        walk.files.append(FileDifference(inner, left, right))


def _describe_file(source: Source, oid: str) -> Mapping[str, object]:
    text, notice = _read(source, oid)
    return {"text": text} if notice is None else {"notice": notice}


def _read(source: Source, oid: str) -> tuple[str, str | None]:
    """Return a file's text, or why it is not shown."""
    content = source.find_code_file(oid)
    if content is None:
        return "", "not in the clone that built this site"
    if len(content) > MAX_FILE_BYTES:
        return "", f"{len(content):,} bytes: too large to be shown"
    if b"\0" in content:
        return "", f"{len(content):,} bytes that are no text"
    return content.decode("utf-8", "replace"), None


def _show(source: Source, one: FileDifference) -> ShownDifference:
    kind = "added" if one.old is None else "removed" if one.new is None else "changed"
    path = _printable(one.path)
    texts = []
    for side in (one.old, one.new):
        if side is not None and side[0] == GITLINK_MODE:
            texts.append(f"commit {side[1]}\n")
            continue
        text, notice = _read(source, side[1]) if side else ("", None)
        if notice is not None:
            return ShownDifference(path, kind, notice=notice)
        texts.append(text)
    rows = list(_diff(*texts))
    cut = f"{len(rows) - MAX_LINES:,} more lines" if len(rows) > MAX_LINES else None
    if not rows and one.old is not None and one.new is not None:
        cut = f"mode {one.old[0]:o} → {one.new[0]:o}"
    return ShownDifference(path, kind, rows[:MAX_LINES], cut)


def _diff(old: str, new: str) -> Iterator[tuple[str, str]]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=CONTEXT, lineterm="")
    kinds = {"+": "add", "-": "del", "@": "at"}
    for number, line in enumerate(lines):
        if number > 1:  # after the two lines that name the files
            yield kinds.get(line[0], ""), line if line[0] == "@" else line[1:]


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
