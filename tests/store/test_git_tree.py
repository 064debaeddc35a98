"""Trees, judged by ``git mktree`` and ``git ls-tree``."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.errors import CorruptDataError
from gittrack.store.git_pack import GitObject, make_object
from gittrack.store.git_tree import FILE_MODE, TREE_MODE, TreeEditor, TreeEntry, decode_tree, encode_tree
from tests.repositories import git, git_bytes, make_repository

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HASHES = ("sha1", "sha256")
BYTES = {"sha1": 20, "sha256": 32}

names = st.sampled_from(["a", "a.b", "a-b", "a0", "b", "ab", "A", "ü", "runs", "run.json", "0", "00"])
entries = st.dictionaries(names, st.booleans(), max_size=8)
edits = st.lists(
    st.tuples(
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3), st.sampled_from([b"one", b"two", None])
    ),
    max_size=12,
)


@pytest.fixture(scope="module", params=HASHES)
def repository(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("trees")
    return make_repository(folder, "sha256" if request.param == "sha256" else "unborn"), str(request.param)


def build(names_: dict[str, bool], hash_name: str) -> dict[str, TreeEntry]:
    blob = make_object("blob", b"content", hash_name).oid
    empty = make_object("tree", b"", hash_name).oid
    return {
        name: TreeEntry(TREE_MODE, empty) if is_tree else TreeEntry(FILE_MODE, blob)
        for name, is_tree in names_.items()
    }


@given(entries, st.sampled_from(HASHES))
def test_decode_after_encode_of_a_tree_is_the_identity(chosen: dict[str, bool], hash_name: str) -> None:
    tree = build(chosen, hash_name)
    assert decode_tree(encode_tree(tree), BYTES[hash_name]) == tree


def test_trees_are_those_that_git_makes(repository: tuple[Path, str]) -> None:
    folder, hash_name = repository
    chosen = {
        "a": True,
        "a.b": False,
        "a-b": True,
        "a0": False,
        "ab": True,
        "A": False,
        "ü": True,
        "run.json": False,
    }
    tree = build(chosen, hash_name)
    listing = b"".join(
        b"%06o %s %s\t%s\0" % (one.mode, b"tree" if one.is_tree else b"blob", one.oid.encode(), name.encode())
        for name, one in tree.items()
    )
    expected = git(folder, "mktree", "-z", "--missing", data=listing).strip()
    assert make_object("tree", encode_tree(tree), hash_name).oid == expected
    assert encode_tree(tree) == git_bytes(folder, "cat-file", "tree", expected)


@given(entries, st.integers(1, 400))
def test_a_tree_cut_short_is_corrupt_or_shorter(chosen: dict[str, bool], cut: int) -> None:
    data = encode_tree(build(chosen, "sha1"))
    found: dict[str, TreeEntry] = {}
    with contextlib.suppress(CorruptDataError):
        found = decode_tree(data[: -min(cut, len(data)) or None], 20)
    assert found.items() <= build(chosen, "sha1").items()


def test_a_name_that_is_no_utf_8_comes_back(tmp_path: Path) -> None:
    data = b"100644 \xff\xfe.py\0" + bytes(range(20))
    assert encode_tree(decode_tree(data, 20)) == data


@pytest.mark.parametrize("data", [b"x", b"100644 a", b"100644 a\0short", b"zz a\0" + b"0" * 20])
def test_what_is_no_tree_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptDataError):
        decode_tree(data, 20)


class Database:
    """Trees by their ids."""

    def __init__(self) -> None:
        self.trees: dict[str, bytes] = {}

    def add(self, objects: Sequence[GitObject]) -> None:
        self.trees |= {one.oid: one.data for one in objects}

    def read(self, oid: str) -> dict[str, TreeEntry]:
        return decode_tree(self.trees[oid], 20)

    def flatten(self, oid: str, prefix: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
        found: dict[tuple[str, ...], str] = {}
        for name, entry in self.read(oid).items():
            found |= (
                self.flatten(entry.oid, (*prefix, name)) if entry.is_tree else {(*prefix, name): entry.oid}
            )
        return found


@given(edits, edits)
def test_an_edited_tree_is_the_tree_of_its_files(
    first: list[tuple[list[str], bytes | None]], second: list[tuple[list[str], bytes | None]]
) -> None:
    """In one go or two; every file is an "x", so that none is in the place of a folder."""
    database, root = Database(), None
    files: dict[tuple[str, ...], str] = {}
    for batch in (first, second):
        editor = TreeEditor(database.read, root, "sha1")
        for folders, content in batch:
            path = (*folders, "x")
            if content is None:
                editor.remove(path)
                files.pop(path, None)
            else:
                files[path] = make_object("blob", content, "sha1").oid
                editor.set_blob(path, files[path])
            entry = editor.get(path)
            assert (entry.oid if entry else None) == files.get(path)
        root, new = editor.write()
        database.add(new)
    assert root is not None
    assert database.flatten(root) == files
    for folder in {path[:depth] for path in files for depth in range(1, len(path))}:
        expected = sorted({path[len(folder)] for path in files if path[: len(folder)] == folder})
        assert TreeEditor(database.read, root, "sha1").names(folder) == expected


@given(edits)
def test_editing_nothing_gives_the_same_tree(batch: list[tuple[list[str], bytes | None]]) -> None:
    database = Database()
    editor = TreeEditor(database.read, None, "sha1")
    for folders, content in batch:
        if content is not None:
            editor.set_blob((*folders, "x"), make_object("blob", content, "sha1").oid)
    root, new = editor.write()
    database.add(new)
    again = TreeEditor(database.read, root, "sha1")
    for folders, _ in batch:
        again.get((*folders, "x"))
    assert again.write()[0] == root
