"""Recipes: what says how content is put together, and where its parts are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.content import (
    Chunk,
    Recipe,
    decode_recipe,
    describe_folder,
    encode_recipe,
    join_chunks,
    list_borders,
    merge_recipes,
)
from gittrack.core.model import Artifact
from tests import strategies as some

DIGEST = "0a" * 32


@given(some.recipes())
def test_decoding_undoes_encoding(recipe: Recipe) -> None:
    assert decode_recipe(recipe.digest, encode_recipe(recipe)) == recipe


@given(some.recipes(), some.recipes(), some.recipes())
def test_merging_recipes_is_commutative_associative_and_idempotent(a: Recipe, b: Recipe, c: Recipe) -> None:
    assert merge_recipes(a, b) == merge_recipes(b, a)
    assert merge_recipes(merge_recipes(a, b), c) == merge_recipes(a, merge_recipes(b, c))
    both = merge_recipes(a, b)
    assert merge_recipes(both, a) == merge_recipes(both, b) == merge_recipes(both, both) == both


def test_of_one_way_to_cut_all_places_are_kept() -> None:
    extents = join_chunks([(Chunk(5, "f1" * 32), DIGEST, 5, 0)])
    ours, theirs = Recipe(DIGEST, 5, extents, ("bucket",)), Recipe(DIGEST, 5, extents, ("git",))
    assert merge_recipes(ours, theirs).where == ("bucket", "git")


@pytest.mark.parametrize(
    "change",
    [
        {"size": 4},
        {"size": -1},
        {"size": True},
        {"where": None},
        {"extents": None},
        {"part": "zz"},
        {"part": "../../etc/passwd"},
        {"part_size": 4},
        {"offset": -1},
        {"sizes": [5, 1]},
        {"sizes": [-5]},
        {"blake3": ["0A" * 32]},
    ],
)
def test_a_recipe_that_does_not_add_up_is_refused(change: dict[str, Any]) -> None:
    extents = join_chunks([(Chunk(5, "f1" * 32), DIGEST, 5, 0)])
    document = json.loads(encode_recipe(Recipe(DIGEST, 5, extents, ("git",))))
    target = document if change.keys() <= document.keys() else document["extents"][0]
    target.update(change)
    with pytest.raises(ValueError, match=r"."):
        decode_recipe(DIGEST, json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"null", b"7", b"\xff"])
def test_what_is_no_recipe_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_recipe(DIGEST, data)


def test_chunks_that_follow_one_another_share_an_extent() -> None:
    chunks = [Chunk(size, f"{size:064x}") for size in (3, 4, 5)]
    pieces = [(chunks[0], "aa" * 32, 20, 0), (chunks[1], "aa" * 32, 20, 3), (chunks[2], "aa" * 32, 20, 9)]
    first, second = join_chunks(pieces)
    assert (first.offset, first.chunks) == (0, (chunks[0], chunks[1]))
    assert (second.offset, second.chunks) == (9, (chunks[2],))


@given(st.lists(st.integers(-5, 120)), st.integers(0, 100), st.integers(1, 30))
def test_spans_cover_everything_once_and_none_but_the_last_is_small(
    borders: list[int], size: int, smallest: int
) -> None:
    spans = list(list_borders(borders, size, smallest))
    position = 0
    for start, length in spans:
        assert start == position
        assert length > 0
        position += length
    assert position == size
    assert all(length >= smallest for _, length in spans[:-1])


def test_a_folder_is_described_by_its_files_wherever_it_is() -> None:
    def artifacts(top: str, *names: str) -> dict[str, Artifact]:
        return {f"{top}{name}": Artifact(f"{top}{name}", f"{len(name):064x}", 7) for name in names}

    here = artifacts("data/", "a.csv", "b/long.csv")
    assert describe_folder(here, "data") == describe_folder(
        artifacts("elsewhere/x/", "b/long.csv", "a.csv"), "elsewhere/x/"
    )
    assert describe_folder(here, "data") != describe_folder(
        artifacts("data/", "a.csv", "b/other.csv"), "data"
    )
    assert describe_folder({**here, **artifacts("database/", "c")}, "data") == describe_folder(here, "data")
    assert describe_folder(here, "none") is None
