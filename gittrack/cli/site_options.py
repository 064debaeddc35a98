"""What the commands that build a site share: which runs, what of them, how large."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from gittrack.cli.complain import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Run
    from gittrack.site.build import BuildReport
    from gittrack.site.options import SiteOptions
    from gittrack.site.source import Source
    from gittrack.tracking.client import Client

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", re.IGNORECASE)
_REDACTABLE = ("user", "host", "paths", "env", "code")


class Chosen(TypedDict):
    """The values of `site_options`."""

    title: str | None
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    redact: frozenset[str]
    max_size: int | None
    tables: bool | None
    templates: Path | None


def _read_size(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        message = f"{text!r} is no size"
        raise click.BadParameter(message + ": write 200MB, 1.5GB or a number of bytes")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _read_redact(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> frozenset[str]:
    kinds = {kind.strip() for text in texts for kind in text.split(",") if kind.strip()}
    unknown = sorted(kinds.difference(_REDACTABLE))
    if unknown:
        message = f"cannot redact {unknown[0]!r}: choose from {', '.join(_REDACTABLE)}"
        raise click.BadParameter(message)
    return frozenset(kinds)


_OPTIONS = (
    click.option("--title", metavar="TEXT", help="Title of the site.  [default: name of the repository]"),
    click.option(
        "--include", multiple=True, metavar="FILTER", help="Show only runs that fit; may be given again."
    ),
    click.option("--exclude", multiple=True, metavar="FILTER", help="Leave out runs that fit."),
    click.option(
        "--redact",
        multiple=True,
        callback=_read_redact,
        metavar="KINDS",
        help="Leave out user, host, paths, env, code (commas between).",
    ),
    click.option(
        "--max-size",
        callback=_read_size,
        metavar="SIZE",
        help="Keep within e.g. 200MB, about, by thinning the curves of old runs.",
    ),
    click.option(
        "--tables/--no-tables",
        default=None,
        help="Write runs.csv and runs.json.  [default: up to 500 runs]",
    ),
    click.option(
        "--templates",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder whose pages and assets go before the built-in ones.",
    ),
)


def site_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of every build."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choose_source(client: Client, chosen: Chosen) -> tuple[Source, SiteOptions]:
    """Return the part of the runs that was asked for, and how the site is made.

    Raises:
        QuerySyntaxError: A filter cannot be read.
    """
    from gittrack.site.choose import ChosenSource
    from gittrack.site.options import SiteOptions

    included = [_find_ids(client, text) for text in chosen["include"]]
    excluded = [_find_ids(client, text) for text in chosen["exclude"]]
    left_out = [f"Only runs that fit {text} are here." for text in chosen["include"]]
    left_out += [f"Runs that fit {text} are not here." for text in chosen["exclude"]]
    if chosen["redact"]:
        left_out.append(f"Redacted: {', '.join(sorted(chosen['redact']))}.")
    options = SiteOptions(
        title=chosen["title"],
        tables=chosen["tables"],
        max_bytes=chosen["max_size"],
        left_out=tuple(left_out),
        cache=client.own_folder("compiled"),
    )
    if not left_out:
        return client, options

    def keeps(run: Run) -> bool:
        return all(run.run_id in ids for ids in included) and not any(run.run_id in ids for ids in excluded)

    return ChosenSource(client, keeps, chosen["redact"]), options


def _find_ids(client: Client, text: str) -> set[str]:
    return {run.run_id for run in client.search_all_runs(filter_string=text)}


def build_folder(client: Client, output: Path, chosen: Chosen) -> BuildReport:
    """Build the site into a folder, showing progress, and say what was written."""
    from gittrack.cli.progress import show_progress
    from gittrack.cli.times import show_size
    from gittrack.site.build import build

    source, options = choose_source(client, chosen)
    with show_progress("building") as progress:
        report = build(source, output, templates=chosen["templates"], options=options, progress=progress)
    tell(
        f"{report.pages} pages, {report.written} files written, {report.unchanged} unchanged, "
        f"{show_size(report.bytes)} in all"
    )
    for problem in report.problems:
        tell(f"warning: {problem}")
    return report
