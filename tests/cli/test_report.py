"""``gittrack report``: what a branch did, and reports as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.cli.listing import Column, Listing
from gittrack.cli.markdown_parts import Part, join_parts, table_part
from tests.repositories import git

if TYPE_CHECKING:
    from tests.cli.conftest import Cli

REPORT = """# Sizes

Some *words*.

```gittrack table
sort: -acc
columns: acc, params.lr
```

```gittrack curves
title: The <curve>
metric: loss
```
"""


@pytest.fixture
def branch(repository: Path, cli: Cli) -> Path:
    """Return a repository whose branch `topic` has two runs that `main` has not."""
    git(repository, "branch", "-m", "main")
    cli("log", "--name", "old", "-p", "lr=0.1", "-m", "acc=0.8")
    cli("log", "--name", "best", "-p", "lr=0.2", "-m", "acc=0.9")
    cli("log", "--name", "broken", "-m", "acc=0.99", "--status", "FAILED")
    git(repository, "checkout", "-q", "-b", "topic")
    (repository / "train.py").write_text("print('other')\n")
    git(repository, "commit", "-qam", "other")
    cli("log", "--name", "worse", "-p", "lr=0.3", "-m", "acc=0.7")
    cli("log", "--name", "better", "-p", "lr=0.4", "-m", "acc=0.95")
    return repository


def test_the_runs_of_a_branch_are_compared_with_the_best_of_the_commits_before(
    branch: Path, cli: Cli
) -> None:
    told = cli("report")
    assert told.status == 0, told.err
    assert told.lines[0] == "2 new runs: acc 0.95, better than best: +0.05 (+5.6%)"
    assert [line.split()[:3] for line in told.lines[2:5]] == [
        ["baseline", "best", "0.9"],
        ["better", "better", "0.95"],
        ["worse", "worse", "0.7"],
    ]
    assert told.lines[5] == "Runs of 1 commit since main; the baseline is best, the best of main"


def test_a_comment_has_the_table_and_the_difference_of_the_best_run(branch: Path, cli: Cli) -> None:
    told = cli("report", "--md")
    assert told.lines[0] == "<!-- gittrack report -->"
    assert told.lines[1] == "### 2 new runs: acc 0.95, better than best: +0.05 (+5.6%)"
    assert "| ✅ | better | 0.95 | +0.05 (+5.6%) | 0.4 |" in told.lines
    assert "<details><summary>best → better</summary>" in told.lines
    assert told.out.count("<details>") == told.out.count("</details>")


def test_runs_are_chosen_by_a_filter_and_the_baseline_by_name(branch: Path, cli: Cli) -> None:
    told = json.loads(cli("report", "-f", "params.lr > 0.35", "--against", "old", "--json").out)
    assert [run["name"] for run in told["runs"]] == ["better"]
    assert told["baseline"]["name"] == "old"
    assert (told["runs"][0]["verdict"], told["runs"][0]["delta"]) == ("better", pytest.approx(0.15))
    assert cli("report", "--metric", "nothing").status == 4
    assert cli("report", "--against", "nobody").status == 4
    assert cli("report", "--base", "nowhere").status == 4
    assert cli("report", "-f", "acc >").status == 2


def test_a_branch_without_runs_and_runs_without_a_baseline_are_no_errors(branch: Path, cli: Cli) -> None:
    git(branch, "checkout", "-q", "--orphan", "lone")
    git(branch, "commit", "-qm", "lone")
    lone = cli("report")
    assert (lone.status, "no commit in common" in lone.err) == (4, True)
    git(branch, "checkout", "-q", "main")
    assert cli("report").lines == ["No new runs", "Runs of 0 commits since main"]
    assert "### No new runs" in cli("report", "--md").out
    alone = cli("report", "-f", "name = 'old' OR name = 'best' OR name = 'worse' OR name = 'better'")
    assert alone.lines[0] == "4 new runs: acc 0.95; there is no run to compare with"
    without = cli("log", "--name", "bare").out
    assert without
    assert cli("report", "-f", "name = 'bare'").lines[0] == "1 new run, without a metric to judge by"


def test_a_report_is_printed_with_its_blocks_answered(branch: Path, cli: Cli) -> None:
    for step, loss in enumerate([0.9, 0.5, 0.2]):
        cli("log", "-m", f"loss={loss}@{step}")
    (branch / "x.md").write_text(REPORT)
    shown = cli("report", "x.md", "--md")
    assert shown.status == 0, shown.err
    assert shown.lines[:5] == ["# Sizes", "", "Some *words*.", "", "| run | acc | lr |"]
    assert "**The &lt;curve>**" in shown.lines
    assert "| run | curve | last | best | at step |" in shown.lines
    assert "gittrack table" not in cli("report", "x.md").out
    tables = json.loads(cli("report", "x.md", "--json").out)["blocks"]
    assert tables[0]["tables"][0]["rows"][1][0] == "better"


def test_a_frozen_report_stays_and_follows_again_when_it_is_told(branch: Path, cli: Cli) -> None:
    file = branch / "x.md"
    file.write_text(REPORT.partition("```gittrack curves")[0])
    assert cli("report", "x.md", "--freeze").status == 0
    frozen = cli("report", "x.md", "--md").out
    assert file.read_text().startswith(f"---\nruns: {git(branch, 'rev-parse', 'refs/gittrack/runs')}---\n")
    cli("log", "--name", "newest", "-m", "acc=0.96")
    assert cli("report", "x.md", "--md").out == frozen
    assert cli("report", "x.md", "--follow").status == 0
    assert "newest" in cli("report", "x.md", "--md").out


def test_what_is_wrong_in_a_report_is_said_in_its_place_and_by_the_status(branch: Path, cli: Cli) -> None:
    (branch / "x.md").write_text("# X\n\n```gittrack table\nfiltr: x\n```\n\nand so on\n")
    shown = cli("report", "x.md", "--md")
    assert shown.status == 2
    assert "> ⚠️ line 4: a block of the kind 'table' has no 'filtr' — did you mean 'filter'?" in shown.lines
    assert shown.lines[-1] == "and so on"
    assert cli("report", "none.md").status == 4
    assert cli("report", "--freeze").status == 2
    assert cli("report", "x.md", "--metric", "acc").status == 2
    (branch / "y.md").write_text(f"---\nruns: {'f' * 40}\n---\n")
    assert cli("report", "y.md").status == 4


def test_a_site_shows_what_is_committed_and_tells_what_is_wrong(branch: Path, cli: Cli) -> None:
    (branch / "reports").mkdir()
    (branch / "reports/x.md").write_text(REPORT.replace("metric: loss", "metric: none"))
    assert cli("site", "build").status == 0
    assert not Path("gittrack-site/reports.html").exists()
    git(branch, "add", "reports")
    git(branch, "commit", "-qm", "report")
    built = cli("site", "build")
    assert built.status == 0
    assert "warning: reports/x.md:10: no run has a value of 'none'" in built.err
    assert "better" in Path("gittrack-site/reports/x.html").read_text("utf-8")


@pytest.mark.parametrize("most", [500, 800, 2_000, 5_000, 65_536])
def test_what_is_too_long_is_cut_at_rows_and_says_so(most: int) -> None:
    listing = Listing(
        [Column("run"), Column("ü", is_number=True)], [[f"run-{i}", "é" * 9] for i in range(200)]
    )
    parts = [Part(["# Title", ""]), table_part(listing, [], ["", "</details>"]), Part(["", "The end."])]
    text = join_parts(parts, most)
    assert len(text.encode()) <= most
    assert text.startswith("# Title\n\n| run | ü |\n")
    if most > 10_000:
        assert text.endswith("The end.")
        return
    assert "</details>" in text
    kept = text.count("| run-")
    assert f"*Cut to {most:,} bytes: {200 - kept} rows and 1 part left out.*" in text
    assert kept > 5


def test_a_difference_too_long_for_a_comment_is_cut(repository: Path, cli: Cli) -> None:
    for name in ("one", "two"):
        cli("log", "--name", name, *(f"-pkey-{i}={name}-{'x' * 30}" for i in range(60)))
    whole, cut = cli("diff", "one", "two", "--md"), cli("diff", "one", "two", "--md", "--max-size", "2000")
    assert len(whole.out) > 4_000
    assert len(cut.out.encode()) <= 2_001
    assert "left out.*" in cut.lines[-1]
