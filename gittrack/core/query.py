"""The search language: which runs a text means, and in which order.

Every filter and order of MLflow's reads here and means the same; beyond it there are OR, NOT, parentheses,
IN, BETWEEN, RLIKE and IS NULL everywhere, numbers compared with params and tags, ages, and facts of the code.
The grammar is in `gittrack.core.query_tree`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from gittrack.core.query_match import Cell, as_number, make_match, make_read
from gittrack.core.query_parse import parse_filter, parse_order_by
from gittrack.core.query_setting import Setting
from gittrack.core.query_tree import Key, Order, format_filter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gittrack.core.model import Run

__all__ = [
    "Setting",
    "compile_filter",
    "compile_order",
    "format_filter",
    "is_after",
    "may_be_number",
    "parse_filter",
    "parse_order_by",
    "sort_ranked",
    "sort_runs",
]

T = TypeVar("T")
Place: TypeAlias = "tuple[int, bool, int | float | str]"
"""Of one value: 0 for what has an order, 1 for NaN, 2 for nothing; whether it is text; the value."""
Rank: TypeAlias = "tuple[Place, ...]"
"""Where a run stands: a place for each clause of an order."""

DEFAULT_ORDER = (
    Order(Key("attributes", "start_time"), is_descending=True),
    Order(Key("attributes", "run_id")),
)
"""What decides in the end; no two runs are equal in it."""


def compile_filter(text: str, setting: Setting) -> Callable[[Run], bool]:
    """Return a test of one run; an empty filter is true of every run.

    Raises:
        QuerySyntaxError: The text is no filter.
    """
    return make_match(parse_filter(text), setting)


def compile_order(clauses: Iterable[Order], setting: Setting | None = None) -> Callable[[Run], Rank]:
    """Return a function that tells where a run stands, for `sort_runs` and `is_after`.

    Numbers, and params and tags that read as one, come by size; then text; then NaN; then what a run does not
    have. In a descending order the first two are turned round, and NaN and nothing stay last.
    """
    reads = [
        (make_read(order.key, setting or Setting()), may_be_number(order.key))
        for order in (*clauses, *DEFAULT_ORDER)
    ]
    return lambda run: tuple(_place(read(run), is_number_first=first) for read, first in reads)


def may_be_number(key: Key) -> bool:
    """Return whether text that reads as a number has the place of that number: not so an id such as 12e4…."""
    return key.kind in {"params", "tags"}


def sort_runs(runs: Iterable[Run], clauses: Sequence[Order], setting: Setting | None = None) -> list[Run]:
    """Return runs in the order of clauses, then newest first, then by id."""
    rank = compile_order(clauses, setting)
    return sort_ranked([(rank(run), run) for run in runs], clauses)


def sort_ranked(rows: list[tuple[Rank, T]], clauses: Sequence[Order]) -> list[T]:
    """Return what stands at ranks, in the order of clauses; see `sort_runs`."""
    orders = (*clauses, *DEFAULT_ORDER)
    for index in range(len(orders) - 1, -1, -1):
        rows.sort(key=lambda row: row[0][index][1:], reverse=orders[index].is_descending)
        rows.sort(key=lambda row: row[0][index][0])
    return [one for _, one in rows]


def is_after(rank: Rank, other: Rank, clauses: Sequence[Order]) -> bool:
    """Return whether what stands at ``rank`` comes later than ``other`` in the order of clauses."""
    for mine, its, order in zip(rank, other, (*clauses, *DEFAULT_ORDER), strict=True):
        if mine == its:
            continue
        if mine[0] != its[0]:
            return mine[0] > its[0]
        return (mine[1:] > its[1:]) != order.is_descending
    return False


def _place(cell: Cell | None, *, is_number_first: bool) -> Place:
    if cell is None:
        return 2, False, 0
    number = None if isinstance(cell, str) and not is_number_first else as_number(cell)
    if number is None:
        return 0, True, str(cell)
    return (1, False, 0) if math.isnan(number) else (0, False, number)
