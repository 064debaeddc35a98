"""What an experiment defines of its metrics, on the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.model import Experiment, Run
from gittrack.site.build import build
from gittrack.site.gather import gather
from gittrack.site.leaders import note_settings, rank_settings
from gittrack.site.options import SiteOptions
from gittrack.site.overview import view_overview
from gittrack.site.records import find_records
from gittrack.site.run_data import describe_run
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.site.gather import Contents

LOWER, OVER = "gittrack.direction.score", "gittrack.xAxis.score"


def make_defined(**tags: str) -> MemorySource:
    """Return a source of three runs, the newest with the lowest score."""
    source = MemorySource(experiments=[Experiment("0", "Default", tags=tags)])
    for number, score in enumerate((0.1, 0.5, 0.9)):
        source.add(
            make_run(number, experiment_id="0", params={"lr": number}),
            {"score": make_series([1.0, score]), "epoch": make_series([0.0, 7.0])},
        )
    return source


def gathered(source: MemorySource) -> Contents:
    return gather(source, SiteOptions())


def axes_of(source: MemorySource) -> object:
    run = source.runs[0]
    return describe_run(run, gathered(source), source.series[run.run_id]).get("axes")


def test_the_defined_direction_decides_what_is_best() -> None:
    for source, best, records in (
        (make_defined(), 2, [2]),
        (make_defined(**{LOWER: "lower"}), 0, [0, 1, 2]),
    ):
        contents = gathered(source)
        expected = source.runs[best].run_id
        assert contents.columns.primary == "score"
        assert (contents.find_best() or source.runs[1]).run_id == expected
        assert rank_settings(contents, note_settings(contents), 1)[0].runs[0].run_id == expected
        assert [record.run.run_id for record in find_records(contents)] == [
            source.runs[number].run_id for number in records
        ]
        assert view_overview(contents, note_settings(contents), [])["lower"] == (best == 0)


def test_experiments_that_disagree_leave_it_to_the_name() -> None:
    source = make_defined(**{LOWER: "lower"})
    source.experiments.append(Experiment("1", "Other", tags={LOWER: "higher"}))
    source.add(make_run(3, experiment_id="1"), {"score": make_series([0.2])})
    assert gathered(source).columns.lower == set()


def test_a_runs_data_say_what_its_curves_are_drawn_over() -> None:
    assert axes_of(make_defined()) is None
    assert axes_of(make_defined(**{OVER: "epoch"})) == {"score": "m:epoch"}
    assert axes_of(make_defined(**{OVER: "time"})) == {"score": "time"}
    assert axes_of(make_defined(**{OVER: "step"})) is None
    assert axes_of(make_defined(**{OVER: "never logged"})) is None


def test_a_definition_that_changes_is_on_the_pages_after_the_next_build(tmp_path: Path) -> None:
    source = make_defined()
    build(source, tmp_path)

    def data_of(run: Run) -> str:
        return next(
            text
            for path in tmp_path.glob("data/**/*.js")
            if run.run_id in (text := path.read_text("utf-8")) and "curves" in text
        )

    assert "m:epoch" not in data_of(source.runs[0])
    source.experiments[0] = make_defined(**{OVER: "epoch"}).experiments[0]
    build(source, tmp_path)
    assert "m:epoch" in data_of(source.runs[0])
