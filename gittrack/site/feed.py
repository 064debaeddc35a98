"""An Atom feed of new bests and alerts: it changes only when there is one."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from gittrack.core.frozen import dataclass
from gittrack.site.formats import format_number
from gittrack.site.paths import run_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.alerts import Alert
    from gittrack.core.model import Run
    from gittrack.site.gather import Contents
    from gittrack.site.records import Record

_ENTRIES = 40
_MAX_TIMESTAMP = 253_402_300_799_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to a run."""

    run: Run
    name: str
    """Tells it from all others of its run, and never changes; empty for the best that it was."""
    time: int
    """Milliseconds since the epoch."""
    title: str
    summary: str


def write_feed(contents: Contents, records: Sequence[Record]) -> bytes:
    """Return the feed; its addresses are relative, since a site does not know where it is served."""
    entries = [_describe_record(record, contents) for record in records[:_ENTRIES]]
    entries += [
        _describe_alert(run, alert, contents)
        for run in contents.runs
        for alert in contents.alerts.get(run.run_id, ())
    ]
    entries.sort(key=lambda entry: (-entry.time, entry.run.run_id, entry.name))
    about = [f"new bests of {contents.columns.primary}"] if contents.columns.primary else []
    about += ["alerts"] if contents.alerts else []
    title = f"{' and '.join(about)} in {contents.title}"
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<title>{_text(title[:1].upper() + title[1:])}</title>",
        f"<id>tag:gittrack,2025:{_text(contents.title)}</id>",
        '<link rel="self" href="feed.xml"/>',
        '<link rel="alternate" type="text/html" href="index.html"/>',
        f"<updated>{_moment(entries[0].time if entries else 0)}</updated>",
        "<generator>gittrack</generator>",
        *map(_encode, entries[:_ENTRIES]),
        "</feed>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _describe_record(record: Record, contents: Contents) -> Entry:
    run, key = record.run, contents.columns.primary
    before = (
        f"before it {format_number(record.before)} by {record.holder.name or record.holder.run_id}"
        if record.before is not None and record.holder is not None
        else "the first of its experiment"
    )
    return Entry(
        run,
        "",
        run.end_time or run.start_time,
        f"{run.name or run.run_id}: {key} {format_number(record.value)}",
        f"{contents.experiments[run.experiment_id]}: {key} {record.value!r}, {before}",
    )


def _describe_alert(run: Run, alert: Alert, contents: Contents) -> Entry:
    return Entry(
        run,
        f"alert/{alert.time}/{alert.line}",
        alert.time,
        f"{run.name or run.run_id}: {alert.line}",
        f"{contents.experiments[run.experiment_id]}: {alert.text or alert.title}",
    )


def _encode(entry: Entry) -> str:
    run = entry.run
    name = f"{run.run_id}/{quote(entry.name)}" if entry.name else run.run_id
    return (
        f"<entry><title>{_text(entry.title)}</title><id>tag:gittrack,2025:run/{_text(name)}</id>"
        f'<link href="{_text(run_page(run.run_id))}"/>'
        f"<updated>{_moment(entry.time)}</updated>"
        f"<author><name>{_text(run.user)}</name></author><summary>{_text(entry.summary)}</summary></entry>"
    )


def _moment(timestamp: int) -> str:
    moment = datetime.fromtimestamp(min(max(timestamp, 0), _MAX_TIMESTAMP) // 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(text: str) -> str:
    """Return a text without the characters that XML forbids."""
    return "".join(
        char
        for char in text
        if char in "\t\n\r"
        or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff")
    )


def _text(text: str) -> str:
    return escape(_plain(text), quote=False)
