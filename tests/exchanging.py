"""Clones that exchange runs: what tests of remotes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.event_lines import encode_event
from gittrack.core.events import ParamsLogged, RunStarted, StatusChanged
from gittrack.core.journal import encode_metrics
from gittrack.core.model import RunStatus
from tests.repositories import git, open_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.core.model import ParamValue
    from gittrack.store.git_store import GitStore

TIME = 1_700_000_000_000
TRANSPORTS = ("git", "dulwich")


def log_run(
    store: GitStore,
    number: int,
    *,
    points: int = 1,
    params: Mapping[str, ParamValue] | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Log a whole run; return its id."""
    run_id = f"{number:032x}"
    sink = store.open_journal(run_id)
    sink.append(encode_event(RunStarted(run_id, "0", f"run-{number}", TIME + number, tags=tags or {})))
    sink.append(encode_event(ParamsLogged({"number": number, **(params or {})}, TIME)))
    for step in range(points):
        sink.append(encode_metrics({"loss": 1 / (number + step + 1)}, step, TIME + step))
    sink.append(encode_event(StatusChanged(RunStatus.FINISHED, TIME + 9, TIME + 9)))
    store.end_journal(sink)
    return run_id


def connect(repository: Path, url: str, settings: Mapping[str, str] | None = None) -> GitStore:
    """Let a repository have a remote ``origin`` with these settings of git; return its store."""
    git(repository, "remote", "add", "origin", url)
    for key, value in (settings or {}).items():
        git(repository, "config", key, value)
    return open_store(repository)


def pull(store: GitStore) -> None:
    store.fetch("origin")
    store.merge("origin")


def tree(store: GitStore) -> str:
    return store.objects.read_commit(store.head() or "").tree


def names(store: GitStore) -> list[str]:
    return sorted(run.name for run in store.list_runs())
