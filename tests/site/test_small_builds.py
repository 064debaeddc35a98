"""What a build takes over from the one before, or from the index, and what it must not."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import jinja2
import pytest

from gittrack.core.late import LateMapping
from gittrack.errors import ConflictError
from gittrack.site import write_manifest
from gittrack.site.build import build
from gittrack.site.options import SiteOptions
from gittrack.site.render import Renderer
from gittrack.site.templates import find_templates
from gittrack.site.write_manifest import MANIFEST, encode_manifest, read_manifest
from gittrack.store.index_runs import pack_run, unpack_run
from tests.site.sources import add_sweep_run, make_source
from tests.site.test_build import CHANGES, read_tree

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run
    from tests.site.sources import MemorySource


def through_the_index(source: MemorySource) -> MemorySource:
    """Return a source whose runs are as the index returns them."""
    return replace(source, runs=[unpack_run(pack_run(run), is_late=True) for run in source.runs])


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the templates that are compiled from now on."""
    names: list[str] = []
    inner = jinja2.Environment.compile

    def compile_template(self: jinja2.Environment, source: str, *about: str) -> object:
        names.extend(about[:1])
        return inner(self, source, *about)  # type: ignore[call-overload]

    monkeypatch.setattr(jinja2.Environment, "compile", compile_template)
    return names


def test_a_site_is_the_same_whether_its_runs_come_from_the_index_or_not(tmp_path: Path) -> None:
    build(make_source(12), tmp_path / "a")
    report = build(through_the_index(make_source(12)), tmp_path / "a")
    assert (report.written, report.removed) == (0, 0)
    build(through_the_index(make_source(12)), tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_a_change_of_a_run_is_seen_though_runs_come_from_the_index(tmp_path: Path, what: str) -> None:
    source = make_source(4, points=5)
    build(through_the_index(source), tmp_path / "a")
    source.runs[2] = CHANGES[what](source.runs[2])
    assert build(through_the_index(source), tmp_path / "a").written > 0
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_a_build_holds_on_to_nothing_that_it_made_of_packed_metrics(tmp_path: Path) -> None:
    source = through_the_index(make_source(9))
    build(source, tmp_path)
    assert [made_of(run) for run in source.runs] == [0] * 9
    add_sweep_run(source, 0)
    build(source, tmp_path)
    assert [made_of(run) for run in source.runs] == [0] * 10


def made_of(run: Run) -> int:
    """Return how many summaries of a run's metrics there are."""
    return len(run.metrics._values) if isinstance(run.metrics, LateMapping) else 0


def test_templates_are_compiled_by_the_first_build_only(tmp_path: Path, compiled: list[str]) -> None:
    options = SiteOptions(cache=tmp_path / "compiled")
    build(make_source(3), tmp_path / "a", options=options)
    assert {"overview.html", "run.html"} <= set(compiled)
    compiled.clear()
    build(make_source(3), tmp_path / "b", options=options)
    assert compiled == []
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "another's"])
def test_a_compiled_template_that_is_not_whole_is_compiled_again(
    tmp_path: Path, compiled: list[str], damage: str
) -> None:
    cache = tmp_path / "compiled"
    page = render_about(cache)
    kept = {file: file.read_bytes() for file in cache.iterdir()}
    contents = list(kept.values())
    for place, file in enumerate(kept):
        content = contents[place]
        file.write_bytes(
            {
                "cut": content[: len(content) // 2],
                "changed": content.replace(b"</", b"<!"),
                "empty": b"",
                "another's": contents[place - 1],
            }[damage]
        )
    compiled.clear()
    assert render_about(cache) == page
    assert len(compiled) == len(kept) > 1
    assert {file: file.read_bytes() for file in cache.iterdir()} == kept


def test_what_another_version_compiled_is_not_run(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = render_about(tmp_path)
    compiled.clear()
    assert render_about(tmp_path, maker="another gittrack") == page
    assert len(compiled) > 1
    compiled.clear()
    with monkeypatch.context() as patch:
        patch.setattr(jinja2, "__version__", "0.0")
        assert render_about(tmp_path, maker="another gittrack") == page
    assert len(compiled) > 1


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path, compiled: list[str]) -> None:
    (tmp_path / "file").write_text("")
    assert render_about(tmp_path / "file") == render_about(tmp_path / "file/below") == render_about(None)
    assert compiled


def render_about(cache: Path | None, maker: str | None = None) -> bytes:
    templates = find_templates()
    if maker is not None:
        templates = replace(templates, digest=maker)
    values = {
        "root": "", "here": "about", "site": "A title", "nav": (), "live": False, "manifest": "m.js",
        "banded": False, "feed": False, "views": None, "policy": ("All is here.",),
    }  # fmt: skip
    return Renderer(templates, cache).render("about.html", values)


MANIFESTS = {
    "an earlier version's": lambda manifest: manifest.pop("seal"),
    "no sizes": lambda manifest: manifest["files"].update(dict.fromkeys(manifest["files"], "0" * 32)),
    "marks that are no numbers": lambda manifest: manifest["files"].update(
        dict.fromkeys(manifest["files"], "0" * 32 + "many")
    ),
    "marks that are no texts": lambda manifest: manifest["files"].update(dict.fromkeys(manifest["files"], 1)),
    "notes of no run": lambda manifest: manifest["runs"].update(dict.fromkeys(manifest["runs"], "")),
    "notes that are no texts": lambda manifest: manifest["runs"].update(dict.fromkeys(manifest["runs"], 7)),
    "other curves": lambda manifest: manifest["runs"].update(
        {run_id: f"{note}!" for run_id, note in manifest["runs"].items()}
    ),
    "no runs": lambda manifest: manifest.pop("runs"),
    "another form": lambda manifest: manifest.update(runs=3, made=[], notes=None, generator={}),
}


@pytest.mark.parametrize("what", sorted(MANIFESTS))
def test_a_manifest_that_another_wrote_or_changed_is_not_trusted(tmp_path: Path, what: str) -> None:
    source = make_source(3, points=5)
    build(source, tmp_path / "a")
    whole = read_tree(tmp_path / "a")
    manifest = json.loads(whole[MANIFEST])
    MANIFESTS[what](manifest)
    (tmp_path / "a" / MANIFEST).write_text(json.dumps(manifest))
    source.reads.clear()
    report = build(source, tmp_path / "a")
    assert len(source.reads) == 3
    assert read_tree(tmp_path / "a") == whole
    assert report.bytes == sum(len(content) for path, content in whole.items() if path != MANIFEST)
    assert build(source, tmp_path / "a").written == 0


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"format":1,"files":3}', b"[" * 100_000])
def test_where_no_manifest_tells_what_is_ours_nothing_is_written(tmp_path: Path, content: bytes) -> None:
    build(make_source(1, points=5), tmp_path)
    (tmp_path / MANIFEST).write_bytes(content)
    before = read_tree(tmp_path)
    with pytest.raises(ConflictError, match="was not written by gittrack"):
        build(make_source(2, points=5), tmp_path)
    assert read_tree(tmp_path) == before


def test_a_page_that_was_cut_is_written_again_when_it_is_rendered(tmp_path: Path) -> None:
    source = make_source(4)
    build(source, tmp_path)
    whole = (tmp_path / "index.html").read_bytes()
    (tmp_path / "index.html").write_bytes(whole[:-9])
    assert build(source, tmp_path).written == 1
    assert (tmp_path / "index.html").read_bytes() == whole


def test_the_size_of_a_site_is_that_of_its_files(tmp_path: Path) -> None:
    source = make_source(6)
    build(source, tmp_path)
    add_sweep_run(source, 0)
    report = build(source, tmp_path)
    assert report.bytes == sum(len(one) for path, one in read_tree(tmp_path).items() if path != MANIFEST)


def test_facts_that_another_version_found_are_not_taken_over(tmp_path: Path) -> None:
    source = make_source(3, points=5)
    build(source, tmp_path)
    whole = read_tree(tmp_path)
    manifest = read_manifest(tmp_path)
    nothing = {"runs": 3, "metrics": {}, "params": {}, "tags": {}}
    other = replace(manifest, generator="another", facts=dict.fromkeys(manifest.facts, nothing))
    (tmp_path / MANIFEST).write_bytes(encode_manifest(other))
    build(source, tmp_path)
    assert read_tree(tmp_path) == whole


def test_what_an_earlier_version_noted_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_source(3, points=5)
    with monkeypatch.context() as patch:
        patch.setattr(write_manifest, "_NOTES", b"1")
        build(source, tmp_path)
    pages = read_tree(tmp_path).keys()
    source.reads.clear()
    build(source, tmp_path)
    assert len(source.reads) == 3
    assert read_tree(tmp_path).keys() == pages


def test_links_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    source = make_source(2, points=5)
    (tmp_path / "loop").symlink_to(".")
    build(source, tmp_path)
    assert build(source, tmp_path).written == 0
    assert (tmp_path / "loop").is_symlink()
