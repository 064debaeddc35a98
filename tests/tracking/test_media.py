from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import gittrack
from gittrack.errors import (
    ArtifactNotFoundError,
    GittrackError,
    InvalidNameError,
    InvalidValueError,
    UserError,
)
from gittrack.tracking import media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WITHOUT = """
import sys
for name in {hidden!r}:
    sys.modules[name] = None
import gittrack
"""


@pytest.fixture
def uri(repo: Path) -> Iterator[str]:
    """Return where the artifacts of the active run are."""
    with gittrack.start_run():
        yield gittrack.get_artifact_uri()


def run_without(hidden: list[str], script: str, folder: Path) -> str:
    """Return what a script prints in a process where some packages cannot be imported."""
    command = [sys.executable, "-c", WITHOUT.format(hidden=hidden) + script]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


# Text and dicts


def test_text_comes_back_as_it_was(uri: str) -> None:
    gittrack.log_text("Grüße\r\n💥", "notes/a.txt")
    assert gittrack.artifacts.load_text(f"{uri}/notes/a.txt") == "Grüße\r\n💥"


@pytest.mark.parametrize("path", ["./a.txt", "././a.txt"])
def test_a_path_may_begin_here(uri: str, path: str) -> None:
    gittrack.log_text("x", path)
    assert [entry.path for entry in gittrack.artifacts.list_artifacts(uri)] == ["a.txt"]


def test_yaml_and_json_are_told_apart_by_the_ending(uri: str) -> None:
    gittrack.log_dict({"b": [1, None], "a": "x"}, "a.yaml")
    gittrack.log_dict({"b": [1, None], "a": "x"}, "a.conf")
    assert gittrack.artifacts.load_text(f"{uri}/a.yaml") == "a: x\nb:\n- 1\n- null\n"
    assert gittrack.artifacts.load_dict(f"{uri}/a.conf") == {"b": [1, None], "a": "x"}


def test_yaml_without_pyyaml_says_what_to_install(repo: Path) -> None:
    script = "try: gittrack.log_dict({}, 'a.yml')\nexcept gittrack.UserError as error: print(error)"
    assert "hint: pip install pyyaml" in run_without(["yaml"], script, repo)


# Images


@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 1), (4, 4, 3), (3, 4, 4)])
def test_a_png_written_without_pillow_is_the_one_that_pillow_reads(shape: tuple[int, ...]) -> None:
    pixels = media.convert_pixels((np.arange(48) * 5 % 256).reshape(shape).astype("uint8"))
    with Image.open(io.BytesIO(media.encode_png(pixels))) as image:
        assert np.array_equal(np.asarray(image), pixels)


def test_arrays_are_images_without_pillow_and_other_formats_say_what_to_install(repo: Path) -> None:
    script = """
import numpy
with gittrack.start_run() as run:
    gittrack.log_image(numpy.eye(3), "a.png")
    gittrack.log_image(numpy.eye(3), key="k")
    try: gittrack.log_image(numpy.eye(3), "a.jpg")
    except gittrack.UserError as error: print(error)
print([entry.path for entry in gittrack.artifacts.list_artifacts(run_id=run.run_id, artifact_path="images")])
"""
    output = run_without(["PIL"], script, repo)
    assert "hint: pip install pillow" in output
    assert output.count(".png") == 1
    assert "webp" not in output


def test_floats_beyond_one_are_scaled_with_a_warning(uri: str) -> None:
    with pytest.warns(UserWarning, match="scaled to 0 to 1"):
        gittrack.log_image(np.array([[-1.0, 3.0]]), "a.png")
    with gittrack.artifacts.load_image(f"{uri}/a.png") as image:
        assert np.asarray(image).tolist() == [[0, 255]]


def test_the_preview_of_an_image_is_small(uri: str) -> None:
    gittrack.log_image(np.zeros((512, 1024), "uint8"), key="wide/one", step=3, timestamp=5)
    small, large = gittrack.artifacts.list_artifacts(f"{uri}/images")
    assert large.path.startswith("images/wide~one+step+3+timestamp+5+")
    assert small.path == large.path.removesuffix(".png") + "+compressed.webp"
    with gittrack.artifacts.load_image(f"{uri.rstrip('/')}/{small.path}") as image:
        assert image.size == (256, 128)


def test_a_line_of_pixels_has_a_preview_too(uri: str) -> None:
    gittrack.log_image(np.zeros((1, 2000), "uint8"), key="line")
    assert len(gittrack.artifacts.list_artifacts(f"{uri}/images")) == 2


# Figures


def test_altair_charts_are_stored_as_vega_lite(uri: str) -> None:
    altair = pytest.importorskip("altair")
    chart = altair.Chart({"values": [{"x": 1}]}).mark_point().encode(x="x:Q")
    gittrack.log_figure(chart, "chart.vl.json")
    gittrack.log_figure(chart, "chart.html")
    assert "vega-lite" in gittrack.artifacts.load_dict(f"{uri}/chart.vl.json")["$schema"]
    assert "vega-embed" in gittrack.artifacts.load_text(f"{uri}/chart.html")


def test_plotly_figures_are_stored_as_page_or_spec(uri: str) -> None:
    graphs = pytest.importorskip("plotly.graph_objects")
    figure = graphs.Figure(graphs.Scatter(x=[1], y=[2]))
    gittrack.log_figure(figure, "a.json")
    gittrack.log_figure(figure, "a.html", save_kwargs={"include_plotlyjs": False})
    assert gittrack.artifacts.load_dict(f"{uri}/a.json")["data"][0]["y"] == [2]
    assert "cdn.plot.ly" not in gittrack.artifacts.load_text(f"{uri}/a.html")


def test_pictures_of_web_charts_say_what_to_install(repo: Path) -> None:
    script = """
import altair, plotly.graph_objects
for figure in (altair.Chart().mark_point(), plotly.graph_objects.Figure()):
    try: gittrack.log_figure(figure, "a.png")
    except gittrack.UserError as error: print(error.hint)
"""
    output = run_without(["kaleido", "vl_convert"], script, repo)
    assert output.split("\n")[:2] == ["pip install 'gittrack[plot]'", "pip install kaleido"]


# Tables


def test_rows_logged_from_many_threads_are_all_there(uri: str) -> None:
    run_id = gittrack.active_run().run_id  # type: ignore[union-attr]
    threads = [
        threading.Thread(target=gittrack.log_table, args=({"n": [number]}, "t.json", run_id))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(gittrack.load_table("t.json")["n"]) == list(range(20))


def test_a_table_may_be_parquet_or_says_what_to_install(repo: Path) -> None:
    script = """
with gittrack.start_run():
    try: gittrack.log_table({"a": [1]}, "t.parquet")
    except gittrack.UserError as error: print(error.hint)
"""
    assert run_without(["pyarrow"], script, repo) == "pip install 'gittrack[parquet]'\n"


def test_extra_columns_tell_the_run_of_each_row(uri: str) -> None:
    gittrack.log_param("lr", 0.1)
    gittrack.log_table({"lr": [1], "params.lr": ["own"]}, "t.json")
    table = gittrack.load_table("t.json", extra_columns=["params.lr", "status", "start_time"])
    assert table["params.lr"].tolist() == ["own"]
    assert table["params.lr_"].tolist() == ["0.1"]
    assert table["status"].tolist() == ["RUNNING"]
    with pytest.raises(InvalidValueError, match="no column of a run"):
        gittrack.load_table("t.json", extra_columns=["colour"])


def test_an_artifact_that_is_no_table_is_not_appended_to(uri: str) -> None:
    gittrack.log_text("no table", "t.json")
    with pytest.raises(InvalidValueError, match="is no table"):
        gittrack.log_table({"a": [1]}, "t.json")
    assert gittrack.artifacts.load_text(f"{uri}/t.json") == "no table"


def test_a_data_frame_is_left_as_it_was(uri: str) -> None:
    pandas = pytest.importorskip("pandas")
    image = Image.new("L", (2, 2))
    frame = pandas.DataFrame({"image": [image]})
    gittrack.log_table(frame, "t.json")
    assert frame["image"][0] is image


# Streams


def test_a_stream_larger_than_what_rides_inline_is_stored_whole(uri: str) -> None:
    content = bytes(range(256)) * 1024
    gittrack.log_stream(io.BytesIO(content), "a.bin")
    assert gittrack.Client().read_artifact(uri.rpartition("/")[2], "a.bin") == content


def test_a_stream_that_fails_half_way_leaves_no_artifact(uri: str) -> None:
    class Broken(io.RawIOBase):
        def __init__(self) -> None:
            self.reads = 0

        def read(self, _size: int = -1) -> bytes:
            self.reads += 1
            if self.reads > 1:
                raise OSError(5, "Input/output error")
            return b"half"

    with pytest.raises(GittrackError, match="Input/output error"):
        gittrack.log_stream(Broken(), "a.bin")  # type: ignore[arg-type]
    assert gittrack.artifacts.list_artifacts(uri) == []


# Bad input, each with a hint

ARRAY = np.zeros((2, 2), "uint8")
BAD: dict[str, tuple[Callable[[], Any], type[GittrackError], str]] = {
    "text that is none": (lambda: gittrack.log_text(b"x", "a"), InvalidValueError, "must be a string"),  # type: ignore[arg-type]
    "text with a lone surrogate": (
        lambda: gittrack.log_text("a\ud800", "a"),
        InvalidValueError,
        "not valid Unicode at character 1",
    ),
    "path up": (lambda: gittrack.log_text("x", "a/../b"), InvalidNameError, "not a plain relative path"),
    "path to the root": (lambda: gittrack.log_text("x", "/etc/x"), InvalidNameError, "not a plain relative"),
    "no path": (lambda: gittrack.log_text("x", ""), InvalidNameError, "path is empty"),
    "path with a newline": (lambda: gittrack.log_text("x", "a\nb"), InvalidNameError, "control character"),
    "path that is none": (lambda: gittrack.log_text("x", 3), InvalidNameError, "must be a string"),  # type: ignore[arg-type]
    "tuple as key": (lambda: gittrack.log_dict({(1,): 2}, "a.json"), InvalidValueError, "cannot be written"),
    "text stream": (lambda: gittrack.log_stream(io.StringIO("x"), "a"), InvalidValueError, "must give bytes"),  # type: ignore[arg-type]
    "no stream": (lambda: gittrack.log_stream(b"x", "a"), InvalidValueError, "must give bytes"),  # type: ignore[arg-type]
    "no figure": (lambda: gittrack.log_figure("x", "a.png"), InvalidValueError, "str is no figure"),
    "no image": (lambda: gittrack.log_image([[1]], "a.png"), InvalidValueError, "list is no image"),
    "NaN pixels": (lambda: gittrack.log_image(ARRAY * np.nan, "a.png"), InvalidValueError, "must be finite"),
    "bright pixels": (
        lambda: gittrack.log_image(ARRAY + np.int64(256), "a.png"),
        InvalidValueError,
        "0 to 255",
    ),
    "two channels": (
        lambda: gittrack.log_image(np.zeros((2, 2, 2)), "a.png"),
        InvalidValueError,
        "is no image",
    ),
    "no format": (lambda: gittrack.log_image(ARRAY, "a"), InvalidValueError, "without ending"),
    "key and path": (lambda: gittrack.log_image(ARRAY, "a.png", key="k"), InvalidValueError, "alone"),
    "neither": (lambda: gittrack.log_image(ARRAY), InvalidValueError, "alone"),
    "image key": (lambda: gittrack.log_image(ARRAY, key="a+b"), InvalidNameError, "not allowed"),
    "image step": (lambda: gittrack.log_image(ARRAY, key="k", step=2**63), InvalidValueError, "64 bits"),
    "long image key": (lambda: gittrack.log_image(ARRAY, key="k" * 300), InvalidNameError, "255 bytes"),
    "table ending": (lambda: gittrack.log_table({"a": [1]}, "t.csv"), InvalidNameError, "cannot be stored"),
    "table path": (lambda: gittrack.log_table({"a": [1]}, "a:b.json"), InvalidNameError, "cannot hold ':'"),
    "no table": (lambda: gittrack.log_table([1], "t.json"), InvalidValueError, "must be a dict"),
    "mixed column": (
        lambda: gittrack.log_table({"a": [Image.new("L", (1, 1)), 1]}, "t.json"),
        InvalidValueError,
        "holds images and other values",
    ),
    "missing table": (lambda: gittrack.load_table("none.json"), ArtifactNotFoundError, "no run has a table"),
    "both ways to name": (
        lambda: gittrack.artifacts.list_artifacts("runs:/x/y", run_id="x"),
        UserError,
        "artifact_uri alone",
    ),
    "foreign URI": (
        lambda: gittrack.artifacts.load_text("s3://b/x"),
        UserError,
        "no URI of a run's artifact",
    ),
}


@pytest.mark.parametrize("case", list(BAD))
def test_bad_input_is_refused_with_a_hint_and_stores_nothing(uri: str, case: str) -> None:
    call, kind, message = BAD[case]
    gittrack.log_text("before", "before.txt")
    with pytest.raises(kind, match=message) as caught:
        call()
    assert caught.value.hint
    assert [entry.path for entry in gittrack.artifacts.list_artifacts(uri)] == ["before.txt"]


def test_what_is_no_text_json_or_image_is_said_so(uri: str) -> None:
    gittrack.log_stream(io.BytesIO(b"\xff\xfe"), "a.bin")
    for load in (gittrack.artifacts.load_text, gittrack.artifacts.load_dict, gittrack.artifacts.load_image):
        with pytest.raises(InvalidValueError, match=r"a\.bin' is no (UTF-8 text|JSON|image)") as caught:
            load(f"{uri}/a.bin")
        assert caught.value.hint == "download_artifacts() brings the file as it is"


def test_artifacts_of_another_repository_are_read_by_its_uri(uri: str, tmp_path: Path) -> None:
    gittrack.log_text("here", "a.txt")
    run_id = uri.rpartition("/")[2]
    home = gittrack.get_tracking_uri()
    got = gittrack.artifacts.download_artifacts(f"{uri}/a.txt", dst_path=tmp_path / "to", tracking_uri=home)
    assert (tmp_path / "to" / "a.txt").read_text("utf-8") == "here"
    assert got == str(tmp_path / "to" / "a.txt")
    assert gittrack.artifacts.list_artifacts(run_id=run_id, tracking_uri=home)[0].path == "a.txt"


def test_all_of_a_run_without_artifacts_is_an_empty_folder(uri: str, tmp_path: Path) -> None:
    assert gittrack.artifacts.download_artifacts(uri, dst_path=tmp_path) == str(tmp_path)


def test_the_tag_lists_each_table_once(uri: str) -> None:
    for _ in range(2):
        gittrack.log_table({"a": [1]}, "t.json")
    tags = gittrack.active_run().data.tags  # type: ignore[union-attr]
    assert json.loads(tags["mlflow.loggedArtifacts"]) == [{"path": "t.json", "type": "table"}]
