"""The pure pieces of the site."""

from __future__ import annotations

import gc
import json
import math
import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.direction import is_lower_better
from gittrack.errors import StoreError
from gittrack.site import charts
from gittrack.site.build import build
from gittrack.site.columns import flatten_params
from gittrack.site.curves import decimate, draw_svg, encode_steps, sort_points
from gittrack.site.fingerprint import Fingerprints
from gittrack.site.formats import format_duration, format_number, format_size, format_time
from gittrack.site.gather import gather
from gittrack.site.index import encode_column
from gittrack.site.options import SiteOptions
from gittrack.site.paths import bucket_of, buckets_of, count_segments, run_page
from gittrack.site.previews import make_preview
from gittrack.site.scripts import encode_script
from gittrack.site.spark import encode_spark
from gittrack.store.index_runs import pack_run, unpack_run
from tests.site.sources import make_odd_source, make_png, make_series, make_source

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gittrack.core.model import ParamValue

FLOATS = st.floats(allow_nan=True, allow_infinity=True)
CURVES = st.lists(FLOATS, min_size=1, max_size=400)


def decode_script(script: bytes) -> tuple[str, object]:
    # What a browser does with it: evaluate two string literals and parse them.
    register = (
        "const gittrack = {put: (k, t) => console.log(JSON.stringify([JSON.parse(k), JSON.parse(t)]))};"
    )
    program = register + script.decode()
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    key, value = json.loads(done.stdout)
    return key, value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.70881, "0.7088"),
        (3.57e-5, "3.57e-5"),
        (7e-4, "7.00e-4"),
        (0.00149, "0.00149"),
        (512, "512"),
        (512.0, "512"),
        (1.9456, "1.946"),
        (77.3, "77.3"),
        (12345.67, "12345.7"),
        (-0.0227, "-0.0227"),
        (2.5e9, "2.50e9"),
        (0, "0"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
        (10.0, "10"),
        (0.99999, "1"),
    ],
)
def test_numbers_have_four_significant_digits(value: float, text: str) -> None:
    assert format_number(value) == text


def test_times_durations_and_sizes_read_well() -> None:
    assert format_time(1_760_146_500_000) == "2025-10-11 01:35"
    assert format_duration(3960) == "1 h 6 min"
    assert format_duration(0.25) == "250 ms"
    assert format_duration(59.96) == "60.0 s"
    assert format_duration(86_400) == "1 d"
    assert format_size(812) == "812 B"
    assert format_size(47_100) == "47.1 kB"


@pytest.mark.parametrize(
    "key", ["loss", "val/loss", "valLoss", "train_error", "RMSE", "ece", "nll", "val_loss/class_3"]
)
def test_losses_are_better_when_lower(key: str) -> None:
    assert is_lower_better(key)


@pytest.mark.parametrize(
    "key",
    ["acc", "val/f1", "neg_mean_squared_error", "log_likelihood", "loss/accuracy", "steps", "images/s", ""],
)
def test_all_else_is_better_when_higher(key: str) -> None:
    assert not is_lower_better(key)


def test_a_negative_log_likelihood_is_a_loss() -> None:
    assert is_lower_better("negative_log_likelihood")


def test_a_script_survives_what_could_end_it() -> None:
    value = {"</script>": "'\\\u2028\u2029\n\r\0<!--&\ufeff🦊"}
    script = encode_script("run/'\"</x>", value)
    assert b"<" not in script
    assert decode_script(script) == ("run/'\"</x>", value)


@given(st.recursive(st.text() | st.integers(-(2**53), 2**53) | st.none(), st.lists, max_leaves=4))
def test_a_script_is_one_line_of_plain_characters(value: object) -> None:
    script = encode_script("key", value)
    assert script.count(b"\n") == 1
    assert "\u2028" not in script.decode()
    assert b"</" not in script


@given(CURVES, st.integers(5, 60))
def test_decimation_keeps_ends_and_extremes_within_its_limit(values: list[float], limit: int) -> None:
    steps = list(decimate(values, limit))
    kept = [values[i] for i in steps]
    assert len(kept) <= max(limit, 2)
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, len(values) - 1)
    real = [value for value in values if not math.isnan(value)]
    if real:
        left = [value for value in kept if not math.isnan(value)]
        assert (min(left), max(left)) == (min(real), max(real))


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=60))
def test_steps_come_back_from_their_code(steps: list[int]) -> None:
    assert expand(encode_steps(steps)) == steps


def expand(coded: Sequence[Sequence[int]] | Sequence[int]) -> list[int]:
    out: list[int] = []
    for item in coded:
        out += [item] if isinstance(item, int) else [item[0] + item[1] * i for i in range(item[2])]
    return out


def test_regular_steps_cost_one_triple() -> None:
    assert encode_steps(list(range(0, 1000, 10))) == [[0, 10, 100]]


@given(CURVES)
def test_a_spark_has_a_character_a_point(values: list[float]) -> None:
    assert len(encode_spark(values)) in {0, min(24, len(values))}


@given(CURVES)
def test_pictures_stay_inside_their_box(values: list[float]) -> None:
    for line in draw_svg(values):
        for point in line.split(" "):
            x, y = map(float, point.split(","))
            assert 0 <= x <= 300
            assert 0 <= y <= 80


def test_points_are_drawn_in_the_order_of_steps() -> None:
    series = make_series([1.0, 2.0, 3.0])
    series.steps = [5, 1, 3]
    assert sort_points(series) == ([1, 3, 5], [2.0, 3.0, 1.0])


def test_nested_params_are_flat() -> None:
    params: dict[str, ParamValue] = {
        "a.b": 1,
        "a": {"b": 2, "c": {"d": None}},
        "l": [1, 2],
        "e": {},
        "t": True,
    }
    assert flatten_params(params) == {"a.b": 1, "a.c.d": "None", "l": "[1, 2]", "e": "{}", "t": "True"}


def test_what_varies_and_what_was_achieved_shows_first() -> None:
    source = make_source(40, points=3)
    columns = gather(source, SiteOptions()).columns
    assert columns.primary == "val/acc"
    assert columns.shown[:6] == (
        "m:val/acc",
        "m:val/loss",
        "p:lr",
        "p:optimizer.name",
        "p:model",
        "p:batch_size",
    )
    assert not {"p:amp", "p:seed", "p:epochs", "m:gpu_util"} & set(columns.shown)


def test_columns_are_coded_as_dictionaries_where_that_pays() -> None:
    assert encode_column(["a", "b", "a", None]) == {"d": ["a", "b"], "c": [0, 1, 0, -1]}
    assert encode_column([0.5, math.nan, 3.0, None]) == {"n": [0.5, "NaN", 3, None]}
    # A text and a number that look alike stay apart.
    assert encode_column(["1", 1, "1"]) == {"d": ["1", 1], "c": [0, 1, 0]}


def test_segments_double_and_runs_spread_over_them() -> None:
    assert [count_segments(count) for count in (0, 256, 257, 10_000)] == [1, 1, 2, 64]
    filled = [0] * 64
    for run in make_source(4000, points=1, files=0).runs:
        filled[bucket_of(run.run_id, 64)] += 1
    assert max(filled) < 256
    assert min(filled) > 20


@given(st.lists(st.text(st.characters(), max_size=12), max_size=20), st.integers(1, 100))
def test_many_texts_fall_into_the_buckets_that_each_falls_into(texts: list[str], count: int) -> None:
    assert buckets_of(texts, count) == [bucket_of(text, count) for text in texts]


def test_only_plain_ids_name_a_page() -> None:
    assert run_page("0199ac") == "runs/0199ac.html"
    for hostile in ("../up", "A", "", "con.html", "_x", "x" * 65, "a/b", "é"):
        assert len(run_page(hostile)) == len("runs/.html") + 32


def test_equal_runs_have_equal_fingerprints_and_others_do_not() -> None:
    one, two = make_odd_source(), make_odd_source()
    first, second = (Fingerprints(gather(source, SiteOptions())) for source in (one, two))
    prints = {first.of(run) for run in one.runs}
    assert prints == {second.of(run) for run in two.runs}
    assert len(prints) == len(one.runs)


def test_a_run_has_the_same_fingerprint_once_it_comes_from_the_index() -> None:
    one, two = make_source(6), make_source(6)
    two.runs = [unpack_run(pack_run(run), is_late=True) for run in two.runs]
    first, second = (Fingerprints(gather(source, SiteOptions())) for source in (one, two))
    assert [first.of(run) for run in one.runs] == [second.of(run) for run in two.runs]


def test_previews_are_what_their_content_says() -> None:
    assert make_preview("a.png", b"no picture") is None
    assert make_preview("a.txt", b"\xff\xfe") is None
    assert make_preview("a.txt", b"a\0b") is None
    picture = make_preview("a.PNG", make_png(1))
    assert picture is not None
    assert picture.picture is not None
    table = make_preview("a.csv", b"x,y\n" + b"1,2\n" * 80)
    assert table is not None
    assert (len(table.rows), table.cut) == (51, True)
    drawing = make_preview("a.svg", b"<svg/>")
    assert drawing is not None
    assert drawing.source is not None
    assert drawing.source.startswith("data:image/svg+xml;base64,")


def test_chart_templates_name_their_data_and_hold_none() -> None:
    kinds = charts.specifications()
    assert {"parallel", "scatter-log-linear", "scatter-linear-linear"} <= set(kinds)
    text = json.dumps(kinds)
    assert '"values"' not in text
    assert '"datasets"' not in text
    assert "view_" not in text
    assert "param_" not in text


def test_a_build_leaves_the_collector_of_cycles_as_it_was(tmp_path: Path) -> None:
    seen: list[tuple[bool, bool]] = []
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)
    build(
        make_source(3), tmp_path, progress=lambda *_: seen.append((gc.isenabled(), gc.get_freeze_count() > 0))
    )
    assert set(seen) == {(True, True)}
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)


def test_a_build_that_fails_leaves_the_collector_as_it_was(tmp_path: Path) -> None:
    def fail(*_: int) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        build(make_source(3), tmp_path, progress=fail)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        build(make_source(1), tmp_path / "file")
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, 0)
