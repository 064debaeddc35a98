"""What the manifest has of the newest runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.site.build import build
from gittrack.site.gather import Contents, gather
from gittrack.site.newest import MAX_ROWS, list_first
from gittrack.site.options import SiteOptions
from tests.site.sources import MemorySource, make_run, make_series, make_source
from tests.site.test_odd_sizes import read_script

if TYPE_CHECKING:
    from pathlib import Path


def read_newest(source: MemorySource, folder: Path) -> dict[str, Any]:
    build(source, folder)
    newest: Any = read_script(folder / "data/manifest.js")["newest"]
    return newest  # type: ignore[no-any-return]


def nest(parents: dict[int, int], count: int) -> Contents:
    """Return what a site of runs has that are nested so; run 0 is the newest."""
    source = MemorySource()
    for number in range(count):
        parent = make_run(parents[number]).run_id if number in parents else None
        source.add(make_run(number, experiment_id="0", name=str(number), parent=parent))
    return gather(source, SiteOptions())


def show(contents: Contents, count: int) -> list[tuple[str | None, int, int]]:
    return [(run.name, depth, below) for run, depth, below in list_first(contents, count)]


def test_where_all_runs_fit_on_a_screen_the_manifest_has_none(tmp_path: Path) -> None:
    source = make_source(MAX_ROWS, points=2, files=0)
    assert read_newest(source, tmp_path) is None
    source.add(make_run(MAX_ROWS, experiment_id="0"))
    newest = read_newest(source, tmp_path)
    assert len(newest["id"]) == MAX_ROWS
    assert newest["id"] == [run.run_id for run in source.runs[:MAX_ROWS]]
    assert "depth" not in newest


def test_texts_too_long_for_a_manifest_stay_in_the_segments(tmp_path: Path) -> None:
    source = MemorySource()
    for number in range(MAX_ROWS + 1):
        source.add(make_run(number, experiment_id="0", params={"prompt": f"{number}" * 5_000}))
    assert read_newest(source, tmp_path) is None


def test_ranges_are_those_of_all_runs_and_finite(tmp_path: Path) -> None:
    source = MemorySource()
    for number in range(MAX_ROWS + 9):
        value = float("nan") if number % 5 == 0 else float("inf") if number == 7 else float(number)
        source.add(make_run(number, experiment_id="0"), {"acc": make_series([value])})
    assert read_newest(source, tmp_path)["ranges"] == {"m:acc": [1, MAX_ROWS + 8]}


def test_a_parent_brings_its_runs_along_and_hides_no_other() -> None:
    assert show(nest({1: 3, 2: 3, 0: 2}, 5), 9) == [
        ("3", 0, 2),
        ("1", 1, 0),
        ("2", 1, 1),
        ("0", 2, 0),
        ("4", 0, 0),
    ]


def test_a_parent_that_is_not_there_and_a_run_below_itself_are_roots() -> None:
    contents = nest({0: 40, 1: 1}, 3)
    assert show(contents, 9) == [("0", 0, 0), ("1", 0, 0), ("2", 0, 0)]


def test_runs_below_one_another_come_last_and_once() -> None:
    assert show(nest({0: 1, 1: 2, 2: 0}, 4), 9) == [("3", 0, 0), ("0", 0, 1), ("2", 1, 1), ("1", 2, 1)]


def test_a_very_long_chain_is_cut_where_the_rows_end() -> None:
    contents = nest({number: number + 1 for number in range(2_999)}, 3_000)
    rows = list_first(contents, 50)
    assert [depth for _, depth, _ in rows] == list(range(50))
    assert rows[0][0].name == "2999"
