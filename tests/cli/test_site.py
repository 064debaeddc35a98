"""Sites of chosen runs, in one file, and published, from the shell."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.repositories import check_repository, common_dir, git

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


@pytest.fixture
def three_runs(cli: Cli, repository: Path) -> list[str]:
    """Return the ids of runs of two models."""
    return [
        cli(
            "log", "-p", f"model={model}", "-p", f"data={Path.home()}/secret/{i}", "-m", f"acc=0.{i}"
        ).out.strip()
        for i, model in enumerate(["vit", "vit", "resnet"], 1)
    ]


@pytest.fixture
def remote(repository: Path, tmp_path: Path) -> Path:
    """Return a bare repository that is the remote ``origin``."""
    bare = tmp_path / "remote.git"
    git(tmp_path, "init", "-q", "--bare", str(bare))
    git(bare, "config", "receive.fsckObjects", "true")
    git(repository, "remote", "add", "origin", str(bare))
    return bare


def objects(bare: Path) -> int:
    lines = git(bare, "count-objects", "-v").splitlines()
    counts = dict(line.split(": ") for line in lines)
    return int(counts["count"]) + int(counts["in-pack"])


def files_of(bare: Path) -> set[str]:
    return set(git(bare, "ls-tree", "-r", "--name-only", "gh-pages").splitlines())


def test_a_site_shows_the_runs_that_fit_and_says_which(cli: Cli, three_runs: list[str]) -> None:
    built = cli("site", "build", "--include", "params.model = 'vit'", "--exclude", "metrics.acc > 0.15")
    assert built.status == 0, built.err
    assert {file.stem for file in Path("gittrack-site/runs").iterdir()} == {three_runs[0]}
    about = Path("gittrack-site/about.html").read_text("utf-8")
    assert "Only runs that fit params.model = &#39;vit&#39; are here." in about
    wrong = cli("site", "build", "--include", "acc >")
    assert wrong.status == 2
    assert cli("site", "build", "--redact", "everything").status == 2


def test_paths_are_redacted_on_demand(cli: Cli, three_runs: list[str]) -> None:
    secret = f"{Path.home()}/secret"
    for redact in ((), ("--redact", "paths,user")):
        assert cli("site", "build", *redact).status == 0
        text = "".join(file.read_text("utf-8", "replace") for file in Path("gittrack-site").rglob("*.html"))
        assert (secret in text) != bool(redact)


def test_one_file_holds_it_all(cli: Cli, three_runs: list[str]) -> None:
    built = cli("site", "build", "--single-file", "mail/runs.html")
    assert built.status == 0, built.err
    assert built.out == "mail/runs.html\n"
    page = Path("mail/runs.html").read_text("utf-8")
    # Each script and the style is one that the file's policy names, and what it shows is there without them.
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    for found in re.findall(r"<script>(.*?)</script>|<style>(.*?)</style>", page, re.DOTALL):
        digest = base64.b64encode(hashlib.sha256("".join(found).encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "'self'" not in policy[1]
    assert all(text in page for text in ("resnet", "0.3", "<style>"))
    assert " src=" not in page
    again = cli("site", "build", "--single-file", "mail/again.html")
    assert again.status == 0
    assert Path("mail/again.html").read_text("utf-8") == page
    assert not Path("gittrack-site").exists()


def test_a_site_is_published_as_one_commit_without_parents(
    cli: Cli, repository: Path, remote: Path, three_runs: list[str]
) -> None:
    before = git(repository, "for-each-ref"), git(repository, "count-objects", "-v")
    refused = cli("site", "publish")
    assert refused.status == 2
    assert "pages of a private repository can be public" in refused.err
    assert "--yes" in refused.err
    published = cli("site", "publish", "--yes")
    assert published.status == 0, published.err
    assert git(remote, "rev-list", "--count", "gh-pages").strip() == "1"
    files = files_of(remote)
    assert {"index.html", "runs.html", ".nojekyll", f"runs/{three_runs[0]}.html"} <= files
    assert not any("gittrack-site" in name for name in files)
    check_repository(remote)
    # The user's own repository has neither refs nor objects of it.
    assert (git(repository, "for-each-ref"), git(repository, "count-objects", "-v")) == before


def test_of_a_site_only_what_changed_is_sent(
    cli: Cli, repository: Path, remote: Path, three_runs: list[str]
) -> None:
    assert cli("site", "publish", "--yes").status == 0
    first, everything = git(remote, "rev-parse", "gh-pages"), objects(remote)
    again = cli("site", "publish")
    assert "gh-pages already holds it" in again.err
    assert git(remote, "rev-parse", "gh-pages") == first
    run = cli("log", "-p", "model=new", "-m", "acc=0.2").out.strip()
    assert cli("site", "publish").status == 0
    assert f"runs/{run}.html" in files_of(remote)
    assert git(remote, "rev-list", "--count", "gh-pages").strip() == "1"
    # Files that changed, the folders they are in, the commit.
    assert objects(remote) - everything < 25 < everything
    check_repository(remote)


def test_another_clone_publishes_on_top_of_what_is_there(
    cli: Cli,
    repository: Path,
    remote: Path,
    three_runs: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cli("site", "publish", "--yes").status == 0
    assert cli("push").status == 0
    everything = objects(remote)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(remote), str(clone))
    monkeypatch.chdir(clone)
    assert cli("pull").status == 0
    assert cli("log", "-m", "acc=0.9").status == 0
    published = cli("site", "publish", "--yes", "--title", "work")
    assert published.status == 0, published.err
    assert git(remote, "rev-list", "--count", "gh-pages").strip() == "1"
    assert objects(remote) - everything < 40
    check_repository(remote)
    check_repository(clone)


def test_a_branch_that_holds_other_work_is_not_replaced(
    cli: Cli, repository: Path, remote: Path, three_runs: list[str]
) -> None:
    git(repository, "push", "-q", "origin", "HEAD:refs/heads/gh-pages")
    before = git(remote, "rev-parse", "gh-pages")
    refused = cli("site", "publish", "--yes")
    assert refused.status == 5
    assert "was not written by gittrack" in refused.err
    assert git(remote, "rev-parse", "gh-pages") == before
    assert cli("site", "publish", "--yes", "--force").status == 0
    assert "index.html" in files_of(remote)


def test_an_unknown_or_unreachable_remote_is_an_error_with_a_hint(cli: Cli, three_runs: list[str]) -> None:
    unknown = cli("site", "publish", "--yes", "--remote", "nowhere")
    assert unknown.status == 4
    assert "git remote -v" in unknown.err
    away = cli("site", "publish", "--yes", "--remote", "file:///nowhere/at/all.git")
    assert away.status == 6


def test_a_site_is_published_to_a_folder_and_to_a_url(
    cli: Cli, three_runs: list[str], tmp_path: Path
) -> None:
    assert cli("site", "publish", str(tmp_path / "www")).status == 0
    assert (tmp_path / "www/index.html").is_file()
    target = f"file://{tmp_path}/bucket/site"
    assert cli("site", "publish", target).status == 0
    assert (tmp_path / "bucket/site/index.html").read_bytes() == (tmp_path / "www/index.html").read_bytes()
    (tmp_path / "bucket/site/mine.txt").write_text("mine")
    again = cli("site", "publish", target)
    assert "0 files sent, 0 removed" in again.err
    assert cli("rm", "--yes", three_runs[0]).status == 0 or cli("rm", three_runs[0]).status == 0
    assert cli("site", "publish", target).status == 0
    assert not (tmp_path / f"bucket/site/runs/{three_runs[0]}.html").exists()
    assert (tmp_path / "bucket/site/mine.txt").exists()


def test_a_sha256_repository_publishes_too(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, bare = tmp_path / "sha256", tmp_path / "sha256.git"
    for folder, kind in ((work, []), (bare, ["--bare"])):
        subprocess.run(
            ["git", "init", "-q", "--object-format=sha256", *kind, str(folder)], check=True, env=os.environ
        )
    monkeypatch.chdir(work)
    git(work, "remote", "add", "origin", str(bare))
    assert cli("log", "-m", "acc=0.9").status == 0
    published = cli("site", "publish", "--yes")
    assert published.status == 0, published.err
    assert "index.html" in files_of(bare)
    assert (common_dir(work) / "gittrack/site.git").is_dir()
