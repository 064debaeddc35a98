"""Numbers and names of the registry: a function of the documents, whatever the order they are heard of."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.model_uri import ModelUri, parse_model_uri
from gittrack.core.registry import claimed_version, name_models, number_versions
from gittrack.core.stamped import Document
from gittrack.errors import InvalidValueError

MODEL_ID = "m-" + "0" * 32


def version(document_id: str, number: int, created: int) -> Document:
    fields = {"version": number, "creation_timestamp": created}
    return Document("model-versions/a", document_id, fields, dict.fromkeys(fields, "0"))


versions = st.lists(
    st.builds(
        version, st.text("0123456789abcdef", min_size=4, max_size=4), st.integers(1, 5), st.integers(0, 3)
    ),
    max_size=8,
    unique_by=lambda one: one.document_id,
)


@given(versions, st.randoms())
def test_every_version_has_a_number_of_its_own_whatever_the_order(
    listed: list[Document], random: Any
) -> None:
    numbered = number_versions(listed)
    assert sorted(one.document_id for one in numbered.values()) == sorted(one.document_id for one in listed)
    shuffled = list(listed)
    random.shuffle(shuffled)
    assert number_versions(shuffled) == numbered


@given(versions)
def test_the_first_to_register_a_number_keeps_it_and_others_get_a_higher_one(listed: list[Document]) -> None:
    for number, one in number_versions(listed).items():
        same = [other for other in listed if claimed_version(other) == claimed_version(one)]
        first = min(same, key=lambda other: (other.fields["creation_timestamp"], other.document_id))
        assert (number == claimed_version(one)) == (one is first)
        assert number >= claimed_version(one)


@given(versions)
def test_a_version_registered_later_changes_no_number(listed: list[Document]) -> None:
    numbered = number_versions(listed)
    settled = [version(one.document_id, number, 0) for number, one in numbered.items()]
    later = version("later", max(numbered, default=0), 9)
    after = number_versions([*settled, later])
    assert {one.document_id: number for number, one in after.items() if one is not later} == {
        one.document_id: number for number, one in numbered.items()
    }


def test_of_two_models_with_one_name_the_later_gets_another() -> None:
    documents = [
        Document("models", f"{digit * 8}ff", {"name": "iris", "creation_timestamp": created})
        for digit, created in (("b", 1), ("a", 2))
    ]
    assert {name: one.document_id for name, one in name_models(documents).items()} == {
        "iris": "bbbbbbbbff",
        "iris-aaaaaaaa": "aaaaaaaaff",
    }


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("models:/iris/3", ModelUri("iris", version=3)),
        ("models:/my model/12", ModelUri("my model", version=12)),
        ("models:/iris@champion", ModelUri("iris", alias="champion")),
        ("models:/a@b@champion", ModelUri("a@b", alias="champion")),
        ("models:/iris/latest", ModelUri("iris", alias="latest")),
        ("models:/iris/production", ModelUri("iris", stage="Production")),
        (f"models:/{MODEL_ID}", ModelUri(model_id=MODEL_ID)),
        ("runs:/abc/model/x", ModelUri(run_id="abc", path="model/x")),
        ("/tmp/model", None),
        ("s3://bucket/model", None),
    ],
)
def test_uris_name_models(uri: str, expected: ModelUri | None) -> None:
    assert parse_model_uri(uri) == expected


@pytest.mark.parametrize(
    "uri", ["models:/", "models:/iris", "models:/iris/first", "models:/@a", "runs:/", "models:/a/"]
)
def test_uris_that_name_no_model_are_refused(uri: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_model_uri(uri)
