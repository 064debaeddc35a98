"""The search language over what is no run: registered models, their versions, logged models.

An entity is looked at as flat facts: ``name``, ``version_number``, ``tags.team``, ``metrics.acc``. A fact
with several values matches if one of them does. What an entity does not have matches nothing but ``IS NULL``,
and what NOT turns round, as in `gittrack.core.query_match`.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from gittrack.core.query_match import Cell, as_number, make_pattern, plain_value
from gittrack.core.query_parse import _Parser
from gittrack.core.query_tokens import syntax_error, unquote
from gittrack.core.query_tree import (
    And,
    Between,
    Children,
    Comparison,
    Filter,
    In,
    IsNull,
    Key,
    Kind,
    Leaf,
    Like,
    Not,
    Or,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Row = TypeVar("Row")
Fact: TypeAlias = "Cell | tuple[Cell, ...] | None"
"""One value, several, or none."""
Facts: TypeAlias = "Mapping[str, Fact]"
Match: TypeAlias = "Callable[[Facts], bool]"

GROUPS: dict[str, Kind] = {
    "tag": "tags", "tags": "tags", "metric": "metrics", "metrics": "metrics",
    "param": "params", "params": "params", "parameter": "params", "parameters": "params",
}  # fmt: skip
ATTRIBUTE_PREFIXES = frozenset({"attribute", "attributes", "attr"})


def compile_facts(
    text: str | None, attributes: Mapping[str, str], groups: Sequence[str] = ("tags",), *, now_ms: int = 0
) -> Match:
    """Return a test of the facts of one entity.

    Args:
        text: A filter; an empty one is true of everything.
        attributes: Names of attributes, as one may write them → as the facts have them.
        groups: Which of ``tags``, ``params`` and ``metrics`` the entities have.
        now_ms: What ages such as ``-7d`` are relative to, in milliseconds since the epoch.

    Raises:
        QuerySyntaxError: The text is no filter; ``position`` says where.
    """
    parser = _FactsParser(text or "", attributes, groups)
    if parser.next.kind == "end":
        return lambda _: True
    tree = parser.parse_or(0)
    parser.expect_end("join comparisons with AND or OR")
    return _make_match(tree, now_ms)


def parse_facts_order(
    clauses: Sequence[str] | None, attributes: Mapping[str, str], groups: Sequence[str] = ()
) -> list[tuple[str, bool]]:
    """Return which facts decide about an order, each with whether it descends.

    Raises:
        QuerySyntaxError: A clause cannot be read, or two are about the same fact.
    """
    orders: list[tuple[str, bool]] = []
    for clause in clauses or ():
        parser = _FactsParser(clause, attributes, groups)
        key = parser.parse_key()
        is_descending = parser.accept("DESC")
        if not is_descending:
            parser.accept("ASC")
        parser.expect_end("ASC or DESC may follow the key")
        name = _name(key)
        if any(name == known for known, _ in orders):
            raise syntax_error(f"the order names {name!r} twice", clause, 0, "name each key once")
        orders.append((name, is_descending))
    return orders


def sort_facts(rows: Iterable[tuple[Facts, Row]], orders: Sequence[tuple[str, bool]]) -> list[Row]:
    """Return rows in an order: NaN, then what is not there, last; of several values the last one counts."""
    listed = list(rows)
    for name, is_descending in reversed(orders):
        listed.sort(key=lambda row: _rank(row[0].get(name)), reverse=is_descending)
        places = [_is_last(row[0].get(name)) for row in listed]
        if any(places):
            in_place = zip(places, listed, strict=True)
            listed = [row for _, row in sorted(in_place, key=lambda one: one[0])]
    return [row for _, row in listed]


class _FactsParser(_Parser):
    """The parser of the search language, with other keys."""

    def __init__(self, text: str, attributes: Mapping[str, str], groups: Sequence[str]) -> None:
        super().__init__(text)
        self._attributes = attributes
        self._groups = groups

    def parse_key(self) -> Key:
        token = self.take()
        hint = f"it can be {', '.join([*self._attributes, *(f'{group}.NAME' for group in self._groups)])}"
        if token.kind not in {"word", "string"}:
            raise syntax_error(
                f"expected what to look at, not {token.shown}", self.text, token.position, hint
            )
        written = token.text
        prefix, dot, rest = written.partition(".")
        group = GROUPS.get(prefix.lower()) if dot and token.kind == "word" else None
        if group in self._groups and group is not None and rest:
            return Key(group, unquote(rest) if rest[0] in '`"' else rest)
        if dot and prefix.lower() in ATTRIBUTE_PREFIXES:
            written = rest
        name = unquote(written) if written[:1] in {"`", '"', "'"} else written
        if name.lower() in self._attributes:
            return Key("attributes", self._attributes[name.lower()])
        raise syntax_error(f"there is no {token.shown} to look at", self.text, token.position, hint)


def _make_match(tree: Filter, now_ms: int) -> Match:
    match tree:
        case And(parts):
            tests = [_make_match(part, now_ms) for part in parts]
            return lambda facts: all(test(facts) for test in tests)
        case Or(parts):
            tests = [_make_match(part, now_ms) for part in parts]
            return lambda facts: any(test(facts) for test in tests)
        case Not(part):
            test = _make_match(part, now_ms)
            return lambda facts: not test(facts)
        case IsNull(key, negated):
            name = _name(key)
            return lambda facts: (facts.get(name) is None) != negated
        case Comparison(key) | Like(key) | In(key) | Between(key):
            name, check = _name(key), _make_check(tree, now_ms)
            return lambda facts: any(check(cell) for cell in _cells(facts.get(name)))
        case Children(run):
            written = f"CHILDREN OF {run}"
            raise syntax_error("only runs have children", written, 0, "search runs with search_runs()")


def _make_check(tree: Leaf, now_ms: int) -> Callable[[Cell], bool]:
    def plain(value: Value) -> Cell:
        return plain_value(tree.key, value, now_ms)

    match tree:
        case Comparison(_, comparison, value):
            wanted = plain(value)
            return lambda cell: _compare(cell, comparison, wanted)
        case Like(_, text_operator, pattern, negated):
            matches = make_pattern(text_operator, pattern)
            return lambda cell: matches(str(cell)) != negated
        case In(_, values, negated):
            listed = list(map(plain, values))
            return lambda cell: any(_compare(cell, "=", one) for one in listed) != negated
        case Between(_, low, high, negated):
            least, most = plain(low), plain(high)
            return lambda cell: (_compare(cell, ">=", least) and _compare(cell, "<=", most)) != negated


def _cells(fact: Fact) -> tuple[Cell, ...]:
    if isinstance(fact, tuple):
        return fact
    return () if fact is None else (fact,)


def _compare(cell: Cell, comparison: str, wanted: Cell) -> bool:
    if isinstance(cell, str) and isinstance(wanted, str):
        return _TESTS[comparison](cell, wanted)
    left, right = as_number(cell), as_number(wanted)
    if left is None or right is None:
        return comparison == "!="
    return _TESTS[comparison](left, right)


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}


def _name(key: Key) -> str:
    return key.name if key.kind == "attributes" else f"{key.kind}.{key.name}"


def _rank(fact: Fact) -> tuple[bool, Cell]:
    if isinstance(fact, str):
        return True, fact
    if _is_last(fact):
        return False, 0
    cell = _cells(fact)[-1]
    return isinstance(cell, str), cell


def _is_last(fact: Fact) -> int:
    if isinstance(fact, (str, int)):
        return 0
    cells = _cells(fact)
    if not cells:
        return 2
    return 1 if isinstance(cells[-1], float) and math.isnan(cells[-1]) else 0
