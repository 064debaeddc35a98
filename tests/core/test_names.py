"""Keys, names, ids and paths: what they may be, and that what may be can be stored everywhere."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.model import RunStatus
from gittrack.core.names import (
    ADJECTIVES,
    NOUNS,
    check_artifact_path,
    check_artifact_paths,
    check_experiment_id,
    check_key,
    check_name,
    check_run_id,
    clean_key,
    derive_experiment_id,
    is_name_for_windows,
    make_run_id,
    make_run_name,
)
from gittrack.core.paths import run_folder, shard_of
from gittrack.errors import InvalidNameError
from tests import strategies


@pytest.mark.parametrize(
    "key", ["loss", "val/acc", "a.b", "lr: 0", "größe", "損失", "x" * 250, "-", "..a" * 0 + "a.."]
)
def test_good_keys_pass(key: str) -> None:
    assert check_key("metric", key) == key


@pytest.mark.parametrize(
    "key",
    ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "..a", "a\nb", "a\0b", "a,b", "50%", "<b>",
     "x" * 251, "\ud800", 'a"b', "a\\b", None, 5, b"loss", ("a",)],
)  # fmt: skip
def test_bad_keys_are_refused_with_a_reason(key: object) -> None:
    with pytest.raises(InvalidNameError, match="metric key"):
        check_key("metric", key)


@given(strategies.keys)
def test_keys_as_the_strategy_makes_them_pass(key: str) -> None:
    assert check_key("metric", key) == key


@given(st.text(max_size=300))
def test_whatever_the_name_it_is_cleaned_to_a_key(name: str) -> None:
    check_key("metric", clean_key("metric", name))


@given(strategies.keys)
def test_a_name_that_can_be_a_key_is_left_as_it_is(key: str) -> None:
    assert clean_key("metric", key) == key.strip()


@pytest.mark.parametrize("name", ["a", "two words", "ünï", "'; --", "</script>", "a\u2028b", "x" * 500])
def test_good_names_pass(name: str) -> None:
    assert check_name("run", name) == name


@pytest.mark.parametrize(
    "name", ["", "  ", "a\nb", "a\tb", "a\0", "\x7f", "\x85", "\ud800", "x" * 501, None, 5]
)
def test_bad_names_are_refused(name: object) -> None:
    with pytest.raises(InvalidNameError, match="run name"):
        check_name("run", name)


@pytest.mark.parametrize(
    "path", ["a", "plots/roc.png", ".hidden", "a..b", "ä/ö ü.txt", "x" * 255, "a/" * 499 + "a"]
)
def test_good_artifact_paths_pass(path: str) -> None:
    assert check_artifact_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "..", "../a", "a/..", "a/../b", "a//b", "a/", ".", "./a", "a\nb", "a\0b", "\ud800",
     "x" * 256, "ä" * 128, "a/" * 500 + "a", None, 5, b"a"],
)  # fmt: skip
def test_bad_artifact_paths_are_refused(path: object) -> None:
    with pytest.raises(InvalidNameError, match="artifact path"):
        check_artifact_path(path)


@pytest.mark.parametrize("run_id", ["a", "0" * 32, "Job_12-3", "x" * 255])
def test_good_ids_pass(run_id: str) -> None:
    assert check_run_id(run_id) == run_id


@pytest.mark.parametrize("run_id", ["", "-a", "_a", "a/b", "a.b", "..", "a b", "ä", "x" * 256, None, 5])
def test_ids_that_no_folder_can_have_are_refused(run_id: object) -> None:
    with pytest.raises(InvalidNameError, match="run id"):
        check_run_id(run_id)
    with pytest.raises(InvalidNameError, match="experiment id"):
        check_experiment_id(run_id)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_run_ids_sort_by_time(earlier: int, later: int, randomness: bytes) -> None:
    earlier, later = sorted((earlier, later))
    first, second = make_run_id(earlier, randomness), make_run_id(later, randomness)
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert check_run_id(first) <= second
    assert int(first[:12], 16) == earlier


@given(st.integers(0, 2**48 - 1))
def test_made_up_names_are_names_and_never_those_of_a_status(randomness: int) -> None:
    name = make_run_name(randomness)
    assert check_name("run", name) == name
    assert re.fullmatch("[a-z]+-[a-z]+-[0-9]{1,3}", name)
    assert not {status.value.lower() for status in RunStatus} & set(ADJECTIVES + NOUNS)


@given(strategies.texts, st.integers(0, 3))
def test_an_experiment_has_the_same_id_in_every_clone(name: str, attempt: int) -> None:
    experiment_id = derive_experiment_id(name, attempt)
    assert check_experiment_id(experiment_id) == experiment_id
    assert derive_experiment_id(name, attempt) == experiment_id
    assert derive_experiment_id(name, attempt + 1) != experiment_id
    assert derive_experiment_id(name + "x", attempt) != experiment_id


@given(st.from_regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_\-]{0,40}\Z"))
def test_every_run_has_a_folder_three_hex_digits_deep(run_id: str) -> None:
    assert re.fullmatch("runs/[0-9a-f]/[0-9a-f]/[0-9a-f]/.+", "/".join(run_folder(run_id)))
    assert run_folder(run_id)[-1] == run_id


@pytest.mark.parametrize(
    ("run_id", "shard"), [("0" * 29 + "abc", "abc"), ("0" * 29 + "ABC", "abc"), ("f" * 32, "fff")]
)
def test_the_folder_is_the_last_three_digits_of_the_id(run_id: str, shard: str) -> None:
    assert "".join(shard_of(run_id)) == shard


@pytest.mark.parametrize("path", ["a/b.txt", "console.txt", "com/nulls", "COM10", "größe.bin", ".hidden"])
def test_ordinary_paths_can_be_files_on_windows(path: str) -> None:
    assert is_name_for_windows(path)


@pytest.mark.parametrize(
    "path",
    ["NUL", "a/con.txt", "aux.tar.gz", "lpt1/x", "a:b", "what?", "end.", "end ", "back\\slash", "COM9"],
)
def test_devices_and_what_windows_cannot_write_are_recognised(path: str) -> None:
    assert not is_name_for_windows(path)


odd_paths = strategies.paths | st.sampled_from(
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "a/../b",
        ".",
        ".hidden",
        "a/.b",
        "a\nb",
        "\ud800",
        "é/ü",
        "a" * 256,
        "a/" * 501,
    ]
)


@given(st.lists(odd_paths, max_size=4))
def test_many_paths_pass_if_each_would(paths: list[str]) -> None:
    refused = [path for path in paths if not may_be_a_path(path)]
    if refused:
        with pytest.raises(InvalidNameError):
            check_artifact_paths(paths)
    else:
        check_artifact_paths(paths)


def may_be_a_path(path: str) -> bool:
    try:
        return check_artifact_path(path) == path
    except InvalidNameError:
        return False
