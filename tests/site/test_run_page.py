"""What a run's page begins with, its params as a tree, and figures people logged."""

from __future__ import annotations

import base64
import json
import math
import struct
from dataclasses import replace
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import decode_run
from gittrack.core.registry import ModelVersion
from gittrack.site.build import build
from gittrack.site.columns import leading_keys
from gittrack.site.gather import gather
from gittrack.site.key_metrics import list_key_metrics
from gittrack.site.logged_figures import read_figure
from gittrack.site.options import SiteOptions
from gittrack.site.param_tree import Branch, Leaf, grow_tree
from gittrack.site.plotly_figures import convert_plotly
from gittrack.site.previews import make_preview
from tests.site.sources import MemorySource, add_models_and_data, make_run, make_series, make_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

KEYS = st.text(st.sampled_from("ab./"), min_size=1, max_size=8)


def leaves_of(children: Iterable[Leaf | Branch], path: str = "") -> Iterator[tuple[str, str, object]]:
    """Yield where each leaf is read, its key and its value."""
    for child in children:
        if isinstance(child, Leaf):
            yield path + child.name, child.key, child.value
        else:
            yield from leaves_of(child.children, f"{path}{child.name}?")


@given(st.dictionaries(KEYS, st.integers()))
def test_every_param_is_one_leaf_that_reads_as_its_key(params: dict[str, int]) -> None:
    leaves = list(leaves_of(grow_tree(params)))
    assert {key: value for _, key, value in leaves} == params
    assert len(leaves) == len(params)
    for path, key, _ in leaves:
        assert len(path) == len(key)
        assert all(shown in {letter, "?"} for shown, letter in zip(path, key, strict=True))


def test_params_that_begin_alike_share_a_branch_and_a_lonely_one_has_none() -> None:
    tree = grow_tree({"lr": 1, "optimizer.name": "adam", "optimizer.beta": 2, "data/train/path": "x"})
    assert [child.name for child in tree] == ["lr", "optimizer", "data/train/path"]
    branch = tree[1]
    assert isinstance(branch, Branch)
    assert [child.name for child in branch.children] == ["name", "beta"]
    assert branch.count == 2


def test_a_few_branches_are_open_and_many_are_not() -> None:
    few, many = ({f"group{i % 4}.key{i}": i for i in range(count)} for count in (8, 400))
    assert all(isinstance(child, Branch) and child.is_open for child in grow_tree(few))
    assert not any(isinstance(child, Branch) and child.is_open for child in grow_tree(many))


def test_a_key_of_thousands_of_dots_nests_no_deeper_than_a_reader_can_follow() -> None:
    deep = ".".join("a" * 5_000)
    assert [key for _, key, _ in leaves_of(grow_tree({deep: 1, deep + "b": 2}))] == [deep, deep + "b"]


def test_leading_metrics_are_the_primary_its_opposite_and_never_first_the_systems() -> None:
    keys = ["gpu_util", "train/loss", "val/f1", "val/loss", "val/acc"]
    lower = {"train/loss", "val/loss"}
    assert leading_keys(keys, "val/acc", lower) == ["val/acc", "val/loss", "val/f1", "train/loss", "gpu_util"]
    assert leading_keys(["cpu_util", "x"], None, set()) == ["x", "cpu_util"]
    assert leading_keys([], "x", set()) == []


def test_key_metrics_tell_last_best_and_how_far_from_the_run_before() -> None:
    source = MemorySource()
    source.add(make_run(1), {"val/acc": make_series([0.1, 0.5]), "val/loss": make_series([2.0, 1.0])})
    source.add(make_run(0), {"val/acc": make_series([0.9, 0.7]), "val/loss": make_series([0.5, 1.5])})
    before, run = source.runs
    columns = gather(source, SiteOptions()).columns
    acc, loss = list_key_metrics(run, source.series[run.run_id], before, columns)
    assert (acc.last, acc.best, acc.best_step) == (0.7, 0.9, 0)
    assert acc.delta == pytest.approx(0.2)
    assert acc.is_better
    assert (loss.best, loss.delta, loss.is_better) == (0.5, 0.5, False)
    assert all(one.delta is None for one in list_key_metrics(run, {}, None, columns))
    diverged = replace(run, metrics={"val/acc": replace(run.metrics["val/acc"], last=math.nan)})
    assert list_key_metrics(diverged, {}, before, columns)[0].delta is None


def test_a_page_holds_the_document_of_its_run(tmp_path: Path) -> None:
    source = MemorySource()
    source.add(make_run(0, params={"a": {"b": 0.1}, "text": "<&>\u2028"}), {"val/acc": make_series([0.5])})
    build(source, tmp_path)
    page = (tmp_path / "runs" / f"{source.runs[0].run_id}.html").read_text("utf-8")
    raw = unescape(page.partition('aria-label="Raw JSON">')[2].partition("</pre>")[0])
    assert decode_run(raw.encode()) == source.runs[0]


def pack(numbers: list[float]) -> dict[str, str]:
    """Return numbers as Plotly 6 writes those of numpy."""
    return {"dtype": "f8", "bdata": base64.b64encode(struct.pack(f"<{len(numbers)}d", *numbers)).decode()}


def convert(*traces: dict[str, Any], **layout: Any) -> dict[str, Any]:
    specification = convert_plotly({"data": list(traces), "layout": layout})
    assert specification is not None
    return specification


def test_lines_and_points_of_plotly_keep_their_values_names_and_axes() -> None:
    made = convert(
        {"type": "scattergl", "mode": "markers", "x": pack([1, 2]), "y": pack([3, math.nan]), "name": "a"},
        {"mode": "lines", "y": [5, 6]},
        title={"text": "T"},
        xaxis={"title": {"text": "epoch"}},
        yaxis={"type": "log"},
    )
    line, points = made["layer"]
    assert points["data"]["values"] == [
        {"x": 1.0, "y": 3.0, "c": "a", "i": 0},
        {"x": 2.0, "y": None, "c": "a", "i": 1},
    ]
    assert [row["x"] for row in line["data"]["values"]] == [0, 1]
    assert (line["mark"]["type"], points["mark"]["type"]) == ("line", "point")
    assert points["encoding"]["x"]["title"] == "epoch"
    assert points["encoding"]["y"]["scale"] == {"type": "log"}
    assert made["title"] == "T"


def test_bars_histograms_boxes_and_heat_maps_of_plotly_are_read() -> None:
    bars = convert({"type": "bar", "x": ["p"], "y": [1]}, {"type": "bar", "x": ["p"], "y": [2]})["layer"][0]
    assert bars["encoding"]["xOffset"] == {"field": "c"}
    sideways = convert({"type": "bar", "orientation": "h", "y": ["p"], "x": [1]})["layer"][0]
    assert sideways["encoding"]["y"]["type"] == "nominal"
    assert sideways["encoding"]["x"]["scale"] == {"zero": True}
    counts = convert({"type": "histogram", "x": [1, 1, 2]})["layer"][0]
    assert counts["encoding"]["y"]["aggregate"] == "count"
    boxes = convert({"type": "box", "y": [1, 2], "name": "a"})["layer"][0]
    assert {row["x"] for row in boxes["data"]["values"]} == {"a"}
    packed = {**pack([1, 2, 3, 4]), "shape": "2, 2"}
    cells = convert({"type": "heatmap", "z": packed, "x": ["p", "q"], "y": ["u", "v"]})["layer"][0]
    assert {"x": "q", "y": "v", "v": 4.0} in cells["data"]["values"]


@pytest.mark.parametrize(
    "figure",
    [
        {"data": []},
        {"data": "x"},
        {"data": [1]},
        {"data": [{"type": "surface", "z": [[1]]}]},
        {"data": [{"type": "scatter", "x": [1], "y": [1], "yaxis": "y2"}]},
        {"data": [{"type": "heatmap", "z": []}]},
        {"data": [{"type": "scatter", "x": {"dtype": "f8", "bdata": "?"}, "y": [1]}]},
        {"data": [{"type": "scatter", "x": {"dtype": "c16", "bdata": ""}, "y": [1]}]},
        {"data": [{"type": "scatter", "mode": "none", "x": [1], "y": [1]}]},
        {"data": [{"x": [1], "y": [1]}], "layout": {"xaxis": 3}},
        {"rows": [1, 2]},
    ],
)
def test_what_plotly_alone_can_draw_stays_text(figure: dict[str, Any]) -> None:
    assert convert_plotly(figure) is None
    preview = make_preview("plot.json", json.dumps(figure).encode())
    assert preview is not None
    assert preview.figure is None
    assert preview.text


def test_a_vega_lite_figure_is_taken_without_orders_and_without_foreign_data() -> None:
    schema = "https://vega.github.io/schema/vega-lite/v5.json"
    figure = {
        "$schema": schema,
        "usermeta": {"embedOptions": {}},
        "data": {"values": [{"a": 1}]},
        "mark": "bar",
    }
    assert read_figure(json.dumps(figure)) == {"data": {"values": [{"a": 1}]}, "mark": "bar"}
    assert read_figure(json.dumps({**figure, "data": {"url": "https://example.org/a.csv"}})) is None
    assert read_figure(json.dumps({**figure, "layer": [{"data": {"url": "data.csv"}}]})) is None
    for mark in ("image", {"type": "image"}):
        assert read_figure(json.dumps({**figure, "layer": [{"mark": mark}]})) is None
    assert read_figure("[" * 100_000) is None
    assert read_figure('{"$schema": "' + schema + '", "x": NaN}') == {"x": None}


def test_a_page_that_was_logged_begins_with_what_forbids_its_scripts() -> None:
    preview = make_preview("report.HTML", "<script>go()</script>é".encode())
    assert preview is not None
    assert preview.page is not None
    head, _, rest = preview.page.partition(b"<script>")
    assert b"default-src 'none'" in head
    assert b"script-src" not in head
    assert rest == "go()</script>é".encode()


def test_notes_and_markdown_files_are_shown_as_what_they_say(tmp_path: Path) -> None:
    source = MemorySource()
    note = "# Why\nlonger *warmup*\nhelps: [paper](https://example.org/a), [x](javascript:alert(1)) <b>no</b>"
    report = "# Result\n\n```python\nlr = 0.1  # best\n```\n\n![plot](plot.png)\n\n| a |\n|---|\n| 1 |\n"
    run = make_run(0, experiment_id="0", tags={"mlflow.note.content": note})
    source.add(run, {"acc": make_series([0.5])}, {"report.md": report.encode()})
    build(source, tmp_path)
    page = (tmp_path / f"runs/{run.run_id}.html").read_text("utf-8")
    assert "<h2>Why</h2>\n<p>longer <em>warmup</em>\nhelps: " in page
    assert '<a href="https://example.org/a" rel="noopener noreferrer">paper</a>' in page
    assert 'href="javascript:' not in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "data-note" not in page
    assert "<h3>Result</h3>" in page
    assert '<pre><code>lr = <i class="t4">0.1</i>  <i class="t3"># best</i>' in page
    assert "plot (plot.png is not part of this site)" in page
    live = tmp_path / "live"
    build(source, live, options=SiteOptions(live=True))
    assert 'data-note="# Why\n' in (live / f"runs/{run.run_id}.html").read_text("utf-8")


def test_a_run_names_its_data_and_models_and_is_written_again_when_one_is_registered(tmp_path: Path) -> None:
    source = make_source(2, points=3)
    run = source.runs[1]
    page = tmp_path / f"runs/{run.run_id}.html"
    build(source, tmp_path)
    assert 'id="things"' not in page.read_text("utf-8")
    add_models_and_data(source, run)
    build(source, tmp_path)
    text = page.read_text("utf-8")
    assert '<th scope="row">data, training</th><td><a href="../data.html" dir="auto">mnist</a> abc123' in text
    assert '<a href="../models.html" dir="auto">digits &lt;b&gt;</a> version 2' in text
    source.versions.append(ModelVersion("digits <b>", 3, 5, 6, run_id=run.run_id))
    build(source, tmp_path)
    assert "version 3" in page.read_text("utf-8")
