"""Recipes in the tree of the hidden branch: which content is cut how, and which remotes hold it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.content import Recipe, decode_recipe, encode_recipe
from gittrack.core.paths import CONTENT, content_digest, content_path
from gittrack.errors import CorruptDataError
from gittrack.store.git_gc import rewrite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gittrack.store.git_commit import Committer
    from gittrack.store.git_draft import Draft
    from gittrack.store.git_objects import Objects


def find_recipe(objects: Objects, root: str | None, digest: str) -> Recipe | None:
    """Return how a content is put together, None if no remote has it.

    Raises:
        CorruptDataError: What is stored of it is damaged.
    """
    entry = objects.find(root, content_path(digest)) if root else None
    return None if entry is None else _decode(digest, objects.read(entry.oid))


def list_recipes(objects: Objects, root: str | None) -> Iterator[Recipe]:
    """Yield all recipes, by digest.

    Raises:
        CorruptDataError: One is damaged.
    """
    for path, oid in list_recipe_paths(objects, root):
        yield _decode(content_digest(path), objects.read(oid))


def list_recipe_paths(objects: Objects, root: str | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield path and object id of every recipe, by digest.

    Raises:
        CorruptDataError: A folder cannot be read.
    """
    top = objects.find(root, (CONTENT,)) if root else None
    for first, folder in sorted(objects.read_tree(top.oid).items()) if top else ():
        for second, inner in sorted(objects.read_tree(folder.oid).items()):
            for name, entry in sorted(objects.read_tree(inner.oid).items()):
                yield (CONTENT, first, second, name), entry.oid


def write_recipes(
    committer: Committer, recipes: Sequence[Recipe], subject: str, *, removed: Sequence[str] = ()
) -> None:
    """Commit recipes, replacing those of the same content, and remove those of ``removed`` content.

    Raises:
        StoreError: The disk is full, or failed.
    """

    def change(draft: Draft) -> None:
        for digest in removed:
            draft.editor.remove(content_path(digest))
        for recipe in recipes:
            draft.put(content_path(recipe.digest), encode_recipe(recipe))

    if recipes or removed:
        rewrite(committer, change, subject, keep_history=True)


def _decode(digest: str, data: bytes) -> Recipe:
    try:
        return decode_recipe(digest, data)
    except ValueError as error:
        message = f"what is stored of the content {digest[:12]} is damaged: {error}"
        raise CorruptDataError(
            message, hint="run `gittrack fsck`; pushing the content again repairs it"
        ) from error
