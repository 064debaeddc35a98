"""What one run's page tells of its code: what differed from the commit, how it was started, its packages."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gittrack.core.packages import parse_lock
from gittrack.site.code import ShownDifference, list_data, show_differences
from gittrack.site.paths import data_path
from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.site.source import Source

CODE_FILE, LAUNCH_FILE = "code.json", "launch.json"
_FACTS = ("folder", "python", "platform", "gpus", "driver", "cuda")


@dataclass(slots=True)
class RunCode:
    """What is shown of a run's code, and the data that comparing it needs."""

    start: list[tuple[str, str]] = field(default_factory=list)
    """How it was started: what and how."""
    skipped: list[tuple[str, str]] = field(default_factory=list)
    differences: list[ShownDifference] = field(default_factory=list)
    notice: str | None = None
    packages: list[tuple[str, str]] = field(default_factory=list)
    environment: str | None = None
    """Path of the script with the packages."""
    tree: str | None = None
    """Of the code, if it is in the clone that builds the site."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Data scripts by their paths."""


def read_run_code(source: Source, run: Run, earlier: str | None) -> RunCode:
    """Read what is shown of a run's code; ``earlier`` is the tree of the run before that had another."""
    found = RunCode(start=_read_start(source, run))
    code = run.code
    if code is not None and code.skipped:
        about = _read_json(source, run, CODE_FILE)
        skipped = about.get("skipped")
        found.skipped = sorted(skipped.items()) if isinstance(skipped, dict) else []
    if code is not None and code.tree is not None and source.find_code_folder(code.tree) is not None:
        found.tree = code.tree
        if code.commit and code.changed and (base := source.find_code_tree(code.commit)):
            found.differences, found.notice = show_differences(source, base, code.tree)
        if earlier is not None:
            found.files |= list_data(source, earlier, code.tree)
    lock = source.find_environment(run.environment) if run.environment else None
    if lock is not None:
        packages = parse_lock(lock)
        found.packages = sorted(packages.items())
        script = encode_script(f"environment/{run.environment}", packages)
        found.environment = data_path(script)
        found.files[found.environment] = script
    return found


def _read_start(source: Source, run: Run) -> list[tuple[str, str]]:
    if run.environment is None and run.code is None:
        return []
    about = _read_json(source, run, LAUNCH_FILE)
    argv = about.get("argv")
    facts = [("command", _join(argv))] if isinstance(argv, list) else []
    return facts + [(name, _join(about[name])) for name in _FACTS if about.get(name)]


def _read_json(source: Source, run: Run, name: str) -> dict[str, Any]:
    content = source.find_side_file(run.run_id, name)
    try:
        about = json.loads(content) if content else {}
    except ValueError:
        return {}
    return about if isinstance(about, dict) else {}


def _join(value: object) -> str:
    words: Sequence[object] = value if isinstance(value, list) else [value]
    return " ".join(str(word) for word in words)
