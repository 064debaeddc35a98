"""Reports: Markdown with a head of settings, and blocks that ask for tables and charts of runs.

::

    ---
    title: Which optimizer?
    runs: 48956d3…
    ---
    ```gittrack table
    filter: metrics.val/acc > 0.9
    columns: params.lr, metrics.val/acc.best
    ```

A head and a block hold a ``key: value`` a line. ``runs`` in the head names the commit of the hidden branch
whose runs a report is about: without it, a report follows the runs as they are.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.fields import VALUES
from gittrack.core.frozen import dataclass
from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LANGUAGE = "gittrack"
"""The first word behind the fence of a block; the second is its kind."""
LATEST = "latest"
MAX_LIMIT = 1_000
OVER = ("step", "time", "relative")
"""What curves are drawn over."""

_RULE = "---"
_HEAD_KEYS = ("title", "runs")
_EVERY_KIND = ("title", "filter", "runs", "sort", "limit", "value")
KINDS: Mapping[str, tuple[str, ...]] = {
    "table": ("columns", "group"),
    "compare": (),
    "curves": ("metric", "x", "log", "smooth"),
    "scatter": ("x", "y", "log"),
    "bar": ("x", "y"),
}
"""Kind of block → the keys it knows beside those of every kind."""
_NEEDED = {"curves": ("metric",), "scatter": ("x", "y"), "bar": ("x", "y")}
_LIMITS = {"table": 20, "compare": 4, "curves": 8, "scatter": 500, "bar": 1_000}
_MOST = {"compare": 20, "curves": 20}
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TITLE = re.compile(r"^ {0,3}# +(.+?)(?: +#+)? *$", re.MULTILINE)

Settings: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Report:
    """A report as it was written."""

    title: str | None
    """From its head, else its first heading; None if it has neither."""
    runs: str | None
    """The commit of the hidden branch it is about; None: it follows the runs as they are."""
    text: str
    """Markdown, without the head."""
    first_line: int
    """Of the text in the file, from 1."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one block asks for."""

    kind: str
    """One of `KINDS`."""
    title: str = ""
    filter: str = ""
    """In the search language."""
    runs: tuple[str, ...] = ()
    """Runs by name, in place of a filter; see `gittrack.core.select`."""
    sort: tuple[str, ...] = ()
    limit: int = 0
    """Runs, or groups, at most."""
    value: str = "last"
    """Which value stands for a metric."""
    columns: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    x: str = ""
    y: str = ""
    log: frozenset[str] = frozenset()
    """Axes with a logarithmic scale: ``x``, ``y``."""
    smooth: float = 0.0


def parse_report(text: str) -> Report:
    """Return a report.

    Raises:
        UserError: Its head says something unknown.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    settings: Settings = {}
    end = 0
    if lines and lines[0].rstrip() == _RULE:
        end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _RULE), 0)
        if not end:
            raise UserError("the head of the report has no end", hint="close it by a line of ---")
        settings = _read_settings(lines[1:end], _HEAD_KEYS, "the head of a report", first_line=2)
        end += 1
    body = "\n".join(lines[end:])
    runs = settings.get("runs", LATEST).lower()
    if runs != LATEST and not _COMMIT.fullmatch(runs):
        message = f"runs: {runs!r} is no commit of refs/gittrack/runs"
        raise UserError(message, hint="`gittrack report FILE --freeze` writes the present one")
    heading = _TITLE.search(body)
    title = settings.get("title") or (heading[1] if heading else None)
    return Report(title, None if runs == LATEST else runs, body, end + 1)


def freeze_report(text: str, commit: str | None) -> str:
    """Return a report that is about the runs at a commit, or about the runs as they are if that is None.

    Raises:
        UserError: Its head cannot be read.
    """
    parse_report(text)
    lines = text.splitlines(keepends=True)
    has_head = bool(lines) and lines[0].removeprefix("\ufeff").rstrip() == _RULE
    if not has_head:
        lines = [f"{_RULE}\n", f"{_RULE}\n", *(["\n"] if lines and lines[0].strip() else []), *lines]
    end = next(i for i, line in enumerate(lines[1:], 1) if line.rstrip() == _RULE)
    head = [line for line in lines[1:end] if line.partition(":")[0].strip() != "runs"]
    head.append(f"runs: {commit or LATEST}\n")
    return "".join([lines[0], *head, *lines[end:]])


def parse_block(info: str, text: str, *, first_line: int = 1) -> Block:
    """Return what a block asks for.

    Args:
        info: What stands behind its fence, e.g. ``gittrack table``.
        text: What is in it.
        first_line: Of ``text`` in its file, for errors.

    Raises:
        UserError: It asks for something unknown, or lacks something.
    """
    words = info.split()
    kind = words[1] if len(words) > 1 else ""
    if kind not in KINDS or len(words) != 2:  # noqa: PLR2004  (the language and the kind)
        message = f"{info!r} says no kind of block"
        raise UserError(message, hint=f"write `{LANGUAGE} KIND`, of {', '.join(KINDS)}")
    settings = _read_settings(
        text.splitlines(),
        (*_EVERY_KIND, *KINDS[kind]),
        f"a block of the kind {kind!r}",
        first_line=first_line,
    )
    for key in _NEEDED.get(kind, ()):
        if key not in settings:
            message = f"a block of the kind {kind!r} needs {key!r}"
            raise UserError(message, hint=f"add a line such as `{key}: {_EXAMPLES[key]}`")
    if "filter" in settings and "runs" in settings:
        raise UserError("both a filter and runs are given", hint="use one of them")
    return Block(
        kind,
        title=settings.get("title", ""),
        filter=settings.get("filter", ""),
        runs=_split(settings.get("runs", "")),
        sort=_split(settings.get("sort", "")),
        limit=_read_limit(settings.get("limit"), kind),
        value=_one_of(settings.get("value", "last"), "value", VALUES),
        columns=_split(settings.get("columns", "")),
        group=_split(settings.get("group", "")),
        metrics=_split(settings.get("metric", "")),
        x=_read_x(settings.get("x", ""), kind),
        y=settings.get("y", ""),
        log=frozenset(_one_of(axis, "log", ("x", "y")) for axis in _split(settings.get("log", ""))),
        smooth=_read_weight(settings.get("smooth", "0")),
    )


_EXAMPLES = {"metric": "val/acc", "x": "params.lr", "y": "metrics.val/acc"}


def _read_settings(lines: Sequence[str], known: Sequence[str], where: str, *, first_line: int) -> Settings:
    settings: Settings = {}
    for number, line in enumerate(lines, first_line):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            message = f"line {number} is no `key: value`: {line.strip()!r}"
            raise UserError(message, hint=f"{where} knows {', '.join(known)}")
        if key not in known:
            close = get_close_matches(key, known, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"it knows {', '.join(known)}"
            raise UserError(f"line {number}: {where} has no {key!r}", hint=hint)
        if key in settings:
            raise UserError(f"line {number}: {key!r} is there twice", hint="leave out one of them")
        settings[key] = value
    return settings


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, text.split(","))))


def _one_of(text: str, key: str, known: Sequence[str]) -> str:
    if text not in known:
        raise UserError(f"{key}: {text!r} is none of {', '.join(known)}", hint="choose one of them")
    return text


def _read_x(text: str, kind: str) -> str:
    return _one_of(text or OVER[0], "x", OVER) if kind == "curves" else text


def _read_limit(text: str | None, kind: str) -> int:
    if text is None:
        return _LIMITS[kind]
    most = _MOST.get(kind, MAX_LIMIT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise UserError(f"limit: {text!r} is no number from 1 to {most}", hint="e.g. limit: 10")
    return int(text)


def _read_weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < 1:
        raise UserError(f"smooth: {text!r} is no weight from 0 to below 1", hint="e.g. smooth: 0.6")
    return weight
