"""The runs that a branch adds to another one, and the best of what was there before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.direction import agreed_directions
from gittrack.core.model import RunStatus
from gittrack.core.news import News, make_news
from gittrack.errors import NotFoundError, StoreError
from gittrack.store.checkout import Checkout
from gittrack.tracking.select import find_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

SHOWN_DIGITS = 10
MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""What a branch is likely to be merged into."""


@dataclass(frozen=True, slots=True)
class Told:
    """News, and in words where they come from."""

    news: News
    scope: str
    """Which runs are the new ones."""
    measure: str
    """What the baseline is."""


def find_news(
    client: Client,
    *,
    base: str | None = None,
    filter_string: str | None = None,
    metric: str | None = None,
    against: str | None = None,
    value: str = "last",
) -> Told:
    """Return what the new runs did against a baseline.

    New are the runs of commits that HEAD has and ``base`` has not, or those that ``filter_string`` means. The
    baseline is the run ``against``, else the best finished run of the commits that both have, else the best
    other finished run; of the same experiments in either case.

    Args:
        client: Of the repository.
        base: A branch or commit; the first of `MAIN_BRANCHES` that is there if None.
        filter_string: Which runs are new, instead of those of commits.
        metric: What to judge by; chosen among those of the new runs if None.
        against: A run by any of its names.
        value: Which value stands for a metric: ``last``, ``best``, ``min`` or ``max``.

    Raises:
        NotFoundError: ``base`` is no commit here or has none in common with HEAD; no run is ``against``.
        QuerySyntaxError: The filter cannot be read.
    """
    fork = None if filter_string is not None and base is None else _find_fork(client, base)
    runs = client.list_runs()
    new, scope = _choose_new(client, runs, fork, filter_string)
    new_ids, experiments = {run.run_id for run in new}, {run.experiment_id for run in new}
    others = [
        run
        for run in runs
        if run.run_id not in new_ids and run.experiment_id in experiments and run.status == RunStatus.FINISHED
    ]
    before = fork.list_ancestors() if fork and others and against is None else frozenset()
    of_base = [run for run in others if _commit_of(run) in before]
    known = client.store.list_experiments()
    news = make_news(
        new,
        of_base or others,
        metric=metric,
        baseline=None if against is None else find_run(client, against),
        value=value,
        directions=agreed_directions(one for one in known if one.experiment_id in experiments),
    )
    best = f"the best of {fork.name}" if of_base and fork else "the best other run"
    return Told(news, scope, "the one named" if against else best)


@dataclass(frozen=True, slots=True)
class _Fork:
    """Where HEAD and another commit have parted."""

    git: Checkout
    name: str
    commit: str
    """The last one that both have."""
    commits: frozenset[str]
    """Those that HEAD has since then."""

    def list_ancestors(self) -> frozenset[str]:
        return frozenset(self.git.ask("rev-list", self.commit).decode().split())


def _choose_new(
    client: Client, runs: Sequence[Run], fork: _Fork | None, filter_string: str | None
) -> tuple[list[Run], str]:
    """Return the new ones among runs, and in words which they are."""
    if filter_string is not None:
        ids = {run.run_id for run in client.search_all_runs(filter_string=filter_string)}
        return [run for run in runs if run.run_id in ids], f"runs that fit {filter_string}"
    commits = fork.commits if fork else frozenset()
    since = f" since {fork.name}" if fork else ""
    count = f"{len(commits)} commit{'' if len(commits) == 1 else 's'}"
    return [run for run in runs if _commit_of(run) in commits], f"runs of {count}{since}"


def _find_fork(client: Client, base: str | None) -> _Fork:
    if client.store.database is None:
        raise NotFoundError(
            "there is no repository, so nothing to compare with", hint="name runs by a filter"
        )
    git = Checkout(client.folder())
    names = MAIN_BRANCHES if base is None else (base,)
    name = next((one for one in names if git.find_object(f"{one}^{{commit}}") is not None), None)
    if name is None or git.head() is None:
        message = f"{base!r} is no commit of this clone" if base else "no branch to compare with was found"
        hint = "name one with --base; in CI, fetch its history too (fetch-depth: 0 of actions/checkout)"
        raise NotFoundError(message, hint=hint)
    done = git.run("merge-base", "HEAD", name)
    if done.returncode != 0:
        message = f"HEAD and {name!r} have no commit in common in this clone"
        raise NotFoundError(
            message, hint="fetch their history: `git fetch --unshallow`, or fetch-depth: 0 in CI"
        )
    commit = done.stdout.decode().split()[0]
    try:
        commits = frozenset(git.ask("rev-list", f"{commit}..HEAD").decode().split())
    except StoreError as error:
        raise NotFoundError(f"the history of HEAD cannot be read: {error.message}") from error
    return _Fork(git, name, commit, commits)


def _commit_of(run: Run) -> str | None:
    return run.code.commit if run.code else None
