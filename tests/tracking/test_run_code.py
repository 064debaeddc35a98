"""The code of a run: checked out beside the repository, as a branch, fetched, compared, looked for."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Code
from gittrack.errors import ConflictError, NotFoundError, RunStateError, UserError
from gittrack.tracking.client import Client
from gittrack.tracking.sync import pull, push
from tests.repositories import check_repository, git, make_repository
from tests.tracking.test_in_place import commit_all, look, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = make_repository(tmp_path / "repo").resolve()
    monkeypatch.chdir(made)
    return made


@pytest.fixture
def client(top: Path) -> Iterator[Client]:
    with closing(Client(top)) as opened:
        yield opened


@pytest.fixture
def dirty(top: Path, client: Client) -> str:
    """Return the id of a run of code that was never committed: changed, removed, new, a link, a mode."""
    for name in ("gone.py", "kept.py"):
        write(top / name, b"kept\n")
    commit_all(top)
    write(top / "train.py", b"print('better')\n", mode=0o755)
    (top / "gone.py").unlink()
    write(top / "lib/new.py", b"")
    (top / "link").symlink_to("train.py")
    return record(client, "dirty")


def record(client: Client, name: str) -> str:
    """Return the id of a run of what is in the work tree, as a process of its own would record it."""
    with closing(Client(client.folder())) as other:
        run = other.create_run(run_name=name)
        other.set_terminated(run.run_id)
    return run.run_id


def files_of(top: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in top.rglob("*"):
        name = path.relative_to(top).as_posix()
        if name.partition("/")[0] != ".git" and (path.is_symlink() or path.is_file()):
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            found[name] = (0 if path.is_symlink() else path.stat().st_mode & 0o111, content)
    return found


def test_a_checkout_has_exactly_the_files_that_ran_and_nothing_here_changes(
    top: Path, client: Client, dirty: str, tmp_path: Path
) -> None:
    ran = files_of(top)
    git(top, "stash", "-q", "--include-untracked")
    before = look(top)
    place = client.checkout_run(dirty)
    assert place == tmp_path / "repo-dirty"
    assert files_of(place) == ran
    assert git(place, "status", "--short") == ""
    assert look(top) == before
    with pytest.raises(ConflictError, match="exists"):
        client.checkout_run(dirty)
    assert files_of(client.checkout_run(dirty, tmp_path / "elsewhere" / "deep")) == ran


def test_the_code_outlives_a_rebase_a_squash_and_a_collection(
    top: Path, client: Client, dirty: str, tmp_path: Path
) -> None:
    ran = files_of(top)
    git(top, "checkout", "-q", "--force", "--orphan", "again")
    git(top, "commit", "-q", "-m", "everything is new")
    git(top, "branch", "-q", "-D", "main")
    git(top, "reflog", "expire", "--expire=now", "--all")
    git(top, "gc", "-q", "--prune=now")
    assert files_of(client.checkout_run(dirty, tmp_path / "old")) == ran
    check_repository(top)


def test_code_that_is_not_here_is_fetched(top: Path, client: Client, dirty: str, tmp_path: Path) -> None:
    ran = files_of(top)
    git(tmp_path, "init", "-q", "--bare", "team.git")
    git(top, "remote", "add", "origin", str(tmp_path / "team.git"))
    git(top, "push", "-q", "origin", "HEAD:main")
    push(client)
    git(tmp_path, "clone", "-q", "team.git", "colleague")
    with closing(Client(tmp_path / "colleague")) as other:
        pull(other)
        assert files_of(other.checkout_run(dirty)) == ran
        heads = git(tmp_path / "colleague", "for-each-ref", "refs/heads")
        assert heads.count("\n") == 1


def test_a_branch_is_made_at_the_code_and_never_moved(top: Path, client: Client, dirty: str) -> None:
    commit = client.branch_run(dirty, "old/idea")
    assert git(top, "rev-parse", "old/idea").strip() == commit
    assert git(top, "show", "old/idea:train.py") == "print('better')\n"
    assert git(top, "branch", "--show-current").strip() == "main"
    with pytest.raises(ConflictError, match="there is a branch"):
        client.branch_run(dirty, "old/idea")
    for name in ("two..dots", "-d", "", "HEAD", "@{-1}"):
        with pytest.raises(UserError, match="no name of a branch"):
            client.branch_run(dirty, name)


def test_a_run_whose_code_was_not_kept_says_why(top: Path, client: Client) -> None:
    run = client.create_run(code=Code("1" * 40, dirty=True, reason="snapshots are switched off"))
    with pytest.raises(RunStateError, match="not kept: snapshots are switched off"):
        client.checkout_run(run.run_id)
    lost = client.create_run(code=Code("1" * 40, dirty=False, snapshot="1" * 40))
    with pytest.raises(NotFoundError, match="not in this clone"):
        client.checkout_run(lost.run_id)


def test_restoring_brings_uncommitted_code_back(top: Path, client: Client, dirty: str) -> None:
    ran = files_of(top)
    git(top, "stash", "-q", "--include-untracked")
    before = look(top)
    client.restore_in_place(dirty)
    assert files_of(top) == ran
    client.undo_in_place()
    assert look(top) == before
    client.apply_changes(dirty)
    assert files_of(top) == ran
    client.undo_in_place()
    assert look(top) == before


def test_restoring_again_what_is_there_changes_nothing(top: Path, client: Client, dirty: str) -> None:
    before, ran = look(top), files_of(top)
    client.restore_in_place(dirty, stash=True)
    assert files_of(top) == ran
    client.undo_in_place()
    assert look(top) == before


def test_runs_of_the_same_code_are_found_whatever_its_history(top: Path, client: Client) -> None:
    clean = record(client, "clean")
    write(top / "train.py", b"tried\n")
    tried = record(client, "tried")
    commit_all(top, "it works")
    committed = record(client, "committed")
    named = client.create_run(run_name="old gittrack", code=Code(git(top, "rev-parse", "HEAD").strip()))
    client.set_terminated(named.run_id)
    found = [run.run_id for run in client.list_runs_of_code("HEAD")]
    assert set(found) == {committed, tried, named.run_id}
    assert [run.run_id for run in client.list_runs_of_code("HEAD~1^{tree}")] == [clean]
    with pytest.raises(NotFoundError, match="no commit and no tree"):
        client.list_runs_of_code("nowhere")


def test_the_files_that_differ_between_two_runs_are_counted(top: Path, client: Client, dirty: str) -> None:
    git(top, "stash", "-q", "--include-untracked")
    clean = record(client, "clean")
    code = client.diff_runs([clean, dirty]).code
    assert code is not None
    assert {one.path: (one.added, one.removed) for one in code} == {
        "gone.py": (0, 1),
        "lib/new.py": (0, 0),
        "link": (1, 0),
        "train.py": (1, 1),
    }
    assert client.diff_runs([clean, clean]).code == ()
    unknown = client.create_run(code=Code())
    assert client.diff_runs([clean, unknown.run_id]).code is None


def test_a_bare_repository_can_check_out_but_not_restore(
    tmp_path: Path, top: Path, client: Client, dirty: str
) -> None:
    git(tmp_path, "init", "-q", "--bare", "team.git")
    git(top, "remote", "add", "origin", str(tmp_path / "team.git"))
    git(top, "push", "-q", "origin", "HEAD:main", "refs/gittrack/*:refs/gittrack/*")
    with closing(Client(tmp_path / "team.git")) as bare:
        assert (bare.checkout_run(dirty) / "train.py").read_bytes() == b"print('better')\n"
        with pytest.raises(UserError, match="no work tree"):
            bare.restore_in_place(dirty)
