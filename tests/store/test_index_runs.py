"""A run that went through the index is the run of its documents."""

from __future__ import annotations

import dataclasses
import zlib
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import decode_run, encode_run
from gittrack.core.run_digest import digest_run
from gittrack.store.index_runs import pack_run, unpack_run
from tests import strategies

if TYPE_CHECKING:
    from gittrack.core.model import Run


@given(strategies.runs(), st.booleans())
def test_unpack_after_pack_is_the_identity(run: Run, is_late: bool) -> None:
    stored = decode_run(encode_run(run))
    unpacked = unpack_run(pack_run(stored), is_late=is_late)
    for field in filter(attrgetter("init"), dataclasses.fields(stored)):
        before, after = getattr(stored, field.name), getattr(unpacked, field.name)
        assert repr(after) == repr(before), field.name  # NaN equals NaN, and 1 is not True
    assert encode_run(unpacked) == encode_run(stored)


@given(strategies.runs())
def test_a_run_from_the_index_knows_its_digest_and_no_changed_copy_does(run: Run) -> None:
    stored = decode_run(encode_run(run))
    unpacked = unpack_run(pack_run(stored))
    assert not stored.digest
    assert unpacked.digest == digest_run(unpacked) == digest_run(stored)
    assert digest_run(dataclasses.replace(unpacked)) == unpacked.digest
    renamed = dataclasses.replace(unpacked, name=f"{unpacked.name}!")
    assert not renamed.digest
    assert digest_run(renamed) != unpacked.digest


@given(strategies.runs(), st.data())
def test_one_wrong_bit_is_noticed_before_anything_is_read(run: Run, data: st.DataObject) -> None:
    packed = bytearray(pack_run(run))
    place = data.draw(st.integers(0, len(packed) * 8 - 1))
    packed[place // 8] ^= 1 << place % 8
    with pytest.raises(zlib.error):
        unpack_run(bytes(packed))


@given(strategies.runs(), st.data())
def test_a_run_that_is_cut_is_noticed(run: Run, data: st.DataObject) -> None:
    packed = pack_run(run)
    with pytest.raises(zlib.error):
        unpack_run(packed[: data.draw(st.integers(0, len(packed) - 1))])
