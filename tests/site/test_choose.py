"""A site of some of the runs, without what shall not be told, within a size."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gittrack.core.inputs import Dataset, DatasetInput
from gittrack.site.build import build
from gittrack.site.choose import ChosenSource
from gittrack.site.options import SiteOptions
from gittrack.site.redact import KINDS, redact_text
from tests.site.sources import (
    MemorySource,
    add_models_and_data,
    add_sweep_run,
    make_run,
    make_series,
    make_source,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRETS = {
    "user": "ada.lovelace",
    "host": "gpu17.cluster.example.org",
    "paths": "/home/ada/private/data",
    "env": "torch==2.9.0+cu126",
    "code": "layers = 4711",
}


def make_telling_source() -> MemorySource:
    """Return one run that tells everything, in every place there is."""
    source = MemorySource()
    run = make_run(
        0,
        experiment_id="0",
        user=SECRETS["user"],
        source=f"{SECRETS['paths']}/train.py",
        reason=f"{SECRETS['user']} killed it on https://{SECRETS['host']}/jobs",
        params={
            "data": f"{SECRETS['paths']}/train.csv",
            "hostname": SECRETS["host"],
            "env": {"packages": SECRETS["env"]},
            "lr": 0.1,
        },
        tags={"host": SECRETS["host"], "python.packages": SECRETS["env"], "team": SECRETS["user"]},
    )
    assert run.code is not None
    remote = f"https://{SECRETS['host']}/repo.git"
    code = replace(run.code, commit="c0", remote=remote, tree="new", changed=1)
    place = {"uri": f"{SECRETS['paths']}/train.csv", "host": f"https://{SECRETS['host']}/{SECRETS['user']}"}
    data = DatasetInput(Dataset("train", "d0", "local", json.dumps(place)))
    run = replace(run, code=code, environment="e0", datasets={data.key: data})
    source.environments["e0"] = SECRETS["env"]
    start = {"argv": ["train", SECRETS["user"]], "folder": SECRETS["paths"], "python": SECRETS["env"]}
    source.side_files[run.run_id, "launch.json"] = json.dumps(start).encode()
    source.trees["c0"] = "old"
    source.folders |= {"old": {}, "new": {"model.py": (0o100644, "b0")}}
    source.code["b0"] = "\n".join(
        [SECRETS["code"], SECRETS["paths"], f"https://{SECRETS['host']}/a"]
    ).encode()
    text = f"{SECRETS['user']} wrote {SECRETS['paths']}/x at https://{SECRETS['host']}/y"
    source.add(run, {"val/acc": make_series([0.5])}, {"notes.txt": text.encode()})
    return source


def read_everything(root: Path) -> str:
    """Return all files one after the other, without the colours that part what code says."""
    texts = (file.read_text("utf-8", "replace") for file in root.rglob("*") if file.is_file())
    return re.sub(r'<i class="t\d">|</i>', "", "\n".join(texts))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_redacted_is_nowhere_in_the_site(tmp_path: Path, kind: str) -> None:
    source = make_telling_source()
    build(source, tmp_path / "open")
    assert SECRETS[kind] in read_everything(tmp_path / "open")
    build(ChosenSource(source, lambda _run: True, {kind}), tmp_path / "closed")
    assert SECRETS[kind] not in read_everything(tmp_path / "closed")


def test_redacting_leaves_what_tells_nothing() -> None:
    text = "train/loss fell to 0.1 at 10:30, see https://example.org and ./run.sh or a/b"
    assert redact_text(text, "ada", {"paths", "user"}) == text
    assert redact_text("cp /home/ada/x.csv ~/y/z.csv", "", {"paths"}) == "cp …/x.csv …/z.csv"
    assert redact_text("adapt by ada", "ada", {"user"}) == "adapt by redacted"


def test_only_runs_that_fit_are_shown(tmp_path: Path) -> None:
    source = make_source(9, points=5)
    chosen = ChosenSource(source, lambda run: run.params["model"] == "vit-b")
    report = build(chosen, tmp_path)
    shown = {file.stem for file in (tmp_path / "runs").iterdir()}
    assert shown == {run.run_id for run in source.runs if run.params["model"] == "vit-b"}
    assert 0 < len(shown) < 9
    assert report.pages == 8 + len(shown)


def test_what_was_left_out_is_said(tmp_path: Path) -> None:
    options = SiteOptions(left_out=("Only runs that fit metrics.acc > 0.9 <b> are here.",))
    build(make_source(2), tmp_path, options=options)
    assert "metrics.acc &gt; 0.9 &lt;b&gt;" in (tmp_path / "about.html").read_text("utf-8")


def test_old_runs_get_coarser_until_the_site_is_small_enough(tmp_path: Path) -> None:
    source = make_source(30, points=1_500, files=0)
    whole = build(source, tmp_path / "a").bytes
    small = build(source, tmp_path / "b", options=SiteOptions(max_bytes=6_000_000)).bytes
    assert small < 6_000_000 < whole

    def points(folder: str, number: int) -> int:
        page = (tmp_path / folder / "runs" / f"{source.runs[number].run_id}.html").read_text("utf-8")
        found = re.search(r'data-file="([^"]+)"', page)
        assert found is not None
        script = (tmp_path / folder / found[1]).read_text("utf-8")
        run = json.loads(script[script.index("','") + 3 : script.rindex("'")])
        return len(run["curves"]["val/acc"][1])

    assert points("b", 0) == 1_500
    assert points("b", 29) < 100
    again = add_sweep_run(source, -1, points=1_500, with_files=False)
    assert build(source, tmp_path / "b", options=SiteOptions(max_bytes=6_000_000)).written < 20, again


def test_models_and_data_have_their_pages_when_there_are_any(tmp_path: Path) -> None:
    source = make_source(3, points=5)
    build(source, tmp_path)
    assert not (tmp_path / "models.html").exists()
    run = source.runs[1]
    add_models_and_data(source, run)
    build(source, tmp_path)
    models = (tmp_path / "models.html").read_text("utf-8")
    assert "digits &lt;b&gt;" in models
    assert "champion" in models
    assert f'href="runs/{run.run_id}.html"' in models
    data = (tmp_path / "data.html").read_text("utf-8")
    assert "num_rows 9" in data
    assert "pixel" in data
    # The oldest run read it first.
    assert source.runs[-1].name in data
    assert 'href="../models.html"' in (tmp_path / "runs" / f"{run.run_id}.html").read_text("utf-8")
