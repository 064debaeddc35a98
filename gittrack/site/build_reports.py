"""Writing the pages of reports, those about a past commit only when something they show changed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from gittrack.core.report import LANGUAGE, parse_block
from gittrack.core.report_answer import answer_block
from gittrack.errors import GittrackError
from gittrack.site import paths
from gittrack.site.markdown import list_pictures, render
from gittrack.site.pages import share_values
from gittrack.site.previews import MAX_IMAGE, make_preview, suffix_of
from gittrack.site.render import Trusted
from gittrack.site.report_charts import draw_charts
from gittrack.site.report_view import show_tables
from gittrack.site.reports import is_foreign, make_basis, resolve, slug_of
from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.report_answer import Answer, Basis
    from gittrack.core.series import Series
    from gittrack.site.job import Job
    from gittrack.site.markdown import Fence
    from gittrack.site.reports import Files, ReportFile
    from gittrack.site.source import PastRuns

ROOT = "../"


def write_reports(job: Job, chart_data: str) -> tuple[dict[str, Mapping[str, str]], list[str]]:
    """Write a page for each report; return what the next build should know of each, and what is wrong.

    ``chart_data`` is the path of the chart templates.
    """
    notes, problems = {}, []
    for one in job.contents.reports:
        page = _Page(job, one, chart_data)
        notes[one.path] = page.write()
        problems += page.problems
    return notes, problems


@dataclass(slots=True)
class _Drawn:
    """What the blocks of one page were drawn from."""

    charts: dict[str, object] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)
    blocks: int = 0
    shown: int = 0
    """Blocks without an error."""


class _Page:
    """One report on its way into the site."""

    def __init__(self, job: Job, one: ReportFile, chart_data: str) -> None:
        self._job = job
        self._one = one
        self._chart_data = chart_data
        self._path = paths.report_page(one.slug)
        self._files: Files = job.options.drafts or job.source
        self._pictures = self._read_pictures()
        self._drawn = _Drawn()
        self.problems: list[str] = []

    def write(self) -> Mapping[str, str]:
        """Write the page, or keep it; return what the next build should know."""
        key = self._fingerprint()
        note = self._job.folder.notes.get(self._one.path, {})
        files = [self._path, *filter(None, note.get("files", "").split(" "))]
        is_same = note.get("key") == key and note.get("linked") == self._linked(
            note.get("runs", "").split(" ")
        )
        if is_same and all(map(self._job.folder.holds, files)):
            for path in files:
                self._job.folder.keep(path)
            return note
        written = self._write()
        if self._one.report.runs is None or self.problems:
            return {}  # looked at again by every build
        runs = sorted(self._drawn.runs)
        return {
            "key": key,
            "files": " ".join(written),
            "runs": " ".join(runs),
            "linked": self._linked(runs),
        }

    def _fingerprint(self) -> str:
        contents = self._job.contents
        pictures = sorted((address, path) for address, (path, _) in self._pictures.items())
        about_site = [contents.title, contents.nav, contents.live, contents.policy, self._chart_data]
        made_of = [self._job.templates.digest, self._one.path, self._one.source, pictures, about_site]
        return paths.digest_of(json.dumps(made_of).encode())

    def _linked(self, run_ids: list[str]) -> str:
        """Return which of the runs have a page, as text."""
        return "".join("1" if run_id in self._job.contents.by_id else "0" for run_id in run_ids)

    def _write(self) -> list[str]:
        job, one = self._job, self._one
        if one.problem is not None:
            self._complain(one.problem, 1)
        html = render(
            one.report.text, language=LANGUAGE, draw=self._draw, link=self._link, picture=self._picture
        )
        more = dict(self._pictures.values())
        data = ""
        if self._drawn.charts:
            script = encode_script(f"report/{one.slug}", self._drawn.charts)
            data = paths.data_path(script)
            more[data] = script
        for path, content in more.items():
            job.folder.put(path, content)
        values = {
            **share_values(job.contents, "reports", ROOT),
            "title": one.title,
            "path": one.path,
            "frozen": one.report.runs,
            "problem": one.problem,
            "html": Trusted(html),
            "has_heading": "<h1>" in html,
            "slug": one.slug,
            "data": data,
            "shown": self._drawn.shown > 0,
            "charts": self._chart_data,
        }
        job.folder.put(self._path, job.renderer.render("report.html", values))
        return sorted(more)

    @cached_property
    def _asked(self) -> tuple[Basis, PastRuns]:
        """The runs that this report is about, and where their histories are."""
        source, commit = self._job.source, self._one.report.runs
        if commit is None or commit == source.head():
            return make_basis(self._job.contents.runs, source.list_experiments()), source
        past = source.open_past(commit)
        return make_basis(past.list_runs(), past.list_experiments()), past

    def _draw(self, fence: Fence) -> str:
        name = str(self._drawn.blocks)
        self._drawn.blocks += 1
        line = self._one.report.first_line + fence.first_line
        values: dict[str, object] = {"name": name, "error": None, "answer": None, "info": fence.info}
        try:
            block = parse_block(fence.info, fence.text, first_line=line)
            answer = answer_block(block, self._asked[0])
            values |= self._view(name, answer)
        except GittrackError as error:
            self._complain(error, line - 1)
            values |= {"error": error}
        return self._job.renderer.render("report/block.html", values).decode()

    def _view(self, name: str, answer: Answer) -> dict[str, object]:
        shown = self._job.contents.by_id.keys()
        self._drawn.runs.update(run.run_id for run in answer.runs)
        self._drawn.shown += 1
        figures, charts = draw_charts(answer, self._read_series(answer), name, shown, ROOT)
        self._drawn.charts |= charts
        return {"answer": answer, "tables": show_tables(answer, shown, ROOT), "figures": figures}

    def _read_series(self, answer: Answer) -> dict[str, dict[str, Series]]:
        if answer.block.kind != "curves":
            return {}
        past = self._asked[1]
        return {run.run_id: past.get_series(run.run_id) for run in answer.runs}

    def _complain(self, error: GittrackError, line: int) -> None:
        hint = f" ({error.hint})" if error.hint else ""
        self.problems.append(f"{self._one.path}:{line}: {error.message}{hint}")

    def _link(self, address: str) -> str | None:
        if is_foreign(address):
            return address
        path = resolve(self._one.path, address)
        known = {other.path for other in self._job.contents.reports}
        return f"{slug_of(path)}.html" if path in known else None

    def _picture(self, address: str) -> str | None:
        found = self._pictures.get(address)
        return None if found is None else ROOT + found[0]

    def _read_pictures(self) -> dict[str, tuple[str, bytes]]:
        """Return the pictures that the report shows: address → path in the site, content."""
        found = {}
        for address in list_pictures(self._one.report.text):
            path = resolve(self._one.path, address)
            content = None if path is None else self._files.read_committed(path)
            if path is None or content is None or len(content) > MAX_IMAGE:
                continue
            preview = make_preview(path, content)
            if preview is not None and preview.picture is not None:
                found[address] = (paths.data_path(content, suffix_of(path)), content)
        return found
