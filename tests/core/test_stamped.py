"""Laws of stamped documents: whoever merges what with whom arrives at the same bytes, and loses no change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.stamped import (
    Document,
    DocumentChange,
    change_row,
    check_changes,
    decode_stamped,
    document_path,
    encode_stamped,
    fold_document,
    make_stamp,
    merge_documents,
    parse_change,
)
from gittrack.errors import InvalidNameError, InvalidValueError
from tests import strategies as some

KIND, ID = "models", "0123456789abcdef"
names = st.sampled_from(["name", "tags.team", "tags.a.b", "aliases.champion"])
field_values: st.SearchStrategy[Any] = some.params.filter(lambda value: value is not None)
stamps = st.sampled_from([make_stamp(time, 0, writer) for time in (1, 2, 3) for writer in "ab"])
changes = st.builds(
    DocumentChange,
    kind=st.just(KIND),
    document_id=st.just(ID),
    time=st.integers(0, 5),
    values=st.dictionaries(names, some.params, max_size=3),
) | st.builds(DocumentChange, st.just(KIND), st.just(ID), st.integers(0, 5), removes=st.just(value=True))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A state of one and the same document, stamps and values as they please."""
    removed = draw(st.just("") | stamps)
    entries = draw(st.dictionaries(names, st.tuples(stamps, some.params), max_size=4))
    kept = {name: entry for name, entry in entries.items() if entry[0] > removed}
    return Document(
        KIND,
        ID,
        {name: value for name, (_, value) in kept.items() if value is not None},
        {name: stamp for name, (stamp, _) in kept.items()},
        removed,
    )


def merged(first: Document, *others: Document) -> bytes:
    for other in others:
        first = merge_documents(first, other)
    return encode_stamped(first)


@given(documents())
def test_decode_after_encode_of_a_document_is_the_identity(document: Document) -> None:
    assert decode_stamped(encode_stamped(document)) == document


@given(documents(), documents())
def test_merging_documents_is_commutative(first: Document, second: Document) -> None:
    assert merged(first, second) == merged(second, first)


@given(documents(), documents(), documents())
def test_merging_documents_is_associative(first: Document, second: Document, third: Document) -> None:
    assert merged(merge_documents(first, second), third) == merged(first, merge_documents(second, third))


@given(documents(), documents())
def test_merging_documents_is_idempotent(first: Document, second: Document) -> None:
    both = merge_documents(first, second)
    assert merged(first, first) == encode_stamped(first)
    assert merged(both, first) == merged(both, second) == encode_stamped(both)


@given(documents(), st.lists(st.tuples(changes, stamps), max_size=4), st.randoms())
def test_changes_lead_to_the_same_document_in_whatever_order_they_are_folded(
    document: Document, listed: list[tuple[DocumentChange, str]], random: Any
) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)
    ends = []
    for order in (listed, shuffled):
        state = document
        for change, stamp in order:
            state = fold_document(state, change, stamp)
        ends.append(encode_stamped(state))
    assert ends[0] == ends[1]


@given(documents(), names, field_values)
def test_the_latest_change_is_what_one_reads(document: Document, name: str, value: Any) -> None:
    later = make_stamp(9, 0, "a")
    after = fold_document(document, DocumentChange(KIND, ID, 9, {name: value}), later)
    assert after.fields == {**document.fields, name: value}
    assert after.latest_time == 9
    without = fold_document(after, DocumentChange(KIND, ID, 10, {name: None}), make_stamp(10, 0, "a"))
    assert name not in without.fields
    assert name in without.stamps


@given(documents())
def test_of_a_removed_document_only_later_changes_are_left(document: Document) -> None:
    gone = fold_document(document, DocumentChange(KIND, ID, 9, removes=True), make_stamp(9, 0, "a"))
    assert not gone.exists
    assert encode_stamped(merge_documents(gone, document)) == encode_stamped(gone)
    again = fold_document(gone, DocumentChange(KIND, ID, 10, {"name": "b"}), make_stamp(10, 0, "a"))
    assert merge_documents(document, again).fields == {"name": "b"}


@given(changes)
def test_parse_after_row_of_a_change_is_the_identity(change: DocumentChange) -> None:
    assert parse_change(change_row(change)) == change


def test_a_document_reads_well() -> None:
    created = DocumentChange(KIND, ID, 1, {"name": "iris", "tags.team": "a"})
    document = fold_document(None, created, make_stamp(1, 0, "w"))
    changed = DocumentChange(KIND, ID, 2, {"tags.team": None, "aliases.champion": "v1"})
    document = fold_document(document, changed, make_stamp(2, 0, "w"))
    assert encode_stamped(document).decode() == (
        "{\n"
        ' "edits": {\n'
        '  "aliases.champion": "000000000002-000000-w",\n'
        '  "tags.team": "000000000002-000000-w"\n'
        " },\n"
        ' "fields": {\n'
        '  "aliases.champion": "v1",\n'
        '  "name": "iris"\n'
        " },\n"
        ' "id": "0123456789abcdef",\n'
        ' "kind": "models",\n'
        ' "stamp": "000000000001-000000-w"\n'
        "}\n"
    )
    assert document.group("aliases") == {"champion": "v1"}


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"kind": "a"}', b'{"kind":"a","id":"b","fields":[1]}'])
def test_what_is_no_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode_stamped(data)


@pytest.mark.parametrize(
    ("kind", "document_id"), [("", "a"), ("a/", "b"), ("../a", "b"), ("A", "b"), ("a", "../b"), ("a", ".b")]
)
def test_what_would_be_no_place_in_the_tree_names_no_document(kind: str, document_id: str) -> None:
    with pytest.raises(InvalidNameError):
        check_changes([DocumentChange(kind, document_id, 1, {"a": 1})])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", b"bytes", (1, 2), {1: 2}])
def test_what_json_cannot_say_is_no_value_of_a_field(value: Any) -> None:
    with pytest.raises(InvalidValueError):
        check_changes([DocumentChange("a", "b", 1, {"field": value})])


def test_documents_are_spread_over_folders() -> None:
    assert document_path("models", "0123abc") == ("documents", "models", "b", "c", "0123abc.json")
    assert document_path("versions/m1", "0ff") == ("documents", "versions", "m1", "f", "f", "0ff.json")
