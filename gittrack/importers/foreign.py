"""What other trackers leave, made to fit: their names as keys, files below a folder."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.model import Metric, format_param
from gittrack.core.names import MAX_KEY_LENGTH, MAX_NAME_LENGTH, clean_key, derive_id, make_run_id
from gittrack.core.values import MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gittrack.core.model import ParamValue


class Keys:
    """Gives the names in one run as keys; two names never become the same key."""

    def __init__(self, kind: str, warn: Callable[[str], None]) -> None:
        """Make keys for metrics, params or tags, as ``kind`` says; ``warn`` is told what had to change."""
        self._kind = kind
        self._warn = warn
        self._keys: dict[str, str] = {}
        self._taken: set[str] = set()

    def __call__(self, name: str) -> str:
        """Return the key for a name; the same one whenever names come in the same order."""
        if name in self._keys:
            return self._keys[name]
        key = wanted = clean_key(self._kind, name)
        number = 2
        while key in self._taken:
            ending = f" {number}"
            key = f"{wanted[: MAX_KEY_LENGTH - len(ending)]}{ending}"
            number += 1
        self._keys[name] = key
        self._taken.add(key)
        if key != name:
            self._warn(f"the {self._kind} {name!r} is called {key!r} here")
        return key


class Points:
    """Points of metrics, which take 24 bytes each, however many there are."""

    def __init__(self) -> None:
        """Begin without any."""
        self._columns: dict[str, tuple[array[float], array[int], array[int]]] = {}

    def add(self, key: str, value: float, timestamp: int, step: int) -> None:
        """Add one.

        Raises:
            OverflowError: Time or step do not fit into 64 bits.
        """
        columns = self._columns.get(key)
        if columns is None:
            columns = self._columns[key] = (array("d"), array("q"), array("q"))
        values, times, steps = columns
        steps.append(step)
        times.append(timestamp)
        values.append(value)

    def __contains__(self, key: str) -> bool:
        """Return whether there is any point of a metric."""
        return key in self._columns

    def __iter__(self) -> Iterator[Metric]:
        """Yield all, metric by metric."""
        for key, columns in self._columns.items():
            for value, timestamp, step in zip(*columns, strict=True):
                yield Metric(key, value, timestamp, step)


def derive_run_id(start_time: int | None, *facts: str) -> str:
    """Return the id of a run that another tracker knows by ``facts``; the same whenever it is imported.

    Args:
        start_time: Milliseconds since the epoch, with which ids of ours begin; None if it may change.
        facts: What no two runs have in common.
    """
    text = "\0".join(facts)
    if start_time is None:
        return derive_id("run", text)
    return make_run_id(start_time, hashlib.sha256(text.encode(errors="replace")).digest())


def fit_name(name: str, otherwise: str) -> str:
    """Return a name as a run's: printable, not empty, not too long."""
    clean = "".join(c if c.isprintable() else " " for c in name).strip()
    return clean[:MAX_NAME_LENGTH] or otherwise


def fit_params(
    values: Mapping[str, ParamValue], keys: Keys
) -> tuple[dict[str, ParamValue], dict[str, bytes]]:
    """Return what can be params, and as path → content what is too long for one."""
    params: dict[str, ParamValue] = {}
    files: dict[str, bytes] = {}
    for name, value in values.items():
        key = keys(name)
        if len(format_param(value)) > MAX_TEXT_LENGTH:
            files[f"params/{key}.json"] = json.dumps(value, indent=2).encode()
        else:
            params[key] = value
    return params, files


def write_contents(contents: Mapping[str, bytes]) -> Iterator[tuple[str, Path]]:
    """Yield path and a file with the content, which is gone when the next one is asked for."""
    with tempfile.TemporaryDirectory(prefix="gittrack-") as place:
        file = Path(place) / "content"
        for path, content in contents.items():
            file.write_bytes(content)
            yield path, file


def walk_files(top: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their POSIX paths in it, in order; not through links to folders."""
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files):
            file = Path(folder) / name
            yield file.relative_to(top).as_posix(), file
