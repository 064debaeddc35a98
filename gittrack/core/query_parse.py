"""Text of the search language parsed into a tree, by recursive descent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from gittrack.core.query_keys import parse_key, value_kind
from gittrack.core.query_tokens import Token, syntax_error, tokenize, unquote
from gittrack.core.query_tree import (
    KEYWORDS,
    And,
    Between,
    Children,
    Comparison,
    Filter,
    In,
    IsNull,
    Key,
    Like,
    Not,
    Operator,
    Or,
    Order,
    TextOperator,
    Value,
)
from gittrack.core.query_values import parse_pattern, parse_value

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 100
"""Parentheses and NOTs inside one another."""

_OPERATORS = {"==": "=", "<>": "!="}
_AFTER_KEY = "expected a comparison"
_HINT_OPERATORS = "e.g. = != > >= < <= LIKE ILIKE RLIKE IN BETWEEN, IS NULL"
_HINT_JOIN = "join comparisons with AND or OR"


def parse_filter(text: str) -> Filter | None:
    """Return the tree of a filter, None if it is empty and matches everything.

    Raises:
        QuerySyntaxError: It cannot be read; ``position`` says where.
    """
    parser = _Parser(text)
    if parser.next.kind == "end":
        return None
    tree = parser.parse_or(0)
    parser.expect_end(_HINT_JOIN)
    return tree


def parse_order(text: str) -> Order:
    """Return one clause of an order, such as ``metrics.val/acc DESC``.

    Raises:
        QuerySyntaxError: It cannot be read; ``position`` says where.
    """
    parser = _Parser(text)
    key = parser.parse_key()
    if key.kind == "datasets":
        message = "runs have no order by their datasets, of which there may be many"
        raise syntax_error(message, text, 0, "order by metrics, params, tags or attributes")
    is_descending = parser.accept("DESC")
    if not is_descending:
        parser.accept("ASC")
    parser.expect_end("ASC or DESC may follow the key")
    return Order(key, is_descending)


def parse_order_by(clauses: str | Iterable[str] | None) -> tuple[Order, ...]:
    """Return an order by several keys, the first one first.

    Raises:
        QuerySyntaxError: One of them cannot be read.
    """
    listed = [clauses] if isinstance(clauses, str) else list(clauses or ())
    return tuple(map(parse_order, listed))


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.index = 0

    @property
    def next(self) -> Token:
        return self.tokens[self.index]

    def take(self) -> Token:
        token = self.tokens[self.index]
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def is_word(self, word: str) -> bool:
        return self.next.kind == "word" and self.next.text.upper() == word

    def is_operator(self, text: str) -> bool:
        return self.next.kind == "operator" and self.next.text == text

    def accept(self, word: str) -> bool:
        found = self.is_word(word)
        if found:
            self.take()
        return found

    def expect(self, text: str, hint: str | None = None) -> None:
        if not (self.is_operator(text) or self.is_word(text)):
            message = f"expected {text}, not {self.next.shown}"
            raise syntax_error(message, self.text, self.next.position, hint)
        self.take()

    def expect_end(self, hint: str) -> None:
        if self.next.kind != "end":
            message = f"unexpected {self.next.shown}"
            raise syntax_error(message, self.text, self.next.position, hint)

    def parse_or(self, depth: int) -> Filter:
        parts = [self.parse_and(depth)]
        while self.accept("OR"):
            parts.append(self.parse_and(depth))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def parse_and(self, depth: int) -> Filter:
        parts = [self.parse_not(depth)]
        while self.accept("AND"):
            parts.append(self.parse_not(depth))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def parse_not(self, depth: int) -> Filter:
        if depth > MAX_DEPTH:
            message = f"more than {MAX_DEPTH} parentheses and NOTs inside one another"
            raise syntax_error(message, self.text, self.next.position, "search in several steps")
        if self.accept("NOT"):
            return Not(self.parse_not(depth + 1))
        if self.is_operator("("):
            opened = self.take()
            inner = self.parse_or(depth + 1)
            if self.next.kind == "end":
                raise syntax_error("this parenthesis is never closed", self.text, opened.position, "add a )")
            self.expect(")", _HINT_JOIN)
            return inner
        return self.parse_comparison()

    def parse_key(self) -> Key:
        token = self.next
        is_text = token.kind == "string" and token.text.startswith("'")
        is_keyword = token.kind == "word" and token.text.upper() in KEYWORDS
        if token.kind in {"end", "operator"} or is_text or is_keyword:
            message = f"expected what to look at, not {token.shown}"
            hint = "e.g. metrics.loss, params.lr, tags.team, status or start_time"
            raise syntax_error(message, self.text, token.position, hint)
        return parse_key(self.take(), self.text)

    def parse_comparison(self) -> Filter:
        if self.is_word("CHILDREN"):
            after = self.tokens[self.index + 1]
            if after.kind == "word" and after.text.upper() == "OF":
                return self.parse_children()
        key = self.parse_key()
        if self.next.kind == "operator":
            return self.parse_operator(key)
        if self.accept("IS"):
            negated = self.accept("NOT")
            self.expect("NULL", "IS NULL: a run has no such key; IS NOT NULL: it has")
            return IsNull(key, negated)
        negated = self.accept("NOT")
        if self.accept("IN"):
            return In(key, self.parse_list(key), negated)
        if self.accept("BETWEEN"):
            low = self.parse_ordered(key)
            self.expect("AND", "e.g. BETWEEN 0 AND 1")
            return Between(key, low, self.parse_ordered(key), negated)
        word = self.next.text.upper()
        if self.next.kind == "word" and word in {"LIKE", "ILIKE", "RLIKE"}:
            return self.parse_like(key, cast("TextOperator", word), negated=negated)
        message = f"{_AFTER_KEY}, not {self.next.shown}"
        hint = "NOT is followed by IN, BETWEEN, LIKE, ILIKE or RLIKE" if negated else _HINT_OPERATORS
        raise syntax_error(message, self.text, self.next.position, hint)

    def parse_children(self) -> Filter:
        self.take(), self.take()
        token = self.take()
        if token.kind not in {"string", "word"} or token.text.upper() in KEYWORDS:
            message = f"expected a run, not {token.shown}"
            raise syntax_error(message, self.text, token.position, "e.g. CHILDREN OF 'tidy-otter-412'")
        run = unquote(token.text) if token.kind == "string" or token.text[0] == "`" else token.text
        if not run.strip():
            raise syntax_error("expected a run, not nothing", self.text, token.position, "name its parent")
        return Children(run)

    def parse_operator(self, key: Key) -> Filter:
        token = self.take()
        if token.text in "(),":
            message = f"{_AFTER_KEY}, not {token.shown}"
            raise syntax_error(message, self.text, token.position, _HINT_OPERATORS)
        operator = cast("Operator", _OPERATORS.get(token.text, token.text))
        if operator in {"=", "!="}:
            return Comparison(key, operator, parse_value(self.take(), key, self.text))
        return Comparison(key, operator, self.parse_ordered(key))

    def parse_ordered(self, key: Key) -> Value:
        token = self.next
        value = parse_value(self.take(), key, self.text)
        if isinstance(value, bool):
            message = f"{token.shown} is neither more nor less than anything"
            raise syntax_error(message, self.text, token.position, "use = or !=")
        return value

    def parse_like(self, key: Key, operator: TextOperator, *, negated: bool) -> Filter:
        token = self.take()
        if value_kind(key) != "text":
            message = f"{operator} is for text, and this is none"
            raise syntax_error(message, self.text, token.position, "use = != > >= < <= or BETWEEN")
        wanted = self.take()
        pattern = parse_pattern(wanted, self.text)
        if operator == "RLIKE":
            try:
                re.compile(pattern)
            except (re.error, RecursionError, OverflowError) as error:
                message = f"no regular expression: {error}"
                raise syntax_error(message, self.text, wanted.position, "see Python's re") from None
        return Like(key, operator, pattern, negated)

    def parse_list(self, key: Key) -> tuple[Value, ...]:
        self.expect("(", "e.g. IN ('adam', 'sgd')")
        values = [parse_value(self.take(), key, self.text)]
        while self.is_operator(","):
            self.take()
            if self.is_operator(")"):  # Python's comma after the last one, which MLflow reads too
                break
            values.append(parse_value(self.take(), key, self.text))
        self.expect(")", "values are separated by commas")
        return tuple(values)
