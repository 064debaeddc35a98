"""Rows out of files that grow, and whether a file is whole."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.complete import is_complete, tensors_header_size, tensors_size
from gittrack.core.event_files import DamagedFileError, read_scalars
from gittrack.core.growing import Kind, Position, Row, parse_position, read_rows
from tests.wire import event, event_record, field

LINES = b'{"loss": 0.5, "step": 3, "note": "text"}\n{"loss": 0.25, "epoch": 2, "timestamp": 1700000000.5}\n'
TABLE = b"epoch,loss,name\n1,0.5,a\n2,0.25,b\n"


EVENTS = event_record(field(1, 1, struct.pack("<d", 1.0))) + event("loss", 0.5, 1) + event("val/acc", 0.75, 2)


def test_lines_say_steps_and_times_by_many_names() -> None:
    reading = read_rows(Kind.LINES, LINES, Position())
    assert reading.rows == [Row({"loss": 0.5}, 3), Row({"loss": 0.25}, 2, 1_700_000_000_500)]
    assert reading.position == Position(len(LINES), 2)


def test_lines_with_sections_say_params_and_tags_too() -> None:
    line = b'{"metrics": {"a": 1}, "params": {"lr": 0.1}, "tags": {"b": "c"}, "step": 4}\n'
    assert read_rows(Kind.LINES, line, Position()).rows == [Row({"a": 1.0}, 4, None, {"lr": 0.1}, {"b": "c"})]


def test_a_bad_line_is_named_and_the_others_stay() -> None:
    reading = read_rows(Kind.LINES, b'{"a": 1}\nnonsense\n[1]\n{"a": 2}\n', Position())
    assert [row.step for row in reading.rows] == [0, 3]
    assert [problem.partition(":")[0] for problem in reading.problems] == ["row 2", "row 3"]


def test_a_table_is_read_by_its_header_wherever_one_goes_on() -> None:
    whole = read_rows(Kind.TABLE, TABLE, Position(), prefix="val/")
    assert whole.rows == [Row({"val/loss": 0.5}, 1), Row({"val/loss": 0.25}, 2)]
    first = read_rows(Kind.TABLE, TABLE[:25], Position(), prefix="val/")
    rest = read_rows(
        Kind.TABLE, TABLE[first.position.offset :], first.position, header=b"epoch,loss,name", prefix="val/"
    )
    assert [*first.rows, *rest.rows] == whole.rows


def test_scalars_of_event_files_have_their_own_steps_and_times() -> None:
    reading = read_rows(Kind.EVENTS, EVENTS, Position(), prefix="run/")
    assert reading.rows == [Row({"run/loss": 0.5}, 1, 1500), Row({"run/val/acc": 0.75}, 2, 1500)]


@pytest.mark.parametrize(("kind", "data"), [(Kind.LINES, LINES), (Kind.TABLE, TABLE), (Kind.EVENTS, EVENTS)])
@given(data_=st.data())
def test_reading_in_two_steps_is_reading_at_once(kind: Kind, data: bytes, data_: st.DataObject) -> None:
    cut = data_.draw(st.integers(0, len(data)))
    header = data.partition(b"\n")[0]
    first = read_rows(kind, data[:cut], Position())
    rest = read_rows(kind, data[first.position.offset :], first.position, header=header)
    assert [*first.rows, *rest.rows] == read_rows(kind, data, Position()).rows
    assert rest.position.offset == len(data)


def test_damage_in_an_event_file_is_noticed() -> None:
    with pytest.raises(DamagedFileError):
        read_scalars(b"\x01" * 40)
    assert read_scalars(EVENTS[:-1])[1] < len(EVENTS)


@given(st.binary(max_size=200))
def test_whatever_the_bytes_an_event_file_is_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DamagedFileError):
        read_scalars(event_record(data))


@given(st.integers(0), st.integers(0))
def test_parse_after_str_of_a_position_is_the_identity(offset: int, rows: int) -> None:
    assert parse_position(str(Position(offset, rows))) == Position(offset, rows)
    assert parse_position("nonsense") == Position()


PNG = b"\x89PNG\r\n\x1a\n" + b"data" * 9 + b"IEND\xaeB`\x82"
ZIP = b"PK\x03\x04" + b"data" * 9 + b"PK\x05\x06" + b"\0" * 18
WHOLE = {
    ".png": PNG,
    ".jpg": b"\xff\xd8\xff\xe0" + b"data" * 9 + b"\xff\xd9",
    ".pt": ZIP,
    ".gif": b"GIF89a" + b"data" * 9 + b";",
    ".pdf": b"%PDF-1.7" + b"data" * 9 + b"%%EOF\n",
    ".svg": b"<svg>" + b"data" * 9 + b"</svg>\n",
    ".webp": b"RIFF" + (36).to_bytes(4, "little") + b"WEBP" + b"data" * 8,
}


@pytest.mark.parametrize("suffix", WHOLE)
def test_half_written_files_are_not_complete(suffix: str) -> None:
    data = WHOLE[suffix]
    assert is_complete(suffix, len(data), data[:16], data)
    half = data[: len(data) // 2]
    assert not is_complete(suffix, len(half), half[:16], half)
    assert not is_complete(suffix, 0, b"", b"")


def test_a_file_of_tensors_says_how_large_it_is() -> None:
    header = b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {}}'
    data = len(header).to_bytes(8, "little") + header
    assert tensors_header_size(data) == len(data)
    assert tensors_size(data) == len(data) + 8
    assert tensors_size(b"12345678nonsense") is None
