"""A build of the site that is killed at any moment leaves a site that is whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from gittrack.site.build import build
from tests.crash.site_children import RUNS, make_site_source
from tests.site.test_build import read_tree, references

ROOT = Path(__file__).resolve().parents[2]
MOMENTS = 6


def build_in_child(folder: Path, user: str, most: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.crash.site_children", str(folder), user, str(most)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def check_whole(folder: Path) -> None:
    """Check that every page is complete and all that it refers to is there, data of the index included."""
    pages = sorted(folder.rglob("*.html"))
    assert len(pages) > RUNS
    for page in pages:
        text = page.read_text("utf-8")
        assert text.rstrip().endswith("</html>"), page
        for path in references(folder, page.relative_to(folder).as_posix()):
            assert (page.parent / path).is_file() or (folder / path).is_file(), (page.name, path)
    manifest = (folder / "data/manifest.js").read_text("utf-8")
    chunks = re.findall(r"data/[0-9a-f]{2}/[0-9a-f]+\.js", manifest)
    assert chunks
    of_runs = [
        path
        for chunk in chunks
        for path in re.findall(r"data/[0-9a-f/]+\.js", (folder / chunk).read_text("utf-8"))
    ]
    assert len(of_runs) == RUNS
    assert all((folder / path).is_file() for path in of_runs)


def test_a_build_that_is_killed_leaves_a_whole_site_and_the_next_one_is_as_if_built_afresh(
    tmp_path: Path,
) -> None:
    build(make_site_source("ada"), tmp_path / "before")
    build(make_site_source("grace"), tmp_path / "after")
    check_whole(tmp_path / "before")
    shutil.copytree(tmp_path / "before", tmp_path / "counted")
    counted = build_in_child(tmp_path / "counted", "grace", 0)
    total = int(counted.stdout)
    assert total > 3 * RUNS
    assert read_tree(tmp_path / "counted") == read_tree(tmp_path / "after")
    for moment in range(MOMENTS):
        site = tmp_path / f"killed-{moment}"
        shutil.copytree(tmp_path / "before", site)
        killed = build_in_child(site, "grace", 1 + moment * (total - 1) // (MOMENTS - 1))
        assert killed.returncode == -9, killed.stderr
        check_whole(site)
        build(make_site_source("grace"), site)
        assert read_tree(site) == read_tree(tmp_path / "after")
