"""The search language as a tree, which prints as text that reads back as the same tree.

::

    filter     = and {OR and}            and = not {AND not}
    not        = NOT not | "(" filter ")" | comparison
    comparison = key (= | == | != | <> | > | >= | < | <=) value
               | key [NOT] (LIKE | ILIKE | RLIKE) text
               | key [NOT] IN (value, …) | key [NOT] BETWEEN value AND value | key IS [NOT] NULL
               | CHILDREN OF run
    key        = metrics.NAME[.last | .min | .max | .best] | params.NAME | tags.NAME | code.NAME
               | datasets.NAME | [attributes.]NAME
    value      = number | 'text' | "text" | word | true | false | age, e.g. -7d or 2h

Names and text are quoted by `` ` ``, ``"`` or ``'``; a quote inside quotes is written twice, and a backslash
is just that. Keywords are read in any case.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["metrics", "params", "tags", "code", "datasets", "attributes"]
Operator: TypeAlias = Literal["=", "!=", ">", ">=", "<", "<="]
TextOperator: TypeAlias = Literal["LIKE", "ILIKE", "RLIKE"]

UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
"""Units of an age, in milliseconds."""
KEYWORDS = frozenset("AND OR NOT LIKE ILIKE RLIKE IN BETWEEN IS NULL".split())
METRIC_VALUES = ("last", "min", "max", "best")
"""What may follow a metric's name."""

_PLAIN = re.compile(r"[^\s'\"`<>=!(),.]+(?:\.[^\s'\"`<>=!(),.]+)*")


@dataclass(frozen=True, slots=True)
class Age:
    """A time relative to now (``-7d``), or a span of time (``2h``)."""

    amount: int | float
    unit: str
    """One of `UNITS_MS`."""

    @property
    def milliseconds(self) -> float:
        """The span; negative before now."""
        return self.amount * UNITS_MS[self.unit]


Value: TypeAlias = str | int | float | bool | Age


@dataclass(frozen=True, slots=True)
class Key:
    """What is looked at."""

    kind: Kind
    name: str
    value: str | None = None
    """Of a metric: one of `METRIC_VALUES`, None for the last one."""
    or_whole: bool = False
    """Whether a metric that is itself called ``name.value`` is meant where a run has one."""

    @property
    def whole(self) -> str:
        """The name with the value that was asked for."""
        return self.name if self.value is None else f"{self.name}.{self.value}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """``key >= value``."""

    key: Key
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Like:
    """``key [NOT] LIKE pattern``."""

    key: Key
    operator: TextOperator
    pattern: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """``key [NOT] IN (value, …)``."""

    key: Key
    values: tuple[Value, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """``key [NOT] BETWEEN low AND high``, both ends included."""

    key: Key
    low: Value
    high: Value
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsNull:
    """``key IS [NOT] NULL``: whether a run has no such key."""

    key: Key
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Children:
    """``CHILDREN OF run``."""

    run: str
    """An id or its begin; whoever knows all runs may resolve a name to an id."""


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT part``."""

    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """``part AND part …``, two parts at least."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """``part OR part …``, two parts at least."""

    parts: tuple[Filter, ...]


Leaf: TypeAlias = "Comparison | Like | In | Between"
"""What looks at the value of one key."""
Filter: TypeAlias = "Leaf | IsNull | Children | Not | And | Or"


@dataclass(frozen=True, slots=True)
class Order:
    """One clause of an order."""

    key: Key
    is_descending: bool = False


def format_filter(tree: Filter | None) -> str:
    """Return the text of a filter; None, which matches everything, is no text."""
    match tree:
        case None:
            return ""
        case Comparison(key, operator, value):
            return f"{format_key(key)} {operator} {format_value(value)}"
        case Like(key, text_operator, pattern, negated):
            return f"{format_key(key)} {_not(negated)}{text_operator} {format_value(pattern)}"
        case In(key, values, negated):
            return f"{format_key(key)} {_not(negated)}IN ({', '.join(map(format_value, values))})"
        case Between(key, low, high, negated):
            ends = f"{format_value(low)} AND {format_value(high)}"
            return f"{format_key(key)} {_not(negated)}BETWEEN {ends}"
        case IsNull(key, negated):
            return f"{format_key(key)} IS {_not(negated)}NULL"
        case Children(run):
            return f"CHILDREN OF {format_value(run)}"
        case Not(part):
            return f"NOT {_inner(part)}"
        case And(parts):
            return " AND ".join(map(_inner, parts))
        case Or(parts):
            return " OR ".join(map(_part_of_or, parts))
        case _:
            assert_never(tree)


def list_leaves(tree: Filter | None) -> Iterator[Leaf | IsNull | Children]:
    """Yield what a filter is made of, without what joins it."""
    match tree:
        case None:
            return
        case And(parts) | Or(parts):
            for part in parts:
                yield from list_leaves(part)
        case Not(part):
            yield from list_leaves(part)
        case _:
            yield tree


def format_key(key: Key) -> str:
    """Return the text of a key, quoted where it must be."""
    if key.or_whole:
        return f"{key.kind}.{key.whole}"
    prefix = "" if key.kind == "attributes" else f"{key.kind}."
    looks_like_value = key.kind == "metrics" and key.name.rpartition(".")[2] in METRIC_VALUES
    is_plain = _PLAIN.fullmatch(key.name) and not looks_like_value and key.value is None
    name = key.name if is_plain else _quote(key.name, "`")
    return f"{prefix}{name}" + (f".{key.value}" if key.value else "")


def format_value(value: Value) -> str:
    """Return the text of a value."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return _quote(value, "'")
        case Age(amount, unit):
            return f"{amount!r}{unit}"
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case _:
            return repr(value)


def _part_of_or(part: Filter) -> str:
    # AND binds closer and needs no parentheses.
    return f"({format_filter(part)})" if isinstance(part, Or) else format_filter(part)


def _inner(part: Filter) -> str:
    return f"({format_filter(part)})" if isinstance(part, (And, Or)) else format_filter(part)


def _not(negated: bool) -> str:  # noqa: FBT001  (a field of the tree)
    return "NOT " if negated else ""


def _quote(text: str, quote: str) -> str:
    return f"{quote}{text.replace(quote, quote * 2)}{quote}"
