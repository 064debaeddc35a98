"""Addresses and names of views, and the file that keeps them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.views import check_name, decode_views, encode_views, parse_address
from gittrack.errors import UserError

NAMES = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    "text",
    [
        "runs.html#q=a+b",
        "https://ada.github.io/vision/runs.html#q=a+b",
        "file:///home/ada/site%20&%20more/runs.html#q=a+b",
        "http://127.0.0.1:8000/runs.html?token=x#q=a+b ",
    ],
)
def test_an_address_is_a_page_and_its_state_wherever_the_site_is(text: str) -> None:
    assert parse_address(text) == "runs.html#q=a+b"


@pytest.mark.parametrize(
    "text",
    ["runs.html", "runs.html#", "index.html#q=a", "javascript:alert(1)//runs.html", "xruns.html#q", "a b"],
)
def test_what_is_no_address_of_a_page_with_a_state_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse_address(text)


@given(st.dictionaries(NAMES, st.sampled_from(["runs.html#q=ä", "compare.html#runs=a,b"])))
def test_decode_of_encode_is_the_identity_a_view_a_line(views: dict[str, str]) -> None:
    content = encode_views(views)
    assert decode_views(content) == dict(sorted(views.items()))
    assert content.count(b"\n") == (len(views) + 2 if views else 1)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"a": 1}', b'{"a": "index.html"}', b'{"": "runs.html#q=a"}', b"\xff"]
)
def test_another_file_is_the_users_error(content: bytes) -> None:
    with pytest.raises(UserError):
        decode_views(content)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 81, "\x1b[31m"])
def test_names_can_be_printed(name: str) -> None:
    with pytest.raises(UserError):
        check_name(name)
