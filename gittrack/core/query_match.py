"""A tree of the search language made into a test of one run.

What a run does not have matches nothing but ``IS NULL``, and what NOT turns round. Of many datasets one that
matches is enough, for each comparison by itself. NaN matches ``!=`` and
``NOT IN``, as in MLflow, and the one value nobody could mean otherwise: ``= NaN``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, assert_never

from gittrack.core.fields import metric_value, read_param
from gittrack.core.model import Code, Run, format_param, system_tags
from gittrack.core.query_keys import value_kind
from gittrack.core.query_tree import Age, And, Between, Children, Comparison, In, IsNull, Key, Like, Not, Or
from gittrack.core.query_values import clamp_number, parse_number, parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.query_setting import Setting
    from gittrack.core.query_tree import Filter, Leaf, Value

Cell: TypeAlias = "str | int | float | bool"
Match: TypeAlias = "Callable[[Run], bool]"
Read: TypeAlias = "Callable[[Run], Cell | None]"
Test: TypeAlias = "Callable[[Cell], bool]"

MIN_DIGITS = 4
"""Digits that may stand for a whole id or commit."""

_DIGITS = re.compile(r"[0-9a-fA-F]+")
_ATTRIBUTES: dict[str, Read] = {
    "run_id": lambda run: run.run_id,
    "name": lambda run: run.name,
    "status": lambda run: run.status.value,
    "user": lambda run: run.user,
    "start_time": lambda run: run.start_time,
    "end_time": lambda run: run.end_time,
    "duration": lambda run: run.duration_s,
    "experiment_id": lambda run: run.experiment_id,
    "artifact_uri": lambda run: run.info.artifact_uri,
    "parent": lambda run: run.parent,
    "source": lambda run: run.source,
    "lifecycle_stage": lambda run: run.lifecycle_stage.value,
}
_CODE: dict[str, Callable[[Code], Cell | None]] = {
    "commit": lambda code: code.commit,
    "branch": lambda code: code.branch,
    "dirty": lambda code: code.dirty,
    "remote": lambda code: code.remote,
    "entry": lambda code: code.entry,
    "snapshot": lambda code: code.snapshot,
    "tree": lambda code: code.tree,
    "changed": lambda code: code.changed if code.dirty is not None else None,
    "skipped": lambda code: code.skipped if code.dirty is not None else None,
    "reason": lambda code: code.reason,
}


def make_match(tree: Filter | None, setting: Setting) -> Match:
    """Return a test of one run, by what `gittrack.core.query_parse.parse_filter` returned."""
    match tree:
        case None:
            return lambda _: True
        case And(parts):
            tests = [make_match(part, setting) for part in parts]
            return lambda run: all(test(run) for test in tests)
        case Or(parts):
            tests = [make_match(part, setting) for part in parts]
            return lambda run: any(test(run) for test in tests)
        case Not(part):
            test = make_match(part, setting)
            return lambda run: not test(run)
        case IsNull(Key("datasets", name), negated):
            return lambda run: (not _dataset_facts(run, name)) != negated
        case IsNull(key, negated):
            read = make_read(key, setting)
            return lambda run: (read(run) is None) != negated
        case Children(run):
            return _is_child_of(setting.parents.get(run, run))
        case Comparison(key) | Like(key) | In(key) | Between(key):
            check = make_test(tree, setting.now_ms)
            if key.kind == "datasets":
                return lambda run: any(check(fact) for fact in _dataset_facts(run, key.name))
            read = make_read(key, setting)
            return lambda run: (cell := read(run)) is not None and check(cell)
        case _:
            assert_never(tree)


def make_read(key: Key, setting: Setting) -> Read:
    """Return how to get the value of a key from a run, None where it has none."""
    name = key.name
    match key.kind:
        case "metrics":
            return _read_metric(key, setting)
        case "params":
            return lambda run: _read_param(run, name)
        case "tags" if name.startswith("mlflow."):
            return lambda run: system_tags(run).get(name, run.tags.get(name))
        case "tags":
            return lambda run: run.tags.get(name)
        case "code":
            fact = _CODE[name]
            return lambda run: fact(run.code or Code())
        case "datasets":
            return lambda run: ", ".join(facts) if (facts := _dataset_facts(run, name)) else None
        case "attributes":
            if name == "experiment":
                return lambda run: setting.experiments.get(run.experiment_id)
            return _ATTRIBUTES[name]


def _dataset_facts(run: Run, name: str) -> list[str]:
    """Return a fact of each dataset that a run read, without those that lack it, in the order of keys."""
    facts = [
        one.context if name == "context" else getattr(one.dataset, name)
        for _, one in sorted(run.datasets.items())
    ]
    return [fact for fact in facts if fact is not None]


def as_number(cell: Cell) -> int | float | None:
    """Return the number that a value is or reads as, None if it is none."""
    if isinstance(cell, str):
        return parse_number(cell)
    return None if isinstance(cell, bool) else clamp_number(cell)


def _is_child_of(parent: str) -> Match:
    begin = parent.lower()
    if len(parent) >= MIN_DIGITS and _DIGITS.fullmatch(parent):
        return lambda run: run.parent is not None and run.parent.startswith(begin)
    return lambda run: run.parent == parent


def _read_metric(key: Key, setting: Setting) -> Read:
    name, value, whole = key.name, key.value or "last", key.whole if key.or_whole else None

    def read(run: Run) -> float | None:
        if whole is not None and (itself := run.metrics.get(whole)) is not None:
            return itself.last
        summary = run.metrics.get(name)
        if summary is None:
            return None
        declared = setting.directions.get(run.experiment_id, {})
        return metric_value(name, summary, value, lower=declared.get(name))

    return read


def _read_param(run: Run, name: str) -> Cell | None:
    value = read_param(run, name)
    return value if value is None or isinstance(value, (str, int, float)) else format_param(value)


def make_test(tree: Leaf, now_ms: int) -> Test:
    """Return a test of the value that a key has, whatever the run."""
    key = tree.key
    match tree:
        case Comparison(_, operator, value):
            return _compare(key, operator, value, now_ms)
        case Like(_, operator, pattern, negated):
            fits = make_pattern(operator, pattern)
            return lambda cell: fits(format_param(cell)) != negated
        case In(_, values, negated):
            tests = [_compare(key, "!=" if negated else "=", value, now_ms) for value in values]
            if negated:
                return lambda cell: all(test(cell) for test in tests)
            return lambda cell: any(test(cell) for test in tests)
        case Between(_, low, high, False):
            from_low, to_high = _compare(key, ">=", low, now_ms), _compare(key, "<=", high, now_ms)
            return lambda cell: from_low(cell) and to_high(cell)
        case Between(_, low, high):
            below, above = _compare(key, "<", low, now_ms), _compare(key, ">", high, now_ms)
            return lambda cell: below(cell) or above(cell)


def make_pattern(operator: str, pattern: str) -> Callable[[str], bool]:
    """Return the test of a LIKE (``%`` any text, ``_`` any character), an ILIKE or an RLIKE."""
    if operator == "RLIKE":
        compiled = re.compile(pattern)
        return lambda text: compiled.search(text) is not None
    flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else 0)
    pieces = [
        re.compile("".join("." if one == "_" else re.escape(one) for one in piece), flags)
        for piece in pattern.split("%")
    ]
    if len(pieces) == 1:
        return lambda text: pieces[0].fullmatch(text) is not None
    first, *middle, last = pieces
    tail = len(pattern) - pattern.rindex("%") - 1

    def test(text: str) -> bool:
        # One regular expression with a `.*` for each % could take for ever; the leftmost place always does.
        begin = first.match(text)
        position = -1 if begin is None else begin.end()
        for piece in middle:
            found = piece.search(text, position) if position >= 0 else None
            position = -1 if found is None else found.end()
        return 0 <= position <= len(text) - tail and last.fullmatch(text, len(text) - tail) is not None

    return test


def _compare(key: Key, operator: str, value: Value, now_ms: int) -> Test:
    value = plain_value(key, value, now_ms)
    if isinstance(value, bool):
        wanted = str(value).lower()
        return lambda cell: (str(cell).lower() == wanted) == (operator == "=")
    if isinstance(value, str):
        return _compare_text(key, operator, value)
    number = value
    compare = _NUMBERS[operator]

    def test(cell: Cell) -> bool:
        found = as_number(cell)
        return operator == "!=" if found is None else compare(found, number)

    return test


def plain_value(key: Key, value: Value, now_ms: int) -> Cell:
    """Return what a value is compared as: times and ages are numbers."""
    if isinstance(value, str) and value_kind(key) == "time":
        return parse_time(value) or 0
    if isinstance(value, Age):
        return value.milliseconds / 1000 if value_kind(key) == "span" else now_ms + value.milliseconds
    return clamp_number(value) if isinstance(value, int) and not isinstance(value, bool) else value


def is_commit_begin(key: Key, value: str) -> bool:
    """Return whether a text stands for all commits or trees that begin so."""
    is_commit = key.kind == "code" and key.name in {"commit", "snapshot", "tree"}
    return is_commit and len(value) >= MIN_DIGITS and _DIGITS.fullmatch(value) is not None


def _compare_text(key: Key, operator: str, value: str) -> Test:
    if operator in {"=", "!="}:
        is_equal = operator == "="
        if (key.kind, key.name) == ("attributes", "status"):
            wanted = value.upper()
            return lambda cell: (cell == wanted) == is_equal
        if is_commit_begin(key, value):
            begin = value.lower()
            return lambda cell: str(cell).startswith(begin) == is_equal
        return lambda cell: (format_param(cell) == value) == is_equal
    compare = _TEXTS[operator]
    return lambda cell: compare(format_param(cell), value)


_NUMBERS: dict[str, Callable[[int | float, int | float], bool]] = {
    "=": lambda left, right: left == right or (left != left and right != right),  # noqa: PLR0124  (NaN)
    "!=": lambda left, right: left != right and (left == left or right == right),  # noqa: PLR0124
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
}
