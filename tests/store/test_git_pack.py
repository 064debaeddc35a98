"""Packs and their indexes, judged by ``git index-pack --strict`` and ``git verify-pack``."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from gittrack.store.git_pack import (
    LARGE_OFFSET,
    GitObject,
    PackedObject,
    decode_index,
    encode_index,
    encode_pack,
    install_pack,
    make_object,
)
from gittrack.store.git_tree import FILE_MODE, TreeEntry, encode_tree
from tests.repositories import git, git_bytes, make_repository

if TYPE_CHECKING:
    from pathlib import Path

HASHES = ("sha1", "sha256")


@pytest.fixture(params=HASHES)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    kind = "sha256" if request.param == "sha256" else "unborn"
    return make_repository(tmp_path / "repo", kind), str(request.param)


def some_objects(hash_name: str) -> list[GitObject]:
    """Return objects of every kind and of every length of the size field in a pack."""
    noise = random.Random(0)
    sizes = (0, 1, 15, 16, 17, 2047, 2048, 2049, 70_000, 300_000)
    blobs = [make_object("blob", noise.randbytes(size), hash_name) for size in sizes]
    names = {f"f{i}": TreeEntry(FILE_MODE, blob.oid) for i, blob in enumerate(blobs)}
    tree = make_object("tree", encode_tree(names), hash_name)
    text = (
        f"tree {tree.oid}\nauthor A <a@example.org> 1 +0000\ncommitter A <a@example.org> 1 +0000\n\nsubject\n"
    )
    return [make_object("commit", text.encode(), hash_name), tree, *blobs]


def test_git_accepts_a_pack_and_makes_the_same_index(repository: tuple[Path, str], tmp_path: Path) -> None:
    folder, hash_name = repository
    pack, index, name = encode_pack(some_objects(hash_name), hash_name)
    (tmp_path / f"{name}.pack").write_bytes(pack)
    git(folder, "index-pack", "--strict", f"--object-format={hash_name}", str(tmp_path / f"{name}.pack"))
    assert (tmp_path / f"{name}.idx").read_bytes() == index


def test_git_reads_what_was_installed(repository: tuple[Path, str]) -> None:
    folder, hash_name = repository
    objects = some_objects(hash_name)
    packs = folder / ".git/objects/pack"
    install_pack(packs, *encode_pack([*objects, *objects], hash_name))
    assert {path.suffix for path in packs.iterdir()} == {".pack", ".idx", ".keep"}
    git(folder, "verify-pack", str(next(packs.glob("*.idx"))))
    git(folder, "update-ref", "refs/heads/main", objects[0].oid)
    git(folder, "fsck", "--strict")
    for one in objects:
        assert git_bytes(folder, "cat-file", one.kind, one.oid) == one.data
    listed = git(folder, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    assert set(listed) >= {one.oid for one in objects}


@pytest.mark.parametrize("hash_name", HASHES)
def test_ids_are_those_that_git_gives(hash_name: str, tmp_path: Path) -> None:
    folder = make_repository(tmp_path / "repo", "sha256" if hash_name == "sha256" else "unborn")
    assert (
        make_object("blob", b"content\n", hash_name).oid
        == git(folder, "hash-object", "--stdin", data=b"content\n").strip()
    )


@pytest.mark.parametrize("hash_name", HASHES)
def test_decode_after_encode_of_an_index_is_the_identity(hash_name: str) -> None:
    noise, size = random.Random(1), 20 if hash_name == "sha1" else 32
    offsets = [12, 500, LARGE_OFFSET - 1, LARGE_OFFSET, LARGE_OFFSET + 7, 1 << 40]
    packed = [PackedObject(noise.randbytes(size), noise.getrandbits(32), offset) for offset in offsets]
    shuffled = noise.sample(packed, len(packed))
    assert decode_index(encode_index(shuffled, noise.randbytes(size), hash_name), size) == packed


def test_what_is_no_index_is_refused() -> None:
    with pytest.raises(ValueError, match="not a pack index"):
        decode_index(b"\0" * 2000, 20)


def test_the_same_objects_make_the_same_pack() -> None:
    objects = some_objects("sha1")
    assert encode_pack(objects, "sha1") == encode_pack(list(objects), "sha1")
