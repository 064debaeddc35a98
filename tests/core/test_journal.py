"""The journal: whatever happens to its bytes, what was acknowledged is read and nothing is made up."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import encode_run
from gittrack.core.event_lines import decode_event, encode_event, encode_folder, event_row
from gittrack.core.fold import fold
from gittrack.core.journal import JournalContent, metric_line_start, read_lines
from gittrack.core.jsonform import encode_compact
from gittrack.core.series import Series, normalize, summarize
from gittrack.tracking.live import LiveRun
from tests import strategies
from tests.strategies import RUN_ID, Row, encode_item, to_histories, to_points

if TYPE_CHECKING:
    from gittrack.core.events import Event, FolderLogged
    from gittrack.core.model import Run

Items = list["Event | Row"]
item_lists = st.lists(strategies.items, max_size=12)


def read(data: bytes) -> JournalContent:
    content = JournalContent()
    read_lines(content, data)
    return content


def points_of(items: Items) -> list[tuple[str, int, int, str]]:
    rows = [item for item in items if isinstance(item, Row)]
    points = [(key, row.step, row.time, value) for row in rows for key, value in row.values.items()]
    return to_points(normalize(to_histories(points)))


def events_of(items: Items) -> list[str]:
    return [repr(item) for item in items if not isinstance(item, Row)]


def check(content: JournalContent, items: Items) -> None:
    assert [repr(event) for event in content.events] == events_of(items)
    assert to_points(content.points.take()) == points_of(items)


@given(strategies.events)
def test_decode_after_encode_of_an_event_is_the_identity(event: Event) -> None:
    line = encode_event(event)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert repr(decode_event(json.loads(line))) == repr(event)


@given(strategies.folders_logged())
def test_a_folder_is_the_same_line_whoever_writes_it(event: FolderLogged) -> None:
    columns = zip(*((one.path, one.digest, one.size) for one in event.artifacts), strict=True)
    paths, digests, sizes = map(list, columns)
    assert encode_folder(paths, digests, sizes, event.time) == encode_event(event)


@pytest.mark.parametrize(
    "columns",
    [
        [["a", "b"], ["0a"], [1, 2]],
        [["a"], ["../x"], [1]],
        [["a"], [""], [1]],
        [["a"], ["0a"], [-1]],
        [["a", "b"], ["0a", "0b"], [1, True]],
        [["a", "b"], ["0a", "0b"], [1, 1.5]],
        [["\ud800"], ["0a"], [1]],
        [[5], ["0a"], [1]],
        [["a"], [7], [1]],
        [[], [], []],
        ["a"],
    ],
)
def test_a_folder_with_one_bad_file_is_no_event(columns: list[object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (whatever is wrong)
        decode_event(["A", 5, *columns])


@given(item_lists)
def test_decode_after_encode_of_a_journal_is_the_identity(items: Items) -> None:
    content = read(b"".join(map(encode_item, items)))
    check(content, items)
    assert content.bad_lines == 0
    assert content.last_time == max((item.time for item in items), default=0)


@given(
    st.lists(st.tuples(strategies.keys, strategies.values, strategies.steps, strategies.times), max_size=8)
)
def test_the_fast_line_of_one_metric_reads_like_the_line_of_many(
    logged: list[tuple[str, float, int, int]],
) -> None:
    lines: list[bytes] = []
    sink = type("Sink", (), {"append": lambda _, line: lines.append(line)})()
    live = LiveRun(blank(), sink)
    for key, value, step, time in logged:
        live.log_metric(key, value, step, time)
    content = read(b"".join(lines))
    expected = normalize(to_histories([(key, step, time, value) for key, value, step, time in logged]))
    assert content.bad_lines == 0
    assert to_points(content.points.take()) == to_points(expected)
    assert all(
        line.startswith(metric_line_start(key).encode())
        for line, (key, *_) in zip(lines, logged, strict=True)
    )


@given(item_lists, st.data())
def test_any_cut_of_a_journal_decodes_to_a_prefix_of_its_events(items: Items, data: st.DataObject) -> None:
    whole = b"".join(map(encode_item, items))
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    content = JournalContent()
    rest = read_lines(content, cut)
    check(content, items[: cut.count(b"\n")])
    assert content.bad_lines == 0
    assert cut.endswith(rest)
    assert b"\n" not in rest


@given(item_lists, st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_reading_a_journal_in_pieces_is_reading_it_at_once(items: Items, sizes: list[int]) -> None:
    whole = b"".join(map(encode_item, items))
    content, rest, position, turn = JournalContent(), b"", 0, 0
    while position < len(whole):
        size = sizes[turn % len(sizes)]
        rest = read_lines(content, rest + whole[position : position + size])
        position, turn = position + size, turn + 1
    assert rest == b""
    check(content, items)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)
torn_lines = st.builds(
    lambda item, cut: encode_item(item)[:-2][: cut + 1], strategies.items, st.integers(0, 200)
)
garbage = (
    torn_lines
    | st.binary(min_size=1, max_size=30)
    | st.builds(lambda line: b"\0" * 7 + line, torn_lines)
    | st.sampled_from(
        [b"[", b"]", b"1", b"null", b"[]", b'["zz",1]', b'{"m":1}', b'["m","loss",1.0,0]', b"[" * 5000]
    )
).filter(lambda line: b"\n" not in line and bool(line.strip(b"\0 \r")))


@given(item_lists, st.lists(st.tuples(st.integers(0, 12), garbage), max_size=4))
def test_garbage_lines_are_skipped_and_counted(items: Items, strays: list[tuple[int, bytes]]) -> None:
    lines = [encode_item(item) for item in items]
    for place, stray in strays:
        lines.insert(place, stray + b"\n")
    content = read(b"".join(lines))
    check(content, items)
    assert content.bad_lines == len(strays)


@given(item_lists, st.lists(st.sampled_from([b"\n", b"\0\0\0\n", b" \n", b"\r\n"]), max_size=4))
def test_empty_and_zeroed_lines_are_no_news(items: Items, blanks: list[bytes]) -> None:
    content = read(b"".join(blanks) + b"".join(map(encode_item, items)) + b"".join(blanks))
    check(content, items)
    assert content.bad_lines == 0


odd_fields = st.lists(json_values, max_size=6)
odd_starts = st.builds(
    lambda time, row, field, value: ["run", time, {**row[2], field: value}],
    st.integers(),
    st.builds(event_row, strategies.starts),
    st.sampled_from(["run_id", "experiment_id", "name", "user", "source", "parent", "code", "tags"]),
    json_values,
)
odd_rows = odd_starts | st.builds(
    lambda kind, time, fields: [kind, time, *fields],
    st.sampled_from(["m", "M", "run", "resume", "p", "t", "d", "a", "s", "n", "l"]),
    st.integers() | st.text(max_size=3),
    odd_fields,
)


@given(st.lists(odd_rows, min_size=1, max_size=4))
def test_whatever_a_journal_says_what_is_taken_from_it_can_be_stored(rows: list[list[object]]) -> None:
    """One odd line in one journal must never keep a repository from being opened."""
    content = read(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    for event in content.events:
        encode_event(event)
    run = fold(None, RUN_ID, content.events)
    histories = content.points.take()
    encode_run(dataclasses.replace(run, metrics={key: summarize(one) for key, one in histories.items()}))
    encode_compact(list(histories))
    assert all(isinstance(series, Series) for series in histories.values())


@pytest.mark.parametrize(
    "line",
    [
        rb'["t",1,{"note":"\ud800"}]',
        rb'["m","\udfff",1.0,0,1]',
        b'["p",1,{"lr":NaN}]',
        b'["p",1,{"lr":[Infinity]}]',
        b'["t",1,{"note":5}]',
        b'["n",1,null]',
        b'["m",5,1.0,0,1]',
        b'["m","loss",1.0,99999999999999999999,1]',
        b'["m","loss",1.0,0,-1]',
        b'["m","loss",' + b"9" * 400 + b",0,1]",
        b'["s",1,"FINISHED","soon",null]',
        b'["s",1,"FINISHED",1.5,null]',
        b'["a",1,"../../etc/passwd",1,2,null]',
        b'["a",1,"model.pt","abc",-2,null]',
        b'["d",1,["x"]]',
        b'["d",-1,"x"]',
        b'["p",1,{"deep":' + b"[" * 500 + b"]" * 500 + b"}]",
    ],
)
def test_a_line_of_the_wrong_types_is_garbage(line: bytes) -> None:
    content = read(b'["n",1,"before"]\n' + line + b'\n["n",2,"after"]\n')
    assert [getattr(event, "name", None) for event in content.events] == ["before", "after"]
    assert content.points.take() == {}
    assert content.bad_lines == 1


def blank() -> Run:
    return fold(None, RUN_ID, [])
