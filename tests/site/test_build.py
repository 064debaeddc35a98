"""The whole way from a source to a folder."""

from __future__ import annotations

import json
import re
import resource
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from gittrack.core.model import Artifact, Code, RunStatus
from gittrack.errors import ConflictError, NotFoundError, StoreError, UserError
from gittrack.site.build import build
from gittrack.site.write import PENDING
from gittrack.site.write_manifest import MANIFEST
from tests.site.sources import (
    HOSTILE,
    MemorySource,
    add_sweep_run,
    make_odd_source,
    make_run,
    make_series,
    make_source,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gittrack.core.model import Run


def read_tree(root: Path) -> dict[str, bytes]:
    return {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in sorted(root.rglob("*"))
        if file.is_file()
    }


def references(root: Path, page: str) -> list[str]:
    text = (root / page).read_text("utf-8")
    return re.findall(r'(?:src|href|data-file|data-charts)="([^"#?]+)[^"]*"', text)


def test_two_builds_are_byte_identical(tmp_path: Path) -> None:
    build(make_source(12), tmp_path / "a")
    build(make_source(12), tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_a_build_of_an_unchanged_source_writes_nothing_and_reads_no_series(tmp_path: Path) -> None:
    source = make_source(8)
    first = build(source, tmp_path)
    source.reads.clear()
    report = build(source, tmp_path)
    assert (report.written, report.removed, source.reads) == (0, 0, [])
    assert report.bytes == first.bytes
    assert report.unchanged == first.written


def test_one_new_run_changes_few_files_and_gives_what_a_fresh_build_gives(tmp_path: Path) -> None:
    source = make_source(600, points=3, files=0)
    build(source, tmp_path / "a")
    source.reads.clear()
    new = add_sweep_run(source, -1, points=3, with_files=False)
    source.commit = "f" * 40
    report = build(source, tmp_path / "a")
    assert source.reads == [new.run_id]
    # The page, its data, the segment of the index in two groups, the manifest and the overview.
    assert report.written <= 6
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_a_new_run_leaves_the_pages_of_all_others_with_its_code_alone(tmp_path: Path) -> None:
    source, code = MemorySource(), Code("c" * 40, "main", dirty=False, snapshot="c" * 40, tree="d" * 40)
    for number in range(12):
        source.add(make_run(number, start_time=number + 1, code=code))
    build(source, tmp_path / "a")
    source.reads.clear()
    new = make_run(12, start_time=13, code=code)
    source.add(new)
    build(source, tmp_path / "a")
    assert source.reads == [new.run_id]
    assert " and 4 before</td>" in (tmp_path / "a/runs" / f"{new.run_id}.html").read_text("utf-8")
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_a_changed_run_is_written_again_and_its_old_data_removed(tmp_path: Path) -> None:
    source = make_source(5)
    build(source, tmp_path / "a")
    run = source.runs[0]
    source.runs[0] = replace(run, name="another name", status=RunStatus.FAILED, reason="out of memory")
    report = build(source, tmp_path / "a")
    assert report.removed > 0
    page = (tmp_path / "a/runs" / f"{run.run_id}.html").read_text("utf-8")
    assert "another name" in page
    assert "out of memory" in page
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


CHANGES: dict[str, Callable[[Run], Run]] = {
    "name": lambda run: replace(run, name="another"),
    "experiment": lambda run: replace(run, experiment_id="0"),
    "status": lambda run: replace(run, status=RunStatus.KILLED),
    "reason": lambda run: replace(run, reason="killed"),
    "start": lambda run: replace(run, start_time=run.start_time - 60_000),
    "end": lambda run: replace(run, end_time=run.start_time + 1),
    "user": lambda run: replace(run, user="somebody"),
    "source": lambda run: replace(run, source="fit.py", code=None),
    "parent": lambda run: replace(run, parent=make_run(1).run_id),
    "param": lambda run: replace(run, params={**run.params, "lr": 5}),
    "tag": lambda run: replace(run, tags={**run.tags, "team": "audio"}),
    "note": lambda run: replace(run, tags={**run.tags, "mlflow.note.content": "A note."}),
    "code": lambda run: replace(run, code=Code("f" * 40, "topic", dirty=True)),
    "artifact": lambda run: replace(run, artifacts={"a.bin": Artifact("a.bin", "0" * 64, 9)}),
    "summary": lambda run: replace(
        run, metrics={**run.metrics, "val/acc": replace(run.metrics["val/acc"], min=-7.5)}
    ),
}


@pytest.mark.parametrize("what", sorted(CHANGES))
def test_whatever_changes_in_a_run_the_site_is_as_if_built_afresh(tmp_path: Path, what: str) -> None:
    source = make_source(4, points=5)
    build(source, tmp_path / "a")
    source.runs[2] = CHANGES[what](source.runs[2])
    build(source, tmp_path / "a")
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_a_run_that_is_gone_takes_its_files_with_it(tmp_path: Path) -> None:
    source = make_source(5)
    build(source, tmp_path / "a")
    gone = source.runs.pop()
    build(source, tmp_path / "a")
    assert not (tmp_path / "a/runs" / f"{gone.run_id}.html").exists()
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_an_artifact_that_arrives_later_is_shown_then(tmp_path: Path) -> None:
    source = make_source(1)
    key = (source.runs[0].run_id, "predictions/test.csv")
    content = source.content.pop(key)
    build(source, tmp_path)
    source.content[key] = content
    assert build(source, tmp_path).written > 0
    assert "<td>dog</td>" in (tmp_path / "runs" / f"{source.runs[0].run_id}.html").read_text("utf-8")


def test_files_of_others_are_never_touched(tmp_path: Path) -> None:
    (tmp_path / "CNAME").write_text("example.org")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.js").write_text("mine")
    (tmp_path / ".nojekyll").write_bytes(b"")
    source = make_source(3)
    build(source, tmp_path)
    source.runs.clear()
    build(source, tmp_path)
    assert (tmp_path / "CNAME").read_text() == "example.org"
    assert (tmp_path / "data/mine.js").read_text() == "mine"
    assert ".nojekyll" not in json.loads((tmp_path / MANIFEST).read_bytes())["files"]


def test_a_page_of_somebody_else_stops_the_build_before_it_writes(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my homepage")
    with pytest.raises(ConflictError, match=r"index\.html.*not written by gittrack"):
        build(make_source(2), tmp_path)
    assert read_tree(tmp_path) == {"index.html": b"my homepage"}


def test_a_folder_that_cannot_be_made_is_a_store_error_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="hint: "):
        build(make_source(1), tmp_path / "file")


def test_a_build_that_died_is_taken_up_and_leaves_no_litter(tmp_path: Path) -> None:
    build(make_source(4), tmp_path / "a")
    before = read_tree(tmp_path / "a")

    class DiedError(Exception):
        pass

    def die(done: int, _total: int) -> None:
        if done == 3:
            raise DiedError

    changed = make_source(4)
    changed.runs = [replace(run, user="somebody else") for run in changed.runs]
    with pytest.raises(DiedError):
        build(changed, tmp_path / "a", progress=die)
    after = read_tree(tmp_path / "a")
    assert (tmp_path / "a" / PENDING).exists()
    assert all(after[path] == before[path] for path in before if not path.startswith("runs/"))
    # What the died build wrote is not what the next one wants.
    build(make_source(4), tmp_path / "a")
    assert read_tree(tmp_path / "a") == before


def test_a_full_disk_leaves_the_site_before_whole_and_says_so(tmp_path: Path) -> None:
    source = make_source(3, files=0)
    build(source, tmp_path / "a")
    before = read_tree(tmp_path / "a")
    add_sweep_run(source, 9, points=4000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file can grow beyond this: the closest to a full disk that needs no disk of its own.
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StoreError, match="File too large\nhint: free some space"):
            build(source, tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    after = read_tree(tmp_path / "a")
    after.pop(PENDING)
    assert after == before
    build(source, tmp_path / "a")
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_everything_a_page_refers_to_is_there_and_relative(tmp_path: Path) -> None:
    source = make_source(3)
    build(source, tmp_path)
    for page in (
        "index.html",
        "runs.html",
        "compare.html",
        "about.html",
        f"runs/{source.runs[0].run_id}.html",
    ):
        for reference in references(tmp_path, page):
            assert not reference.startswith(("/", "http:", "https:", "//"))
            base = tmp_path if "data-" in reference or "/" not in page else (tmp_path / page).parent
            target = (base / reference).resolve()
            assert target.is_file() or (tmp_path / reference).is_file(), (page, reference)


def test_no_name_begins_with_an_underscore_and_jekyll_is_told_off(tmp_path: Path) -> None:
    build(make_odd_source(), tmp_path)
    assert (tmp_path / ".nojekyll").is_file()
    assert not list(tmp_path.rglob("_*"))


class InlineFinder(HTMLParser):
    """Collects what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]


def test_no_inline_script_or_style_is_in_any_page(tmp_path: Path) -> None:
    build(make_odd_source(), tmp_path)
    for file in tmp_path.rglob("*.html"):
        finder = InlineFinder()
        finder.feed(file.read_text("utf-8"))
        # The page for lost ones lies at no known depth, so that its style, which its policy names, is in it.
        assert finder.found == (["style"] if file.name == "404.html" else []), file


def test_every_page_forbids_what_it_does_not_need(tmp_path: Path) -> None:
    build(make_source(1), tmp_path)
    for file in tmp_path.rglob("*.html"):
        assert "content=\"default-src 'none';" in file.read_text("utf-8")


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    build(make_odd_source(), tmp_path)
    for file in [*tmp_path.rglob("*.html"), *tmp_path.glob("data/**/*.js")]:
        text = file.read_text("utf-8")
        assert HOSTILE not in text, file
        assert "<img src=x" not in text, file
        assert "\u2028" not in text or file.suffix == ".html"
    assert not any(file.name.startswith("up") for file in tmp_path.rglob("*"))


def test_nothing_of_the_site_leaves_its_folder(tmp_path: Path) -> None:
    build(make_odd_source(), tmp_path / "deep/down/site")
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep/down").iterdir()] == ["site"]


def test_no_runs_make_a_site_too(tmp_path: Path) -> None:
    report = build(MemorySource(commit=None), tmp_path)
    assert report.pages == 8
    assert "No runs yet" in report.index.read_text("utf-8")


def test_a_thousand_metrics_do_not_break_a_build(tmp_path: Path) -> None:
    source = MemorySource()
    source.add(make_run(0), {f"group{i % 10}/metric{i}": make_series([float(i), 1.0]) for i in range(1000)})
    report = build(source, tmp_path)
    manifest = (tmp_path / "data/manifest.js").read_text("utf-8")
    assert "group9/metric999" in manifest
    assert report.bytes < 4_000_000


def test_progress_counts_runs(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build(make_source(3), tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_your_own_templates_come_before_the_built_in_ones(tmp_path: Path) -> None:
    (tmp_path / "mine/pages").mkdir(parents=True)
    (tmp_path / "mine/pages/compare.html").write_text("<p>{{ site }}</p>")
    build(make_source(1), tmp_path / "site", templates=tmp_path / "mine", title="A <b>title")
    assert (tmp_path / "site/compare.html").read_text() == "<p>A &lt;b&gt;title</p>"
    assert '<h1 dir="auto">A &lt;b&gt;title</h1>' in (tmp_path / "site/index.html").read_text("utf-8")


def test_a_wrong_template_is_the_users_error(tmp_path: Path) -> None:
    (tmp_path / "mine/pages").mkdir(parents=True)
    (tmp_path / "mine/pages/overview.html").write_text("{{ nothing_by_this_name }}")
    with pytest.raises(UserError, match=r"overview\.html"):
        build(make_source(1), tmp_path / "site", templates=tmp_path / "mine")


def test_a_missing_folder_of_templates_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        build(make_source(1), tmp_path / "site", templates=tmp_path / "nowhere")


def test_the_static_table_holds_the_newest_runs(tmp_path: Path) -> None:
    source = make_source(520, points=2, files=0)
    build(source, tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page[page.index("<noscript>") :].count("<tr><td>") == 200
    assert "the 200 newest of 520 runs" in page


def test_the_run_before_is_a_sibling_and_uncommitted_code_is_other_code(tmp_path: Path) -> None:
    source = MemorySource()
    trees = {"parent": "1" * 40, "first": "2" * 40, "second": "3" * 40}
    for number, (name, tree) in enumerate(trees.items()):
        parent = None if name == "parent" else source.runs[0].run_id
        code = Code("c" * 40, dirty=True, snapshot="d" * 40, tree=tree)
        source.add(make_run(number, name=name, parent=parent, code=code, params={}, start_time=number + 1))
    build(source, tmp_path)
    pages = {run.name: (tmp_path / "runs" / f"{run.run_id}.html").read_text("utf-8") for run in source.runs}
    assert "the run before" not in pages["first"]  # its parent is none
    assert "first</a>, the run before" in pages["second"]
    assert "other code" in pages["second"]


def test_the_runs_page_asks_for_a_handful_of_files_before_its_data(tmp_path: Path) -> None:
    build(make_source(1, points=3), tmp_path)
    asked = [path for path in references(tmp_path, "runs.html") if path.startswith("assets/")]
    # The sheet for paper holds nothing up.
    asked = [path for path in asked if not path.startswith("assets/print.")]
    assert len(asked) == len(set(asked)) <= 7
    scripts = b"".join((tmp_path / path).read_bytes() for path in asked if path.endswith(".js"))
    for opening in (
        b"// Numbers, times and sizes",
        b"// The runs page:",
        b"// Runs before the page is painted",
    ):
        assert scripts.count(opening) == 1


def test_a_script_of_your_own_takes_the_place_of_ours_in_what_pages_load(tmp_path: Path) -> None:
    own = tmp_path / "own" / "assets" / "theme.js"
    own.parent.mkdir(parents=True)
    own.write_text("// a theme of my own\n", "utf-8")
    build(make_source(1, points=3), tmp_path / "site", templates=tmp_path / "own")
    path = next(path for path in references(tmp_path / "site", "index.html") if "first.bundle" in path)
    assert (tmp_path / "site" / path).read_bytes().startswith(b"// a theme of my own\n")
