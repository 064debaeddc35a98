"""What the site holds for other programs."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from gittrack.site.build import build
from tests.site.sources import (
    HOSTILE,
    MemorySource,
    add_sweep_run,
    make_odd_source,
    make_run,
    make_series,
    make_source,
)

if TYPE_CHECKING:
    from pathlib import Path

ATOM = "{http://www.w3.org/2005/Atom}"


def test_the_feed_tells_of_new_bests_newest_first(tmp_path: Path) -> None:
    source = MemorySource()
    for number, value in enumerate([0.9, 0.95, 0.7, 0.8, 0.6]):
        source.add(make_run(number, experiment_id="0"), {"val/acc": make_series([value])})
    build(source, tmp_path)
    feed = ET.fromstring((tmp_path / "feed.xml").read_bytes())
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    # Run 4 is the oldest; run 0, the newest, beats nobody.
    assert titles == [f"{source.runs[i].name}: val/acc {v}" for i, v in ((1, 0.95), (3, 0.8), (4, 0.6))]
    links = [link.get("href", "") for link in feed.iter(f"{ATOM}link")]
    assert all((tmp_path / link).is_file() for link in links)


def test_a_run_that_is_no_best_changes_neither_feed_nor_badge(tmp_path: Path) -> None:
    source = make_source(9, points=5)
    build(source, tmp_path)
    before = {
        name: (tmp_path / name).read_bytes() for name in ("feed.xml", "badge.svg", "badge.json", "llms.txt")
    }
    source.add(make_run(-1), {"val/acc": make_series([0.01])})
    build(source, tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in before} == before


def test_the_badge_says_what_is_best(tmp_path: Path) -> None:
    source = make_source(9, points=5)
    build(source, tmp_path)
    badge = json.loads((tmp_path / "badge.json").read_bytes())
    best = max(run.metrics["val/acc"].last for run in source.runs)
    assert (badge["label"], float(badge["message"])) == ("val/acc", float(f"{best:.4g}"))
    assert badge["message"] in ET.fromstring((tmp_path / "badge.svg").read_bytes()).findtext("{*}title", "")


def test_the_tables_hold_every_run_exactly(tmp_path: Path) -> None:
    source = make_source(7, points=5)
    build(source, tmp_path)
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        rows = {row["run_id"]: row for row in csv.DictReader(file)}
    listed = {row["run_id"]: row for row in json.loads((tmp_path / "runs.json").read_bytes())}
    for run in source.runs:
        assert float(rows[run.run_id]["metrics.val/acc"]) == run.metrics["val/acc"].last
        assert float(rows[run.run_id]["params.lr"]) == run.params["lr"]
        assert listed[run.run_id]["metrics"]["val/acc"] == run.metrics["val/acc"].last
        assert listed[run.run_id]["params"]["optimizer.name"] == run.params["optimizer"]["name"]  # type: ignore[index,call-overload]
        assert (tmp_path / listed[run.run_id]["page"]).is_file()


def test_a_spreadsheet_runs_no_formula_of_a_table(tmp_path: Path) -> None:
    source = MemorySource()
    source.add(
        make_run(0, name='=HYPERLINK("https://example.org")', params={"shift": -0.5, "note": "@SUM(A1)"})
    )
    build(source, tmp_path)
    with (tmp_path / "runs.csv").open(newline="", encoding="utf-8") as file:
        row = next(csv.DictReader(file))
    assert (row["name"][0], row["params.note"], row["params.shift"]) == ("'", "'@SUM(A1)", "-0.5")


def test_hostile_names_break_none_of_the_files(tmp_path: Path) -> None:
    build(make_odd_source(), tmp_path)
    feed = ET.fromstring((tmp_path / "feed.xml").read_bytes())
    assert HOSTILE[:20] in feed.findtext(f"{ATOM}title", "")
    ET.fromstring((tmp_path / "badge.svg").read_bytes())
    listed = json.loads((tmp_path / "runs.json").read_bytes())
    assert {row["metrics"].get("val/acc") for row in listed} >= {"NaN", 0.5}


def test_tables_of_very_many_runs_are_left_out(tmp_path: Path) -> None:
    source = MemorySource()
    for number in range(501):
        source.add(make_run(number), {"val/acc": make_series([0.5])})
    build(source, tmp_path)
    assert not (tmp_path / "runs.csv").exists()
    assert "runs.csv" not in (tmp_path / "llms.txt").read_text("utf-8")
    new = add_sweep_run(source, -1, points=3, with_files=False)
    assert build(source, tmp_path).written <= 12, new.name
