"""What runs have to do with one another. All functions take runs with the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.artifact_uri import RUNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run

_SHOWN_SAME_CODE = 8


def find_previous(runs: Sequence[Run]) -> dict[str, Run]:
    """Return by run id the run of its experiment that was started before it.

    As `gittrack show` has it, a child comes after a child of the same run.
    """
    previous: dict[str, Run] = {}
    newest: dict[tuple[str, str | None], Run] = {}
    for run in reversed(runs):
        siblings = run.experiment_id, run.parent
        if siblings in newest:
            previous[run.run_id] = newest[siblings]
        newest[siblings] = run
    return previous


def list_children(runs: Sequence[Run]) -> dict[str, tuple[Run, ...]]:
    """Return by run id the runs that name it as their parent, oldest first."""
    children: dict[str, list[Run]] = {}
    for run in reversed(runs):
        if run.parent is not None and run.parent != run.run_id:
            children.setdefault(run.parent, []).append(run)
    return {key: tuple(value) for key, value in children.items()}


def list_users(runs: Sequence[Run]) -> dict[str, tuple[tuple[Run, str], ...]]:
    """Return by run id the runs that used artifacts of it, oldest first, each with the path of one."""
    users: dict[str, list[tuple[Run, str]]] = {}
    for run in reversed(runs):
        for uri in sorted(run.used):
            maker, _, path = uri.removeprefix(RUNS).partition("/")
            users.setdefault(maker, []).append((run, path))
    return {key: tuple(value) for key, value in users.items()}


def find_same_code(runs: Sequence[Run]) -> dict[str, tuple[tuple[Run, ...], int]]:
    """Return by run id the last runs before it with its code, newest first, and how many more there are.

    Not those after it: with each new run all their pages would change.
    """
    groups: dict[str, list[Run]] = {}
    found = {}
    for run in reversed(runs):
        if run.code is not None and run.code.tree is not None:
            group = groups.setdefault(run.code.tree, [])
            if group:
                shown = tuple(reversed(group[-_SHOWN_SAME_CODE:]))
                found[run.run_id] = shown, len(group) - len(shown)
            group.append(run)
    return found
