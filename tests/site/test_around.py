"""Console, alerts and traceback on a run's page."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.core.alerts import Alert, Level, encode_alert
from gittrack.core.console import Line, format_lines
from gittrack.core.model import Run, RunStatus
from gittrack.site.around import SHOWN_LINES
from gittrack.site.build import build
from tests.site.sources import HOSTILE, MemorySource, make_run, make_source

if TYPE_CHECKING:
    from pathlib import Path

NOON = 1_760_097_600_000


def page_of(folder: Path, run: Run) -> str:
    return (folder / "runs" / f"{run.run_id}.html").read_text("utf-8")


def test_a_page_shows_console_alerts_and_traceback_of_its_run(tmp_path: Path) -> None:
    source = make_source(2)
    plain, run = source.runs
    lines = [
        Line(NOON + n, "err" if n == 3 else "out", f"line {n} {HOSTILE}") for n in range(SHOWN_LINES + 5)
    ]
    files = {
        "console.txt": format_lines(lines).encode(),
        "traceback.txt": f"ZeroDivisionError {HOSTILE}".encode(),
        "alert-1.json": encode_alert(Alert(f"hot {HOSTILE}", "too hot", Level.ERROR, NOON)),
        "alert-2.json": b"of a version to come",
    }
    source.side_files = {(run.run_id, name): content for name, content in files.items()}
    tags = {**run.tags, "gittrack.console": "9", "gittrack.alert": "ERROR: hot"}
    source.runs[1] = replace(run, tags=tags, status=RunStatus.FAILED, reason="ZeroDivisionError")
    build(source, tmp_path)
    page = page_of(tmp_path, run)
    assert HOSTILE not in page
    for shown in (
        "12:00:00",
        f"line {SHOWN_LINES + 4} ",
        "ZeroDivisionError &lt;/script&gt;",
        "too hot",
        'href="#alerts"',
    ):
        assert shown in page, shown
    assert "line 4 " not in page
    assert f"the last {SHOWN_LINES} lines" in page
    assert 'id="console"' not in page_of(tmp_path, plain)


def alerted(source: MemorySource, place: int, *alerts: Alert) -> Run:
    run = source.runs[place]
    for number, alert in enumerate(alerts):
        source.side_files[run.run_id, f"alert-{number}.json"] = encode_alert(alert)
    source.runs[place] = replace(run, tags={**run.tags, "gittrack.alert": alerts[-1].line})
    return source.runs[place]


def feed_of(folder: Path) -> list[tuple[str | None, ...]]:
    feed = ET.fromstring((folder / "feed.xml").read_bytes())
    parts = ("title", "updated", "summary")
    return [tuple(entry.findtext(f"{{*}}{part}") for part in parts) for entry in feed.iterfind("{*}entry")]


def test_the_feed_tells_of_alerts_among_new_bests_newest_first(tmp_path: Path) -> None:
    source = make_source(3, points=5)
    late = max(run.end_time or 0 for run in source.runs) + 1000
    run = alerted(
        source, 1, Alert("slow", "", Level.INFO, 5000), Alert(f"hot {HOSTILE}", "too hot", Level.ERROR, late)
    )
    build(source, tmp_path)
    entries = feed_of(tmp_path)
    assert entries[0][0] == f"{run.name}: ERROR: hot {HOSTILE}"
    assert (entries[0][2] or "").endswith(": too hot")
    assert entries[-1][:2] == (f"{run.name}: INFO: slow", "1970-01-01T00:00:05Z")
    assert any("val/acc" in (title or "") for title, *_ in entries)
    ids = ET.fromstring((tmp_path / "feed.xml").read_bytes()).findall("{*}entry/{*}id")
    assert len({one.text for one in ids}) == len(entries)


def test_runs_without_metrics_have_a_feed_once_one_alerts(tmp_path: Path) -> None:
    source = MemorySource(runs=[make_run(0, experiment_id="0")])
    build(source, tmp_path)
    assert not (tmp_path / "feed.xml").exists()
    run = alerted(source, 0, Alert("hot", "", Level.WARN, NOON))
    build(source, tmp_path)
    assert feed_of(tmp_path) == [(f"{run.name}: WARN: hot", "2025-10-10T12:00:00Z", "0: hot")]


def test_an_alert_that_repeats_another_is_shown_by_the_next_build(tmp_path: Path) -> None:
    source = make_source(1, points=5)
    first = Alert("hot", "at noon", Level.WARN, NOON)
    run = alerted(source, 0, first)
    build(source, tmp_path)
    alerted(source, 0, first, replace(first, text="at one", time=NOON + 3_600_000))
    build(source, tmp_path)
    assert "at one" in page_of(tmp_path, run)
