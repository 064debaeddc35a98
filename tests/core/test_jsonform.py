"""The one JSON: what is read back is what was written, and equal values give equal bytes."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.jsonform import decode, decode_float, encode_compact, encode_document, encode_float
from tests import strategies

documents = st.dictionaries(strategies.texts, strategies.params, max_size=5)


@given(strategies.values)
def test_decode_after_encode_of_a_float_is_the_identity(value: float) -> None:
    written = encode_compact(encode_float(value))
    assert repr(decode_float(decode(written))) == repr(value)


@given(documents)
def test_decode_after_encode_of_a_document_is_the_identity(document: dict[str, object]) -> None:
    assert repr(decode(encode_document(document))) == repr(
        {
            key: {name: value[name] for name in sorted(value)} if isinstance(value, dict) else value
            for key, value in sorted(document.items())
        }
    )


@given(documents, st.randoms())
def test_the_order_of_keys_never_shows_in_the_bytes(document: dict[str, object], random: object) -> None:
    shuffled = list(document.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert encode_document(dict(shuffled)) == encode_document(document)


@given(documents)
def test_a_document_has_one_key_a_line(document: dict[str, object]) -> None:
    lines = encode_document(document).decode().split("\n")
    inner = sum(len(value) + 1 for value in document.values() if isinstance(value, dict) and value)
    assert len(lines) == len(document) + inner + 3 if document else lines == ["{", "", "}", ""]


@given(documents)
def test_any_json_parser_reads_it(document: dict[str, object]) -> None:
    assert json.loads(encode_document(document)) == document


@pytest.mark.parametrize("value", ["nan", "", "1", True, None, [1.0], {}])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not a number"):
        decode_float(value)


def test_a_float_that_json_does_not_know_is_never_written_bare() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_compact([math.nan])
