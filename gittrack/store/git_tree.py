"""Trees of the hidden branch: read as far as needed, changed, written as far as changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import CorruptDataError
from gittrack.store.git_pack import GitObject, make_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TREE_MODE = 0o40000
FILE_MODE = 0o100644


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One name in a tree."""

    mode: int
    oid: str

    @property
    def is_tree(self) -> bool:
        """Whether it names a folder."""
        return self.mode == TREE_MODE


def decode_tree(data: bytes, oid_bytes: int) -> dict[str, TreeEntry]:
    """Return the entries of a tree by name.

    Raises:
        CorruptDataError: It is no tree.
    """
    entries: dict[str, TreeEntry] = {}
    position = 0
    try:
        while position < len(data):
            space = data.index(b" ", position)
            end = data.index(b"\0", space)
            oid = data[end + 1 : end + 1 + oid_bytes]
            if len(oid) != oid_bytes:
                break
            entries[data[space + 1 : end].decode("utf-8", "surrogateescape")] = TreeEntry(
                int(data[position:space], 8), oid.hex()
            )
            position = end + 1 + oid_bytes
        else:
            return entries
    except ValueError:
        pass
    message = "a tree of the hidden branch is damaged"
    raise CorruptDataError(message, hint="run `gittrack fsck`, or fetch the history again from a remote")


def encode_tree(entries: dict[str, TreeEntry]) -> bytes:
    """Return a tree with its entries in git's order."""
    rows = [(name.encode("utf-8", "surrogateescape"), entry) for name, entry in entries.items()]
    rows.sort(key=lambda row: row[0] + (b"/" if row[1].is_tree else b""))
    return b"".join(b"%o %s\0%s" % (entry.mode, name, bytes.fromhex(entry.oid)) for name, entry in rows)


class TreeEditor:
    """A tree under change: folders are loaded when first looked into, and only changed ones are written."""

    def __init__(
        self, read_tree: Callable[[str], dict[str, TreeEntry]], root: str | None, hash_name: str
    ) -> None:
        """Start from the tree ``root``, or from an empty one."""
        self._read_tree = read_tree
        self._hash_name = hash_name
        self._root = _Folder(dict(read_tree(root)) if root else {})

    def get(self, path: Sequence[str]) -> TreeEntry | None:
        """Return what is at ``path``, as it was read or set; folders that were changed have no id yet."""
        folder = self._find(path[:-1])
        return None if folder is None else folder.entries.get(path[-1])

    def names(self, path: Sequence[str]) -> list[str]:
        """Return the names in a folder, none if it does not exist."""
        folder = self._find(path)
        return [] if folder is None else sorted(set(folder.entries) | set(folder.folders))

    def set_blob(self, path: Sequence[str], oid: str, mode: int = FILE_MODE) -> None:
        """Put a file at ``path``, making folders on the way."""
        self.set_entry(path, TreeEntry(mode, oid))

    def set_entry(self, path: Sequence[str], entry: TreeEntry) -> None:
        """Put a file or folder that is stored already at ``path``, making folders on the way."""
        folder = self._root
        for name in path[:-1]:
            folder = self._enter(folder, name, create=True) or folder
        folder.folders.pop(path[-1], None)
        folder.entries[path[-1]] = entry

    def remove(self, path: Sequence[str]) -> None:
        """Remove the file or folder at ``path``, if there is one."""
        folder = self._find(path[:-1])
        if folder is not None:
            folder.entries.pop(path[-1], None)
            folder.folders.pop(path[-1], None)

    def write(self) -> tuple[str, list[GitObject]]:
        """Return the id of the tree as it is now, and the tree objects that are new."""
        objects: list[GitObject] = []
        return self._write(self._root, objects), objects

    def _find(self, path: Sequence[str]) -> _Folder | None:
        folder: _Folder | None = self._root
        for name in path:
            if folder is None:
                return None
            folder = self._enter(folder, name, create=False)
        return folder

    def _enter(self, folder: _Folder, name: str, *, create: bool) -> _Folder | None:
        if name in folder.folders:
            return folder.folders[name]
        entry = folder.entries.get(name)
        if entry is not None and entry.is_tree:
            opened = _Folder(dict(self._read_tree(entry.oid)))
        elif create:
            opened = _Folder({})
        else:
            return None
        folder.folders[name] = opened
        return opened

    def _write(self, folder: _Folder, objects: list[GitObject]) -> str:
        for name, child in folder.folders.items():
            oid = self._write(child, objects)
            if child.entries:
                folder.entries[name] = TreeEntry(TREE_MODE, oid)
            else:
                folder.entries.pop(name, None)
        tree = make_object("tree", encode_tree(folder.entries), self._hash_name)
        objects.append(tree)
        return tree.oid


@dataclass(slots=True)
class _Folder:
    entries: dict[str, TreeEntry]
    folders: dict[str, _Folder]

    def __init__(self, entries: dict[str, TreeEntry]) -> None:
        self.entries = entries
        self.folders = {}
