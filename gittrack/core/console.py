"""What a command printed, as lines people read: with times, redrawn lines once, head and tail of much.

Bytes arrive in pieces, each of one stream at one time. Progress bars redraw their line (by a carriage return,
backspaces or a cursor that moves up) a thousand times; what is kept of them is what a terminal shows last.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CONSOLE_FILE = "console.txt"
"""The side file with what is kept of the output of a run's command."""
TAG_CONSOLE = "gittrack.console"
"""The tag of a run that says how many bytes its command printed."""
HEAD_BYTES = 32 * 1024
TAIL_BYTES = 96 * 1024
MAX_LINE = 2000
"""Characters kept of a line."""
JOINED_BYTES = 8 * 1024
"""Pieces of a line that is still being drawn are joined up to this size."""

_SQUEEZED = 4
"""Progress bars are expected to shrink to a fraction of this."""
_OVERWRITTEN = re.compile(rb"[^\r\n]*\r+(?=[^\r\n])")
_UP = re.compile(r"\x1b\[(\d*)[AF]")
_ERASE_TO_END = re.compile(r"\x1b\[[0-3]?[JK]")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x07\x0b-\x1a\x1c-\x1f\x7f]")
_BACKSPACES = re.compile(r"[^\x08]\x08")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output."""

    time: int
    """When it was last drawn, milliseconds since the epoch."""
    stream: str
    """``out`` or ``err``."""
    text: str


@dataclass(slots=True)
class _Piece:
    time: int
    stream: str
    data: bytes


class Console:
    """Keeps the head and the tail of what is fed to it, in memory that does not grow."""

    def __init__(self, *, head_bytes: int = HEAD_BYTES, tail_bytes: int = TAIL_BYTES) -> None:
        """Keep about so many bytes of the beginning and of the end."""
        self._head_bytes = head_bytes
        self._tail_bytes = tail_bytes
        self._head: list[_Piece] = []
        self._tail: deque[_Piece] = deque()
        self._head_size = 0
        self._tail_size = 0
        self.left_out = 0
        """Bytes between head and tail that are not kept; to count lines would slow a flood down."""
        self.size = 0
        """Bytes that were printed."""

    @property
    def is_cut(self) -> bool:
        """Whether something is not kept."""
        return self.left_out > 0

    def feed(self, time: int, stream: str, data: bytes) -> None:
        """Take in a piece of a stream's bytes that arrived at ``time`` (ms)."""
        self.size += len(data)
        last = self._tail[-1] if self._tail else self._head[-1] if self._head else None
        if (
            last is not None
            and last.stream == stream
            and not last.data.endswith(b"\n")
            and len(last.data) + len(data) <= JOINED_BYTES
        ):
            before = len(last.data)
            last.data = _squeeze(last.data + data)
            last.time = time
            self._count(last, len(last.data) - before)
            return
        piece = _Piece(time, stream, data)
        if not self._tail and self._head_size < self._head_bytes:
            self._add_to_head(piece)
        else:
            self._add_to_tail(piece)

    def lines(self) -> list[Line]:
        """Return the lines of head and tail; between them, one that says how much is not kept."""
        head, tail = list(_fold(self._head)), list(_fold(self._tail))
        if not self.left_out:
            return list(_fold([*self._head, *self._tail]))
        notice = f"… {self.left_out:,} bytes are left out here; the whole output is an artifact …"
        middle = Line(tail[0].time if tail else 0, "err", notice)
        return [*head, middle, *tail]

    def _add_to_head(self, piece: _Piece) -> None:
        room = self._head_bytes - self._head_size
        if len(piece.data) < _SQUEEZED * room:
            piece.data = _squeeze(piece.data)
        if len(piece.data) > room:
            cut = piece.data.find(b"\n", room) + 1 or len(piece.data)
            rest = piece.data[cut:]
            piece.data = piece.data[:cut]
            self._head.append(piece)
            self._head_size = max(self._head_size + len(piece.data), self._head_bytes)
            if rest:
                self._add_to_tail(_Piece(piece.time, piece.stream, rest))
            return
        self._head.append(piece)
        self._head_size += len(piece.data)

    def _add_to_tail(self, piece: _Piece) -> None:
        # Much at once is cut before it is looked at closely: a flood must not wait for us.
        self._cut(piece, _SQUEEZED * self._tail_bytes)
        piece.data = _squeeze(piece.data)
        self._cut(piece, self._tail_bytes)
        self._tail.append(piece)
        self._count(piece, len(piece.data))

    def _cut(self, piece: _Piece, size: int) -> None:
        if len(piece.data) > size:
            cut = piece.data.rfind(b"\n", 0, len(piece.data) - size) + 1 or len(piece.data) - size
            self.left_out += cut
            piece.data = piece.data[cut:]

    def _count(self, piece: _Piece, more: int) -> None:
        if not self._tail or self._tail[-1] is not piece:
            self._head_size += more
            return
        self._tail_size += more
        while self._tail_size - len(self._tail[0].data) > self._tail_bytes:
            gone = self._tail.popleft()
            self._tail_size -= len(gone.data)
            self.left_out += len(gone.data)


def format_lines(lines: Iterable[Line]) -> str:
    """Return lines as the text that is kept: time in UTC, stream and text of each."""
    return "".join(f"{format_time(line.time)} {line.stream} {line.text}\n" for line in lines)


def parse_lines(text: str) -> Iterator[Line]:
    """Yield what `format_lines` wrote; a line that it did not write comes without a time."""
    for row in text.splitlines():
        stamp, _, rest = row.partition(" ")
        stream, _, said = rest.partition(" ")
        try:
            time = round(datetime.fromisoformat(stamp).timestamp() * 1000)
        except ValueError:
            yield Line(0, "out", row)
            continue
        yield Line(time, stream, said)


def format_time(time: int) -> str:
    """Return a time in ms as ISO 8601 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(time / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time % 1000:03}Z"


def _squeeze(data: bytes) -> bytes:
    """Return bytes without what a carriage return has overwritten, as far as they show it."""
    return _OVERWRITTEN.sub(b"\r", data) if b"\r" in data else data


def _fold(pieces: Iterable[_Piece]) -> Iterator[Line]:
    """Yield the lines that pieces of several streams make, in the order in which they were finished."""
    open_lines: dict[str, bytes] = {}
    times: dict[str, int] = {}
    done: list[Line] = []
    for piece in pieces:
        *whole, rest = (open_lines.get(piece.stream, b"") + piece.data).split(b"\n")
        for raw in whole:
            _draw(done, piece.time, piece.stream, raw)
        open_lines[piece.stream] = rest
        times[piece.stream] = piece.time
    for stream, rest in open_lines.items():
        if rest:
            _draw(done, times[stream], stream, rest)
    yield from done


def _draw(done: list[Line], time: int, stream: str, raw: bytes) -> None:
    """Append a line, after taking back those that the cursor went up to and draws again."""
    text = raw.decode("utf-8", "replace").rstrip("\r")
    for up in _UP.finditer(text):
        for _ in range(min(int(up[1] or 1), 1000)):
            if not done or done[-1].stream != stream:
                break
            done.pop()
    shown = next((part for part in reversed(text.split("\r")) if _plain(part)), "")
    done.append(Line(time, stream, _plain(shown)[:MAX_LINE]))


def _plain(text: str) -> str:
    """Return text without escape sequences, as a terminal leaves it after backspaces."""
    text = _ESCAPE.sub("", _UP.sub("", _ERASE_TO_END.split(text)[-1] if "\x1b" in text else text))
    while "\x08" in text:
        text, count = _BACKSPACES.subn("", text)
        if not count:
            break
    return _CONTROL.sub("", text).replace("\x08", "").replace("\x1b", "").expandtabs(4).rstrip()
