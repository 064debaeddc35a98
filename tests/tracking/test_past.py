"""Runs as they were, and files as they were committed, in a real repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError
from gittrack.store.memory import MemoryStore
from gittrack.tracking.client import Client
from tests.repositories import KINDS, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path


def log(client: Client, name: str, values: list[float], **params: object) -> str:
    run = client.create_run(run_name=name)
    for key, value in params.items():
        client.log_param(run.run_id, key, value)
    for step, value in enumerate(values):
        client.log_metric(run.run_id, "acc", value, step=step)
    client.set_terminated(run.run_id)
    return run.run_id


@pytest.mark.parametrize("kind", KINDS)
def test_a_commit_has_the_runs_it_had_whatever_came_later(tmp_path: Path, kind: str) -> None:
    client = Client(make_repository(tmp_path / "repo", kind))
    first = log(client, "first", [0.1, 0.2], lr=0.1)
    gone = log(client, "gone", [0.5])
    client.delete_run(gone)
    commit = client.head()
    assert commit is not None
    log(client, "later", [0.3])
    client.set_tag(first, "team", "vision")
    client.restore_run(gone)
    live = client.create_run(run_name="live")
    past = client.open_past(commit)
    (run,) = past.list_runs()
    assert (run.run_id, run.name, run.params, dict(run.tags)) == (first, "first", {"lr": 0.1}, {})
    assert past.get_series(first)["acc"].values == [0.1, 0.2]
    assert [one.name for one in past.list_experiments()] == ["Default"]
    client.set_terminated(live.run_id)
    assert {run.name for run in client.list_runs()} == {"first", "gone", "later", "live"}
    client.close()


def test_a_commit_that_is_not_here_or_is_of_something_else_is_not_found(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    client = Client(repository)
    log(client, "first", [0.1])
    of_code = git(repository, "rev-parse", "HEAD").strip()
    blob = git(repository, "rev-parse", "HEAD:train.py").strip()
    for commit in ("f" * 40, of_code, blob):
        with pytest.raises(NotFoundError, match=commit[:12]):
            client.open_past(commit)
    with pytest.raises(NotFoundError):
        Client(store=MemoryStore()).open_past("f" * 40)
    client.close()


def test_files_are_read_as_they_were_committed(tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repo")
    (repository / "reports/deep").mkdir(parents=True)
    for name, text in {"b.md": "b", "a.md": "a", "deep/c.md": "c"}.items():
        (repository / "reports" / name).write_text(text)
    (repository / "reports/link.md").symlink_to("/etc/passwd")
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "reports")
    (repository / "reports/a.md").write_text("not committed")
    client = Client(repository)
    assert client.list_committed("reports") == ["reports/a.md", "reports/b.md"]
    assert client.read_committed("reports/a.md") == b"a"
    for path in ("reports", "reports/link.md", "reports/none.md", "none/a.md", "reports/a.md/b"):
        assert client.read_committed(path) is None
    assert client.list_committed("none") == []
    assert client.list_committed("reports/a.md") == []
    client.close()


def test_nothing_is_committed_before_the_first_commit_and_outside_a_repository(tmp_path: Path) -> None:
    client = Client(make_repository(tmp_path / "repo", "unborn"))
    assert client.list_committed("reports") == []
    assert client.read_committed("train.py") is None
    client.close()
    assert Client(store=MemoryStore()).list_committed("reports") == []
