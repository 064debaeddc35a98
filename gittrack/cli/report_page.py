"""A report of the repository as text, Markdown or JSON: its blocks answered, all else as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.listing import (
    Column,
    Listing,
    count,
    print_listing,
    printable,
    printable_lines,
    show_number,
)
from gittrack.cli.markdown_parts import Part, table_part
from gittrack.cli.run_table import show_spread
from gittrack.cli.times import show_duration, show_time
from gittrack.core.grouping import Spread
from gittrack.core.model import format_param
from gittrack.core.report import LANGUAGE, Report, parse_block, parse_report
from gittrack.core.report_answer import Answer, AnswerTable, answer_block
from gittrack.core.spark import draw_spark
from gittrack.errors import GittrackError, NotFoundError, StoreError
from gittrack.site.markdown import cut
from gittrack.site.reports import make_basis

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gittrack.core.report_answer import Look
    from gittrack.core.series import Series
    from gittrack.site.markdown import Fence
    from gittrack.tracking.client import Client

SPARK_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a report: text as it was written, an answer, or what is wrong with a block."""

    text: str = ""
    answer: Answer | None = None
    sparks: Sequence[Sequence[str]] = ()
    """Of each row of a block of curves, a small curve a metric."""
    error: GittrackError | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """A report with its blocks answered."""

    report: Report
    blocks: Sequence[Block]


def read_text(file: Path) -> str:
    """Return what is in a file.

    Raises:
        NotFoundError: It is not there.
        StoreError: It cannot be read.
    """
    try:
        return file.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        message = f"no file {str(file)!r}"
        raise NotFoundError(message, hint="without a file, `gittrack report` compares new runs") from None
    except OSError as error:
        message = f"cannot read {str(file)!r}: {error.strerror}"
        raise StoreError(message) from error


def answer_report(client: Client, file: Path) -> Answers:
    """Return a report with its blocks answered, by the runs it is about.

    Raises:
        UserError: Its head says something unknown.
        NotFoundError: The commit it is about is not here.
        StoreError: It cannot be read.
    """
    report = parse_report(read_text(file))
    past = client if report.runs is None else client.open_past(report.runs)
    basis = make_basis(past.list_runs(), past.list_experiments())

    def answer(fence: Fence) -> Block:
        try:
            block = parse_block(fence.info, fence.text, first_line=report.first_line + fence.first_line)
            found = answer_block(block, basis)
            drawn = found.runs if block.kind == "curves" else ()
            sparks = [_draw_sparks(past.get_series(run.run_id), block.metrics) for run in drawn]
            return Block(answer=found, sparks=sparks)
        except GittrackError as error:
            return Block(error=error)

    return Answers(
        report,
        [
            answer(piece.fence) if piece.fence else Block(piece.markdown)
            for piece in cut(report.text, LANGUAGE)
        ],
    )


def report_parts(answers: Answers) -> list[Part]:
    """Return a report as Markdown."""
    parts = []
    if (title := answers.report.title) and f"# {title}" not in answers.report.text:
        parts.append(Part([f"# {title}"]))
    for block in answers.blocks:
        between = [""] if parts else []
        if block.answer is not None:
            parts += _answer_parts(block, between)
        elif block.error is not None:
            said = f"{block.error.message} — {block.error.hint}" if block.error.hint else block.error.message
            parts.append(Part([*between, f"> ⚠️ {_one_line(said)}"]))
        else:
            parts.append(Part([*between, block.text]))
    return parts


def print_answers(answers: Answers) -> None:
    """Print a report for people."""
    for number, block in enumerate(answers.blocks):
        if number:
            click.echo()
        if block.answer is None:
            click.echo(printable_lines(block.text or f"{block.error}"))
            continue
        if block.answer.block.title:
            click.echo(printable(block.answer.block.title))
        for table in block.answer.tables:
            print_listing(_list_table(table, block.sparks), None)
        if block.answer.left_out:
            click.echo(f"{count(block.answer.left_out, 'more row')} not shown")


def describe_answers(answers: Answers) -> dict[str, Any]:
    """Return a report for ``--json``: its tables, without the text."""
    blocks = []
    for block in answers.blocks:
        if block.answer is not None:
            about = block.answer.block
            tables = [_describe_table(table) for table in block.answer.tables]
            blocks.append({"kind": about.kind, "title": about.title, "tables": tables})
        elif block.error is not None:
            blocks.append({"error": block.error.message})
    return {"title": answers.report.title, "runs": answers.report.runs, "blocks": blocks}


def _answer_parts(block: Block, between: Sequence[str]) -> list[Part]:
    answer = block.answer
    if answer is None:
        return []
    parts = []
    for number, table in enumerate(answer.tables):
        title = answer.block.title if not number else ""
        head = [*(between if not number else [""]), *([f"**{_one_line(title)}**", ""] if title else [])]
        left = answer.left_out if number == len(answer.tables) - 1 else 0
        foot = ["", f"*{count(left, 'more row')} not shown*"] if left else []
        parts.append(table_part(_list_table(table, block.sparks), head, foot))
    return parts or [Part([*between, "Nothing differs."])]


def _list_table(table: AnswerTable, sparks: Sequence[Sequence[str]]) -> Listing:
    heads = [
        Column(head.title, is_number=head.look == "number", must_show=True, show=_SHOWS[head.look])
        for head in table.heads
    ]
    rows = [list(line.cells) for line in table.lines]
    if sparks:
        keys = [head.title for head in table.heads[1::2]] if len(sparks[0]) > 1 else [""]
        heads[1:1] = [Column(f"{key} curve".strip(), must_show=True) for key in keys]
        for row, drawn in zip(rows, sparks, strict=True):
            row[1:1] = drawn
    return Listing(heads, rows)


def _draw_sparks(series: Mapping[str, Series], metrics: Sequence[str]) -> list[str]:
    drawn = []
    for key in metrics:
        found = series.get(key)
        points = sorted(zip(found.steps, found.times, found.values, strict=True)) if found else []
        drawn.append(draw_spark([value for _, _, value in points], SPARK_WIDTH))
    return drawn


def _describe_table(table: AnswerTable) -> dict[str, Any]:
    rows = [
        [
            {"mean": cell.mean, "std": cell.std, "n": cell.count} if isinstance(cell, Spread) else cell
            for cell in line.cells
        ]
        for line in table.lines
    ]
    ids = [line.run.run_id if line.run else None for line in table.lines]
    return {
        "title": table.title,
        "columns": [head.title for head in table.heads],
        "rows": rows,
        "run_ids": ids,
    }


def _show_number(cell: Any) -> str:  # noqa: ANN401  (any cell)
    return show_spread(cell) if isinstance(cell, Spread) else show_number(cell)


_SHOWS: dict[Look, Callable[[Any], str]] = {
    "text": format_param,
    "number": _show_number,
    "time": show_time,
    "duration": show_duration,
}


def _one_line(text: str) -> str:
    return printable(" ".join(text.split())).replace("<", "&lt;")
