"""W&B's run files: their frames, their records, and the run that these make."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.protobuf import read_fields, signed, unzigzag
from gittrack.core.wandb_log import BLOCK_BYTES, DamagedLogError, LogReader
from gittrack.core.wandb_records import (
    ArtifactFile,
    ConfigChange,
    Environment,
    Exit,
    HistoryRow,
    Item,
    LoggedArtifact,
    Output,
    Record,
    RunFacts,
    SummaryChange,
    SystemRow,
    read_record,
)
from gittrack.core.wandb_run import Row, WandbRun, name_system_metric
from tests.wire import field, message, varint, wandb_log

LENGTHS = st.lists(
    st.sampled_from([0, 1, 100, BLOCK_BYTES - 21, BLOCK_BYTES, 2 * BLOCK_BYTES + 5]), max_size=5
)


def read_all(data: bytes) -> tuple[list[bytes], LogReader]:
    reader = LogReader(data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES))
    return list(reader), reader


def some_records(lengths: list[int]) -> list[bytes]:
    return [bytes([65 + number]) * length for number, length in enumerate(lengths)]


@given(LENGTHS)
def test_decode_after_encode_of_a_run_file_is_the_identity(lengths: list[int]) -> None:
    records = some_records(lengths)
    found, reader = read_all(wandb_log(records))
    assert (found, reader.torn_bytes) == (records, 0)


@given(LENGTHS, st.data())
def test_any_cut_of_a_run_file_decodes_to_a_prefix_and_tells_how_much_is_torn(
    lengths: list[int], data: st.DataObject
) -> None:
    records = some_records(lengths)
    written = wandb_log(records)
    cut = data.draw(st.integers(7, len(written)))
    found, reader = read_all(written[:cut])
    assert found == records[: len(found)]
    assert (reader.torn_bytes > 0) or len(wandb_log(found)) == cut or not any(written[reader.position : cut])


@given(LENGTHS, st.data())
def test_a_changed_byte_never_makes_a_record_that_was_not_written(
    lengths: list[int], data: st.DataObject
) -> None:
    records = some_records(lengths)
    written = bytearray(wandb_log(records))
    at = data.draw(st.integers(0, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))
    found: list[bytes] = []
    blocks = [bytes(written[start : start + BLOCK_BYTES]) for start in range(0, len(written), BLOCK_BYTES)]
    with contextlib.suppress(DamagedLogError):
        found.extend(LogReader(blocks))
    assert found == records[: len(found)] or at % BLOCK_BYTES >= BLOCK_BYTES - 7


def test_what_is_no_run_file_is_refused() -> None:
    for data in (b"nonsense", b":W&B\xe1\xbe\x01" + bytes(40)):
        with pytest.raises(DamagedLogError) as caught:
            read_all(data)
        assert caught.value.position == 0


def test_room_that_was_reserved_and_never_written_is_no_damage() -> None:
    assert read_all(wandb_log([b"one"]) + bytes(500))[0] == [b"one"]


@given(st.binary(max_size=300))
def test_whatever_the_bytes_a_record_is_read_or_refused(data: bytes) -> None:
    for number in (2, 3, 5, 7, 8, 13, 17, 18, 26):
        with contextlib.suppress(ValueError, RecursionError):
            read_record(message(number, data))


@given(st.integers(-(2**63), 2**63 - 1))
def test_numbers_come_back_from_their_wire_form(number: int) -> None:
    ((_, _, plain),) = read_fields(field(1, 0, varint(number)))
    assert signed(plain) == number
    assert unzigzag(number * 2 if number >= 0 else -number * 2 - 1) == number


def item(*path: str, json: str = "", number: int = 16) -> bytes:
    return message(1, *(message(2, part.encode()) for part in path), message(number, json.encode()))


def time(number: int, seconds: int, milliseconds: int = 0) -> bytes:
    return message(number, field(1, 0, varint(seconds)), field(2, 0, varint(milliseconds * 1_000_000)))


RUN = message(
    17, message(1, b"abc"), message(3, b"moons"), message(8, b"first"), message(10, b"a"), message(10, b"b"),
    message(4, item("lr", json="0.1"), item("net", "depth", json="3")), time(17, 1_700_000_000, 250),
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "record"),
    [
        (
            RUN,
            RunFacts(
                "abc",
                project="moons",
                name="first",
                tags=("a", "b"),
                start_time=1_700_000_000_250,
                config=(Item(("lr",), 0.1), Item(("net", "depth"), 3)),
            ),
        ),
        (
            message(5, item("lr", json="2"), message(2, message(1, b"old"))),
            ConfigChange((Item(("lr",), 2), Item(("old",), has_value=False))),
        ),
        (message(3, item("best", json="0.9")), SummaryChange((Item(("best",), 0.9),))),
        (
            message(
                2,
                message(1, message(1, b"i"), field(5, 0, varint(5))),
                message(1, message(1, b"f"), field(6, 1, struct.pack("<d", 0.5))),
                message(1, message(1, b"t"), message(7, b"text")),
                message(1, message(1, b"y"), field(4, 0, varint(1))),
                message(1, message(1, b"j"), message(8, b"[1]")),
                message(2, field(1, 0, varint(7))),
            ),
            HistoryRow(
                (
                    Item(("i",), -3),
                    Item(("f",), 0.5),
                    Item(("t",), "text"),
                    Item(("y",), value=True),
                    Item(("j",), [1]),
                ),
                7,
            ),
        ),
        (
            message(7, time(2, 5), message(3, message(1, b"cpu"), message(16, b"1.5"))),
            SystemRow((Item(("cpu",), 1.5),), 5000),
        ),
        (message(13, message(3, b"line\n")), Output("line\n")),
        (message(18, field(1, 0, varint(3)), field(2, 0, varint(9))), Exit(3, 9)),
        (
            message(26, message(6, b"/x/train.py"), message(13, b"ann"), message(9, message(2, b"c0ffee"))),
            Environment("/x/train.py", "ann", commit="c0ffee"),
        ),
        (
            message(
                8,
                message(4, b"model"),
                message(5, b"net"),
                message(12, message(4, message(1, b"w.bin"), message(2, b"ZA=="), field(4, 0, varint(9)))),
            ),
            LoggedArtifact("net", "model", (ArtifactFile("w.bin", "ZA==", 9, ""),)),
        ),
        (message(21, b""), None),
    ],
)
def test_each_kind_of_record_says_what_it_says(data: bytes, record: Record | None) -> None:
    assert read_record(data) == record


def history(*items: Item, step: int | None = None) -> HistoryRow:
    return HistoryRow(items, step)


def test_a_row_of_history_is_split_into_numbers_and_what_else_was_logged() -> None:
    run = WandbRun()
    run.add(RunFacts("a", start_time=1000))
    row = run.add(
        history(
            Item(("val", "acc"), 1),
            Item(("bad",), "NaN"),
            Item(("huge",), 10**400),
            Item(("text",), "hi"),
            Item(("picture", "_type"), "image-file"),
            Item(("picture", "width"), 2),
            Item(("_timestamp",), 2.5),
            Item(("_runtime",), 1.5),
            Item(("_step",), 4),
        )
    )
    assert row is not None
    assert math.isnan(row.metrics["bad"])
    others = {"huge": 10**400, "text": "hi", "picture": {"_type": "image-file", "width": 2}}
    assert row == Row({"val/acc": 1.0, "bad": row.metrics["bad"]}, 4, 2500, others)
    assert (run.last_step, run.end_time) == (4, 2500)


def test_rows_without_step_and_time_go_on_from_the_one_before() -> None:
    run = WandbRun()
    run.add(RunFacts("a", start_time=1000))
    run.add(history(Item(("a",), 1), Item(("_timestamp",), 3.0), step=7))
    assert run.add(history(Item(("a",), 2))) == Row({"a": 2.0}, 8, 3000)


def test_config_and_summary_are_what_their_changes_leave() -> None:
    run = WandbRun()
    run.add(RunFacts("a", config=(Item(("net", "depth"), 3), Item(("gone",), 1))))
    run.add(ConfigChange((Item(("net", "act"), "relu"), Item(("gone",), has_value=False), Item(()))))
    run.add(SummaryChange((Item(("val", "acc"), 0.5), Item(("text",), "x"))))
    assert run.config == {"net": {"depth": 3, "act": "relu"}}
    assert run.summary_metrics() == {"val/acc": 0.5}


def test_a_run_that_goes_on_has_not_ended() -> None:
    run = WandbRun()
    run.add(RunFacts("a", start_time=1000))
    run.add(Exit(0, 2))
    assert (run.end, run.end_time) == (Exit(0, 2), 3000)
    run.add(RunFacts("a", start_time=9000))
    assert (run.end, run.start_time, run.end_time) == (None, 1000, 9000)


def test_what_both_measure_of_the_machine_has_one_name() -> None:
    assert name_system_metric("gpu.1.powerWatts") == "system/gpu_1_power_usage_watts"
    assert name_system_metric("gpu.0.temp") == "system/gpu.0.temp"
    assert name_system_metric("cpu") == "system/cpu_utilization_percentage"
