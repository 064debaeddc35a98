"""Room for what is kept elsewhere, what rules let go, and what no run needs at a remote."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gittrack.core.retention import choose_expired
from gittrack.errors import NotFoundError, RemoteError
from gittrack.store import blobs
from gittrack.store.git_gc import IN_FLIGHT_S, LooseContent, find_in_flight, remove_content
from gittrack.store.recipes import write_recipes
from gittrack.tracking.contents import open_contents
from gittrack.tracking.definitions import is_lower
from gittrack.tracking.live import now_ms
from gittrack.tracking.references import remove_artifacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.core.content import Recipe
    from gittrack.core.model import Run
    from gittrack.store.contents import Contents
    from gittrack.store.remotes.interface import StoredPart
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class LocalCopies:
    """Content here that runs refer to, and whether it may go."""

    free: tuple[LooseContent, ...]
    """A remote was asked, and has all of it."""
    only_here: tuple[LooseContent, ...]
    """No remote that can be reached has it."""


@dataclass(frozen=True, slots=True)
class RemoteGarbage:
    """What a remote keeps for nobody."""

    parts: tuple[StoredPart, ...]
    recipes: tuple[str, ...]
    """Digests of content that no run refers to and that only this remote has."""
    shrunk: tuple[Recipe, ...]
    """What other remotes have too, without this one."""

    @property
    def size(self) -> int:
        """Bytes that would be freed there."""
        return sum(part.size for part in self.parts)


def find_local_copies(client: Client, *, grace_s: float) -> LocalCopies:
    """Return content of runs in this clone by whether a remote has it too; each remote is asked.

    What is on its way into a run is neither: it stays until the run has it.

    Args:
        client: Of the clone.
        grace_s: Spare what is younger, in seconds.

    Raises:
        StoreError: Something here cannot be read.
    """
    contents = open_contents(client, may_prompt=True)
    recipes = contents.list_recipes()
    layout = contents.store.layout
    newest = time.time() - max(grace_s, 0)
    flying = find_in_flight(contents.store)
    used = {one.digest for run in client.list_runs(view_type=3) for one in run.artifacts.values()}
    here = {
        one.digest: LooseContent(one.digest, one.size, one.mtime)
        for one in blobs.list_stored(layout)
        if one.digest in used and one.mtime < newest and not flying.holds(one.digest, one.mtime)
    }
    verified = _find_verified(contents, {digest: recipes[digest] for digest in here if digest in recipes})
    free = tuple(one for digest, one in here.items() if digest in verified)
    return LocalCopies(free, tuple(one for digest, one in here.items() if digest not in verified))


def remove_local_copies(client: Client, content: tuple[LooseContent, ...]) -> None:
    """Remove content from this clone.

    Raises:
        StoreError: It cannot be removed.
    """
    remove_content(open_contents(client).store, content)


def find_remote_garbage(
    client: Client, name: str, git_remote: str | None = None, *, grace_s: float
) -> RemoteGarbage:
    """Return parts of a remote that no content of any run needs; fetch and merge first, others have runs too.

    Args:
        client: Of a clone.
        name: The remote, as the settings call it.
        git_remote: Which Git remote ``git`` means.
        grace_s: Spare parts that are younger, in seconds: somebody may be about to name them.

    Raises:
        RemoteError: It cannot be reached, or cannot say what it has.
        CorruptDataError: Something cannot be read: then nobody can tell what is needed.
    """
    contents = open_contents(client, git_remote, may_prompt=True)
    used = {one.digest for run in client.list_runs(view_type=3) for one in run.artifacts.values()}
    recipes = contents.list_recipes()
    needed = {
        part for digest, one in recipes.items() if digest in used and name in one.where for part in one.parts
    }
    newest = time.time() - max(grace_s, IN_FLIGHT_S)
    parts = tuple(
        part
        for part in contents.remote(name).list_parts()
        if part.name not in needed and part.time_s < newest
    )
    gone = {part.name for part in parts}
    touched = {
        digest: one
        for digest, one in recipes.items()
        if digest not in used and name in one.where and gone & one.parts.keys()
    }
    return RemoteGarbage(
        parts,
        tuple(digest for digest, one in touched.items() if one.where == (name,)),
        tuple(_without(one, name) for one in touched.values() if one.where != (name,)),
    )


def collect_remote(client: Client, name: str, garbage: RemoteGarbage, git_remote: str | None = None) -> None:
    """Remove garbage of a remote: first what says that it is there, then the parts.

    Raises:
        RemoteError: It cannot be reached, or refuses.
        StoreError: The hidden branch cannot be written.
    """
    contents = open_contents(client, git_remote, may_prompt=True)
    subject = f"{len(garbage.parts)} parts removed from {name}"
    write_recipes(contents.store.committer, garbage.shrunk, subject, removed=garbage.recipes)
    contents.remote(name).remove({part.name for part in garbage.parts})


def find_expired(client: Client, *, clock_ms: Callable[[], int] = now_ms) -> list[Run]:
    """Return runs whose artifacts the rules of ``.gittrack.toml`` let go.

    What a registered model or another run was made of stays.

    Raises:
        UserError: The rules make no sense.
        StoreError: Something cannot be read.
    """
    rules = open_contents(client).settings.retention
    if not rules:
        return []
    names = {one.experiment_id: one.name for one in client.store.list_experiments()}
    expired = choose_expired(
        client.list_runs(),
        names,
        rules,
        now_ms=clock_ms(),
        is_lower=lambda metric, experiment: is_lower(client, metric, experiment),
    )
    needed = _list_needed(client)
    return [run for run in expired if run.run_id not in needed and not client.store.list_users(run.run_id)]


def expire(client: Client, runs: list[Run]) -> None:
    """Take all artifacts out of runs; metrics, params and the rest stay.

    Raises:
        StoreError: The disk is full, or failed.
    """
    for run in runs:
        for path in run.artifacts:
            remove_artifacts(client, run.run_id, path)


def _list_needed(client: Client) -> set[str]:
    """Return ids of runs that registered models come from."""
    needed: set[str] = set()
    for version in client.search_model_versions(max_results=10_000):
        if version.run_id:
            needed.add(version.run_id)
        if version.model_id:
            model = client.get_logged_model(version.model_id)
            needed.update(filter(None, (model.source_run_id, model.files_run_id)))
    return needed


def _find_verified(contents: Contents, recipes: Mapping[str, Recipe]) -> set[str]:
    verified: set[str] = set()
    for name in {name for recipe in recipes.values() for name in recipe.where}:
        there = {
            digest: one for digest, one in recipes.items() if name in one.where and digest not in verified
        }
        try:
            found = contents.remote(name).find({p: s for one in there.values() for p, s in one.parts.items()})
        except (NotFoundError, RemoteError):
            continue  # what cannot be asked now is not verified
        verified |= {digest for digest, one in there.items() if one.parts.keys() <= found}
    return verified


def _without(recipe: Recipe, name: str) -> Recipe:
    return replace(recipe, where=tuple(one for one in recipe.where if one != name))
