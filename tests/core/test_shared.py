"""Mappings that share their keys are the dicts of their items."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.shared import SharedMapping, count_keys, forget_values, group_alike, is_flat, pack_cells

if TYPE_CHECKING:
    from collections.abc import Mapping

DICTS = st.dictionaries(st.sampled_from("abcd"), st.integers() | st.text(max_size=3))


def share(values: dict[str, object]) -> SharedMapping[object]:
    places = {key: place for place, key in enumerate(values)}
    return SharedMapping(places, pack_cells(values), is_flat=is_flat(values))


@given(DICTS)
def test_it_is_the_dict_of_its_items(values: dict[str, object]) -> None:
    shared = share(values)
    assert shared == values == dict(shared) == {**shared}
    assert repr(shared) == repr(values)
    assert list(shared) == list(shared.keys()) == list(values)
    assert list(shared.values()) == list(shared.cells) == list(values.values())
    assert list(shared.items()) == list(values.items())
    assert len(shared) == len(values)
    assert bool(shared) == bool(values)
    for key in "abcd":
        assert (key in shared) == (key in values)
        assert shared.get(key, 0.5) == values.get(key, 0.5)
    assert copy.copy(shared) == pickle.loads(pickle.dumps(shared)) == values


@given(DICTS)
def test_what_is_packed_is_the_same_shared_or_not(values: dict[str, object]) -> None:
    assert pack_cells(share(values)) == pack_cells(values)
    assert is_flat(share(values)) == is_flat(values)


def test_only_texts_and_numbers_are_flat() -> None:
    assert is_flat({"a": 1, "b": 0.5, "c": "x"})
    assert is_flat({})
    for other in (True, None, [1], {"a": 1}):
        assert not is_flat({"a": 1, "b": other})


def test_what_was_unpacked_is_let_go_of_and_unpacked_again() -> None:
    shared = share({"a": "x" * 3})
    first = shared.cells
    assert shared.cells is first
    forget_values(shared)
    assert shared.cells == first
    assert shared.cells is not first
    forget_values({"a": 1})  # a dict has nothing to let go of


def test_a_key_that_is_missing_raises_key_error() -> None:
    with pytest.raises(KeyError):
        share({"a": 1})["b"]


@given(st.lists(st.tuples(DICTS, st.booleans())))
def test_rows_are_grouped_by_their_keys_whatever_they_are(rows: list[tuple[dict[str, object], bool]]) -> None:
    found = group_alike([share(row) if is_shared else row for row, is_shared in rows])
    expected: dict[tuple[str, ...], list[list[object]]] = {}
    for row, _ in rows:
        expected.setdefault(tuple(row), []).append(list(row.values()))
    assert {keys: list(map(list, cells)) for keys, cells in found.items()} == expected
    assert list(found) == list(expected)


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers())), st.booleans())
def test_keys_are_counted(rows: list[dict[str, int]], is_shared: bool) -> None:
    places: dict[tuple[str, ...], dict[str, int]] = {}
    given: list[Mapping[str, int]] = [
        SharedMapping(
            places.setdefault(tuple(row), {key: i for i, key in enumerate(row)}),
            pack_cells(row),
            is_flat=True,
        )
        if is_shared
        else row
        for row in rows
    ]
    assert count_keys(given) == Counter(key for row in rows for key in row)
