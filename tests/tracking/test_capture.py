"""The code of a run, whatever state the work tree is in; and nothing of the user's is touched."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.jsonform import decode
from gittrack.store.work_tree import WorkTree
from gittrack.tracking.client import Client
from tests.repositories import check_repository, common_dir, git, make_repository, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.core.model import Code, Run
    from gittrack.core.work_tree import WorkTreeStatus


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a few files, one of them executable, one in a folder, one a link."""
    top = make_repository(tmp_path / "repo")
    write(top, "pkg/model.py", "layers = 1\n")
    write(top, "run.sh", "#!/bin/sh\n")
    (top / "run.sh").chmod(0o755)
    (top / "link").symlink_to("train.py")
    write(top, ".gitignore", "data/\n*.pt\n")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "second")
    return top


def write(top: Path, path: str, text: str | bytes) -> Path:
    file = top / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def start(top: Path, *, may_warn: bool = False) -> Run:
    """Start and end a run in a process that never looked at this repository before."""
    client = Client(store=open_store(top))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if may_warn else "error")
        run = client.create_run()
    client.set_terminated(run.run_id)
    found = client.get_run(run.run_id)
    client.close()
    return found


def capture(top: Path, *, may_warn: bool = False) -> Code:
    code = start(top, may_warn=may_warn).code
    assert code is not None
    return code


def details(top: Path) -> dict[str, dict[str, str]]:
    """Return what the newest run says of what differs and what was left out."""
    store = open_store(top)
    run = next(iter(store.list_runs()))
    content = store.find_side_file(run.run_id, "code.json")
    store.close()
    found = decode(content) if content else {}
    assert isinstance(found, dict)
    return found


def skipped(top: Path) -> dict[str, str]:
    return details(top).get("skipped", {})


def tree_by_git(top: Path, *without: str) -> str:
    """Return the tree that git itself makes of a copy of the work tree."""
    copy = top.with_name(f"{top.name}-copy")
    shutil.copytree(top, copy, symlinks=True, ignore_dangling_symlinks=True, ignore=no_sockets)
    for lock in (copy / ".git").glob("*.lock"):
        lock.unlink()
    git(copy, "add", "-A", "--", ".", *(f":(exclude){path}" for path in without))
    tree = git(copy, "write-tree").strip()
    shutil.rmtree(copy)
    return tree


def no_sockets(folder: str, names: list[str]) -> list[str]:
    modes = {name: Path(folder, name).lstat().st_mode for name in names}
    return [name for name, mode in modes.items() if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)]


def files_of(top: Path, code: Code) -> list[str]:
    assert code.snapshot is not None
    return git(top, "ls-tree", "-r", "--name-only", code.snapshot).split("\n")[:-1]


@pytest.fixture
def remember() -> Iterator[Callable[[Path], None]]:
    """Return what a test calls once the stage is set: from then on nothing of the user's may change."""
    remembered: dict[Path, dict[str, object]] = {}

    def keep(top: Path) -> None:
        remembered[top] = look(top)

    yield keep
    for top, before in remembered.items():
        assert look(top) == before


def look(top: Path) -> dict[str, object]:
    """Return HEAD, index, config, stash, reflog of HEAD, branches and every file, as bytes."""
    own = top / git(top, "-c", "safe.directory=*", "rev-parse", "--git-dir").strip()
    shared = common_dir(top)
    seen: dict[str, object] = {}
    for name in ("HEAD", "index", "logs/HEAD", "index.lock", "MERGE_HEAD", "FETCH_HEAD", "ORIG_HEAD"):
        seen[name] = (own / name).read_bytes() if (own / name).exists() else None
    for name in ("config", "logs/refs/stash", "packed-refs", "shallow"):
        seen[name] = (shared / name).read_bytes() if (shared / name).exists() else None
    seen["refs"] = git(top, "for-each-ref", "refs/heads", "refs/tags", "refs/remotes", "refs/stash")
    for folder, names, files in os.walk(top):
        if ".git" in names:
            names.remove(".git")
        for name in files:
            path = Path(folder, name)
            about = path.lstat()
            is_file = stat.S_ISREG(about.st_mode) and about.st_size < 1 << 30
            content = path.read_bytes() if is_file and os.access(path, os.R_OK) else None
            seen[str(path)] = (about.st_mode, about.st_mtime_ns, about.st_size, content)
    return seen


def test_a_clean_work_tree_is_head_itself(repository: Path, remember: Callable[[Path], None]) -> None:
    remember(repository)
    code = capture(repository)
    head = git(repository, "rev-parse", "HEAD").strip()
    assert code.commit == code.snapshot == head
    assert code.tree == git(repository, "rev-parse", "HEAD^{tree}").strip()
    assert (code.branch, code.dirty, code.changed, code.skipped, code.reason) == ("main", False, 0, 0, None)
    assert details(repository) == {}


def test_a_changed_work_tree_is_what_git_would_make_of_it(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    write(repository, "train.py", "print('changed')\n")
    write(repository, "new/deep/file with spaces.py", "new\n")
    write(repository, "größe.txt", "ß\n")
    write(repository, "staged.py", "staged\n")
    git(repository, "add", "staged.py")
    write(repository, "staged.py", "staged, and changed since\n")
    write(repository, "forgotten.py", "")
    git(repository, "add", "-N", "forgotten.py")
    (repository / "pkg/model.py").unlink()
    (repository / "run.sh").chmod(0o644)
    (repository / "link").unlink()
    (repository / "link").symlink_to("elsewhere")
    (repository / "dangling").symlink_to("nowhere")
    write(repository, "data/large.bin", "ignored")
    write(repository, "model.pt", "ignored")
    remember(repository)
    code = capture(repository)
    assert code.tree == tree_by_git(repository)
    assert code.tree == git(repository, "rev-parse", f"{code.snapshot}^{{tree}}").strip()
    assert git(repository, "rev-parse", f"{code.snapshot}^").strip() == code.commit
    assert (code.dirty, code.skipped, code.reason) == (True, 0, None)
    assert details(repository)["changed"] == {
        "dangling": "added",
        "forgotten.py": "added",
        "größe.txt": "added",
        "link": "changed",
        "new/deep/file with spaces.py": "added",
        "pkg/model.py": "removed",
        "run.sh": "changed",
        "staged.py": "added",
        "train.py": "changed",
    }
    assert code.changed == 9
    check_repository(repository)


def test_files_and_folders_that_change_places_are_what_git_would_make_of_them(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    shutil.rmtree(repository / "pkg")
    write(repository, "pkg", "a file now\n")
    (repository / "train.py").unlink()
    write(repository, "train.py/inner.py", "a folder now\n")
    remember(repository)
    assert capture(repository).tree == tree_by_git(repository)


def test_the_same_changes_have_the_same_id_in_every_process_and_clone(
    repository: Path, tmp_path: Path, remember: Callable[[Path], None]
) -> None:
    git(tmp_path, "clone", "-q", str(repository), "clone")
    found = set()
    for top in (repository, tmp_path / "clone"):
        write(top, "train.py", "print('the same')\n")
        write(top, "new.py", "x = 1\n")
        os.utime(top / "new.py", (1, 1))
        remember(top)
        for _ in range(2):
            found.add(capture(top).snapshot)
        script = "import sys, gittrack; c = gittrack.Client(sys.argv[1]); print(c.create_run().code.snapshot)"
        done = subprocess.run(
            [sys.executable, "-c", script, str(top)], cwd=top, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    assert len(found) == 1


def test_nothing_that_looks_secret_is_taken(repository: Path, remember: Callable[[Path], None]) -> None:
    token = "ghp_" + "a1B2" * 9
    write(repository, "settings.env", "tracked\n")
    git(repository, "add", "settings.env")
    git(repository, "commit", "-q", "-m", "third")
    write(repository, "settings.env", f"TOKEN={token}\n")
    write(repository, ".env", f"TOKEN={token}\n")
    write(repository, "keys/id_ed25519", "x")
    write(repository, "config.yml", f"token: {token}\n")
    write(repository, "train.py", f"login('{token}')\n")
    write(repository, ".env.example", "TOKEN=\n")
    remember(repository)
    code = capture(repository)
    assert skipped(repository) == {
        ".env": "looks like a secret by its name",
        "config.yml": "holds what looks like a token",
        "keys/id_ed25519": "looks like a secret by its name",
        "settings.env": "looks like a secret by its name",
        "train.py": "holds what looks like a token",
    }
    assert (code.dirty, code.changed, code.skipped) == (True, 1, 5)
    assert git(repository, "diff", "--name-only", "HEAD", code.snapshot or "").split() == [".env.example"]


def test_only_what_is_within_the_caps_is_taken(repository: Path, remember: Callable[[Path], None]) -> None:
    with (repository / "dump.bin").open("wb") as file:
        file.truncate(5 << 30)
    with (repository / "train.py").open("ab") as file:
        file.truncate(20 << 20)
    for number in range(20):
        write(repository, f"outputs/{number:02}.bin", bytes(1 << 20))
    for number in range(2010):
        write(repository, f"small/{number:04}.txt", "")
    remember(repository)
    code = capture(repository)
    left_out = skipped(repository)
    assert left_out["dump.bin"] == "larger than 1 MiB"
    assert left_out["train.py"] == "larger than 16 MiB"
    assert [path for path in left_out if path.startswith("outputs")] == [
        f"outputs/{n}.bin" for n in range(16, 20)
    ]
    assert left_out["outputs/16.bin"] == "beyond 16 MiB of untracked files"
    assert left_out["small/2009.txt"] == "beyond 2,000 untracked files"
    assert code.changed == 2000
    assert code.dirty


def test_what_tools_make_of_code_is_no_code(repository: Path, remember: Callable[[Path], None]) -> None:
    write(repository, "pkg/__pycache__/model.cpython-311.pyc", "x")
    write(repository, ".ipynb_checkpoints/a.ipynb", "x")
    write(repository, "env/pyvenv.cfg", "x")
    write(repository, "env/lib/site.py", "x")
    remember(repository)
    code = capture(repository)
    assert (code.dirty, code.snapshot) == (False, code.commit)
    assert details(repository) == {}


def test_fifos_sockets_and_unreadable_or_vanishing_files_do_no_harm(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    os.mkfifo(repository / "pipe")
    (repository / "mixed").mkdir()
    os.mkfifo(repository / "mixed/pipe")
    write(repository, "mixed/file.py", "x")
    (repository / "pkg/model.py").unlink()
    os.mkfifo(repository / "pkg/model.py")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(repository / "mixed/socket"))
        remember(repository)
        code = capture(repository)
        assert (repository / "mixed/socket").is_socket()
    assert skipped(repository) == {
        "mixed/pipe": "no regular file",
        "mixed/socket": "no regular file",
        "pkg/model.py": "no regular file",
    }
    assert "mixed/file.py" in files_of(repository, code)
    assert code.dirty


def test_a_branch_without_commits_has_a_snapshot_without_a_parent(
    tmp_path: Path, remember: Callable[[Path], None]
) -> None:
    top = make_repository(tmp_path / "unborn", "unborn")
    write(top, "train.py", "x\n")
    write(top, "added.py", "y\n")
    git(top, "add", "added.py")
    remember(top)
    code = capture(top)
    assert (code.commit, code.branch, code.dirty, code.changed) == (None, "main", True, 2)
    assert code.tree == tree_by_git(top)
    assert git(top, "rev-list", "--count", code.snapshot or "").strip() == "1"


def test_an_empty_repository_has_an_empty_snapshot(tmp_path: Path, remember: Callable[[Path], None]) -> None:
    top = make_repository(tmp_path / "unborn", "unborn")
    remember(top)
    code = capture(top)
    assert (code.commit, code.dirty, code.changed) == (None, False, 0)
    assert code.reason is None


@pytest.mark.parametrize("kind", ["sha256", "linked worktree", "bare"])
def test_every_kind_of_repository_has_its_code_captured(
    kind: str, tmp_path: Path, remember: Callable[[Path], None]
) -> None:
    top = make_repository(tmp_path / "repo", kind)
    if kind == "bare":
        code = capture(top)
        assert code.dirty is None
        return
    write(top, "train.py", "print('changed')\n")
    write(top, "new.py", "x\n")
    remember(top)
    code = capture(top)
    assert code.tree == (tree_by_git(top) if kind != "linked worktree" else code.tree)
    assert git(top, "show", f"{code.snapshot}:train.py") == "print('changed')\n"
    assert code.branch == ("side" if kind == "linked worktree" else "main")
    check_repository(top)


def test_a_detached_head_has_no_branch(repository: Path, remember: Callable[[Path], None]) -> None:
    git(repository, "checkout", "-q", "--detach")
    remember(repository)
    assert capture(repository).branch is None


def test_a_merge_in_progress_is_taken_as_the_work_tree_has_it(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    git(repository, "checkout", "-q", "-b", "side")
    write(repository, "train.py", "side\n")
    write(repository, "pkg/model.py", "side\n")
    git(repository, "commit", "-qam", "side")
    git(repository, "checkout", "-q", "main")
    write(repository, "train.py", "main\n")
    (repository / "pkg/model.py").unlink()
    git(repository, "commit", "-qam", "main")
    subprocess.run(["git", "merge", "-q", "side"], cwd=repository, capture_output=True, check=False)
    (repository / "pkg/model.py").unlink(missing_ok=True)
    remember(repository)
    code = capture(repository)
    assert "<<<<<<<" in git(repository, "show", f"{code.snapshot}:train.py")
    assert "pkg/model.py" not in files_of(repository, code)
    assert code.dirty


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A repository to be used as a submodule."""
    top = make_repository(tmp_path / "module")
    write(top, "lib.py", "one\n")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "module")
    return top


def test_of_a_submodule_the_commit_is_taken_and_its_own_changes_are_said_to_be_left_out(
    repository: Path, module: Path, remember: Callable[[Path], None]
) -> None:
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(module), "vendor")
    git(repository, "commit", "-q", "-m", "submodule")
    assert capture(repository).dirty is False
    write(repository, "vendor/lib.py", "two\n")
    write(repository, "vendor/extra.py", "untracked\n")
    code = capture(repository)
    assert skipped(repository) == {"vendor/": "a submodule with changes of its own"}
    assert (code.dirty, code.changed, code.snapshot) == (True, 0, code.commit)
    git(repository / "vendor", "add", "-A")
    git(repository / "vendor", "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "-m", "moved")
    remember(repository)
    code = capture(repository)
    moved = git(repository / "vendor", "rev-parse", "HEAD").strip()
    assert git(repository, "rev-parse", f"{code.snapshot}:vendor").strip() == moved
    assert details(repository) == {"changed": {"vendor": "changed"}}


def test_a_repository_inside_the_work_tree_is_named_and_left_out(
    repository: Path, module: Path, remember: Callable[[Path], None]
) -> None:
    shutil.move(module, repository / "embedded")
    write(repository, "beside/file.py", "x\n")
    make_repository(repository / "beside/inner")
    remember(repository)
    code = capture(repository)
    assert skipped(repository) == {
        "beside/inner/": "a repository of its own",
        "embedded/": "a repository of its own",
    }
    assert "beside/file.py" in files_of(repository, code)


def test_what_a_sparse_checkout_leaves_out_stays_as_head_has_it(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    git(repository, "sparse-checkout", "set", "--no-cone", "/train.py", "/.gitignore")
    assert not (repository / "pkg").exists()
    write(repository, "train.py", "changed\n")
    remember(repository)
    code = capture(repository)
    assert git(repository, "diff", "--name-only", "HEAD", code.snapshot or "").split() == ["train.py"]


@pytest.mark.parametrize("required", ["true", "false"])
def test_a_clean_filter_that_is_not_installed_leaves_the_file_as_head_has_it(
    repository: Path, required: str, remember: Callable[[Path], None]
) -> None:
    write(repository, ".gitattributes", "*.bin filter=large\n*.txt text eol=lf\n")
    write(repository, "weights.bin", "pointer\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "third")
    git(repository, "config", "filter.large.clean", "no-such-program --clean %f")
    git(repository, "config", "filter.large.required", required)
    write(repository, "weights.bin", "changed\n")
    write(repository, "other.py", "x\n")
    write(repository, "windows.txt", "a\r\nb\r\n")
    remember(repository)
    code = capture(repository)
    assert git(repository, "show", f"{code.snapshot}:other.py") == "x\n"
    assert git(repository, "show", f"{code.snapshot}:windows.txt") == "a\nb\n"
    if required == "true":
        assert skipped(repository) == {"weights.bin": "its clean filter failed or is not installed"}
        assert git(repository, "show", f"{code.snapshot}:weights.bin") == "pointer\n"
    assert code.dirty


def test_filters_that_work_are_applied_as_git_would(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    git(repository, "config", "filter.upper.clean", "tr a-z A-Z")
    git(repository, "config", "core.autocrlf", "input")
    write(repository, ".gitattributes", "*.up filter=upper\n*.id ident\n*.u16 working-tree-encoding=UTF-16\n")
    write(repository, "a.up", "shout\n")
    write(repository, "b.id", "$Id: old $\n")
    write(repository, "c.u16", "ü\n".encode("utf-16"))
    write(repository, "d.py", "one\r\ntwo\r\n")
    remember(repository)
    code = capture(repository)
    assert git(repository, "show", f"{code.snapshot}:a.up") == "SHOUT\n"
    assert git(repository, "show", f"{code.snapshot}:d.py") == "one\ntwo\n"
    assert code.tree == tree_by_git(repository)


def test_the_state_is_taken_while_somebody_else_holds_the_index(
    repository: Path, remember: Callable[[Path], None]
) -> None:
    write(repository, "train.py", "changed\n")
    (repository / ".git/index.lock").touch()
    remember(repository)
    code = capture(repository)
    assert (code.dirty, code.reason) == (True, None)
    assert code.tree == tree_by_git(repository)


def test_without_an_identity_the_snapshot_is_the_same(
    repository: Path, monkeypatch: pytest.MonkeyPatch, remember: Callable[[Path], None]
) -> None:
    write(repository, "train.py", "changed\n")
    remember(repository)
    before = capture(repository).snapshot
    nobody = repository.with_name("config")
    nobody.write_text("[user]\n    useConfigOnly = true\n", "utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(nobody))
    assert capture(repository).snapshot == before


def test_a_repository_of_another_owner_is_read(repository: Path, remember: Callable[[Path], None]) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    write(repository, "train.py", "changed\n")
    remember(repository)
    for path in (repository, repository / ".git"):
        os.chown(path, 65534, 65534)
    code = capture(repository)
    for path in (repository, repository / ".git"):
        os.chown(path, 0, 0)
    assert (code.dirty, code.reason) == (True, None)


def test_a_file_system_monitor_is_not_asked(repository: Path, remember: Callable[[Path], None]) -> None:
    asked = repository.with_name("asked")
    hook = repository.with_name("hook")
    hook.write_text(f"#!/bin/sh\ntouch {asked}\nsleep 60\n", "utf-8")
    hook.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(hook))
    write(repository, "train.py", "changed\n")
    code = capture(repository)
    assert (code.dirty, asked.exists()) == (True, False)


def test_hooks_and_variables_of_a_running_git_do_not_lead_astray(
    repository: Path, monkeypatch: pytest.MonkeyPatch, remember: Callable[[Path], None]
) -> None:
    write(repository, "train.py", "changed\n")
    remember(repository)
    expected = capture(repository).snapshot
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / "no-such-index"))
    monkeypatch.setenv("GIT_WORK_TREE", "/")
    assert capture(repository).snapshot == expected


def test_without_git_there_is_the_commit_and_one_warning(
    repository: Path, monkeypatch: pytest.MonkeyPatch, remember: Callable[[Path], None]
) -> None:
    write(repository, "train.py", "changed\n")
    remember(repository)
    client = Client(store=open_store(repository))
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.warns(UserWarning, match="the git program cannot be started"):
        code = client.create_run().code
    again = client.create_run().code  # one warning is enough: a second one would be an error here
    monkeypatch.undo()
    client.close()
    assert code is not None
    assert code == again
    assert (code.snapshot, code.dirty, code.branch) == (None, None, "main")
    assert code.commit == git(repository, "rev-parse", "HEAD").strip()
    assert "cannot be started" in (code.reason or "")


def test_a_warning_that_is_an_error_does_not_stop_training(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    client = Client(store=open_store(repository))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert client.create_run().code is not None
    client.close()


def test_git_that_hangs_is_given_up(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 600 & wait\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr("gittrack.store.work_tree.PATIENCE_S", 0.3)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    client = Client(store=open_store(repository))
    with pytest.warns(UserWarning, match="took longer than"):
        code = client.create_run().code
    client.close()
    assert code is not None
    assert "took longer" in (code.reason or "")


def test_a_damaged_head_costs_the_snapshot_and_not_the_run(repository: Path) -> None:
    write(repository, "train.py", "changed\n")
    tree = git(repository, "rev-parse", "HEAD^{tree}").strip()
    loose = repository / ".git/objects" / tree[:2] / tree[2:]
    loose.unlink()
    code = capture(repository, may_warn=True)
    assert code.snapshot is None
    assert code.reason
    assert code.commit == git(repository, "rev-parse", "HEAD").strip()


def test_many_runs_of_one_process_look_once_unless_something_changed(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gittrack.tracking.capture.MIN_STALENESS_S", 600.0)
    client = Client(store=open_store(repository))
    looks: list[str] = []
    status = WorkTree.status

    def look_on(tree: WorkTree) -> WorkTreeStatus:
        looks.append("look")
        return status(tree)

    monkeypatch.setattr(WorkTree, "status", look_on)

    def snapshot() -> str | None:
        run = client.create_run()
        client.set_terminated(run.run_id)
        assert run.code is not None
        return run.code.snapshot

    first = snapshot()
    assert [snapshot() for _ in range(20)] == [first] * 20
    assert len(looks) == 1
    write(repository, "train.py", "staged\n")
    git(repository, "add", "train.py")  # the index tells
    second = snapshot()
    write(repository, "train.py", "changed again\n")  # it differed before: looked at for every run
    third = snapshot()
    git(repository, "commit", "-qam", "third")
    fourth = snapshot()
    assert len({first, second, third, fourth}) == 4
    assert len(looks) == 4
    client.close()


def test_a_change_that_nothing_tells_of_is_seen_after_a_while(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gittrack.tracking.capture.MIN_STALENESS_S", 0.0)
    monkeypatch.setattr("gittrack.tracking.capture.COST_FACTOR", 0)
    client = Client(store=open_store(repository))
    first = client.create_run().code
    write(repository, "train.py", "changed\n")
    second = client.create_run().code
    client.close()
    assert first is not None
    assert second is not None
    assert (first.dirty, second.dirty) == (False, True)


def test_a_module_that_is_loaded_between_two_runs_is_looked_at(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        repository,
        "train_it.py",
        textwrap.dedent("""
        import gittrack, pathlib, sys
        import gittrack.tracking.capture as capture
        capture.MIN_STALENESS_S = 600
        client = gittrack.Client(".")
        print(client.create_run().code.snapshot)
        pathlib.Path("pkg/model.py").write_text("layers = 2\\n")
        import pkg.model
        print(client.create_run().code.snapshot)
    """),
    )
    done = subprocess.run(
        [sys.executable, "train_it.py"], cwd=repository, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.split()
    assert git(repository, "show", f"{first}:pkg/model.py") == "layers = 1\n"
    assert git(repository, "show", f"{second}:pkg/model.py") == "layers = 2\n"
