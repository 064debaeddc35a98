"""A work tree changed in place, and brought back byte by byte."""

from __future__ import annotations

import os
import random
import stat
import subprocess
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Code
from gittrack.errors import ConflictError, GittrackError, NotFoundError, StoreError, UserError
from gittrack.tracking.client import Client
from gittrack.tracking.in_place import apply_changes, restore_in_place, undo_in_place
from tests.repositories import check_repository, git, git_bytes, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = (
    "train.py",
    "empty",
    "größe.txt",
    "with space",
    'quo"te',
    "new\nline",
    "back\\slash",
    "deep/er/model.py",
    "deep/er",
    "deep/notes",
    "script.sh",
    "data.bin",
    "link",
    os.fsdecode(b"not-utf8-\xff"),
)


@dataclass(frozen=True, slots=True)
class State:
    """Everything of a repository that its user sees."""

    files: dict[str, tuple[int, bytes]]
    index: bytes
    head: bytes
    refs: str
    stash_log: bytes


def look(top: Path) -> State:
    files: dict[str, tuple[int, bytes]] = {}
    for path in sorted(top.rglob("*")):
        if ".git" in path.relative_to(top).parts or (path.is_dir() and not path.is_symlink()):
            continue
        mode = path.lstat().st_mode
        content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
        files[str(path.relative_to(top))] = (0 if path.is_symlink() else mode, content)
    folder = top / git(top, "rev-parse", "--git-dir").strip()
    refs = [line for line in git(top, "for-each-ref").splitlines() if "refs/gittrack" not in line]
    log = folder / "logs" / "refs" / "stash"
    return State(
        files,
        (folder / "index").read_bytes(),
        (folder / "HEAD").read_bytes(),
        "\n".join(refs),
        log.read_bytes() if log.exists() else b"",
    )


def write(place: Path, content: bytes, *, mode: int = 0o644) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.unlink()
    place.write_bytes(content)
    place.chmod(mode)


def commit_all(top: Path, message: str = "more") -> str:
    git(top, "add", "--all", "--force")
    git(top, "commit", "-q", "--allow-empty", "-m", message)
    return git(top, "rev-parse", "HEAD").strip()


@pytest.fixture
def top(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo").resolve()


@pytest.fixture
def client(top: Path) -> Iterator[Client]:
    with closing(Client(top)) as opened:
        yield opened


def other_than(top: Path, commit: str) -> set[str]:
    """Return the files of a commit that are not so on disk, in git's eyes."""
    index = top / ".git" / "index-of-the-test"
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)}
    for command in (["read-tree", commit], ["update-index", "-q", "--refresh"]):
        subprocess.run(["git", *command], cwd=top, env=environment, check=False)
    listed = subprocess.check_output(["git", "diff-files", "--name-only", "-z"], cwd=top, env=environment)
    index.unlink()
    return {os.fsdecode(path) for path in listed.split(b"\0") if path}


def record_run(client: Client, commit: str, base: str | None = None) -> str:
    """Return the id of a run whose code is ``commit``."""
    run = client.create_run(run_name="old", code=make_code(commit, base))
    client.set_terminated(run.run_id)
    return run.run_id


def make_code(commit: str, base: str | None) -> Code:
    return Code(commit=base or commit, dirty=base is not None, snapshot=commit)


def scribble(top: Path, dice: random.Random, *, count: int) -> None:
    """Change, remove and create files at random."""
    for _ in range(count):
        place = top / dice.choice(NAMES)
        if any(parent.is_symlink() or parent.is_file() for parent in place.parents if parent != top):
            continue
        if place.is_dir() and not place.is_symlink():
            continue
        kind = dice.randrange(6)
        if kind == 0:
            if place.is_symlink() or place.exists():
                place.unlink()
        elif kind == 1:
            place.parent.mkdir(parents=True, exist_ok=True)
            if place.is_symlink() or place.exists():
                place.unlink()
            place.symlink_to(dice.choice(["train.py", "nowhere", "../outside", "deep"]))
        else:
            content = dice.choice(
                [b"", b"a\r\nb\r\n", b"x\n" * dice.randrange(50), bytes(dice.randbytes(90))]
            )
            write(place, content, mode=dice.choice([0o644, 0o755, 0o600, 0o640]))


@pytest.mark.parametrize("seed", range(24))
def test_undo_brings_back_every_byte(seed: int, top: Path, client: Client) -> None:
    dice = random.Random(seed)
    if dice.random() < 0.5:
        write(top / ".gitattributes", b"*.py text eol=crlf\n*.txt text\n")
    write(top / ".gitignore", b"ignored*\n")
    scribble(top, dice, count=10)
    base = commit_all(top, "base")
    scribble(top, dice, count=10)
    target = commit_all(top, "target")
    run_id = record_run(client, target)
    git(top, "reset", "-q", "--hard", base)
    write(top / "ignored.bin", b"kept\0")
    write(top / "mine", b"untracked")
    is_dirty = dice.random() < 0.7
    if is_dirty:
        scribble(top, dice, count=6)
        git(top, "add", "--update")
        write(top / "train.py", b"staged\n")
        git(top, "add", "train.py")
        write(top / "train.py", b"staged, and then changed\n", mode=0o755)
        write(top / "fresh", b"")
        git(top, "add", "fresh")
    before = look(top)
    try:
        done = restore_in_place(client, run_id, stash=is_dirty)
    except ConflictError as error:
        assert "folder" in str(error) or "in the way" in str(error)  # noqa: PT017
        assert look(top) == before
        return
    assert look(top).head == before.head
    assert set(done.written).isdisjoint(other_than(top, target))
    assert not any(os.path.lexists(top / path) for path in done.deleted)
    assert (top / "ignored.bin").read_bytes() == b"kept\0"
    undo_in_place(client)
    assert look(top) == before
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo_in_place(client)
    check_repository(top)


@pytest.mark.parametrize("seed", range(16))
def test_what_a_run_ran_with_comes_back_and_goes_again(seed: int, top: Path, tmp_path: Path) -> None:
    """Captured from a random work tree; checked out, restored over a random other one, merged into it."""
    dice = random.Random(seed)
    scribble(top, dice, count=10)
    base = commit_all(top, "base")
    scribble(top, dice, count=6)
    git(top, "add", "--update")
    scribble(top, dice, count=4)
    ran = look(top).files
    with closing(Client(top)) as client:
        run = client.create_run(run_name="ran")
        client.set_terminated(run.run_id)
        assert as_git_keeps(look(client.checkout_run(run.run_id, tmp_path / "out")).files) == as_git_keeps(
            ran
        )
        git(top, "reset", "-q", "--hard", base)
        git(top, "clean", "-q", "-f", "-d")
        scribble(top, dice, count=3)
        before = look(top)
        with suppress(ConflictError):
            client.restore_in_place(run.run_id, stash=True)
            now = as_git_keeps(look(top).files)
            assert now == {**{path: now[path] for path in now.keys() - ran.keys()}, **as_git_keeps(ran)}
            client.undo_in_place()
        assert look(top) == before
        with suppress(ConflictError, UserError):
            client.apply_changes(run.run_id)
            assert look(top).index == before.index
            client.undo_in_place()
        assert look(top) == before
    check_repository(top)


def as_git_keeps(files: dict[str, tuple[int, bytes]]) -> dict[str, tuple[int, bytes]]:
    """Return files with what git keeps of their permissions: whether they can be run."""
    return {path: (mode & 0o100, content) for path, (mode, content) in files.items()}


def test_restoring_leaves_head_branch_and_index_alone(top: Path, client: Client) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    write(top / "train.py", b"print('better')\n")
    write(top / "lib/model.py", b"deep\n")
    target = commit_all(top)
    git(top, "reset", "-q", "--hard", base)
    before = look(top)
    done = restore_in_place(client, record_run(client, target))
    after = look(top)
    assert (after.head, after.index, after.refs) == (before.head, before.index, before.refs)
    assert done.written == ("lib/model.py", "train.py")
    assert (top / "lib/model.py").read_bytes() == b"deep\n"
    undo_in_place(client)
    assert look(top) == before
    assert not (top / "lib").exists()


def test_changes_that_are_not_committed_are_in_the_way_until_they_are_stashed(
    top: Path, client: Client
) -> None:
    run_id = record_run(client, git(top, "rev-parse", "HEAD").strip())
    write(top / "train.py", b"precious\n")
    before = look(top)
    with pytest.raises(ConflictError, match=r"not committed: 'train\.py'"):
        restore_in_place(client, run_id)
    assert look(top) == before
    done = restore_in_place(client, run_id, stash=True)
    assert done.is_stashed
    assert (top / "train.py").read_bytes() == b"print('training')\n"
    assert "gittrack restore old" in git(top, "stash", "list")
    undo_in_place(client)
    assert look(top) == before


def test_an_untracked_file_is_never_overwritten_unasked(top: Path, client: Client) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    write(top / "new.py", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    write(top / "new.py", b"my own\n")
    before = look(top)
    with pytest.raises(ConflictError, match=r"in the way: 'new\.py'"):
        restore_in_place(client, run_id)
    assert look(top) == before
    write(top / "new.py", b"of the run\n")
    before = look(top)
    assert restore_in_place(client, run_id).written == ("new.py",)  # it is what the run had: no loss
    undo_in_place(client)
    assert look(top) == before


def test_an_ignored_file_is_never_lost(top: Path, client: Client) -> None:
    write(top / "config.ini", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "rm", "-q", "config.ini")
    write(top / ".gitignore", b"config.ini\n")
    commit_all(top)
    git(top, "rm", "-q", "--cached", "--ignore-unmatch", "config.ini")
    write(top / "config.ini", b"secret\n")
    before = look(top)
    with pytest.raises(ConflictError, match="in the way"):
        restore_in_place(client, run_id)
    restore_in_place(client, run_id, stash=True)
    assert (top / "config.ini").read_bytes() == b"of the run\n"
    undo_in_place(client)
    assert look(top) == before


def test_a_folder_with_other_files_is_never_removed(top: Path, client: Client) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    write(top / "out", b"a file\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    write(top / "out/result.txt", b"a week of work\n")
    for stash in (False, True):
        with pytest.raises(ConflictError, match=r"folder holds 'out/result\.txt'"):
            restore_in_place(client, run_id, stash=stash)
    assert (top / "out/result.txt").read_bytes() == b"a week of work\n"


def test_nothing_is_written_through_a_link(top: Path, client: Client, tmp_path: Path) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    write(top / "out/result.txt", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    elsewhere = tmp_path / "elsewhere"
    write(elsewhere / "result.txt", b"somebody else's\n")
    (top / "out").symlink_to(elsewhere)
    before = look(top)
    with pytest.raises(ConflictError, match="in the way: 'out'"):
        restore_in_place(client, run_id)
    restore_in_place(client, run_id, stash=True)
    assert (top / "out/result.txt").read_bytes() == b"of the run\n"
    undo_in_place(client)
    assert look(top) == before
    assert (elsewhere / "result.txt").read_bytes() == b"somebody else's\n"


def test_files_that_were_edited_since_are_not_undone_unasked_and_kept_when_forced(
    top: Path, client: Client
) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    write(top / "train.py", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    before = look(top)
    restore_in_place(client, run_id)
    write(top / "train.py", b"a new idea\n")
    with pytest.raises(ConflictError, match=r"edited since: 'train\.py'"):
        undo_in_place(client)
    assert (top / "train.py").read_bytes() == b"a new idea\n"
    undo_in_place(client, force=True)
    assert look(top) == before
    (ref,) = git(top, "for-each-ref", "--format=%(refname)", "refs/gittrack-local/undone").split()
    assert git_bytes(top, "show", f"{ref}:train.py") == b"a new idea\n"


def test_two_changes_are_undone_one_after_the_other(top: Path, client: Client) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    ids = []
    for content in (b"one\n", b"two\n"):
        write(top / "train.py", content)
        ids.append(record_run(client, commit_all(top)))
    git(top, "reset", "-q", "--hard", base)
    before = look(top)
    restore_in_place(client, ids[0])
    between = look(top)
    restore_in_place(client, ids[1], stash=True)
    assert (top / "train.py").read_bytes() == b"two\n"
    git(top, "gc", "-q", "--prune=now")
    undo_in_place(client)
    assert look(top).files == between.files
    undo_in_place(client)
    assert look(top).files == before.files


def test_a_linked_worktree_has_its_own_undo(top: Path, client: Client, tmp_path: Path) -> None:
    write(top / "train.py", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", "HEAD~1")
    restore_in_place(client, run_id)
    git(top, "worktree", "add", "-q", str(tmp_path / "linked"))
    with closing(Client(tmp_path / "linked")) as other, pytest.raises(NotFoundError, match="nothing to undo"):
        undo_in_place(other)


def test_a_merge_in_progress_is_left_alone(top: Path, client: Client) -> None:
    run_id = record_run(client, git(top, "rev-parse", "HEAD").strip())
    git(top, "checkout", "-q", "-b", "side")
    write(top / "train.py", b"side\n")
    commit_all(top)
    git(top, "checkout", "-q", "main")
    write(top / "train.py", b"main\n")
    commit_all(top)
    with pytest.raises(AssertionError):
        git(top, "merge", "side")
    before = look(top)
    with pytest.raises(ConflictError, match="merge is in progress"):
        restore_in_place(client, run_id, stash=True)
    assert look(top) == before


def test_a_bare_repository_has_nothing_to_restore_into(tmp_path: Path) -> None:
    bare = make_repository(tmp_path / "bare", "bare")
    with closing(Client(bare)) as client, pytest.raises(UserError, match="no work tree"):
        undo_in_place(client)


def test_code_that_is_not_here_is_said_to_be_missing(top: Path, client: Client) -> None:
    run_id = record_run(client, "1" * 40)
    with pytest.raises(NotFoundError, match="not in this clone"):
        restore_in_place(client, run_id)
    assert stat.S_ISREG((top / "train.py").stat().st_mode)


@pytest.fixture
def changed(top: Path, client: Client) -> str:
    """Return the id of a run that had changes on top of HEAD: a line, a mode, and a new file."""
    base = git(top, "rev-parse", "HEAD").strip()
    lines = b"".join(b"line %d\n" % number for number in range(20))
    write(top / "long.py", lines)
    base = commit_all(top)
    write(top / "long.py", lines.replace(b"line 2\n", b"line two\n"))
    write(top / "train.py", (top / "train.py").read_bytes(), mode=0o755)
    write(top / "lib/new.py", b"new\n")
    target = commit_all(top)
    git(top, "reset", "-q", "--hard", base)
    return record_run(client, target, base)


def test_changes_of_a_run_are_merged_into_what_is_there(top: Path, client: Client, changed: str) -> None:
    lines = (top / "long.py").read_bytes()
    write(top / "long.py", lines.replace(b"line 17\n", b"line seventeen\n"))
    git(top, "add", "long.py")
    write(top / "mine", b"untracked")
    before = look(top)
    done = apply_changes(client, changed)
    assert done.written == ("lib/new.py", "long.py", "train.py")
    merged = lines.replace(b"line 17\n", b"line seventeen\n").replace(b"line 2\n", b"line two\n")
    assert (top / "long.py").read_bytes() == merged
    assert (top / "train.py").stat().st_mode & 0o111
    after = look(top)
    assert (after.index, after.head, after.refs) == (before.index, before.head, before.refs)
    undo_in_place(client)
    assert look(top) == before


def test_changes_that_do_not_fit_change_nothing(top: Path, client: Client, changed: str) -> None:
    write(top / "long.py", (top / "long.py").read_bytes().replace(b"line 2\n", b"line zwei\n"))
    write(top / "lib/new.py", b"my own\n")
    before = look(top)
    with pytest.raises(ConflictError, match=r"do not fit what is there now: 'lib/new\.py', 'long\.py'"):
        apply_changes(client, changed)
    assert look(top) == before
    with pytest.raises(NotFoundError):
        undo_in_place(client)


def test_a_run_without_changes_has_nothing_to_apply(top: Path, client: Client) -> None:
    run_id = record_run(client, git(top, "rev-parse", "HEAD").strip())
    with pytest.raises(UserError, match="no changes on top"):
        apply_changes(client, run_id)


@pytest.mark.parametrize("kind", ["plain", "sha256", "linked worktree"])
def test_every_kind_of_repository_is_restored_and_undone(kind: str, tmp_path: Path) -> None:
    top = make_repository(tmp_path / "repo", kind).resolve()
    write(top / "train.py", b"of the run\n")
    target = commit_all(top)
    git(top, "reset", "-q", "--hard", "HEAD~1")
    write(top / "train.py", b"mine\n")
    git(top, "add", "train.py")
    index = top / git(top, "rev-parse", "--git-path", "index").strip()
    before = index.read_bytes()
    with closing(Client(top)) as client:
        restore_in_place(client, record_run(client, target), stash=True)
        assert (top / "train.py").read_bytes() == b"of the run\n"
        undo_in_place(client)
    assert (top / "train.py").read_bytes() == b"mine\n"
    assert index.read_bytes() == before
    assert git(top, "stash", "list") == ""


def test_an_unborn_branch_takes_the_files_of_a_run(tmp_path: Path, top: Path, client: Client) -> None:
    run_id = record_run(client, git(top, "rev-parse", "HEAD").strip())
    fresh = make_repository(tmp_path / "fresh", "unborn").resolve()
    git(fresh, "fetch", "-q", str(top), "refs/heads/main:refs/other/main", "refs/gittrack/*:refs/gittrack/*")
    with closing(Client(fresh)) as other:
        restore_in_place(other, run_id)
        assert (fresh / "train.py").read_bytes() == b"print('training')\n"
        undo_in_place(other)
    assert [path.name for path in fresh.iterdir()] == [".git"]


def test_a_filter_that_fails_halfway_leaves_all_as_it_was(top: Path, client: Client) -> None:
    base = git(top, "rev-parse", "HEAD").strip()
    for name in ("a.py", "m.bin", "z.py"):
        write(top / name, b"of the run\n")
    (top / "train.py").unlink()
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    write(top / ".git/info/attributes", b"*.bin filter=broken\n")
    git(top, "config", "filter.broken.smudge", "false")
    git(top, "config", "filter.broken.required", "true")
    write(top / "mine", b"untracked\n")
    write(top / "train.py", b"changed\n")
    before = look(top)
    with pytest.raises(StoreError, match="all is as it was"):
        restore_in_place(client, run_id, stash=True)
    assert look(top) == before
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo_in_place(client)


def test_a_submodule_is_left_alone(top: Path, client: Client, tmp_path: Path) -> None:
    library = make_repository(tmp_path / "library")
    git(top, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(library), "vendor")
    base = commit_all(top)
    write(top / "train.py", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    write(top / "vendor/train.py", b"changed inside\n")
    restore_in_place(client, run_id)
    assert (top / "train.py").read_bytes() == b"of the run\n"
    undo_in_place(client)
    assert (top / "vendor/train.py").read_bytes() == b"changed inside\n"


def test_a_tree_with_paths_that_are_none_is_refused_before_anything_changes(
    top: Path, client: Client
) -> None:
    blob = git(top, "hash-object", "-w", "--stdin", data=b"evil").strip()
    inner = git(top, "mktree", data=f"100644 blob {blob}\tconfig\n".encode()).strip()
    tree = git(top, "mktree", data=f"040000 tree {inner}\t.git\n".encode()).strip()
    run_id = record_run(client, git(top, "commit-tree", tree, "-p", "HEAD", "-m", "evil").strip())
    before, config = look(top), (top / ".git/config").read_bytes()
    for stash in (False, True):
        with pytest.raises(GittrackError):
            restore_in_place(client, run_id, stash=stash)
    assert look(top) == before
    assert (top / ".git/config").read_bytes() == config


def test_undoing_writes_through_no_link_that_came_since(top: Path, client: Client, tmp_path: Path) -> None:
    write(top / "lib/model.py", b"mine\n")
    base = commit_all(top)
    write(top / "lib/model.py", b"of the run\n")
    run_id = record_run(client, commit_all(top))
    git(top, "reset", "-q", "--hard", base)
    restore_in_place(client, run_id)
    elsewhere = tmp_path / "elsewhere"
    (top / "lib").rename(elsewhere)
    (top / "lib").symlink_to(elsewhere)
    with pytest.raises(ConflictError, match="edited since"):
        undo_in_place(client)
    with pytest.raises(StoreError, match="is a link now"):
        undo_in_place(client, force=True)
    assert (elsewhere / "model.py").read_bytes() == b"of the run\n"
    (top / "lib").unlink()
    undo_in_place(client, force=True)
    assert (top / "lib/model.py").read_bytes() == b"mine\n"
