"""What takes the space: content by experiment, run or kind of file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittrack.core.model import Artifact, Run
    from gittrack.tracking.client import Client

By = Literal["experiment", "run", "kind"]


@dataclass(frozen=True, slots=True)
class Usage:
    """The content of one group of runs or files."""

    name: str
    files: int
    size: int
    """Bytes, the same content counted once."""
    alone: int
    """Bytes that no other group has too: what goes if this group goes."""
    here: int
    """Bytes of it that are in this clone."""
    elsewhere: int
    """Bytes of it that a remote has: as artifacts, or in runs that were pushed."""


def measure(client: Client, by: By = "experiment") -> list[Usage]:
    """Return what takes the space, largest first; deleted runs count until they are collected.

    Raises:
        StoreError: Something cannot be read.
    """
    from gittrack.tracking.contents import open_contents

    runs = client.list_runs(view_type=3)
    names = {one.experiment_id: one.name for one in client.store.list_experiments()}
    name_of = _namer(by, names)
    groups: dict[str, dict[str, Artifact]] = {}
    files: dict[str, int] = {}
    owners: dict[str, set[str]] = {}
    for run in runs:
        for artifact in run.artifacts.values():
            if artifact.uri is None:
                name = name_of(run, artifact)
                files[name] = files.get(name, 0) + 1
                groups.setdefault(name, {})[artifact.digest] = artifact
                owners.setdefault(artifact.digest, set()).add(name)
    remote = {digest for digest, recipe in open_contents(client).list_recipes().items() if recipe.where}
    remote |= _list_pushed(client, runs)
    here = {
        one.digest for group in groups.values() for one in group.values() if client.store.has_content(one)
    }
    usages = [
        Usage(
            name,
            files[name],
            sum(one.size for one in group.values()),
            sum(one.size for one in group.values() if len(owners[one.digest]) == 1),
            sum(one.size for one in group.values() if one.digest in here),
            sum(one.size for one in group.values() if one.digest in remote),
        )
        for name, group in groups.items()
    ]
    return sorted(usages, key=lambda one: (-one.size, one.name))


def _list_pushed(client: Client, runs: Sequence[Run]) -> set[str]:
    """Return the digests of what rides in runs that the obvious remote has, as far as is known."""
    from gittrack.tracking.sync import git_store, remember

    known = remember(client)
    if known is None:
        return set()
    ahead = set(git_store(client).compare(known.remote).ahead)
    # What goes on is in no commit yet.
    pushed = [run for run in runs if run.run_id not in ahead and run.status.is_terminated]
    return {one.digest for run in pushed for one in run.artifacts.values() if one.inline}


def _namer(by: By, names: dict[str, str]) -> Callable[[Run, Artifact], str]:
    match by:
        case "experiment":
            return lambda run, _: names.get(run.experiment_id, run.experiment_id)
        case "run":
            return lambda run, _: f"{run.run_id[:12]} {run.name}"
        case "kind":
            return lambda _, artifact: _kind_of(artifact.path)


def _kind_of(path: str) -> str:
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return f".{suffix.lower()}" if dot and stem else "(no suffix)"
