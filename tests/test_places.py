"""Wherever somebody works: runs are recorded, listed, exchanged and shown, or it is said why not."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.places import PLACES, make_place
from tests.repositories import RUNS_REF, check_repository, git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.places import Place

WRITABLE = [kind for kind in PLACES if kind != "read-only"]
TRUSTED = [kind for kind in WRITABLE if kind != "dubious ownership"]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return make_place(request.param, tmp_path)


def names(place: Place) -> list[str]:
    done = place.gittrack("log", "--json")
    assert done.status == 0, done.err
    return sorted(run["name"] for run in json.loads(done.out))


@pytest.mark.parametrize("place", TRUSTED, indirect=True)
def test_a_run_is_recorded_pushed_taken_in_elsewhere_and_shown(place: Place, tmp_path: Path) -> None:
    assert place.remote
    made = place.gittrack("log", "-m", "acc=0.9", "-p", "lr=0.1", "--name", "here")
    assert made.status == 0, made.err
    assert names(place) == ["here"]
    pushed = place.gittrack("push")
    assert (pushed.status, pushed.err) == (0, "origin: 1 run sent, 0 runs taken in\n")
    assert "here finished: acc 0.9" in git(place.remote, "log", "--format=%s", RUNS_REF)
    git(tmp_path, "clone", "-q", str(place.remote), "colleague")
    other = place.__class__("plain", tmp_path / "colleague", place.remote)
    assert other.gittrack("pull").status == 0
    assert names(other) == ["here"]
    assert other.gittrack("log", "-m", "acc=0.8", "--name", "there").status == 0
    assert other.gittrack("push").status == 0
    assert place.gittrack("pull").err == "origin: 0 runs sent, 1 run taken in\n"
    assert names(place) == ["here", "there"]
    built = place.gittrack("site", "build", "-o", str(tmp_path / "site"))
    assert built.status == 0, built.err
    assert (tmp_path / "site" / "index.html").is_file()
    for command in ("status", "fsck", "doctor"):
        done = place.gittrack(command)
        assert done.status == 0, f"{command}: {done.out}{done.err}"
    check_repository(place.remote)


@pytest.mark.parametrize("place", WRITABLE, indirect=True)
def test_a_run_says_which_code_made_it_or_why_that_is_not_known(place: Place) -> None:
    made = place.gittrack("log", "-m", "acc=0.9", "--name", "here")
    assert made.status == 0, made.err
    code = json.loads(place.gittrack("show", "@", "--json").out)["code"]
    if place.kind in {"bare", "unborn"}:
        assert not code.get("commit")
    else:
        head = git(
            place.folder if place.kind != "GIT_DIR" else place.folder.parent / "here", "rev-parse", "HEAD"
        )
        assert code["commit"] == head.strip()


@pytest.mark.parametrize("place", ["linked worktree"], indirect=True)
def test_linked_worktrees_share_one_history(place: Place) -> None:
    place.gittrack("log", "-m", "acc=0.9", "--name", "linked")
    main = place.__class__("plain", place.folder.with_name("here"), place.remote)
    main.gittrack("log", "-m", "acc=0.9", "--name", "main")
    assert names(main) == names(place) == ["linked", "main"]


@pytest.mark.parametrize("place", ["submodule"], indirect=True)
def test_a_submodule_has_its_own_history(place: Place) -> None:
    place.gittrack("log", "-m", "acc=0.9", "--name", "inner")
    outer = place.__class__("plain", place.folder.parent, place.remote)
    assert names(outer) == []


@pytest.mark.parametrize("place", ["read-only"], indirect=True)
def test_where_nothing_can_be_written_runs_are_read_and_recording_says_why_not(
    place: Place, tmp_path: Path
) -> None:
    assert names(place) == ["before"]
    assert place.gittrack("show", "@").status == 0
    assert "acc" in place.gittrack("best", "acc").out
    refused = place.gittrack("log", "-m", "acc=0.9")
    assert refused.status == 6, refused.err
    assert "hint:" in refused.err
    assert place.gittrack("push").status == 6
    assert place.gittrack("status").status == 0
    built = place.gittrack("site", "build", "-o", str(tmp_path / "site"))
    assert built.status == 0, built.err
    assert "problem" in place.gittrack("doctor").out


@pytest.mark.parametrize("place", ["dubious ownership"], indirect=True)
def test_in_somebody_elses_repository_runs_are_kept_and_exchanged_once_it_is_trusted(
    place: Place, tmp_path: Path
) -> None:
    """Its settings name programs: ssh, credential helpers. Git runs none of them there, and so do we."""
    ran = tmp_path / "ran"
    git(place.folder, "config", "core.sshCommand", f"touch {ran};")
    git(place.folder, "remote", "add", "ssh", "ssh://127.0.0.1/none.git")
    git(place.folder, "config", "gittrack.firstLook", "true")
    git(place.folder, "config", "gittrack.remote", "ssh")
    assert place.gittrack("log", "-m", "acc=0.9", "--name", "here").status == 0
    assert names(place) == ["here"]
    assert place.gittrack("site", "build", "-o", str(tmp_path / "site")).status == 0
    assert not ran.exists()
    refused = place.gittrack("push", "origin")
    assert refused.status == 6
    assert f"git config --global --add safe.directory {place.folder}" in refused.err
    config = tmp_path / "config"
    config.write_text(config.read_text("utf-8") + f"[safe]\n\tdirectory = {place.folder}\n", "utf-8")
    pushed = place.gittrack("push", "origin")
    assert (pushed.status, pushed.err) == (0, "origin: 1 run sent, 0 runs taken in\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
@pytest.mark.parametrize("place", ["plain"], indirect=True)
def test_dulwich_trusts_nobody_elses_repository_either(place: Place, tmp_path: Path) -> None:
    git(place.folder, "config", "gittrack.transport", "dulwich")
    assert place.gittrack("log", "-m", "acc=0.9").status == 0
    for path in [place.folder, *place.folder.rglob("*")]:
        os.chown(path, 65534, -1)
    config = tmp_path / "config"
    config.write_text("", "utf-8")
    wary = place.__class__("plain", place.folder, place.remote, {"GIT_CONFIG_GLOBAL": str(config)})
    refused = wary.gittrack("push")
    assert refused.status == 6, refused.err
    assert "safe.directory" in refused.err
    assert place.gittrack("push").status == 0
