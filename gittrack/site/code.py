"""The code of runs as data: folders and files by their ids, so that pages can compare any two runs.

What two runs do not have alike changed somewhere between them. So the folders and files that differ from one
run's code to the next one's, old and new, are enough to compare all of them; what never changes is left out.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.site.scripts import encode_script
from gittrack.site.syntax import Piece, cut_lines, language_of, mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.source import Source

FOLDER_MODE = 0o040000
GITLINK_MODE = 0o160000
_NO_FILES = {FOLDER_MODE, GITLINK_MODE}
MAX_FILE_BYTES = 100_000
MAX_STEP_FILES = 200
"""So many files of one change are shown."""
MAX_LINES = 400
"""So many lines of one file's difference are shown on the page of a run."""
CONTEXT = 3

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")

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
    rows: Sequence[tuple[str, Sequence[Piece]]] = ()
    """Kind (``add``, ``del``, ``at`` or empty) of each line, and its pieces."""
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
        path_of(oid): encode_script(f"code/{oid}", _describe_folder(folder))
        for oid, folder in walk.folders.items()
    }
    for one in walk.files:
        language = language_of(one.path)
        for mode, oid in filter(None, (one.old, one.new)):
            path = path_of(oid, language)
            if mode != GITLINK_MODE and path not in scripts:
                scripts[path] = encode_script(_key(oid, language), _describe_file(source, oid, language))
    return scripts


def show_differences(source: Source, before: str, after: str) -> tuple[list[ShownDifference], str | None]:
    """Return what two trees do not have alike, line by line, and what is left out of it."""
    walk = _compare(source, before, after)
    shown = [_show(source, one) for one in walk.files]
    return shown, None if walk.is_complete else f"The first {MAX_STEP_FILES} files are shown."


def path_of(oid: str, language: str | None = None) -> str:
    """Return the path of the script of a folder or file of code: its id stands for its content."""
    return f"data/code/{oid[:2]}/{oid[2:]}{'.' + language if language else ''}.js"


def _key(oid: str, language: str | None) -> str:
    return f"code/{oid}.{language}" if language else f"code/{oid}"


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


def _describe_folder(folder: Folder) -> Mapping[str, object]:
    """Return mode and id of what is in a folder, and the language of files that have colours."""
    return {
        _printable(name): [*one, language]
        if one[0] not in _NO_FILES and (language := language_of(name))
        else one
        for name, one in folder.items()
    }


def _describe_file(source: Source, oid: str, language: str | None) -> Mapping[str, object]:
    text, notice = _read(source, oid)
    if notice is not None:
        return {"notice": notice}
    return {"text": text} if language is None else {"text": text, "marks": mark(text, language)}


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
    rows = list(_diff(*texts, language=language_of(path)))
    cut = f"{len(rows) - MAX_LINES:,} more lines" if len(rows) > MAX_LINES else None
    if not rows and one.old is not None and one.new is not None:
        cut = f"mode {one.old[0]:o} → {one.new[0]:o}"
    return ShownDifference(path, kind, rows[:MAX_LINES], cut)


def _diff(old: str, new: str, *, language: str | None) -> Iterator[tuple[str, Sequence[Piece]]]:
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=CONTEXT, lineterm="")
    sides = [cut_lines(old, language), cut_lines(new, language)]
    places = [0, 0]
    for number, line in enumerate(lines):
        if number < 2:  # noqa: PLR2004  (they name the files)
            continue
        if head := _HUNK.match(line):
            # A side without lines is said to begin before its first one.
            places = [max(int(head[1]) - 1, 0), max(int(head[2]) - 1, 0)]
            yield "at", [(0, line)]
            continue
        kind = {"+": "add", "-": "del"}.get(line[0], "")
        yield kind, sides[kind != "del"][places[kind != "del"]]
        places = [places[0] + (kind != "add"), places[1] + (kind != "del")]


def _printable(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
