"""The code of runs on their pages, and the data by which any two of them are compared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.core.events import EnvironmentRecorded, digest_environment
from gittrack.site.build import build
from gittrack.site.code import MAX_LINES, earlier_trees, path_of
from gittrack.tracking.client import Client
from tests.repositories import git, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run


class Project:
    """A repository whose code changes from run to run."""

    def __init__(self, folder: Path) -> None:
        self.top = make_repository(folder)
        self.write("lib/data.py", "rows = 1\n")
        self.write("never.py", "stays = 1\n")
        git(self.top, "add", "-A")
        git(self.top, "commit", "-q", "-m", "second")
        self.runs: list[Run] = []

    def write(self, path: str, content: str | bytes) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def run(self, packages: str = "") -> Run:
        client = Client(
            store=open_store(self.top), clock_ms=lambda: 1_750_000_000_000 + 1000 * len(self.runs)
        )
        run = client.create_run()
        if packages:
            digest = digest_environment(packages)
            client.live(run.run_id).write(EnvironmentRecorded(digest, run.start_time, packages))
        client.set_terminated(run.run_id)
        client.close()
        self.runs.append(run)
        return run

    def build(self, output: Path) -> Path:
        client = Client(store=open_store(self.top))
        build(client, output)
        client.close()
        return output


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "repo")


def page_of(site: Path, run: Run) -> str:
    """Return a run's page without the colours of its code."""
    return re.sub(r'<i class="t\d">|</i>', "", (site / f"runs/{run.run_id}.html").read_text("utf-8"))


def read_code(site: Path, oid: str, language: str | None = None) -> Any:
    script = (site / path_of(oid, language)).read_text("utf-8")
    found = re.fullmatch(r"gittrack\.put\('[^']*','([^']*)'\);\n", script)
    assert found is not None
    text = re.sub(
        r"\\(\\|u....)", lambda one: chr(int(one[1][1:], 16)) if len(one[1]) > 1 else one[1], found[1]
    )
    return json.loads(text)


def compare(site: Path, old: Any, new: Any, path: str = "") -> dict[str, tuple[str, str]]:
    """Compare two trees by what the site holds, as its pages do; return both texts of each file."""
    left, right = (read_code(site, one[1]) if one and one[0] == 0o40000 else {} for one in (old, new))
    found: dict[str, tuple[str, str]] = {}
    for name in sorted(left.keys() | right.keys()):
        a, b = left.get(name), right.get(name)
        if a == b:
            continue
        if 0o40000 in [one[0] for one in (a, b) if one]:
            found |= compare(site, a, b, f"{path}{name}/")
            continue
        texts = [str(read_code(site, *one[1:])["text"]) if one else "" for one in (a, b)]
        found[path + name] = (texts[0], texts[1])
    return found


def tree_of(run: Run) -> list[Any]:
    assert run.code is not None
    return [0o40000, run.code.tree]


def test_the_page_of_a_run_shows_what_differed_from_its_commit_line_by_line(
    project: Project, tmp_path: Path
) -> None:
    project.write("train.py", "print('<training> & more')\n")
    project.write("new.py", "fresh = 1\n")
    (project.top / "lib/data.py").unlink()
    project.write("weights.bin", b"\0\1\2")
    project.write(".env", "TOKEN=1\n")
    run = project.run()
    page = page_of(project.build(tmp_path / "site"), run)
    assert "<span class=\"del\">-print('training')" in page
    assert "<span class=\"add\">+print('&lt;training&gt; &amp; more')" in page
    assert '<span class="add">+fresh = 1' in page
    assert '<span class="del">-rows = 1' in page
    assert "3 bytes that are no text" in page
    assert "looks like a secret by its name" in page
    assert run.code is not None
    assert run.code.snapshot is not None
    assert run.code.snapshot in page
    assert "TOKEN" not in page


def test_a_long_difference_is_cut_and_says_so(project: Project, tmp_path: Path) -> None:
    project.write("long.py", "".join(f"line {number}\n" for number in range(MAX_LINES + 100)))
    run = project.run()
    page = page_of(project.build(tmp_path / "site"), run)
    assert f"+line {MAX_LINES - 2}</span>" in page
    assert f"+line {MAX_LINES + 50}</span>" not in page
    assert "101 more lines" in page


def test_any_two_runs_can_be_compared_by_what_the_site_holds(project: Project, tmp_path: Path) -> None:
    project.run()
    for number in range(3):
        project.write("train.py", f"step = {number}\n")
        project.write(f"only{number}/inner/file.py", f"{number}\n")
        project.run()
    git(project.top, "checkout", "-q", "train.py")
    project.run()
    site = project.build(tmp_path / "site")
    first, last = project.runs[1], project.runs[-1]
    for old in project.runs:
        for new in project.runs:
            found = compare(site, tree_of(old), tree_of(new)) if tree_of(old) != tree_of(new) else {}
            expected = git(
                project.top, "diff", "--no-renames", "--name-only", str(tree_of(old)[1]), str(tree_of(new)[1])
            )
            assert sorted(found) == expected.split()
    assert compare(site, tree_of(first), tree_of(last))["train.py"] == (
        "step = 0\n",
        "print('training')\n",
    )
    # What never changed is no part of the site.
    blob = git(project.top, "rev-parse", "HEAD:never.py").strip()
    assert not (site / path_of(blob)).exists()


def test_a_run_names_those_before_with_the_same_code(project: Project, tmp_path: Path) -> None:
    project.write("train.py", "same = 1\n")
    first, second = project.run(), project.run()
    project.write("train.py", "other = 1\n")
    third = project.run()
    project.write("train.py", "same = 1\n")
    fourth = project.run()
    site = project.build(tmp_path / "site")
    assert "same code as" not in page_of(site, first)
    assert f'<a href="{first.run_id}.html">{first.name}</a>' in page_of(site, second)
    assert "same code as" not in page_of(site, third)
    links = [f'<a href="{run.run_id}.html">{run.name}</a>' for run in (second, first)]
    assert f"same code as</th><td>{', '.join(links)}</td>" in page_of(site, fourth)


def test_a_new_run_adds_what_is_new_and_a_build_from_scratch_is_the_same(
    project: Project, tmp_path: Path
) -> None:
    project.run("# python 3.12.4\nnumpy==1\n")
    project.write("train.py", "one\n")
    project.run("# python 3.12.4\nnumpy==2\n")
    site = project.build(tmp_path / "site")
    assert "<b>2 packages</b> were installed" in page_of(site, project.runs[0])
    before = {path.relative_to(site): path.read_bytes() for path in site.rglob("data/code/*/*")}
    project.write("lib/data.py", "two\n")
    project.run()
    project.build(site)
    again = project.build(tmp_path / "again")
    assert (
        before.items()
        <= {path.relative_to(site): path.read_bytes() for path in site.rglob("data/code/*/*")}.items()
    )
    for path in again.rglob("*"):
        if path.is_file() and "manifest" not in path.name:
            assert (site / path.relative_to(again)).read_bytes() == path.read_bytes()


def test_code_that_is_not_in_the_clone_costs_its_difference_only(project: Project, tmp_path: Path) -> None:
    remote = make_repository(tmp_path / "remote.git", "bare")
    git(project.top, "remote", "add", "origin", str(remote))
    git(project.top, "push", "-q", "origin", "HEAD")
    project.write("train.py", "changed\n")
    run = project.run()
    store = open_store(project.top)
    store.push("origin")
    store.close()
    git(tmp_path, "clone", "-q", remote.as_uri(), "other")
    other = open_store(tmp_path / "other")
    other.fetch("origin")
    other.merge("origin")
    client = Client(store=other)
    build(client, tmp_path / "site")
    client.close()
    page = page_of(tmp_path / "site", run)
    assert "diff-file" not in page
    assert run.code is not None
    assert run.code.snapshot is not None
    assert run.code.snapshot in page


def test_the_run_before_counts_only_where_its_code_is_another(project: Project) -> None:
    first, second = project.run(), project.run()
    project.write("train.py", "changed\n")
    third, fourth = project.run(), project.run()
    found = earlier_trees([fourth, third, second, first])
    assert found == {third.run_id: tree_of(first)[1]}
