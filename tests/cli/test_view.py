"""``gittrack view``, and the menu of the site."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.repositories import git

if TYPE_CHECKING:
    from tests.cli.conftest import Cli


def test_views_are_named_listed_and_forgotten(repository: Path, cli: Cli) -> None:
    assert "no views yet" in cli("view", "ls").err
    assert cli("view", "save", "wide", "http://127.0.0.1:1/runs.html#columns=p:lr").status == 0
    assert cli("view", "save", "a <b>", "compare.html#runs=x,y").status == 0
    assert cli("view", "save", "wide", "runs.html#columns=p:lr,m:acc").status == 0
    assert json.loads(cli("view", "ls", "--json").out) == [
        {"name": "a <b>", "address": "compare.html#runs=x,y"},
        {"name": "wide", "address": "runs.html#columns=p:lr,m:acc"},
    ]
    assert cli("view", "rm", "nothing").status == 4
    assert cli("view", "save", "x", "https://example.org/").status == 2
    assert cli("view", "rm", "wide").status == 0
    assert list(json.loads(Path(".gittrack-views.json").read_text("utf-8"))) == ["a <b>"]
    assert git(repository, "status", "--porcelain") == "?? .gittrack-views.json\n"


def test_the_site_offers_committed_views_and_no_page_of_a_run_changes_with_them(
    repository: Path, cli: Cli
) -> None:
    run_id = cli("log", "-m", "acc=0.9").out.strip()
    cli("site", "build")
    before = Path(f"gittrack-site/runs/{run_id}.html").read_bytes()
    cli("view", "save", "a <b>", "runs.html#q=metrics.acc+>+0.5")
    assert "<summary>Views" not in Path("gittrack-site/runs.html").read_text("utf-8")
    git(repository, "add", ".gittrack-views.json")
    git(repository, "commit", "-qm", "views")
    cli("site", "build")
    for page in ("index", "runs", "charts", "compare", "history"):
        text = Path(f"gittrack-site/{page}.html").read_text("utf-8")
        assert '<a href="runs.html#q=metrics.acc+&gt;+0.5" dir="auto">a &lt;b&gt;</a>' in text
    assert Path(f"gittrack-site/runs/{run_id}.html").read_bytes() == before
    Path(".gittrack-views.json").write_text("[]")
    git(repository, "commit", "-qam", "broken")
    built = cli("site", "build")
    assert (built.status, "warning: .gittrack-views.json is no object" in built.err) == (0, True)
