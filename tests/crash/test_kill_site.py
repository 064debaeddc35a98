"""A build of the site that is killed at any moment leaves a site that is whole."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from gittrack.site.build import build
from tests.crash.site_children import RUNS, make_site_source
from tests.site.test_build import read_tree, references

ROOT = Path(__file__).resolve().parents[2]


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
    expected = read_tree(tmp_path / "after")
    (tmp_path / "killed").mkdir()
    folders = [str(tmp_path / "before"), str(tmp_path / "killed")]
    command = [sys.executable, "-m", "tests.crash.site_children", *folders, "grace"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == 0, killed.stderr
    moments = int(killed.stdout)
    assert moments > 5 * RUNS
    for moment in range(1, moments + 1):
        site = tmp_path / "killed" / str(moment)
        check_whole(site)
        assert (read_tree(site) == expected) == (moment == moments)
        if moment % 4 == 0:
            build(make_site_source("grace"), site)
            assert read_tree(site) == expected
