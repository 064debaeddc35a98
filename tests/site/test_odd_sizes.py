"""What is far larger than usual makes a site of usual size, whose pages load what they show."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gittrack.core.model import Artifact
from gittrack.site.build import build
from tests.site.sources import MemorySource, make_run, make_series

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = 12_000
LARGE = 50 * 1024 * 1024


def read_script(path: Path) -> dict[str, object]:
    """Return what a data script registers."""
    text = path.read_text("utf-8")
    quoted = text[text.index("','") + 3 : text.rindex("'")]
    found: dict[str, object] = json.loads(json.loads('"' + quoted.replace('"', '\\"') + '"'))
    return found


def test_the_runs_page_loads_few_of_twelve_thousand_columns(tmp_path: Path) -> None:
    source = MemorySource()
    for number in range(4):
        params = {f"layer{i}.width": (i * number) % 7 for i in range(COLUMNS)}
        source.add(make_run(number, params=params, start_time=number + 1), {"acc": make_series([0.5])})
    report = build(source, tmp_path)
    manifest = read_script(tmp_path / "data/manifest.js")
    columns, segments = manifest["columns"], manifest["segments"]
    assert isinstance(columns, list)
    assert isinstance(segments, list)
    assert len(columns) == COLUMNS + 1
    (chunks,) = segments
    sizes = [(tmp_path / path).stat().st_size for path in chunks if path]
    assert len(sizes) > COLUMNS / 300
    assert max(sizes) < 40_000
    shown = read_script(tmp_path / chunks[0])["columns"]
    assert isinstance(shown, dict)
    assert len(shown) < 20
    # Each run's page and data hold all its own, nothing else grows with the columns.
    assert report.bytes < 12_000_000
    assert (tmp_path / "index.html").stat().st_size < 100_000
    assert (tmp_path / "runs.html").stat().st_size < 40_000


def test_a_text_of_fifty_megabytes_is_named_and_never_read(tmp_path: Path) -> None:
    source = MemorySource()
    run = make_run(0, artifacts={"log.txt": Artifact("log.txt", "a" * 64, LARGE)})
    source.add(run)
    asked = []

    class Watched(MemorySource):
        def read_artifact(self, run_id: str, path: str, *, fetch: bool = True) -> bytes:
            asked.append(path)
            return super().read_artifact(run_id, path, fetch=fetch)

    watched = Watched(runs=source.runs, content={(run.run_id, "log.txt"): b"x" * LARGE})
    report = build(watched, tmp_path)
    assert asked == []
    assert report.bytes < 4_000_000
    page = (tmp_path / "runs" / f"{run.run_id}.html").read_text("utf-8")
    assert "log.txt" in page
    assert "52.4 MB" in page or "50.0 MiB" in page or "50 MiB" in page
