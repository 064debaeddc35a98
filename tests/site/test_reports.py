"""Reports as pages: safe, frozen, and written again only when something in them changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from gittrack.site.build import build
from gittrack.site.choose import ChosenSource
from gittrack.site.markdown import cut, render
from gittrack.site.reports import resolve, slug_of
from tests.site.sources import PAST, REPORT, MemorySource, add_reports, add_sweep_run, make_png, make_source
from tests.site.test_build import InlineFinder, read_tree

if TYPE_CHECKING:
    from pathlib import Path


def make_reports() -> MemorySource:
    source = add_reports(make_source(6, points=20, files=0), make_source(3, points=20, files=0))
    del source.committed["reports/everything.md"]  # it has an error
    return source


def test_reports_are_pages_with_their_tables_charts_and_pictures(tmp_path: Path) -> None:
    report = build(make_reports(), tmp_path)
    assert report.problems == ()
    page = (tmp_path / "reports/sizes.html").read_text("utf-8")
    assert page.count("<h1>Sizes</h1>") == 1
    assert "of the runs at <code>aaaaaaaaaa</code>" in page
    assert page.count("<polyline") == 3
    assert '<a href="other.html" rel="noopener noreferrer">another</a>' in page
    assert "<a>the code</a>" in page
    (picture,) = re.findall(r'<img src="\.\./(data/[^"]+\.png)" alt="A plot"', page)
    assert (tmp_path / picture).read_bytes() == make_png(7)
    listed = (tmp_path / "reports.html").read_text("utf-8")
    assert '<a href="reports/other.html" dir="auto">other</a>' in listed
    assert 'href="reports.html" aria-current="page"' in listed


def test_a_frozen_report_shows_its_runs_whatever_comes_later(tmp_path: Path) -> None:
    source = make_reports()
    build(source, tmp_path)
    frozen = (tmp_path / "reports/sizes.html").read_bytes()
    following = (tmp_path / "reports/other.html").read_bytes()
    add_sweep_run(source, -1, points=20, with_files=False)
    source.pasts.clear()  # so that whoever looks there again fails
    report = build(source, tmp_path)
    assert report.problems == ()
    assert (tmp_path / "reports/sizes.html").read_bytes() == frozen
    assert (tmp_path / "reports/other.html").read_bytes() != following


def test_a_report_is_as_if_built_afresh_when_its_text_a_picture_or_a_run_changed(tmp_path: Path) -> None:
    source = make_reports()
    build(source, tmp_path / "a")
    changes = {
        "text": ("reports/sizes.md", REPORT.replace("Sizes", "Other sizes").encode()),
        "picture": ("reports/plots/a.png", make_png(9)),
    }
    for path, content in changes.values():
        source.committed[path] = content
        build(source, tmp_path / "a")
    # A run that the site no longer has is not linked to.
    source.runs = [run for run in source.runs if run.run_id != source.runs[0].run_id]
    build(source, tmp_path / "a")
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")


def test_reports_that_went_leave_nothing_behind(tmp_path: Path) -> None:
    source = make_reports()
    build(source, tmp_path / "a")
    source.committed = {}
    build(source, tmp_path / "a")
    build(source, tmp_path / "b")
    assert read_tree(tmp_path / "a") == read_tree(tmp_path / "b")
    assert not (tmp_path / "a/reports").exists()


def test_what_is_wrong_in_a_block_stands_in_its_place_and_is_told_with_its_line(tmp_path: Path) -> None:
    source = make_reports()
    source.committed = {
        "reports/bad.md": b"# Bad\n\n```gittrack table\nfiltr: x\n```\n\nMore.\n\n```gittrack table\n```\n",
        "reports/head.md": b"---\nruns: main\n---\ntext\n",
        "reports/lost.md": f"---\nruns: {'b' * 40}\n---\n```gittrack table\n```\n".encode(),
    }
    report = build(source, tmp_path)
    bad, head, lost = report.problems
    assert bad.startswith("reports/bad.md:3: line 4: a block of the kind 'table' has no 'filtr'")
    assert head.startswith("reports/head.md:1: runs: 'main' is no commit")
    assert lost.startswith("reports/lost.md:4: no commit bbbbbbbbbbbb of refs/gittrack/runs")
    page = (tmp_path / "reports/bad.html").read_text("utf-8")
    assert "did you mean &#39;filter&#39;?" in page
    assert page.index("block-error") < page.index("More.") < page.index("<table")
    source.pasts["b" * 40] = source.pasts[PAST]
    assert len(build(source, tmp_path).problems) == 2


def test_runs_that_shall_not_be_shown_are_in_no_report_either(tmp_path: Path) -> None:
    source = make_reports()
    hidden, *_ = source.pasts[PAST].list_runs()
    source.pasts[PAST].runs[0] = replace(source.pasts[PAST].runs[0], user="somebody")
    source.committed["reports/users.md"] = (
        f"---\nruns: {PAST}\n---\n```gittrack table\ncolumns: user\n```\n".encode()
    )
    chosen = ChosenSource(source, lambda run: run.run_id != hidden.run_id, frozenset({"user"}))
    report = build(chosen, tmp_path)
    assert report.problems == ()
    for page in (tmp_path / "reports").iterdir():
        text = page.read_text("utf-8")
        assert hidden.name not in text
        assert "somebody" not in text


HOSTILE_TEXT = """# <script>alert(1)</script> & "quotes"

<img src=x onerror=alert(1)> <b style="color:red">bold</b>

[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,<script>1</script>) [d](vbscript:x)
![x](javascript:alert(1)) ![y](http://example.org/tracker.png) ![z](../../../etc/passwd)
<javascript:alert(1)> [e]: [f](//example.org)

|a|b|
|:-:|-:|
|<i>|`|`|

```gittrack table
title: <script>alert(1)</script>
```

```html
<script>alert(1)</script>
```
"""


def test_nothing_in_a_report_runs_or_asks_elsewhere(tmp_path: Path) -> None:
    source = make_reports()
    source.committed = {"reports/<b> & 'x'.md": HOSTILE_TEXT.encode()}
    build(source, tmp_path)
    (page,) = (tmp_path / "reports").iterdir()
    text = page.read_text("utf-8")
    finder = InlineFinder()
    finder.feed(text)
    assert finder.found == []
    assert "<script>alert" not in text
    assert not re.search(
        r'(?:href|src)="(?:javascript|data|vbscript|http://example|\.\./\.\./)', text, re.IGNORECASE
    )
    assert "<img" not in text
    assert re.fullmatch(r"[a-z0-9-]+\.html", page.name)


def test_a_text_is_cut_at_its_blocks_and_outermost_elements_only() -> None:
    text = "# One\ntext\n\n- list\n\n  ```gittrack table\n  ```\n\n> quote\n```gittrack table\na: b\n```\nend"
    pieces = cut(text, "gittrack")
    assert [piece.markdown for piece in pieces] == [
        "# One",
        "text",
        "- list\n\n  ```gittrack table\n  ```",
        "> quote",
        "",
        "end",
    ]
    fence = pieces[4].fence
    assert fence is not None
    assert (fence.text, fence.first_line) == ("a: b\n", 10)


def test_a_style_of_its_own_is_no_cells() -> None:
    html = render(
        "|a|\n|-:|\n|1|", language="x", draw=lambda _: "", link=lambda _: None, picture=lambda _: None
    )
    assert "style=" not in html
    assert '<td class="num">1' in html


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("a.png", "reports/a.png"),
        ("./x/../a.png?raw#top", "reports/a.png"),
        ("../a.png", "a.png"),
        ("../../a.png", None),
        ("/a.png", None),
        ("https://example.org/a.png", None),
        ("//example.org/a.png", None),
        ("#top", None),
    ],
)
def test_addresses_in_a_report_mean_files_of_the_repository(address: str, path: str | None) -> None:
    assert resolve("reports/x.md", address) == path


def test_pages_of_reports_have_names_of_their_own() -> None:
    names = ["a.md", "A.md", "ä.md", "日本.md", "a b.md", "a-b.md", "con/../x.md"]
    slugs = [slug_of(f"reports/{name}") for name in names]
    assert len(set(slugs)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)
