"""What is kept of a command's output."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.console import Console, Line, format_lines, parse_lines

NOON = 1_700_000_000_000


def texts(console: Console) -> list[str]:
    return [line.text for line in console.lines()]


def fed(*pieces: bytes, stream: str = "out") -> Console:
    console = Console()
    for number, piece in enumerate(pieces):
        console.feed(NOON + number, stream, piece)
    return console


def kept_bytes(console: Console) -> int:
    """Return the size of the lines that are kept, as they were printed."""
    before, _, after = format_lines(console.lines()).partition("left out here")
    kept = [*parse_lines(before), *parse_lines(after)]
    return sum(len(line.text) + 1 for line in kept if line.text.startswith("line "))


def test_a_line_has_the_time_at_which_it_was_finished() -> None:
    console = fed(b"first\n", b"sec", b"ond\nthird")
    assert console.lines() == [
        Line(NOON, "out", "first"),
        Line(NOON + 2, "out", "second"),
        Line(NOON + 2, "out", "third"),
    ]


def test_streams_that_take_turns_do_not_tear_each_others_lines() -> None:
    console = Console()
    for stream, data in (("out", b"one "), ("err", b"bad "), ("out", b"line\n"), ("err", b"news\n")):
        console.feed(NOON, stream, data)
    assert texts(console) == ["one line", "bad news"]


def test_a_progress_bar_is_kept_as_it_looked_last() -> None:
    assert texts(fed(*[b"\r%d%%|###" % n for n in range(101)], b"\ndone\n")) == ["100%|###", "done"]


def test_a_progress_bar_of_hours_keeps_the_lines_around_it() -> None:
    pieces = [f"\r{n}/500000 {'#' * 60}".encode() for n in range(100_000)]
    console = fed(b"before\n", *pieces, b"\n", b"after\n")
    assert texts(console)[0] == "before"
    assert texts(console)[-1] == "after"
    assert len(texts(console)) == 3
    assert not console.is_cut


def test_lines_that_a_cursor_goes_back_to_are_drawn_once() -> None:
    redraw = b"\x1b[2A\x1b[2Kepoch 2\n\x1b[2Kloss 0.1\n"
    assert texts(fed(b"start\n", b"epoch 1\nloss 0.9\n", redraw)) == ["start", "epoch 2", "loss 0.1"]


def test_backspaces_colours_and_titles_leave_what_is_seen() -> None:
    assert texts(fed(b"12%\b\b\b99%\n\x1b[31mred\x1b[0m\n\x1b]0;title\x07plain\n")) == ["99%", "red", "plain"]


def test_bytes_that_are_no_text_do_no_harm() -> None:
    assert texts(fed(b"\xff\xfe ok \x00\n")) == ["\ufffd\ufffd ok"]


def test_much_output_keeps_its_head_and_tail_and_says_how_much_is_missing() -> None:
    console = fed(*[b"".join(b"line %d\n" % n for n in range(k, k + 1000)) for k in range(0, 200_000, 1000)])
    shown = texts(console)
    assert console.is_cut
    assert shown[0] == "line 0"
    assert shown[-1] == "line 199999"
    assert kept_bytes(console) + console.left_out == console.size
    assert sum(map(len, shown)) < 200_000


def test_one_enormous_piece_is_cut_like_many_small_ones() -> None:
    data = b"".join(b"line %d\n" % n for n in range(300_000))
    console = fed(data)
    assert texts(console)[0] == "line 0"
    assert texts(console)[-1] == "line 299999"
    assert kept_bytes(console) + console.left_out == len(data)


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    console = fed(*[b"x" * 100_000] * 100)
    assert sum(len(piece.data) for piece in [*console._head, *console._tail]) < 400_000


@given(st.lists(st.tuples(st.sampled_from(["out", "err"]), st.binary(max_size=40)), max_size=30))
def test_parse_after_format_is_the_identity(pieces: list[tuple[str, bytes]]) -> None:
    console = Console(head_bytes=100, tail_bytes=100)
    for number, (stream, data) in enumerate(pieces):
        console.feed(NOON + number, stream, data)
    lines = [line for line in console.lines() if len(line.text.splitlines()) <= 1]
    assert list(parse_lines(format_lines(lines))) == lines
