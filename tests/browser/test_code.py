"""Code and environment of compared runs, in a real browser."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.browser.test_accessibility import check
from tests.site.test_code import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "repo")
    project.write("train.py", "".join(f"line {number}\n" for number in range(40)))
    project.run("# python 3.12.4\nnumpy==1.26.0\ntorch==2.4.0\n")
    project.write(
        "train.py", "".join(f"line {number}\n" for number in range(40) if number != 20) + "</pre><b>end\n"
    )
    project.write("new.py", "fresh = 1\n")
    project.run("# python 3.12.4\nnumpy==2.1.0\ntorch==2.4.0\n")
    project.write("long.py", "".join(f"line {number}\n" for number in range(900)))
    project.run("# python 3.12.4\nnumpy==2.1.0\ntorch==2.4.0\n")
    return project


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_compared_runs_show_the_difference_of_their_code_and_packages(
    project: Project, tmp_path: Path, open_page: Callable[..., Page], theme: str
) -> None:
    site = project.build(tmp_path / "site")
    runs = [run.run_id for run in project.runs]
    page = open_page(f"{site.as_uri()}/compare.html#runs={','.join(runs)}", color_scheme=theme)
    page.wait_for_selector("#code-files .diff")
    assert page.locator("#code-hint").inner_text().startswith("2 files of")
    assert page.locator("#code-files summary code").all_inner_texts() == ["new.py", "train.py"]
    assert [text.strip() for text in page.locator("#code-files .del").all_inner_texts()] == ["-line 20"]
    added = [text.strip() for text in page.locator("#code-files .add").all_inner_texts()]
    assert added == ["+fresh = 1", "+</pre><b>end"]
    assert page.locator("#code-files .add i.t4").all_inner_texts() == ["1"]
    assert check(page) == []
    assert page.locator("#environment-hint").inner_text() == "1 of 3 packages differ"
    assert page.locator("#packages tbody tr").all_inner_texts() == ["numpy\t1.26.0\t2.1.0\t2.1.0"]
    page.locator("#code-other").select_option("1")
    page.wait_for_selector("#code-files .cut")
    assert "501 more lines" in page.locator("#code-files").inner_text()
    if shots := os.environ.get("GITTRACK_SHOTS"):
        page.locator("#code").screenshot(path=f"{shots}/code-{theme}.png")
        page.locator("#environment").screenshot(path=f"{shots}/environment-{theme}.png")


def test_runs_with_equal_code_say_so(
    project: Project, tmp_path: Path, open_page: Callable[..., Page]
) -> None:
    again = project.run()
    site = project.build(tmp_path / "site")
    page = open_page(f"{site.as_uri()}/compare.html#runs={project.runs[2].run_id},{again.run_id}")
    page.wait_for_function("document.getElementById('code-hint').textContent.includes('the same code')")
    assert page.locator("#code-files").inner_text() == ""
    assert page.locator("#environment").is_hidden()


def test_lines_are_compared_as_a_shortest_script_of_edits(
    project: Project, tmp_path: Path, open_page: Callable[..., Page]
) -> None:
    site = project.build(tmp_path / "site")
    page = open_page(f"{site.as_uri()}/compare.html#runs={project.runs[0].run_id}")
    compare = """([a, b]) => gittrack.diff.compare(a, b)
      .filter(([kind]) => kind && kind !== "at").map((row) => row.slice(0, 2))"""
    assert page.evaluate(compare, ["a\nb\nc\n", "a\nc\nd\n"]) == [["del", "b"], ["add", "d"]]
    assert page.evaluate(compare, ["", "x\n"]) == [["add", "x"]]
    assert page.evaluate(compare, ["x\n", ""]) == [["del", "x"]]
    assert page.evaluate(compare, ["same\n", "same\n"]) == []
    assert page.evaluate(compare, ["a\nb\n" * 30, "b\na\n" * 30]) == [["del", "a"], ["add", "a"]]
