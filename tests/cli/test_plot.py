"""``gittrack plot``: in the terminal and into files."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import ESCAPES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli, Terminal

SIGNATURES = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}


@pytest.fixture
def logged(repository: Path, cli: Cli) -> Path:
    """Return a repository with two runs of three points, and one without the metric."""
    for name, lr, values in (("one", "0.1", "321"), ("two", "0.01", "642")):
        points = [f"-mloss={value}@{step}" for step, value in enumerate(values)]
        assert cli("log", "--name", name, "-p", f"lr={lr}", "-p", f"opt={name}", *points).status == 0
    assert cli("log", "--name", "</script>", "-m", "acc=1").status == 0
    return repository


def test_curves_are_drawn_with_axes_and_a_legend(logged: Path, cli: Cli) -> None:
    shown = cli("plot", "loss", "--height", "4", "--width", "20")
    assert (shown.status, shown.err) == (0, "")
    assert shown.lines[0] == "loss"
    assert shown.lines[1].startswith("6 │")
    assert shown.lines[4].startswith("1 │")
    assert shown.lines[6].split() == ["0", "step", "2"]
    assert [line.split() for line in shown.lines[7:]] == [["●", "two", "2"], ["●", "one", "1"]]
    assert "⠤" in shown.out or "⠒" in shown.out


def test_runs_a_filter_and_a_number_choose_what_is_drawn(logged: Path, cli: Cli) -> None:
    assert "two" not in cli("plot", "loss", "--run", "one", "--run", "one").out
    assert "●" not in cli("plot", "loss", "-f", "params.lr < 0.05").out
    assert "●" not in cli("plot", "loss", "-n", "1").out
    assert cli("plot", "loss", "--run", "@", "-f", "x").status == 2


def test_each_run_is_a_point_over_a_param(logged: Path, cli: Cli) -> None:
    numbers = cli("plot", "loss", "--x", "params.lr", "--log-x")
    assert numbers.lines[-1].split() == ["0.01", "params.lr", "0.1"]
    texts = cli("plot", "loss", "--x", "params.opt")
    assert texts.lines[-1].split() == ["one", "params.opt", "two"]
    assert cli("plot", "loss", "--x", "nonsense").status == 2
    assert cli("plot", "loss", "--x", "params.*").status == 2


def test_a_metric_that_no_run_has_and_points_without_a_place_are_said(logged: Path, cli: Cli) -> None:
    unknown = cli("plot", "los")
    assert unknown.status == 4
    assert "did you mean 'loss'?" in unknown.err
    assert cli("log", "--name", "bad", "-m", "bad=nan").status == 0
    nothing = cli("plot", "bad")
    assert (nothing.status, nothing.out) == (0, "")
    assert "no point to draw" in nothing.err
    assert cli("plot", "loss", "--smooth", "1").status == 2


def test_a_terminal_shows_curves_in_colours_unless_told_not_to(logged: Path, terminal: Terminal) -> None:
    shown = terminal("plot", "loss", width=60)
    assert ESCAPES.search(shown.out)
    assert max(len(line) for line in ESCAPES.sub("", shown.out).splitlines()) <= 60
    assert not ESCAPES.search(terminal("plot", "loss", NO_COLOR="1").out)


@pytest.mark.parametrize("ending", sorted(SIGNATURES))
def test_pictures_are_written(logged: Path, cli: Cli, ending: str) -> None:
    path = logged / f"loss.{ending}"
    done = cli("plot", "loss", "-o", str(path), "--title", "Loss")
    assert (done.status, done.out) == (0, "")
    assert SIGNATURES[ending] in path.read_bytes()[:200]


def test_json_is_a_vega_lite_chart_with_its_data(logged: Path, cli: Cli) -> None:
    path = logged / "loss.json"
    assert cli("plot", "loss", "-o", str(path), "--log", "--width", "300").status == 0
    chart = json.loads(path.read_text("utf-8"))
    assert "vega-lite" in chart["$schema"]
    assert chart["width"] == 300
    assert chart["encoding"]["y"]["scale"]["type"] == "log"
    assert [row for row in chart["data"]["values"] if row["curve"] == "one"] == [
        {"curve": "one", "x": step, "y": 3 - step} for step in range(3)
    ]


def test_other_endings_and_places_are_refused(logged: Path, cli: Cli) -> None:
    unknown = cli("plot", "loss", "-o", "loss.gif")
    assert unknown.status == 2
    assert ".svg" in unknown.err
    assert cli("plot", "loss", "-o", str(logged / "none" / "loss.json")).status == 6


def test_without_the_package_for_pictures_the_hint_says_which(logged: Path) -> None:
    script = (
        "import sys; sys.modules['vl_convert'] = None; from gittrack.cli.main import run; "
        "sys.exit(run(['plot', 'loss', '-o', 'x.png']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "pip install 'gittrack[plot]'" in done.stderr
