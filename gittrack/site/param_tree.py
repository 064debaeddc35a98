"""Params as a tree: keys that share what stands before a dot or a slash lie in one branch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.site.column_facts import Cell

_OPEN_LEAVES = 100
_MOST_LEVELS = 8
_SEPARATOR = re.compile(r"(?<=[./])")
_HAS_EMPTY_PART = re.compile(r"^[./]|[./][./]|[./]$")
_Item: TypeAlias = "tuple[list[str], str, Cell]"
"""The parts of a key that are not yet used, the key, its value."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One param."""

    name: str
    """What its key has beyond the branch it is in."""
    key: str
    value: Cell


@dataclass(frozen=True, slots=True)
class Branch:
    """Params whose keys begin alike."""

    name: str
    count: int
    """Params in it, at any depth."""
    children: Sequence[Leaf | Branch]
    is_open: bool
    """Whether it shows what is in it before anybody asks."""


def grow_tree(params: Mapping[str, Cell]) -> list[Leaf | Branch]:
    """Return params in branches, in their order; what would be alone in a branch is none."""
    items = [(_split(key), key, value) for key, value in params.items()]
    return _gather(items, is_open=len(params) <= _OPEN_LEAVES)


def _split(key: str) -> list[str]:
    return [key] if _HAS_EMPTY_PART.search(key) else _SEPARATOR.split(key, _MOST_LEVELS)


def _gather(items: list[_Item], *, is_open: bool) -> list[Leaf | Branch]:
    groups: dict[tuple[str, bool], list[_Item]] = {}
    for (first, *rest), key, value in items:
        groups.setdefault((first, bool(rest)), []).append((rest, key, value))
    children: list[Leaf | Branch] = []
    for (name, is_branch), members in groups.items():
        if not is_branch:
            children += [Leaf(name, key, value) for _, key, value in members]
            continue
        inner = _gather(members, is_open=is_open)
        if len(inner) == 1:
            children.append(_prepend(name, inner[0]))
        else:
            children.append(Branch(name[:-1], len(members), inner, is_open))
    return children


def _prepend(name: str, child: Leaf | Branch) -> Leaf | Branch:
    if isinstance(child, Leaf):
        return Leaf(name + child.name, child.key, child.value)
    return Branch(name + child.name, child.count, child.children, child.is_open)
